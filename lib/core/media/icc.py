"""Whether a colour profile is one, and where it ends: its head, and the parts of a JPEG it lies in.

Looks at the size and the signature in the head and at nothing else, and unpacks nothing; what a
profile says of itself is the profile's own. Source: ICC.1:2010 (7.2 and annex B.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD_BYTES = 132  # the head of 128 and the number of tags behind it (7.1)
SIGNATURE = slice(36, 40)
MARKED = b"ICC_PROFILE\0"  # how a JPEG's part with a piece of a profile begins (B.4)
NUMBER, COUNT, PIECE = 16, 17, 18  # from the first byte of such a part's marker


def length(head: bytes | bytearray, available: int) -> int:
    """How many bytes belong to a profile; 0 where there is none.

    Args:
        head: its beginning, `HEAD_BYTES` or more.
        available: how many bytes there are altogether, in bytes.
    """
    size = int.from_bytes(head[:4], "big")
    known = len(head) >= HEAD_BYTES and head[SIGNATURE] == b"acsp"
    return size if known and HEAD_BYTES <= size <= available else 0


def in_jpeg(data: bytes, parts: Iterable[tuple[int, int]]) -> dict[int, int]:
    """The parts of a JPEG in which its profile lies: numbered from 1 to as many as they all say.

    Args:
        data: the whole file.
        parts: first byte and end of each part that begins as `MARKED`.

    Returns:
        The end of each part that counts, by its first byte; the last ends where the profile does.
        Empty where there is no profile.
    """
    pieces: dict[tuple[int, int], tuple[int, int]] = {}
    count = 0
    for start, end in parts:
        if end - start >= PIECE:
            count = count or (data[start + COUNT] if data[start + NUMBER] == 1 else 0)
            pieces.setdefault((data[start + COUNT], data[start + NUMBER]), (start, end))
    chain = [pieces.get((count, number), (0, 0)) for number in range(1, count + 1)]
    if not chain or (0, 0) in chain:
        return {}
    available = sum(end - start - PIECE for start, end in chain)
    # The beginning of each piece is enough for the head, wherever it is divided.
    heads = (data[start + PIECE : min(end, start + PIECE + HEAD_BYTES)] for start, end in chain)
    size = length(b"".join(heads), available)
    start, end = chain[-1]
    cut = end - (available - size)
    if not size or cut <= start + PIECE:
        return {}
    return {**dict(chain), start: cut}
