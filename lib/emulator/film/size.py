"""The size rule: how many pixels a film has, from the first frame's shape and the tier.

Owns the tiers' areas and the integer form of the rule. Refuses unknown tiers and shapes so
narrow that a side would vanish. Pure arithmetic, no picture is touched here.
"""

from __future__ import annotations

from math import isqrt

AREAS = {"480P": 832 * 480, "720P": 1280 * 720, "1080P": 1920 * 1080}
"""Pixels of a tier. 720P is pinned by the public example 750x1000 -> 816x1104; 480P by the
vendor's own text-to-video sizes (832x480, 624x624)."""

_GRID = 16  # both sides are multiples: a macroblock of H.264


class BadPicture(ValueError):
    """A picture that cannot become a film; the message says which and why."""


def output_size(width: int, height: int, resolution: str) -> tuple[int, int]:
    """Width and height in pixels of the film made from a first frame of this shape.

    The first frame's aspect ratio is kept as nearly as multiples of 16 allow and the tier's area is
    never exceeded (public guide of the keyframe models: "resolution" names a pixel count, sides are
    multiples of 16). Floor of the square root in integers: sqrt in floats misses exact sizes.

    Args:
        width: of the first frame, pixels.
        height: of the first frame, pixels.
        resolution: the tier, one of `AREAS`.

    Raises:
        ValueError: an unknown tier, or sides that are not positive.
        BadPicture: so narrow that one side of the film would be 0.
    """
    if resolution not in AREAS:
        raise ValueError(f"resolution {resolution!r} is unknown; use one of {', '.join(AREAS)}")
    if width < 1 or height < 1:
        raise ValueError(f"size {width}x{height} is no picture; both sides must be at least 1")
    area = AREAS[resolution]
    cell = _GRID * _GRID
    size = (
        isqrt(area * width // (height * cell)) * _GRID,
        isqrt(area * height // (width * cell)) * _GRID,
    )
    if 0 in size:
        raise BadPicture(f"a picture of {width}x{height} is too narrow for a film")
    return size
