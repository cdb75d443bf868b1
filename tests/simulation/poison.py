"""Odd objects that a bucket may hold: placeholders, strangers' files, junk under our own names.

None of them is ours, so none of them may be touched, and nobody may notice them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OWNERS = ("alice", "bob", "carol")
HUGE = "1e400"


@dataclass(frozen=True)
class Poison:
    """One odd object."""

    name: str
    body: bytes = b""
    metadata: dict = field(default_factory=dict)


def _job(number):
    """An id of a job that nobody made."""
    return f"vid_{number:027x}"


def _state(**changes):
    return {
        "stage": "running",
        "by": "0123456789abcdef",
        "since": "1780000000.0",
        "account": "first",
        "model": "wan2.2-kf2v-flash",
        "task_id": "0385dc79-5ff8-4d82-bcb6-000000000001",
        **changes,
    }


def _placeholders():
    folders = ("pending", "jobs", "gates", "outbox", "keys", "claims", "videos", "frames")
    return [
        Poison(name)
        for folder in folders
        for name in (f"{folder}/", f"{folder}/readme.txt", f"{folder}/alice/")
    ]


def _pending():
    owner = "pending/alice"
    return [
        Poison(f"{owner}/{_job(1)}.json", b"{}"),
        Poison(f"{owner}/{_job(2)}.json", b"{}", {"stage": "dreaming", "by": "x", "since": "1"}),
        Poison(f"{owner}/{_job(3)}.json", b"{}", _state(since=HUGE)),
        Poison(f"{owner}/{_job(4)}.json", b"{}", _state(stage="sending", until=HUGE)),
        Poison(f"{owner}/{_job(5)}.json", b"{}", _state(accepted_at="²")),
        Poison(f"{owner}/{_job(6)}.json", b"{}", _state(tries="9" * 5000)),
        Poison(f"pending/bob/{_job(7)}.json", b"\xff\xfe", {"stage": "unsure"}),
        Poison(f"pending/bob/{_job(8)}.txt", b"a note"),
        Poison("pending/bob/vid_short.json", b"{}", _state()),
        Poison(f"pending/{_job(9)}.json", b"{}", _state()),
        Poison(f"pending/bob/deeper/{_job(10)}.json", b"{}", _state()),
    ]


def _elsewhere():
    return [
        Poison("gates/nobody", b"junk", {"next_send": HUGE, "free": "²", "strikes": "9" * 5000}),
        Poison("gates/nobody.watch", b"", {"until": "nan"}),
        Poison(f"outbox/alice/{_job(11)}.json", b"not json"),
        Poison(f"outbox/bob/{_job(12)}.json", b"{}", {"next_at": HUGE, "number": "²"}),
        Poison("outbox/bob/vid_short.json", b"[]"),
        Poison(f"keys/alice/{'0' * 64}.json", b"[1, 2"),
        Poison("keys/alice/short.json", b"{}"),
        Poison("claims/first/", b""),
        Poison("claims/first/junk", b"junk"),
        Poison("claims/first/0385dc79-5ff8-4d82-bcb6-000000000009", b"", {"key": "x"}),
        Poison("claims/first/deeper/junk", b"", {"job": "²"}),
        Poison(f"jobs/alice/{_job(13)}.json", b"not json", {"status": "completed"}),
        Poison(f"jobs/alice/{_job(14)}.json", b"{}"),
        Poison(
            f"jobs/bob/{_job(15)}.json", b'{"verdict": 1e400}', {"accepted": HUGE, "tariff": "x"}
        ),
        Poison(f"jobs/bob/{_job(16)}.json", b"[" * 100_000, {"status": "dreaming"}),
        Poison("somewhere/else.txt", b"not ours at all"),
    ]


def poisons():
    """All of them."""
    return [*_placeholders(), *_pending(), *_elsewhere()]


NAMES = frozenset(one.name for one in poisons())


def put(bucket):
    """Put all of them into a bucket."""
    for one in poisons():
        blob = bucket.blob(one.name)
        blob.metadata = one.metadata
        blob.upload_from_string(one.body, content_type="application/octet-stream")


def seen(store, bucket):
    """Each as it lies in the emulator: content, metadata and versions; None for one that is gone."""
    objects = store.bucket(bucket).objects
    return {name: _versions(objects.get(name)) for name in sorted(NAMES)}


def _versions(stored):
    if stored is None:
        return None
    return stored.content.md5, dict(stored.metadata), stored.generation, stored.metageneration
