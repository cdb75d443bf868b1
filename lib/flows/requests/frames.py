"""Frames from anywhere: bytes, a public link, or a file that the owner put into our own bucket.

One frame is judged at a time in the whole process, because a decoded picture is many times the size
of its file. Another owner's object, an object of another kind and a missing one are refused by the
same sentence.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lib.core.errors import FrameFault, invalid_frame
from lib.core.frame_source import FRAME_AT_MOST, too_large
from lib.core.media import frames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lib.core.jobs.job import FrameRef
    from lib.core.media.decode import Frame
    from lib.core.request import VideoRequest
    from lib.flows.context import Context

# Segments that cannot mean another place to anything that reads them as a path or a link.
SEGMENT = "[A-Za-z0-9_-][A-Za-z0-9._-]*"
NAME = re.compile(rf"gs://([^/]+)/uploads/([^/]+)/({SEGMENT}(?:/{SEGMENT}){{0,9}})")
# Two pictures, and one of them without its metadata or on its way into the bucket.
LINK_COPIES = 1.5
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Kept:
    """The frames of a request as they lie in the bucket.

    Attributes:
        first: the first one.
        last: the last one, None where a template needs none.
    """

    first: FrameRef
    last: FrameRef | None


def store(context: Context, owner: str, job_id: str, first: Frame, last: Frame | None) -> Kept:
    """Both frames, once they are judged, into the bucket; only what lies there is kept.

    Args:
        context: what the flows work with.
        owner: whose request it is.
        job_id: of the job that it becomes.
        first: as judged.
        last: as judged, None where there is none.

    Raises:
        ApiError: the bucket does not answer.
    """
    frames_of_job = [first, last] if last else [first]
    calls = [partial(context.artifacts.store_frame, owner, job_id, each) for each in frames_of_job]
    refs = context.together(calls)
    return Kept(refs[0], refs[1] if last else None)


@contextmanager
def judged(
    context: Context, owner: str, request: VideoRequest
) -> Iterator[tuple[Frame, Frame | None]]:
    """Both frames, loaded and judged; their memory is lent until the end.

    Raises:
        ApiError: `invalid_frame` with the reason, `overloaded`, or the bucket does not answer.
    """
    sources = [source for source in (request.first_frame, request.last_frame) if source]
    # Once for both. A body has its memory already, but what is kept of its files may be a copy.
    sizes = [
        int(LINK_COPIES * FRAME_AT_MOST) if isinstance(source, str) else len(source)
        for source in sources
    ]
    with context.fetch_memory.held(sum(sizes)):
        calls = [partial(load, context, owner, request.first_frame, "first_frame")]
        if request.last_frame is not None:
            calls.append(partial(load, context, owner, request.last_frame, "last_frame"))
        loaded = context.together(calls)
        yield loaded[0], loaded[1] if request.last_frame is not None else None


def load(context: Context, owner: str, source: str | bytes, param: str) -> Frame:
    """A frame, fetched if need be, and judged.

    Args:
        context: what the flows work with.
        owner: whose request it is; of the bucket, only their uploads are read.
        source: the bytes of a file, an https link, or `gs://bucket/uploads/owner/name`.
        param: the request field, for the refusal.

    Raises:
        ApiError: `invalid_frame` with the reason, or the bucket does not answer.
    """
    if isinstance(source, str):
        source = (
            _uploaded(context, owner, source, param)
            if source[:5].lower() == "gs://"
            else context.fetch.get(source, limit_bytes=FRAME_AT_MOST, param=param)
        )
    with _one_at_a_time:
        return frames.check(source, param)


def _uploaded(context: Context, owner: str, name: str, param: str) -> bytes:
    match = NAME.fullmatch(name)
    if match and match[1] == context.artifacts.bucket and match[2] == owner:
        found = context.temporaries.find(owner, match[3])
        if found is not None:
            if found.size > FRAME_AT_MOST:
                raise too_large(param)
            return context.temporaries.content(found)
    raise invalid_frame(
        param,
        FrameFault.NOT_UPLOADED,
        f"{param}: there is no such uploaded frame: nothing was put there, it is older than 48 "
        "hours, or it is not yours. Allowed: the gs:// name that POST /v1/uploads answered, after "
        "the file was put to its url.",
    )
