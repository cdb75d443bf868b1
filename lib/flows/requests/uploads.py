"""A frame too big for a request goes straight into the bucket: a signed link to put it with.

Nothing is written here and nothing is paid: the object comes to exist with the caller's own PUT,
whose type, size and newness the bucket enforces. It is judged as a frame when a job names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.adapters.files import uploads
from lib.core.errors import invalid
from lib.core.frame_source import FRAME_AT_MOST

if TYPE_CHECKING:
    from lib.adapters.files.artifacts import UploadLink
    from lib.flows.context import Context

LINK_S = 15 * 60
TYPES = {
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/png": "png",
    "image/bmp": "bmp",
    "image/x-ms-bmp": "bmp",
    "image/webp": "webp",
}


@dataclass(frozen=True)
class OpenUpload:
    """A place for a frame that is to come.

    Attributes:
        id: of the upload.
        link: to put the file with.
        created_at: Unix seconds.
        usable_until: until when a job may name it, Unix seconds.
    """

    id: str
    link: UploadLink
    created_at: float
    usable_until: float


def open_upload(
    context: Context, owner: str, content_type: object, size: object = None
) -> OpenUpload:
    """A place for one file of an owner.

    Args:
        context: what the flows work with.
        owner: whose file it will be.
        content_type: of the file, as the caller said it.
        size: its bytes, as the caller said them; None when they did not.

    Raises:
        ApiError: `invalid_request` for a type or a size that no frame may have.
    """
    allowed = ", ".join(TYPES)
    if not isinstance(content_type, str) or content_type.lower() not in TYPES:
        got = "nothing" if content_type is None else "another type"
        raise invalid("content_type", f"content_type: got {got}; allowed: {allowed}.")
    if size is not None and not _fits(size):
        raise invalid(
            "size_bytes", f"size_bytes: allowed: a whole number from 1 to {FRAME_AT_MOST} (10 MB)."
        )
    upload_id = f"upl_{context.token()}{context.token()}"
    name = uploads.name(owner, f"{upload_id}.{TYPES[content_type.lower()]}")
    link = context.artifacts.upload_link(
        name, content_type.lower(), limit_bytes=FRAME_AT_MOST, ttl_s=LINK_S
    )
    # A file that comes with the last second of its link lives as long as any other.
    return OpenUpload(upload_id, link, context.now(), context.now() + uploads.LIFE_S)


def _fits(size: object) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and 0 < size <= FRAME_AT_MOST
