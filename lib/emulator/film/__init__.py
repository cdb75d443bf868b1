"""The film between two frames: a real camera move rendered as a five-second H.264 MP4.

Owns everything from encoded pictures to MP4 bytes, the size rule and the facts of a finished film.
Refuses pictures that do not decode (`BadPicture`). numpy, OpenCV and PyAV are loaded by the first
call, not by the import.
"""

from __future__ import annotations

from typing import Any

from lib.emulator.film.size import AREAS, BadPicture, output_size

__all__ = ["AREAS", "BadPicture", "contact_sheet", "output_size", "probe", "render"]


def render(
    first: bytes,
    last: bytes | None,
    *,
    resolution: str,
    seed: int = 0,
    watermark: bool = False,
    fast: bool = False,
) -> bytes:
    """Render the transition: 150 pictures, 30 a second, H.264 yuv420p, BT.709, no sound.

    Args:
        first: the encoded first picture (JPEG, PNG, BMP or WEBP).
        last: the encoded last picture, or None for a gentle push-in on the first.
        resolution: the tier, one of `AREAS`.
        seed: picks easing, sway and focus; same seed and same packages give the same bytes.
        watermark: write "AI生成" into the bottom right corner.
        fast: about half the time for a rougher film.

    Returns:
        A complete MP4 with its index in front.

    Raises:
        BadPicture: a picture does not decode, or is too narrow for any film.
        ValueError: an unknown tier.
    """
    from lib.emulator.film.pipeline import render_film  # OpenCV costs 0.2 s to import

    return render_film(
        first, last, resolution=resolution, seed=seed, watermark=watermark, fast=fast
    )


def probe(mp4: bytes) -> dict[str, Any]:
    """What a player would see of a film: codec, format, rate, pictures, duration, size, sound."""
    from lib.emulator.film.inspection import probe as inspect

    return inspect(mp4)


def contact_sheet(mp4: bytes, count: int = 6, *, columns: int = 0, width: int = 480) -> bytes:
    """Evenly spaced pictures of a film side by side, first and last among them, as a PNG.

    Args:
        mp4: the film.
        count: how many pictures, at least 2.
        columns: pictures in a row; 0 puts all in one row.
        width: of one picture, in pixels.
    """
    from lib.emulator.film.inspection import contact_sheet as sheet

    return sheet(mp4, count, columns=columns, width=width)
