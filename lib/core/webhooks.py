"""What a webhook says and how it is signed: Standard Webhooks, with a thin payload.

A payload names the job and how it ended; whoever wants more asks the API with their own key. No
prompt, no link and no frame ever stands in it. Source: Standard Webhooks specification
(https://github.com/standard-webhooks/standard-webhooks), "Webhook Headers", "Signature scheme",
"Retry schedule".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lib.core import ids
from lib.core.outside.documents import document
from lib.core.outside.numbers import whole
from lib.core.outside.records import MOMENT_AT_MOST, NotReadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lib.core.jobs.job import Job

PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)  # "Signature scheme": 24 to 64 bytes, random
SECRETS_AT_MOST = 2
# Seconds from one try to the next; the last try is about a day after the first.
PAUSES_S = (60.0, 300.0, 1800.0, 7200.0, 18000.0, 28800.0, 28800.0)
TRIES = len(PAUSES_S) + 1
RETRY_AFTER_AT_MOST_S = 24 * 3600.0
GONE = 410
SUCCESS, REDIRECTION = range(200, 300), range(300, 400)
LOG_AT_MOST = 20
# refused: a status that is none of the others; redirected: 3xx, which is not followed; no_answer:
# nothing usable within the time; interrupted: our process died; no_secret: the owner has none now.
OUTCOMES = (
    "delivered",
    "gone",
    "redirected",
    "refused",
    "no_answer",
    "interrupted",
    "no_secret",
)
FINAL = frozenset({"delivered", "gone"})  # nothing is sent after these
AGENT = "inbetween-webhooks/1"


class BadSecret(ValueError):
    """Not a secret of the standard's form; the message never repeats it."""


@dataclass(frozen=True)
class Secret:
    """A signing secret.

    Attributes:
        key: its bytes.
    """

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: object) -> Secret:
        """The secret in a text such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.

        Raises:
            BadSecret: it has another form or length.
        """
        allowed = f"{PREFIX} and base64 of {SECRET_BYTES.start} to {SECRET_BYTES.stop - 1} bytes"
        if not isinstance(text, str) or not text.startswith(PREFIX):
            raise BadSecret(f"a secret must be {allowed}")
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise BadSecret(f"a secret must be {allowed}") from None
        if len(key) not in SECRET_BYTES:
            raise BadSecret(f"a secret holds {len(key)} bytes; it must be {allowed}")
        return cls(key)


def message_id(job_id: str) -> str:
    """The webhook-id of a job's ending: the same from whoever writes it, however often.

    Args:
        job_id: `vid_...`; an id holds no full stop, which the signature's parts are joined with.
    """
    return f"msg_{job_id.removeprefix(ids.PREFIX)}"


def payload(job: Job) -> bytes:
    """What is sent when a job has ended, byte for byte the same at every try.

    Type, timestamp and data as the standard recommends; id, object and created_at are what
    openai-python's `webhooks.unwrap` reads besides.

    Args:
        job: with its verdict.

    Raises:
        ValueError: it has none.
    """
    if job.verdict is None:
        raise ValueError("a job that has not ended has nothing to announce")
    ended = job.verdict.ended_at
    at = datetime.fromtimestamp(int(ended), UTC).isoformat().replace("+00:00", "Z")
    event = {
        "id": message_id(job.intent.id),
        "object": "event",
        "created_at": int(ended),
        "type": f"video.{job.verdict.status}",
        "timestamp": at,
        "data": {"id": job.intent.id, "object": "video", "status": str(job.verdict.status)},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def headers(message: str, body: bytes, secrets: Sequence[Secret], now: float) -> dict[str, str]:
    """The headers of one try.

    Args:
        message: the webhook-id.
        body: as it goes over the wire.
        secrets: newest first; each signs, so that a receiver may know either while they rotate.
        now: when this try is made, Unix seconds; receivers refuse what is minutes old.
    """
    timestamp = str(int(now))
    signed = b".".join((message.encode(), timestamp.encode(), body))
    digests = (hmac.digest(secret.key, signed, hashlib.sha256) for secret in secrets)
    return {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(digest).decode()}" for digest in digests
        ),
    }


def pause_s(tries: int, asked_s: float = 0.0) -> float | None:
    """How long to wait after a try that failed, seconds; None when it was the last.

    Args:
        tries: made so far in this round, at least one.
        asked_s: what the receiver's Retry-After asks for; it counts when it is longer.
    """
    if tries >= TRIES:
        return None
    return max(PAUSES_S[tries - 1], min(asked_s, RETRY_AFTER_AT_MOST_S))


@dataclass(frozen=True)
class Try:
    """One try to deliver a webhook.

    Attributes:
        number: from 1, counted on through redeliveries.
        at: when it began, Unix seconds.
        status: what the receiver answered; 0 when nothing usable came.
        outcome: one of `OUTCOMES`.
    """

    number: int
    at: int
    status: int
    outcome: str


def write_log(log: Sequence[Try]) -> str:
    """A log as a text that fits an object's metadata: ASCII, the last tries only."""
    rows = [[one.number, one.at, one.status, one.outcome] for one in log[-LOG_AT_MOST:]]
    return json.dumps(rows, separators=(",", ":"))


def read_log(text: str | None) -> tuple[Try, ...]:
    """The log that `write_log` wrote; empty for none. What a newer version adds is ignored.

    Raises:
        NotReadable: it is none.
    """
    if not text:
        return ()
    try:
        return tuple(_try(row) for row in document(text))
    except (ValueError, TypeError):
        raise NotReadable("the log of a webhook is none") from None


def _try(row: object) -> Try:
    if not isinstance(row, list) or len(row) < len(fields(Try)) or not isinstance(row[3], str):
        raise TypeError
    number, at, status = (whole(value, 0, int(MOMENT_AT_MOST)) for value in row[:3])
    if number is None or at is None or status is None:
        raise ValueError
    return Try(number, at, status, row[3])


def outcome(status: int) -> str:
    """What a receiver's status means: only 2xx is delivered, only 410 ends it at once."""
    if status in SUCCESS:
        return "delivered"
    if status in REDIRECTION:
        return "redirected"
    return "gone" if status == GONE else "refused"
