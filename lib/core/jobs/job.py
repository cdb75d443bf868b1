"""A job: the intent that never changes, the state that moves, the verdict that is final.

The intent is the body of `pending/<owner>/<id>.json`, the state its custom metadata, the verdict
the body of `jobs/<owner>/<id>.json`. Everything here is a value or a pure function; who writes
what, and under which condition, is the business of `adapters.state.jobs` and the flows.
"""

from __future__ import annotations

from dataclasses import dataclass

from lib.core.jobs.intent import FrameRef, Intent, PlainRequest
from lib.core.jobs.stages import (
    ENDINGS,
    STATUS_OF,
    TRANSITIONS,
    IllegalTransition,
    Stage,
    Status,
    check_ending,
)
from lib.core.jobs.state import State
from lib.core.jobs.verdict import Failure, StoredVideo, Verdict

__all__ = [
    "ENDINGS",
    "STATUS_OF",
    "TRANSITIONS",
    "Failure",
    "FrameRef",
    "IllegalTransition",
    "Intent",
    "Job",
    "PlainRequest",
    "Stage",
    "State",
    "Status",
    "StoredVideo",
    "Verdict",
    "check_ending",
]


@dataclass(frozen=True)
class Job:
    """What a reader sees: the intent with either its state or its verdict."""

    intent: Intent
    state: State | None = None
    verdict: Verdict | None = None

    @property
    def status(self) -> Status:
        """The caller's word for where it stands."""
        if self.verdict:
            return self.verdict.status
        return STATUS_OF[self.state.stage] if self.state else Status.QUEUED

    @property
    def stage(self) -> str:
        """The finer word: a live stage, or `done`."""
        return "done" if self.verdict or not self.state else str(self.state.stage)
