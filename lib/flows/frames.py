"""Frames from anywhere: bytes, a public link, or a file that the owner put into our own bucket.

One frame is judged at a time in the whole process, because a decoded picture is many times the size
of its file. Somebody else's object, an object of another kind and a missing one are refused by the
same sentence.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from lib.core import frames
from lib.core.errors import INVALID_FRAME, ApiError
from lib.core.request import FRAME_AT_MOST, too_large

if TYPE_CHECKING:
    from lib.core.frames import Frame
    from lib.flows.kit import Kit

# Segments that cannot mean another place to anything that reads them as a path or a link.
SEGMENT = "[A-Za-z0-9_-][A-Za-z0-9._-]*"
NAME = re.compile(rf"gs://([^/]+)/uploads/([^/]+)/({SEGMENT}(?:/{SEGMENT}){{0,9}})")
_one_at_a_time = threading.Lock()


def load(kit: Kit, owner: str, source: str | bytes, param: str) -> Frame:
    """A frame, fetched if need be, and judged.

    Args:
        kit: the hands.
        owner: whose request it is; of the bucket, only their uploads are read.
        source: the bytes of a file, an https link, or `gs://bucket/uploads/owner/name`.
        param: the request field, for the refusal.

    Raises:
        ApiError: `invalid_frame` with the reason, or the bucket does not answer.
    """
    if isinstance(source, str):
        source = (
            _uploaded(kit, owner, source, param)
            if source[:5].lower() == "gs://"
            else kit.fetch.get(source, limit_bytes=FRAME_AT_MOST, param=param)
        )
    with _one_at_a_time:
        return frames.check(source, param)


def _uploaded(kit: Kit, owner: str, name: str, param: str) -> bytes:
    match = NAME.fullmatch(name)
    if match and match[1] == kit.artifacts.bucket and match[2] == owner:
        found = kit.temporaries.find(owner, match[3])
        if found is not None:
            if found.size > FRAME_AT_MOST:
                raise too_large(param)
            return kit.temporaries.content(found)
    raise ApiError(
        INVALID_FRAME,
        f"{param}: there is no such uploaded frame: nothing was put there, it is older than 48 "
        "hours, or it is not yours. Allowed: the gs:// name that POST /v1/uploads answered, after "
        "the file was put to its url.",
        param,
    )
