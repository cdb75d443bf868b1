"""A job: the intent that never changes, the state that moves, the verdict that is final.

The intent is the body of `pending/<owner>/<id>.json`, the state its custom metadata, the verdict
the body of `jobs/<owner>/<id>.json`. Everything here is a value or a pure function; who writes
what, and under which condition, is the business of `adapters.jobs` and the flows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.core.errors import ApiError


class Stage(StrEnum):
    """Where a live job stands."""

    QUEUED = "queued"
    SENDING = "sending"
    UNSURE = "unsure"
    RUNNING = "running"
    COPYING = "copying"
    CANCELLED = "cancelled"
    # Not a stage of life: a slip that says what an interrupted DELETE still has to clear away.
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
    # The owner's word is final as soon as the conditional patch won; the verdict follows.
    Stage.CANCELLED: Status.CANCELLED,
    # Never shown: the record under jobs/ is there before the slip and wins.
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


class IllegalTransition(Exception):  # noqa: N818 - a defect of ours, named for what happened
    """A stage change that the table does not know."""


@dataclass(frozen=True)
class FrameRef:
    """A checked frame as it lies in the bucket."""

    object: str
    mime: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True)
class Intent:
    """What the owner asked for, with everything that was decided when it was accepted.

    Attributes:
        id: sorts newest first in a listing.
        owner: whose it is.
        created_at: Unix seconds.
        account: the upstream account it is pinned to for life.
        region: that account's region.
        request: the request's plain fields (model, prompt, resolution, ...), without frames.
        first: the first frame.
        last: the last frame; None with a template.
        size: width and height of the video to come.
        warnings: what the owner should know, as sentences.
        fingerprint: SHA-256 over owner and parsed request.
        key: the SHA-256 name of the Idempotency-Key, None without one.
    """

    id: str
    owner: str
    created_at: float
    account: str
    region: str
    request: dict[str, Any]
    first: FrameRef
    last: FrameRef | None
    size: tuple[int, int]
    warnings: tuple[str, ...] = ()
    fingerprint: str = ""
    key: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dict for the bucket."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The intent that `to_json` wrote; unknown keys of a newer version are ignored."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["first"] = FrameRef(**data["first"])
        known["last"] = FrameRef(**data["last"]) if data.get("last") else None
        known["size"] = tuple(data["size"])
        known["warnings"] = tuple(data.get("warnings", ()))
        return cls(**known)


@dataclass(frozen=True)
class State:
    """Where the job stands: the custom metadata of its pending object, all ASCII.

    Attributes:
        stage: see `Stage`.
        by: a fresh token of every write: it names the holder of a lease and tells our own write
            whose answer was lost from somebody else's.
        since: when this stage began, Unix seconds.
        until: when the lease of `sending` or `copying` ends, Unix seconds.
        account: the upstream account.
        region: where it was sent last; tasks do not cross regions.
        key: the id of the API key that it was sent with (never the key).
        model: the upstream model, for reconciling without reading bodies.
        task_id: the upstream task, from `running` on.
        upstream_request_id: the request id of the accepted create.
        adopted: the task was found by reconciliation, not told by a create's answer.
        accepted_at: when the upstream task became known to us, Unix seconds.
        tries: how many sends or copies failed so far.
        reason: an error code that says why the job waits; empty when nothing is wrong.
        eta_s: how long the model usually takes from accepted to ended, seconds.
        ended_at: when the upstream said that the task had succeeded, Unix seconds; 0 before that.
        bad_copies: how often all of the film came and was none that can be kept.
    """

    stage: Stage
    by: str
    since: float
    until: float = 0.0
    account: str = ""
    region: str = ""
    key: str = ""
    model: str = ""
    task_id: str = ""
    upstream_request_id: str = ""
    adopted: bool = False
    accepted_at: float = 0.0
    tries: int = 0
    reason: str = ""
    eta_s: float = 0.0
    ended_at: float = 0.0
    bad_copies: int = 0

    def to(self, stage: Stage, *, by: str, now: float, **changes: Any) -> Self:
        """The state after a legal change of stage.

        Args:
            stage: the next stage.
            by: a fresh token.
            now: Unix seconds; becomes `since`.
            changes: further fields; an `unsure` keeps `since` and `until` of its `sending`, since
                they bound when the lost task can have been made.

        Raises:
            IllegalTransition: when the table does not know the step.
        """
        if stage not in TRANSITIONS[self.stage]:
            raise IllegalTransition(f"{self.stage} -> {stage}")
        return replace(self, **{"stage": stage, "by": by, "since": now, "until": 0.0, **changes})

    def to_metadata(self) -> dict[str, str | None]:
        """Custom metadata; a field at its default is None, which deletes it from the object."""
        fields = self.__dataclass_fields__
        values: dict[str, str | None] = {}
        for name, value in vars(self).items():
            plain = fields[name].default
            values[name] = None if value == plain else _text(value)
        return values

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """The state that `to_metadata` wrote; unknown keys are ignored."""
        return cls(
            stage=Stage(metadata["stage"]),
            by=metadata["by"],
            since=float(metadata["since"]),
            until=float(metadata.get("until", 0)),
            account=metadata.get("account", ""),
            region=metadata.get("region", ""),
            key=metadata.get("key", ""),
            model=metadata.get("model", ""),
            task_id=metadata.get("task_id", ""),
            upstream_request_id=metadata.get("upstream_request_id", ""),
            adopted=metadata.get("adopted") == "True",
            accepted_at=float(metadata.get("accepted_at", 0)),
            tries=int(metadata.get("tries", 0)),
            reason=metadata.get("reason", ""),
            eta_s=float(metadata.get("eta_s", 0)),
            ended_at=float(metadata.get("ended_at", 0)),
            bad_copies=int(metadata.get("bad_copies", 0)),
        )


def _text(value: object) -> str:
    # repr keeps every digit of a float, so that a state survives the bucket unchanged.
    return repr(value) if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Failure:
    """Why a job did not complete, as stored and shown."""

    code: str
    message: str
    retryable: bool
    param: str | None = None
    upstream_code: str | None = None

    @classmethod
    def of(cls, error: ApiError) -> Self:
        """The stored form of an error."""
        kind = error.kind
        return cls(kind.code, error.message, kind.retryable, error.param, error.upstream_code)


@dataclass(frozen=True)
class Verdict:
    """The end of a job; written once.

    Attributes:
        status: a terminal status.
        ended_at: when we wrote it, Unix seconds.
        failure: why, unless completed.
        video: `object`, `bytes`, `crc32c`, `duration_s`, `width`, `height` when completed.
        task_id: the upstream task, empty when none is known.
        upstream_request_id: of the accepted create.
        usage: what the upstream reported.
        paid: True when the upstream bills it, False when it does not, None when nobody can know.
        times: upstream's `submitted`, `started`, `ended`, Unix seconds, as far as known.
        candidates: task ids that might be ours, for `submit_unknown`.
        actual_prompt: what the upstream made of the prompt; None when it did not rewrite it.
        warnings: what the owner should know about the film, as sentences.
    """

    status: Status
    ended_at: float
    failure: Failure | None = None
    video: dict[str, Any] | None = None
    task_id: str = ""
    upstream_request_id: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    paid: bool | None = False
    times: dict[str, float] = field(default_factory=dict)
    candidates: tuple[str, ...] = ()
    actual_prompt: str | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A plain dict for the bucket."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The verdict that `to_json` wrote; unknown keys are ignored."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["status"] = Status(data["status"])
        known["failure"] = Failure(**data["failure"]) if data.get("failure") else None
        known["candidates"] = tuple(data.get("candidates", ()))
        known["warnings"] = tuple(data.get("warnings", ()))
        return cls(**known)


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


def check_ending(stage: Stage, status: Status) -> None:
    """Refuse a verdict that the table does not know.

    Raises:
        IllegalTransition: when `stage` cannot end as `status`.
    """
    if status not in ENDINGS[stage]:
        raise IllegalTransition(f"{stage} -> {status}")
