"""Makes `watermark.png`: the words "AI生成" as an 8-bit mask with a margin for the shadow.

Run once by hand where Debian's fonts-wqy-microhei is installed; the service and the emulator
only read the result. Needs Pillow.

    python -m lib.emulator.film.make_mask [FONT]
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_FONT = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
_WORDS = "AI生成"
_POINTS, _MARGIN = 56, 6


def main(font_file: str) -> None:
    """Draw the words with one font file and write the mask beside this module."""
    font = ImageFont.truetype(font_file, _POINTS)
    left, top, right, bottom = font.getbbox(_WORDS)
    size = (round(right - left) + 2 * _MARGIN, round(bottom - top) + 2 * _MARGIN)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).text((_MARGIN - left, _MARGIN - top), _WORDS, fill=255, font=font)
    # 16 grey levels are plenty and half the size.
    levels = mask.point(lambda value: value // 17 * 17)
    levels.save(Path(__file__).with_name("watermark.png"), optimize=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else _FONT)
