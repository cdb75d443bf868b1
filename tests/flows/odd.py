"""Objects put straight into the bucket, past the service: what an operator, an older or a newer revision leaves."""

import json

from lib.emulator.storage.model.conditions import Conditions
from tests.world import BUCKET

ID = "vid_" + "1" * 27


def put(world, name, body=b"", metadata=None):
    """An object as somebody else wrote it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    world.storage.store.put(BUCKET, name, content, {"metadata": metadata or {}}, Conditions({}))


def look(world, name):
    """Everything that a write would change."""
    stored = world.storage.store.buckets[BUCKET].objects.get(name)
    if stored is None:
        return None
    return stored.generation, stored.metageneration, dict(stored.metadata), stored.content.read()


def events(text, name):
    """The log lines of one event."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == name]


def read(world, name):
    """A stored body."""
    return json.loads(world.bucket.blob(name).download_as_bytes())


def pending(number, owner="local", *, created_at, stage="queued", webhook=None, **state):
    """Name, body and metadata of a live job as this revision writes it."""
    job_id = f"vid_{number:027x}"
    frame = {
        "object": f"frames/{owner}/{job_id}/a.png",
        "mime": "image/png",
        "width": 640,
        "height": 480,
        "bytes": 100,
    }
    body = {
        "schema": 1,
        "id": job_id,
        "owner": owner,
        "created_at": created_at,
        "account": "singapore",
        "region": "singapore",
        "request": {
            "model": "wan2.2-kf2v-flash",
            "resolution": "720P",
            "seconds": 5,
            "prompt": "rain",
            "webhook_url": webhook,
        },
        "first": frame,
        "last": frame,
        "size": [640, 480],
        "warnings": [],
        "fingerprint": "f" * 64,
        "key": None,
    }
    card = {
        "stage": stage,
        "by": "a" * 16,
        "since": repr(created_at),
        "account": "singapore",
        "region": "singapore",
        "model": "wan2.2-kf2v-flash",
        "eta_s": "200.0",
        "schema": "1",
        **state,
    }
    return f"pending/{owner}/{job_id}.json", body, card
