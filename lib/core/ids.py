"""Names of owners and jobs, and of the objects that stand for a job: one grammar for all.

What has no such name is no job of ours, whatever lies in it; nothing else may become part of an
object's name.
"""

from __future__ import annotations

import re

OWNER = re.compile(r"[A-Za-z0-9_-]{1,64}")
ID = re.compile(r"vid_[0-9A-Za-z]{27}")
TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")  # of the upstream: UUIDs so far
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def valid_id(text: str) -> bool:
    """Whether a text can be an id of ours."""
    return ID.fullmatch(text) is not None


def job_of(name: str, folder: str) -> tuple[str, str] | None:
    """Owner and id in a name of the form `<folder>/<owner>/<id>.json`; None for any other.

    Args:
        name: of an object.
        folder: `pending`, `jobs` or `outbox`.
    """
    parts = name.split("/")
    if len(parts) != 3 or parts[0] != folder or not parts[2].endswith(".json"):  # noqa: PLR2004 - folder, owner, file
        return None
    owner, job_id = parts[1], parts[2].removesuffix(".json")
    return (owner, job_id) if OWNER.fullmatch(owner) and valid_id(job_id) else None
