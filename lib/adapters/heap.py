"""The C library's heap, told to give large blocks back at once.

By itself glibc learns from the first large block that is freed to keep such blocks for later, once
for each of many threads' heaps: an instance that parses pictures then holds twice what it uses.
Other C libraries have no such switch, and none is needed there. Source: mallopt(3).
"""

from __future__ import annotations

import ctypes

M_MMAP_THRESHOLD = -3
LARGE = 256 << 10  # bytes


def return_large_blocks() -> bool:
    """From now on a block of 256 KiB or more is the system's again when it is freed.

    Returns:
        Whether the C library knows the switch.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGE))
