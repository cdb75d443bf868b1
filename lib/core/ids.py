"""Names of owners and jobs, and of the objects that stand for a job: one grammar for all.

What has no such name is no job of ours, whatever lies in it; nothing else may become part of an
object's name. Imports nothing of the service, so that the leaves (config, logs) can read it.
"""

from __future__ import annotations

import re

OWNER = re.compile(r"[A-Za-z0-9_-]{1,64}")
TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")  # of the upstream: UUIDs so far
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")

PREFIX = "vid_"
TIME_DIGITS, TOKEN_DIGITS = 11, 16
# An id as a pattern: milliseconds counted down, so that names sort newest first, then chance.
ID_PATTERN = f"{PREFIX}[0-9a-f]{{{TIME_DIGITS + TOKEN_DIGITS}}}"
_ID = re.compile(ID_PATTERN)
_SPAN_MS = (1 << 4 * TIME_DIGITS) - 1  # milliseconds since 1970 until the year 2527
_PARTS = 3  # of an object's name: folder, owner, file


def new_id(now: float, token: str) -> str:
    """An id that sorts newest first and tells nobody anything but when it was made.

    Args:
        now: Unix seconds.
        token: 16 random hex characters.
    """
    return f"{PREFIX}{_SPAN_MS - int(now * 1000):0{TIME_DIGITS}x}{token}"


def valid_id(text: str) -> bool:
    """Whether a text can be an id of ours."""
    return _ID.fullmatch(text) is not None


def made_at(job_id: str) -> float | None:
    """When an id was made, Unix seconds; None for a text that is none."""
    if not valid_id(job_id):
        return None
    digits = job_id.removeprefix(PREFIX)[:TIME_DIGITS]
    return (_SPAN_MS - int(digits, 16)) / 1000


def job_of(name: str, folder: str) -> tuple[str, str] | None:
    """Owner and id in a name of the form `<folder>/<owner>/<id>.json`; None for any other.

    Args:
        name: of an object.
        folder: `pending`, `jobs` or `outbox`.
    """
    parts = name.split("/")
    if len(parts) != _PARTS or parts[0] != folder or not parts[2].endswith(".json"):
        return None
    owner, job_id = parts[1], parts[2].removesuffix(".json")
    return (owner, job_id) if OWNER.fullmatch(owner) and valid_id(job_id) else None
