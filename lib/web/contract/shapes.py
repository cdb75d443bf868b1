"""What answers look like, as pydantic models: the contract's schemas come from here.

Nothing is built with them when a request is answered, so that no start pays for them; a test holds
real answers against them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lib.core.errors import TABLE
from lib.core.ids import ID_PATTERN
from lib.core.jobs.job import Stage, Status

VIDEO_ID = f"^{ID_PATTERN}$"
Unix = Annotated[int, Field(ge=0, description="Unix seconds")]
Id = Annotated[str, Field(pattern=VIDEO_ID)]
Size = Annotated[str, Field(pattern=r"^\d+x\d+$", description="width x height, pixels")]


def schema_name(shape: type) -> str:
    """What the contract calls a shape: the name of its class without its last word."""
    return shape.__name__.removesuffix("Shape")


class Shape(BaseModel):
    """Any answer: every member is named here."""

    model_config = ConfigDict(extra="forbid", model_title_generator=schema_name)


class JobErrorShape(Shape):
    """Why a job did not complete."""

    code: Annotated[str, Field(description="a code of the error table")]
    message: str
    type: Literal["job_error"]
    param: str | None
    retryable: bool
    upstream_code: Annotated[str | None, Field(description="DashScope's own code")]


class UpstreamShape(Shape):
    """Where the job runs."""

    task_id: str | None
    request_id: str | None
    region: Literal["singapore", "beijing"]


class UsageShape(Shape):
    """What was used and paid, as far as the upstream reports it."""

    model_config = ConfigDict(extra="allow")

    paid: Annotated[bool | None, Field(description="null: nobody knows yet, or nobody can")]


class VideoShape(Shape):
    """A job and, when it is completed, its film."""

    id: Id
    object: Literal["video"]
    model: str
    status: Annotated[
        Status,
        Field(description="queued and in_progress go on; every other word is final"),
    ]
    stage: Annotated[str, Field(json_schema_extra={"enum": [*Stage, "done"]})]
    progress: Annotated[int, Field(ge=0, le=100)]
    created_at: Unix
    started_at: Unix | None
    completed_at: Unix | None
    ended_at: Unix | None
    expires_at: Annotated[Unix | None, Field(description="null: kept until it is deleted")]
    prompt: str | None
    seconds: Literal["5"]
    size: Size
    resolution: Literal["480P", "720P", "1080P"]
    url: Annotated[str | None, Field(description="a signed link to the film, once it is completed")]
    url_expires_at: Annotated[Unix | None, Field(description="ask again for a link that lives on")]
    warnings: list[str]
    error: JobErrorShape | None
    waiting_for: Annotated[
        str | None, Field(description="why a job waits: a code, null if it goes on")
    ]
    usage: UsageShape
    metadata: dict[str, str]
    upstream: UpstreamShape


class VideoListShape(Shape):
    """One page of the list."""

    object: Literal["list"]
    data: list[VideoShape]
    first_id: Id | None
    last_id: Annotated[Id | None, Field(description="send it as `after` for the next page")]
    has_more: bool


class DeletedShape(Shape):
    """What is left of a deleted job."""

    id: Id
    object: Literal["video.deleted"]
    deleted: Literal[True]


class PriceShape(Shape):
    """Of one film, as the upstream's public page states it."""

    amount: Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class SeenFrameShape(Shape):
    """A frame as it was judged."""

    type: str
    size: Size
    bytes: Annotated[int, Field(ge=1)]


class ValidationShape(Shape):
    """What a request would lead to; nothing was done."""

    object: Literal["video.validation"]
    valid: Literal[True]
    model: str
    region: str
    resolution: str
    seconds: Literal["5"]
    size: Size
    price: Annotated[PriceShape | None, Field(description="null where no public page states it")]
    typical_seconds: Annotated[float, Field(ge=0)]
    frames: list[SeenFrameShape]
    warnings: list[str]


class UploadOrderShape(Shape):
    """A file that is to come."""

    content_type: Literal[
        "image/jpeg", "image/jpg", "image/png", "image/bmp", "image/x-ms-bmp", "image/webp"
    ]
    size_bytes: Annotated[int, Field(ge=1, le=10485760)] | None = None


class UploadShape(Shape):
    """Where to put a frame."""

    id: str
    object: Literal["upload"]
    method: Literal["PUT"]
    url: str
    headers: Annotated[dict[str, str], Field(description="send exactly these with the file")]
    frame: Annotated[str, Field(description="the name for first_frame or last_frame")]
    max_bytes: int
    created_at: Unix
    expires_at: Unix
    usable_until: Unix


class ResolutionShape(Shape):
    """A tier that a model renders."""

    name: str
    max_pixels: int
    typical_seconds: float
    price_per_video: PriceShape | None


class ModelShape(Shape):
    """A model of a configured region."""

    id: str
    object: Literal["model"]
    owned_by: str
    region: str
    seconds: int
    fps: int
    resolutions: list[ResolutionShape]


class ModelListShape(Shape):
    """What can be asked for here."""

    object: Literal["list"]
    data: list[ModelShape]


class DeliveryShape(Shape):
    """One try to deliver a webhook."""

    id: str
    object: Literal["webhook_delivery"]
    attempt: Annotated[int, Field(ge=1)]
    at: Annotated[float, Field(ge=0, description="Unix seconds")]
    status: Annotated[int | None, Field(description="what the receiver answered")]
    outcome: str


class DeliveryListShape(Shape):
    """What became of a job's webhook, oldest try first."""

    object: Literal["list"]
    webhook_id: str
    state: str
    next_try_at: Unix | None
    data: list[DeliveryShape]
    has_more: bool


class RetryShape(Shape):
    """What a retry may say."""

    accept_double_payment: Annotated[
        bool, Field(description="the owner knows that the old job's task may be billed")
    ] = False


class HealthShape(Shape):
    """A word."""

    status: Literal["ok", "ready"]


class ErrorMemberShape(Shape):
    """The error as SDKs read it."""

    code: Annotated[str, Field(json_schema_extra={"enum": [*TABLE]})]
    message: str
    type: str
    param: Annotated[str | None, Field(description="the field at fault")]
    retryable: Annotated[bool, Field(description="whether the same request may succeed later")]
    upstream_code: str | None
    request_id: str


class ProblemShape(Shape):
    """A refusal: RFC 9457 problem details with an `error` member."""

    type: str
    title: str
    status: int
    detail: Annotated[str, Field(description="which field, what was got, what is allowed")]
    instance: str
    error: ErrorMemberShape
