"""A job: the intent that never changes, the state that moves, the verdict that is final.

The intent is the body of `pending/<owner>/<id>.json`, the state its custom metadata, the verdict
the body of `jobs/<owner>/<id>.json`. Everything here is a value or a pure function; who writes
what, and under which condition, is the business of `adapters.jobs` and the flows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from lib.core.errors import kind_named
from lib.core.ids import TASK
from lib.core.jobs.intent import FrameRef, Intent
from lib.core.jobs.stages import (
    ENDINGS,
    STATUS_OF,
    TRANSITIONS,
    IllegalTransition,
    Stage,
    Status,
    check_ending,
)
from lib.core.outside import bounded
from lib.core.outside.records import TEXT_AT_MOST, Fields, NotReadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.core.errors import Kind

__all__ = [
    "ENDINGS",
    "STATUS_OF",
    "TRANSITIONS",
    "Failure",
    "FrameRef",
    "IllegalTransition",
    "Intent",
    "Job",
    "Stage",
    "State",
    "Status",
    "Verdict",
    "check_ending",
]


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
        """The state that `to_metadata` wrote; unknown keys are ignored.

        Raises:
            NotReadable: a field is missing or odd, or the stage is one of a newer version.
        """
        read = Fields(metadata, "the state")
        try:
            stage = Stage(read.text("stage"))
        except ValueError:
            raise NotReadable("the stage is none that this revision knows") from None
        state = cls(
            stage=stage,
            by=read.text("by", at_most=TEXT_AT_MOST),
            since=read.number("since"),
            until=read.number("until", 0.0),
            account=read.text("account", ""),
            region=read.text("region", ""),
            key=read.text("key", ""),
            model=read.text("model", ""),
            task_id=read.matching("task_id", TASK),
            upstream_request_id=read.text("upstream_request_id", ""),
            adopted=read.text("adopted", "") == "True",
            accepted_at=read.number("accepted_at", 0.0),
            tries=read.whole("tries", 0),
            reason=read.text("reason", ""),
            eta_s=read.number("eta_s", 0.0),
            ended_at=read.number("ended_at", 0.0),
            bad_copies=read.whole("bad_copies", 0),
        )
        state.check()
        return state

    def check(self) -> None:
        """Refuse a state that no writer wrote: what is missing would be guessed, and paid for.

        Raises:
            NotReadable: a field that the stage cannot do without is missing.
        """
        if self.stage in {Stage.SENDING, Stage.UNSURE, Stage.COPYING} and self.until < self.since:
            raise NotReadable(f"a {self.stage} job without the end of its lease")
        if self.stage in {Stage.SENDING, Stage.UNSURE} and not self.model:
            raise NotReadable(f"a {self.stage} job without its model")
        if self.stage in {Stage.RUNNING, Stage.COPYING} and not (self.task_id and self.accepted_at):
            raise NotReadable(f"a {self.stage} job without its task")


def _text(value: object) -> str:
    # repr keeps every digit of a float, so that a state survives the bucket unchanged.
    return repr(value) if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Failure:
    """Why a job did not complete, as stored and shown.

    Attributes:
        kind: the row of the error table.
        message: one sentence for the owner.
        retryable: whether the same request, sent as a new job, may succeed.
        param: the request field at fault, None when it is none.
        upstream_code: DashScope's own code when the failure comes from there.
    """

    kind: Kind
    message: str
    retryable: bool
    param: str | None = None
    upstream_code: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dict, as a part of its verdict."""
        return {
            "code": self.kind.code,
            "message": self.message,
            "retryable": self.retryable,
            "param": self.param,
            "upstream_code": self.upstream_code,
        }

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The failure that was stored as a part of its verdict.

        Raises:
            NotReadable: a field is missing or odd.
        """
        read = Fields(data, "the failure")
        return cls(
            kind_named(read.text("code")),
            read.text("message"),
            read.flag("retryable", default=False),
            read.text_or_none("param"),
            read.text_or_none("upstream_code"),
        )


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
        failure = self.failure.to_json() if self.failure else None
        return {**asdict(replace(self, failure=None)), "failure": failure}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The verdict that `to_json` wrote; unknown keys are ignored.

        Raises:
            NotReadable: a field is missing or odd, or the status is one of a newer version.
        """
        read = Fields(data, "the verdict")
        try:
            status = Status(read.text("status"))
        except ValueError:
            raise NotReadable("the status is none that this revision knows") from None
        if read.given("video"):
            Fields(read.table("video"), "the video").text("object")
        return cls(
            status=status,
            ended_at=read.number("ended_at"),
            failure=Failure.from_json(read.table("failure")) if read.given("failure") else None,
            video=read.table("video") if read.given("video") else None,
            task_id=read.text("task_id", ""),
            upstream_request_id=read.text("upstream_request_id", ""),
            # The upstream's own words, for showing only: odd ones hide no verdict.
            usage=bounded.members(read.anything("usage")),
            paid=read.flag_or_none("paid", default=False),
            times=read.moments("times"),
            candidates=read.texts("candidates"),
            actual_prompt=read.text_or_none("actual_prompt"),
            warnings=read.texts("warnings"),
        )


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
