"""Where a job stands: the custom metadata of its pending object, which every step patches.

Knows how a state is written and read, and which steps lead from it. Refuses a state that no writer
of ours wrote: what is missing would be guessed at, and paid for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from lib.core.ids import TASK
from lib.core.jobs.stages import TRANSITIONS, IllegalTransition, Stage
from lib.core.outside.records import SHORT_AT_MOST, Fields, NotReadable

if TYPE_CHECKING:
    from collections.abc import Mapping


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
            by=read.text("by", at_most=SHORT_AT_MOST),
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
