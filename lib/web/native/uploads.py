"""`POST /v1/uploads`: where to put a frame that is too big for the request that names it.

Thin: parse, call the flow, show. The bytes themselves never pass here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib.core.errors import invalid
from lib.core.frame_source import FRAME_AT_MOST
from lib.core.outside.numbers import digits
from lib.flows.requests.uploads import OpenUpload, open_upload
from lib.web import body
from lib.web.answer import as_json

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from lib.flows.context import Context

FIELDS = ("content_type", "size_bytes", "content_length")


class FrameUploads:
    """Handler of `/v1/uploads`.

    Args:
        context: what the flows work with.
        max_body_bytes: the largest request.
    """

    def __init__(self, context: Context, max_body_bytes: int) -> None:
        self._context, self._limit = context, max_body_bytes

    def create(self, request: Request, owner: str) -> Response:
        """`POST /v1/uploads`."""
        fields = body.read(request, self._limit)
        upload = open_upload(self._context, owner, *_parse(fields))
        return as_json(show(upload), 201, {"Cache-Control": "no-store"})


def _parse(fields: dict[str, Any]) -> tuple[object, object]:
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise invalid(
            unknown[0][:64],
            f"unknown field: {ascii(unknown[0][:64])[1:-1]}. Allowed: {', '.join(FIELDS)}.",
        )
    if "size_bytes" in fields and "content_length" in fields:
        raise invalid("size_bytes", "size_bytes was given twice, by two names; send one.")
    size = fields.get("size_bytes", fields.get("content_length"))
    given = digits(size, FRAME_AT_MOST)  # a number in a form is a text
    size = size if given is None else given
    return fields.get("content_type"), size


def show(upload: OpenUpload) -> dict[str, Any]:
    """The upload as its owner reads it."""
    link = upload.link
    return {
        "id": upload.id,
        "object": "upload",
        "method": "PUT",
        "url": link.url,
        "headers": dict(link.headers),
        "frame": link.object,
        "max_bytes": FRAME_AT_MOST,
        "created_at": int(upload.created_at),
        "expires_at": int(link.expires_at),
        "usable_until": int(upload.usable_until),
    }
