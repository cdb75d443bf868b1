"""Where a job can stand, and which steps and endings there are: the tables of the protocol.

What is not listed cannot be written. Stages and statuses only grow: an older revision leaves alone
what it does not know.
"""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where a live job stands."""

    QUEUED = "queued"
    SENDING = "sending"
    UNSURE = "unsure"
    RUNNING = "running"
    COPYING = "copying"
    CANCELLED = "cancelled"
    # No stage of a job: a marker that says what an interrupted DELETE still has to clear away.
    DELETING = "deleting"


class Status(StrEnum):
    """What a caller sees; no further non-terminal word, since clients' poll loops return on it."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def terminal(self) -> bool:
        """Whether nothing changes any more."""
        return self not in {Status.QUEUED, Status.IN_PROGRESS}


STATUS_OF = {
    Stage.QUEUED: Status.QUEUED,
    Stage.SENDING: Status.QUEUED,
    Stage.UNSURE: Status.QUEUED,
    Stage.RUNNING: Status.IN_PROGRESS,
    Stage.COPYING: Status.IN_PROGRESS,
    # The owner's cancel is final as soon as the conditional patch won; the verdict follows.
    Stage.CANCELLED: Status.CANCELLED,
    # Never shown: the record under jobs/ is there before the marker and wins.
    Stage.DELETING: Status.CANCELLED,
}

# From a stage to the stages that may follow it; a stage may also renew itself (a new lease).
TRANSITIONS: dict[Stage, frozenset[Stage]] = {
    Stage.QUEUED: frozenset({Stage.QUEUED, Stage.SENDING, Stage.CANCELLED}),
    Stage.SENDING: frozenset({Stage.RUNNING, Stage.QUEUED, Stage.UNSURE}),
    Stage.UNSURE: frozenset({Stage.UNSURE, Stage.RUNNING, Stage.QUEUED}),
    Stage.RUNNING: frozenset({Stage.RUNNING, Stage.COPYING}),
    Stage.COPYING: frozenset({Stage.COPYING, Stage.RUNNING}),
    Stage.CANCELLED: frozenset(),
    Stage.DELETING: frozenset({Stage.DELETING}),
}

# From a stage to the verdicts that may end it.
ENDINGS: dict[Stage, frozenset[Status]] = {
    Stage.QUEUED: frozenset(),
    # expired: never sent within the deadline; whoever says so holds the lease of the send
    Stage.SENDING: frozenset({Status.EXPIRED, Status.FAILED}),
    Stage.UNSURE: frozenset({Status.FAILED}),
    Stage.RUNNING: frozenset({Status.FAILED, Status.CANCELLED}),
    Stage.COPYING: frozenset({Status.COMPLETED, Status.FAILED, Status.EXPIRED}),
    Stage.CANCELLED: frozenset({Status.CANCELLED}),
    Stage.DELETING: frozenset(),
}


class IllegalTransition(Exception):
    """A stage change that the table does not know."""


def check_ending(stage: Stage, status: Status) -> None:
    """Refuse a verdict that the table does not know.

    Raises:
        IllegalTransition: when `stage` cannot end as `status`.
    """
    if status not in ENDINGS[stage]:
        raise IllegalTransition(f"{stage} -> {status}")
