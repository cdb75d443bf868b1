"""Resumable uploads on HTTP, the same for both APIs: a request's chunk, and the answer in between.

Source: Cloud Storage documentation, "Performing resumable uploads".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from lib.emulator.storage.multipart import hash_header
from lib.emulator.storage.uploads import Chunk

if TYPE_CHECKING:
    from lib.emulator.storage.routing import Call
    from lib.emulator.storage.uploads import UploadSession

RESUME_INCOMPLETE = 308


def received(call: Call) -> Chunk:
    """The request to a session, as far as it came."""
    data, cut = call.received()
    hashes = hash_header(call.headers.get("x-goog-hash", ""))
    return Chunk(call.headers.get("content-range"), data, hashes, cut)


def incomplete(session: UploadSession) -> Response:
    """308 with what has arrived so far ("Check the status of a resumable upload")."""
    headers = {"Content-Length": "0"}
    if session.data:
        headers["Range"] = f"bytes=0-{len(session.data) - 1}"
    return Response(status=RESUME_INCOMPLETE, headers=headers)
