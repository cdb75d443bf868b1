"""How a job ended: the verdict, written once, with its failure or its film.

Knows how a verdict is stored as a part of `jobs/<owner>/<id>.json`. Refuses one whose fields are
odd, and a status that only a newer revision knows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from lib.core.errors import kind_named
from lib.core.jobs.stages import Status
from lib.core.outside import bounded
from lib.core.outside.records import WHOLE_AT_MOST, Fields, NotReadable

if TYPE_CHECKING:
    from lib.core.errors import Kind


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
class StoredVideo:
    """The verified film as it lies in the bucket; None for what an older record does not say.

    Attributes:
        object: its name.
        generation: of the object.
        bytes: its length.
        crc32c: base64, as the bucket computed it over what it stores.
        duration_s: seconds, as the container says.
        width: pixels.
        height: pixels.
    """

    object: str
    generation: int | None = None
    bytes: int | None = None
    crc32c: str | None = None
    duration_s: float | None = None
    width: int | None = None
    height: int | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dict, as a part of its verdict."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """The film that was stored as a part of its verdict.

        Raises:
            NotReadable: a field is missing or odd.
        """
        read = Fields(data, "the video")
        return cls(
            object=read.text("object"),
            generation=read.whole_or_none("generation", high=WHOLE_AT_MOST),
            bytes=read.whole_or_none("bytes", high=WHOLE_AT_MOST),
            crc32c=read.text_or_none("crc32c"),
            duration_s=read.number("duration_s") if read.given("duration_s") else None,
            width=read.whole_or_none("width", high=WHOLE_AT_MOST),
            height=read.whole_or_none("height", high=WHOLE_AT_MOST),
        )


@dataclass(frozen=True)
class Verdict:
    """The end of a job; written once.

    Attributes:
        status: a terminal status.
        ended_at: when we wrote it, Unix seconds.
        failure: why, unless completed.
        video: the film when completed.
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
    video: StoredVideo | None = None
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
        video = self.video.to_json() if self.video else None
        return {**asdict(replace(self, failure=None)), "failure": failure, "video": video}

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
        return cls(
            status=status,
            ended_at=read.number("ended_at"),
            failure=Failure.from_json(read.table("failure")) if read.given("failure") else None,
            video=StoredVideo.from_json(read.table("video")) if read.given("video") else None,
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
