"""A multipart form read in its own order: the upload host takes `file` as the last field only.

Source: Object Storage Service, "PostObject": which fields a form with a policy needs, and that what
stands before `file` is limited in size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Field,
    File,
    MultipartDecoder,
    NeedData,
)

from lib.emulator.upstream.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.sansio.multipart import Event
    from werkzeug.wrappers import Request

NEEDED = ("OSSAccessKeyId", "Signature", "policy", "key")
FIELD_AT_MOST = 8 << 20
BLOCK = 1 << 16


@dataclass
class Form:
    """What a form holds: its fields, and the file behind them."""

    fields: dict[str, str] = field(default_factory=dict)
    file: bytes = b""


def read(request: Request, at_most: int) -> Form:
    """The form of a request.

    Args:
        request: a multipart post.
        at_most: bytes of its file.

    Raises:
        UpstreamError: 400 for no form, a field that is missing or behind the file, a file that is
            missing or too large.
    """
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise _malformed()
    parts: list[tuple[str, bytearray]] = []
    for event in _events(request, boundary):
        if isinstance(event, Field | File):
            parts.append((event.name or "", bytearray()))
        elif isinstance(event, Data):
            name, data = parts[-1]
            data += event.data
            if name == "file" and len(data) > at_most:
                message = "Your proposed upload exceeds the maximum allowed size"
                raise UpstreamError(400, "EntityTooLarge", message)
            if name != "file" and len(data) > FIELD_AT_MOST:
                raise UpstreamError(400, "FieldItemTooLong", "A form field is too long.")
    return _form(parts)


def _events(request: Request, boundary: str) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary.encode("latin-1"), max_parts=100)
    try:
        while True:
            block = request.stream.read(BLOCK)
            decoder.receive_data(block or None)
            while not isinstance(event := decoder.next_event(), NeedData):
                yield event
                if isinstance(event, Epilogue):
                    return
    except ValueError:
        raise _malformed() from None


def _form(parts: list[tuple[str, bytearray]]) -> Form:
    form = Form()
    for name, data in parts:
        if name == "file":
            form.file = bytes(data)
        else:
            form.fields[name] = data.decode("utf-8", "replace")
    for name in (*NEEDED, "file"):
        if name not in dict(parts):
            raise _invalid(f"Bucket POST must contain a field named '{name}'.")
    names = [name for name, _ in parts]
    if names.index("file") != len(names) - 1:
        raise _invalid("The field 'file' must be the last one of the form.")
    return form


def _invalid(message: str) -> UpstreamError:
    return UpstreamError(400, "InvalidArgument", message)


def _malformed() -> UpstreamError:
    message = "The body of your POST request is not well-formed multipart/form-data."
    return UpstreamError(400, "MalformedPOSTRequest", message)
