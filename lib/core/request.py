"""What a caller asks for, parsed and in bounds: the one request model of all dialects.

Refuses with a sentence for its reader: the field, what was got, what is allowed. Never repeats a
prompt, a link or a picture, because refusals travel further than requests. Bounds: Alibaba Cloud
Model Studio, "Wan image-to-video by first and last frame" API reference; where the upstream would
cut a text silently, this refuses.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictBytes,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from lib.core import frame_source
from lib.core.catalogue import FLASH, SECONDS
from lib.core.errors import ApiError, invalid, shown
from lib.core.frame_source import FRAME_FORMS
from lib.core.jobs.intent import PlainRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

PROMPT_AT_MOST = 800
NEGATIVE_AT_MOST = 500
WEBHOOK_AT_MOST = 2048
SEED_AT_MOST = 2147483647

_ECHOED = {"model", "resolution", "seconds", "seed", "prompt_extend", "watermark", "validate_only"}


def _seconds(value: object) -> object:
    return SECONDS if value in (SECONDS, str(SECONDS)) and not isinstance(value, bool) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Frame = StrictStr | StrictBytes  # strict, or bytes that spell a text would become a link
Pairs = Annotated[
    dict[
        Annotated[str, StringConstraints(strict=True, min_length=1, max_length=64)],
        Annotated[str, StringConstraints(strict=True, max_length=512)],
    ],
    Field(max_length=16),
]


class VideoRequest(BaseModel):
    """A film to be made. The descriptions are what refusals and the contract say is allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: Annotated[
        str,
        Field(strict=True, min_length=1, max_length=100),
        Field(description="the name of a model, see GET /v1/models"),
    ] = FLASH
    prompt: Annotated[
        str | None,
        Field(strict=True, max_length=PROMPT_AT_MOST),
        Field(description=f"a text of at most {PROMPT_AT_MOST} characters"),
    ] = None
    negative_prompt: Annotated[
        str | None,
        Field(strict=True, max_length=NEGATIVE_AT_MOST),
        Field(description=f"a text of at most {NEGATIVE_AT_MOST} characters"),
    ] = None
    template: Annotated[
        str | None,
        Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"),
        Field(description="the name of an effect: letters, digits, - and _, at most 64"),
    ] = None
    resolution: Annotated[
        Literal["480P", "720P", "1080P"],
        BeforeValidator(_upper),
        Field(description='"480P", "720P" or "1080P", as far as the model renders it'),
    ] = "720P"
    seconds: Annotated[
        Literal[5],
        BeforeValidator(_seconds),
        Field(description="5; every film of these models lasts five seconds"),
    ] = 5
    seed: Annotated[
        StrictInt | None,
        Field(ge=0, le=SEED_AT_MOST),
        Field(description=f"a whole number from 0 to {SEED_AT_MOST}"),
    ] = None
    prompt_extend: Annotated[StrictBool, Field(description="true or false")] = True
    watermark: Annotated[StrictBool, Field(description="true or false")] = False
    metadata: Annotated[
        Pairs,
        Field(
            description="an object of at most 16 pairs of texts; a name has 1 to 64 characters, a "
            "value at most 512"
        ),
    ] = Field(default_factory=dict)
    validate_only: Annotated[StrictBool, Field(description="true or false")] = False
    webhook_url: Annotated[
        str | None,
        Field(strict=True, min_length=1, max_length=WEBHOOK_AT_MOST),
        Field(description=f"an https:// link to a public host, at most {WEBHOOK_AT_MOST} letters"),
    ] = None
    first_frame: Annotated[Frame, Field(description=FRAME_FORMS)]
    last_frame: Annotated[Frame | None, Field(description=FRAME_FORMS)] = None

    @model_validator(mode="before")
    @classmethod
    def _frames(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        frames = {
            name: _given(data[name], name)
            for name in ("first_frame", "last_frame")
            if data.get(name) is not None
        }
        return {**data, **frames}

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if self.last_frame is None and self.template is None:
            raise invalid(
                "last_frame",
                "last_frame: nothing was given; it is required unless template is set. Allowed: "
                f"{FRAME_FORMS}.",
            )
        return self

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """The request in a body whose names are already ours.

        Args:
            data: field names to plain values; a frame is a text or the bytes of a file.

        Raises:
            ApiError: `invalid_request` or `invalid_frame`, with the field in `param`.
        """
        unknown = [name for name in data if name not in cls.model_fields]
        if unknown:
            raise _unknown(unknown, tuple(cls.model_fields))
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            name = str(error.errors(include_url=False, include_input=False)[0]["loc"][0])
        raise refusal(name, data.get(name, _MISSING))

    def fields(self) -> dict[str, Any]:
        """The plain fields, without the frames."""
        return self.model_dump(exclude={"first_frame", "last_frame", "validate_only"})

    def plain(self) -> PlainRequest:
        """What an intent keeps of it: everything but the frames."""
        return PlainRequest(**self.fields())

    def fingerprint(self, owner: str) -> str:
        """A SHA-256 (hex) that is equal for equal requests of one owner.

        Args:
            owner: whose request it is.
        """
        frames = [_mark(self.first_frame), _mark(self.last_frame)]
        parts = {"owner": owner, "fields": self.fields(), "frames": frames}
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


_MISSING = object()


def refusal(name: str, value: object) -> ApiError:
    """The sentence about one field out of bounds.

    Args:
        name: a field of `VideoRequest`.
        value: what was got.
    """
    allowed = VideoRequest.model_fields[name].description
    got = "nothing was given" if value is _MISSING else f"got {_describe(name, value)}"
    required = "it is required" if value is _MISSING else f"allowed: {allowed}"
    tail = f" Allowed: {allowed}." if value is _MISSING else ""
    return invalid(name, f"{name}: {got}; {required}.{tail}")


def _describe(name: str, value: object) -> str:
    if isinstance(value, bool | int | float | str) and name in _ECHOED:
        return shown(value)
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, bytes):
        return "a file"
    if isinstance(value, dict):
        return f"an object of {len(value)} {'pair' if len(value) == 1 else 'pairs'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "null" if value is None else "a number"


def _unknown(names: list[str], known: tuple[str, ...]) -> ApiError:
    shown = ", ".join(ascii(name[:64])[1:-1] for name in names[:10])
    near = difflib.get_close_matches(names[0][:64], known, n=1, cutoff=0.7)
    hint = f" Did you mean {near[0]}?" if near else ""
    return invalid(
        names[0][:64],
        f"unknown {'field' if len(names) == 1 else 'fields'}: {shown}.{hint} "
        f"Allowed: {', '.join(known)}.",
    )


def _given(value: object, name: str) -> str | bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise refusal(name, value)
    return frame_source.read(value, name)


def _mark(frame: str | bytes | None) -> str | None:
    if isinstance(frame, bytes):
        return f"sha256:{hashlib.sha256(frame).hexdigest()}"
    return frame
