"""What the service says of an object, without its content; anything it says oddly is no answer.

Knows the client's way of telling it, and nothing of what objects mean. Custom metadata is the
writer's own: whatever stands there is that one object's matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib.core.outside.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX = (1 << 63) - 1  # of the service's own numbers


@dataclass(frozen=True)
class Meta:
    """An object without its content.

    Attributes:
        name: the object's name.
        generation: identity of the content.
        metageneration: version of the metadata.
        size: bytes.
        metadata: custom metadata.
        created_at: Unix seconds.
        crc32c: base64, as the service computed it; empty in listings.
        odd: the custom metadata was something else than a table; it is then empty here.
    """

    name: str
    generation: int
    metageneration: int
    size: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    crc32c: str = ""
    odd: bool = False


def meta_of(blob: Any) -> Meta:
    """What the service says of an object.

    Raises:
        ValueError: a field that it always gives is missing or odd; custom metadata is the writer's.
    """
    created = blob.time_created
    numbers = [whole(value, 0, MAX) for value in (blob.generation, blob.metageneration, blob.size)]
    generation, metageneration, size = numbers
    if not isinstance(blob.name, str) or not blob.name or created is None:
        raise ValueError("an object without a name or a time")
    if generation is None or metageneration is None or size is None:
        raise ValueError("an object without its versions or its size")
    metadata = {} if blob.metadata is None else blob.metadata
    odd = not isinstance(metadata, dict)
    return Meta(
        name=blob.name,
        generation=generation,
        metageneration=metageneration,
        size=size,
        metadata={} if odd else metadata,
        created_at=created.timestamp(),
        crc32c=blob.crc32c if isinstance(blob.crc32c, str) else "",
        odd=odd,
    )


def page_of(blobs: Any, prefix: str, last: str) -> tuple[list[Meta], str | None]:
    """One page of a list, and the token of the next; names grow, so that no page comes twice.

    Args:
        blobs: what the client lists, before its first page was asked for.
        prefix: of the names.
        last: the name before this page's first.

    Raises:
        ValueError: the page is out of order, or does not say whether more follows.
    """
    page = [meta_of(blob) for blob in next(blobs.pages, ())]
    following = blobs.next_page_token
    if following is not None and not (isinstance(following, str) and following):
        raise ValueError("a list that does not say whether more follows")
    for meta in page:
        if not meta.name.startswith(prefix) or meta.name <= last:
            raise ValueError("a list that is out of order")
        last = meta.name
    return page, following
