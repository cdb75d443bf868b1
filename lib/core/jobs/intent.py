"""What an owner asked for: the body of `pending/<owner>/<id>.json`, written once and never changed.

The wish is kept with everything that was decided when it was accepted, so that whoever carries it
on decides nothing anew.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from lib.core.outside.records import Fields

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
            request=_request(read.table("request")),
            first=FrameRef.read(read.table("first"), "the first frame"),
            last=(
                FrameRef.read(read.table("last"), "the last frame") if read.given("last") else None
            ),
            size=read.pair("size"),
            warnings=read.texts("warnings"),
            fingerprint=read.text("fingerprint", ""),
            key=read.text_or_none("key"),
        )


def _request(fields: dict[str, Any]) -> dict[str, Any]:
    """The request's fields as they are; those that every reader shows must be there."""
    read = Fields(fields, "the request")
    read.text("model")
    read.text("resolution")
    read.whole("seconds")
    for name in ("prompt", "negative_prompt", "webhook_url"):
        read.text_or_none(name)
    return fields
