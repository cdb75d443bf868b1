"""The form of a temporary upload: who sends it stands in its first fields, the file comes last.

The fields are read before anything is lent, small and within seconds; the file only for whom they
identify. Refuses in the upload host's words. Sources: Object Storage Service,
"PostObject" (the file is the last field of a form; error codes); RFC 7578.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData
from werkzeug.wsgi import get_input_stream

from lib.web import connection, intake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from werkzeug.sansio.multipart import Event
    from werkzeug.wrappers import Request

    from lib.flows.memory import MemoryBudget

FILE_AT_MOST = 10 * 1024 * 1024  # a frame's limit
FORM_AT_MOST = FILE_AT_MOST + (64 << 10)
FIELDS_AT_MOST, FIELDS_S = 32 << 10, 3.0  # they come with the first packets
FIELDS_STEP = 1 << 10
NEEDED = ("OSSAccessKeyId", "Signature", "policy", "key")
BLOCK = 1 << 16
UNREADABLE: tuple[type[Exception], ...] = (HTTPException, ValueError, *connection.BROKEN_OFF)


@dataclass
class FormError(Exception):
    """A form that is refused, in the upload host's words.

    Attributes:
        status: HTTP status.
        code: such as `AccessDenied`.
        message: one sentence.
        retry_after_s: when to come again, if that helps.
    """

    status: int
    code: str
    message: str
    retry_after_s: int | None = None


class UploadForm:
    """One form, read from its beginning.

    Args:
        request: not yet read.
        waiting: forms whose sender is not known yet.

    Raises:
        FormError: it is no form, or too large.
    """

    def __init__(self, request: Request, waiting: connection.UnprovenReads) -> None:
        if (request.content_length or 0) > FORM_AT_MOST:
            raise _too_large()
        boundary = request.mimetype_params.get("boundary", "")
        if request.mimetype != "multipart/form-data" or not boundary:
            raise _missing_field(NEEDED[0])
        self._request, self._waiting = request, waiting
        self._source: IO[bytes] = get_input_stream(request.environ, max_content_length=FORM_AT_MOST)
        self._decoder = MultipartDecoder(boundary.encode("utf-8", "replace"))

    def fields(self) -> dict[str, str]:
        """The fields that stand before the file; the first of a name counts.

        Raises:
            FormError: a needed one is missing, they are too large, or late.
        """
        fields: dict[str, str] = {}
        with self._waiting.deadline(self._request.environ, FIELDS_S) as deadline:
            found = self._until_file(fields)
        if not found and deadline.passed:
            raise FormError(400, "RequestTimeout", "The fields of the form did not come in time.")
        for name in NEEDED:
            if name not in fields:
                raise _missing_field(name)
        if found != "file":
            raise _missing_field("file")
        return fields

    def _until_file(self, fields: dict[str, str]) -> str:
        """Collect fields; the name of the first file, empty where there is none."""
        name, parts = "", [b""]
        try:
            for event in self._events(self._read_field_bytes()):
                if isinstance(event, File):
                    return event.name
                if isinstance(event, Field):
                    name, parts = event.name, []
                if isinstance(event, Data):
                    parts.append(event.data)
                    if not event.more_data:
                        fields.setdefault(name, b"".join(parts).decode(errors="replace"))
        except UNREADABLE:
            pass  # what is missing is named
        return ""

    def _read_field_bytes(self) -> Iterator[bytes]:
        for _ in range(FIELDS_AT_MOST // FIELDS_STEP):
            yield self._source.read(FIELDS_STEP)
        raise FormError(
            400, "FieldItemTooLong", "The fields before the file exceed the maximum length."
        )

    def file(self, memory: MemoryBudget, use: Callable[[bytes], None]) -> None:
        """Hand the file over while its memory is lent.

        Args:
            memory: of all requests.
            use: gets the bytes.

        Raises:
            ApiError: no memory is free, or the file is late.
            FormError: it is too large, or cut off.
        """
        file, in_file = BytesIO(), True
        with intake.admitted(memory, self._request, FORM_AT_MOST, self._source) as body:
            try:
                for event in self._events(iter(lambda: body.read(BLOCK), None)):
                    if isinstance(event, Data) and in_file:
                        file.write(event.data)
                        in_file = event.more_data
                    if file.tell() > FILE_AT_MOST:
                        raise _too_large()
            except RequestEntityTooLarge:
                raise _too_large() from None
            except (HTTPException, ValueError, intake.BrokenOffError):
                raise _malformed() from None
            use(file.getvalue())

    def _events(self, blocks: Iterator[bytes]) -> Iterator[Event]:
        """What the form consists of, up to its end."""
        while True:
            event = self._decoder.next_event()
            while not isinstance(event, NeedData):
                yield event
                if isinstance(event, Epilogue):
                    return
                event = self._decoder.next_event()
            self._decoder.receive_data(next(blocks) or None)


def _too_large() -> FormError:
    message = "Your proposed upload exceeds the maximum allowed size"
    return FormError(400, "EntityTooLarge", message)


def _malformed() -> FormError:
    message = "The body of your POST request is not well-formed multipart/form-data."
    return FormError(400, "MalformedPOSTRequest", message)


def _missing_field(name: str) -> FormError:
    message = f"Bucket POST must contain a field named '{name}'."
    return FormError(400, "InvalidArgument", message)
