"""What an owner asked for: the body of `pending/<owner>/<id>.json`, written once and never changed.

The request is kept with everything that was decided when it was accepted, so that no later step
decides anything anew.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from lib.core.outside.records import WHOLE_AT_MOST, Fields

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FrameRef:
    """A checked frame as it lies in the bucket."""

    object: str
    mime: str
    width: int
    height: int
    bytes: int

    @classmethod
    def read(cls, fields: Mapping[str, Any], of: str) -> Self:
        """The frame that was stored as a part of its intent.

        Raises:
            NotReadable: a field is missing or odd.
        """
        read = Fields(fields, of)
        return cls(
            read.text("object"),
            read.text("mime"),
            read.whole("width"),
            read.whole("height"),
            read.whole("bytes", high=1 << 40),
        )


@dataclass(frozen=True, kw_only=True)
class PlainRequest:
    """What was asked for, without the frames: the fields of `core.request.VideoRequest`.

    Attributes:
        model: the model's name, as the caller gave it.
        prompt: None without one.
        negative_prompt: None without one.
        template: the name of an effect, None without one.
        resolution: a tier such as `720P`.
        seconds: of film.
        seed: None leaves the choice to the upstream.
        prompt_extend: whether the upstream may rewrite the prompt; None in records without it.
        watermark: whether the film carries one; None in records without it.
        metadata: the owner's own names and texts; a newer revision may keep more there.
        webhook_url: whom to tell of the end, None for nobody.
        more: fields that only a newer revision knows; kept, since it may read what this one writes.
    """

    model: str
    prompt: str | None = None
    negative_prompt: str | None = None
    template: str | None = None
    resolution: str
    seconds: int
    seed: int | None = None
    prompt_extend: bool | None = None
    watermark: bool | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    webhook_url: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A plain dict, as a part of its intent."""
        own = {name: value for name, value in vars(self).items() if name != "more"}
        return {**own, **self.more}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The request that was stored as a part of its intent.

        Raises:
            NotReadable: a field is missing or odd.
        """
        read = Fields(data, "the request")
        return cls(
            model=read.text("model"),
            prompt=read.text_or_none("prompt"),
            negative_prompt=read.text_or_none("negative_prompt"),
            template=read.text_or_none("template"),
            resolution=read.text("resolution"),
            seconds=read.whole("seconds"),
            seed=read.whole_or_none("seed", high=WHOLE_AT_MOST),
            prompt_extend=read.flag_or_none("prompt_extend"),
            watermark=read.flag_or_none("watermark"),
            metadata=read.table("metadata", {}),
            webhook_url=read.text_or_none("webhook_url"),
            more=read.beside(cls.__dataclass_fields__.keys() - {"more"}),
        )


@dataclass(frozen=True)
class Intent:
    """What the owner asked for, with everything that was decided when it was accepted.

    Attributes:
        id: sorts newest first in a listing.
        owner: whose it is.
        created_at: Unix seconds.
        account: the upstream account it keeps until its end.
        region: that account's region.
        request: what was asked for, without the frames.
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
    request: PlainRequest
    first: FrameRef
    last: FrameRef | None
    size: tuple[int, int]
    warnings: tuple[str, ...] = ()
    fingerprint: str = ""
    key: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dict for the bucket."""
        return {**asdict(self), "request": self.request.to_json()}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The intent that `to_json` wrote; unknown keys of a newer version are ignored.

        Raises:
            NotReadable: a field is missing or odd.
        """
        read = Fields(data, "the intent")
        return cls(
            id=read.text("id"),
            owner=read.text("owner"),
            created_at=read.number("created_at"),
            account=read.text("account"),
            region=read.text("region"),
            request=PlainRequest.from_json(read.table("request")),
            first=FrameRef.read(read.table("first"), "the first frame"),
            last=(
                FrameRef.read(read.table("last"), "the last frame") if read.given("last") else None
            ),
            size=read.pair("size"),
            warnings=read.texts("warnings"),
            fingerprint=read.text("fingerprint", ""),
            key=read.text_or_none("key"),
        )
