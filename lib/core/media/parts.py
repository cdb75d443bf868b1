"""The parts of which a picture's file is made, in their order: where each begins and ends.

Looks at no part's content, keeps nothing and copies nothing; how many parts are too many is for the
caller to say. Sources: PNG 3rd edition (W3C), JPEG (ITU-T T.81), WEBP container (RFC 9649).
"""

from __future__ import annotations

import re
from struct import unpack_from
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS_AT_MOST = 20_000  # of one file; 10 MB in parts of 8 KiB are 1280
PNG = b"\x89PNG\r\n\x1a\n"
RIFF_HEAD = 12  # bytes before the first chunk of a WEBP
MARKER = 0xFF  # every marker of a JPEG begins so (T.81, B.1.1.2)
SCAN, END = 0xDA, 0xD9
# Neither a stuffed zero, nor filling, nor a mark without a length (T.81, table B.1): all of these
# are of what stands before them.
MARK = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd7]")


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, first byte and length of each chunk of a PNG, to the end of the file or past it."""
    at = len(PNG)
    while at + 8 <= len(data):
        length, kind = unpack_from(">I4s", data, at)
        yield kind, at + 8, length
        at += 12 + length


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, first byte and end of each segment of a JPEG, a scan's with the pixels behind it.

    The end marker is the last one, if there is one; what a decoder passes over between two segments
    is in none.
    """
    found = MARK.search(data, 2)
    while found:
        start, marker = found.start(), data[found.end() - 1]
        if marker == END:
            yield marker, start, start + 2
            return
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        found = MARK.search(data, end)
        if marker == SCAN:
            end = found.start() if found else len(data)
        yield marker, start, min(end, len(data))


def riff_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte and length of each chunk of a WEBP, to the end that it declares.

    Raises:
        ValueError: a chunk is longer than what is left.
    """
    at, end = RIFF_HEAD, 8 + int.from_bytes(data[4:8], "little")
    while at + 8 <= end:
        kind, size = unpack_from("<4sI", data, at)
        if at + 8 + size > end:
            raise ValueError("it breaks off")
        yield kind, at + 8, size
        at += 8 + size + size % 2
