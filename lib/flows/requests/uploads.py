"""A frame too big for a request goes straight into the bucket: a signed link to put it with.

Nothing is written here and nothing is paid: the object comes to exist with the caller's own PUT,
whose type, size and newness the bucket enforces. It is judged as a frame when a job names it. How
many of an owner's there may be in a day is counted from the bucket's listing and from the links
that this process has given; those of other instances are seen when their files have come.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.files import uploads
from lib.core import limits as rules
from lib.core.errors import RATE_LIMITED, ApiError, invalid
from lib.core.frame_source import FRAME_AT_MOST
from lib.core.times import DAY_S

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
        ApiError: `invalid_request` for a type or a size that no frame may have, `rate_limited`
            for an owner who has had as many as a day may have.
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
    reserve(context, owner, name, LINK_S)
    link = context.artifacts.upload_link(
        name, content_type.lower(), limit_bytes=FRAME_AT_MOST, ttl_s=LINK_S
    )
    # A file that comes with the last second of its link lives as long as any other.
    return OpenUpload(upload_id, link, context.now(), context.now() + uploads.LIFE_S)


def reserve(context: Context, owner: str, name: str, ttl_s: float) -> None:
    """Count a file that is to come; call it before anything is given for it.

    Args:
        context: what the flows work with.
        owner: whose.
        name: of its object; the same one again counts once.
        ttl_s: how long it may still come, seconds.

    Raises:
        ApiError: `rate_limited`, the owner has had as many as a day may have; or the bucket does
            not answer.
    """
    if rules.of(context.limits, owner).uploads_per_day is None:
        return
    # Before the bucket is asked: whoever asks at the same moment sees this one.
    context.links_given.add(owner, name, context.now() + ttl_s)
    try:
        check(context, owner, name)
    except ApiError:
        context.links_given.discard(owner, name)
        raise


def check(context: Context, owner: str, name: str = "") -> None:
    """Refuse an owner who has had as many uploads as a day may have.

    Args:
        context: what the flows work with.
        owner: who asks.
        name: of the object that is asked for; what was asked for after it does not count.

    Raises:
        ApiError: as `reserve`.
    """
    limit, now = rules.of(context.limits, owner).uploads_per_day, context.now()
    if limit is None:
        return
    given = context.links_given.of(owner, now).items()
    earlier = dict(itertools.takewhile(lambda entry: entry[0] != name, given))
    came = {meta.name: meta.created_at + DAY_S for meta in context.temporaries.of(owner)}
    came.pop(name, None)
    frees_at = sorted(at for at in {**earlier, **came}.values() if at > now)
    if len(frees_at) < limit:
        return
    at = frees_at[len(frees_at) - limit]
    logs.event("limit.reached", code=RATE_LIMITED.code, uploads=len(frees_at))
    raise ApiError(
        RATE_LIMITED,
        f"uploads_per_day: {limit} files may be uploaded in 24 hours, and as many were, or have a "
        f"link to be uploaded with; the next place frees in {math.ceil(at - now)} s. Frames may "
        "also come in the request itself or as https links.",
        retry_after_s=max(1, math.ceil(at - now)),
    )


def _fits(size: object) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and 0 < size <= FRAME_AT_MOST
