"""What the `moof` boxes of a fragmented MP4 hold of each track, summed up (ISO/IEC 14496-12, 8.8).

Reads the structures, never the pictures. Whatever does not fit into its box raises `Damaged`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lib.core.media.boxes import TRACKS_AT_MOST, Damaged, boxes, only, uint32s

_TFHD_BASE, _TFHD_DESCRIPTION, _TFHD_DURATION, _TFHD_SIZE = 0x01, 0x02, 0x08, 0x10
_TRUN_OFFSET, _TRUN_FIRST_FLAGS = 0x01, 0x04
_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION = 0x100, 0x200, 0x400, 0x800


@dataclass
class Run:
    """What the fragments of a file hold of one track, summed up.

    Attributes:
        samples: pictures, or pieces of sound.
        bytes: of those whose size is written with them.
        unsized: how many take the default size of the track.
        ticks: duration of those that say it, in the track's time scale.
        untimed: how many take the default duration of the track.
    """

    samples: int = 0
    bytes: int = 0
    unsized: int = 0
    ticks: int = 0
    untimed: int = 0


def fragment(moof: bytes, runs: dict[int, Run]) -> None:
    """Add what a `moof` box holds to the sums of its tracks (8.8.4 to 8.8.8).

    Raises:
        Damaged: its contents cannot be.
    """
    try:
        for kind, body in boxes(memoryview(moof)):
            if kind == b"traf":
                _traf(list(boxes(body)), runs)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise Damaged from error


def _traf(boxes: list[tuple[bytes, memoryview]], runs: dict[int, Run]) -> None:
    head = only(boxes, b"tfhd")
    flags, number = struct.unpack_from(">II", head)
    at = 8
    at += 8 if flags & _TFHD_BASE else 0
    at += 4 if flags & _TFHD_DESCRIPTION else 0
    duration = size = None
    if flags & _TFHD_DURATION:
        (duration,), at = struct.unpack_from(">I", head, at), at + 4
    if flags & _TFHD_SIZE:
        (size,) = struct.unpack_from(">I", head, at)
    if number not in runs and len(runs) >= TRACKS_AT_MOST:
        raise Damaged
    run = runs.setdefault(number, Run())
    for kind, body in boxes:
        if kind == b"trun":
            _trun(body, run, duration, size)


def _trun(body: memoryview, run: Run, duration: int | None, size: int | None) -> None:
    flags, samples = struct.unpack_from(">II", body)
    at = 8 + (4 if flags & _TRUN_OFFSET else 0) + (4 if flags & _TRUN_FIRST_FLAGS else 0)
    asked = (_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION)
    fields = [name for name in asked if flags & name]
    words = uint32s(body, at, samples * len(fields))
    run.samples += samples
    if _TRUN_SIZE in fields:
        run.bytes += sum(words[fields.index(_TRUN_SIZE) :: len(fields)])
    elif size is not None:
        run.bytes += size * samples
    else:
        run.unsized += samples
    if _TRUN_DURATION in fields:
        run.ticks += sum(words[:: len(fields)])
    elif duration is not None:
        run.ticks += duration * samples
    else:
        run.untimed += samples
