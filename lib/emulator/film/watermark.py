"""The words "AI生成" in the bottom right corner, from a prerendered mask.

Owns place, size and opacity. The mask is data (`watermark.png`, made by `make_mask.py`), so no
font is needed where films are rendered; only the small box under the words is touched.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_MASK = Path(__file__).with_name("watermark.png")
_HEIGHT, _MARGIN = 0.042, 0.025  # of the short side
_WHITE, _SHADOW = 0.82, 0.45  # opacity of the letters and of the shadow around them
_WHITE_LUMA, _NO_COLOUR = 235, 128


class Watermark:
    """The mask at one film's size.

    Args:
        size: width and height of the film, pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        mask = cv2.imread(str(_MASK), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise FileNotFoundError(f"{_MASK} is missing; make_mask.py beside it makes it")
        tall = max(10, _even(min(size) * _HEIGHT))
        wide = _even(tall * mask.shape[1] / mask.shape[0])
        margin = _even(min(size) * _MARGIN)
        self._film_height = height
        self._left, self._top = _even(width - margin - wide), _even(height - margin - tall)
        letters = cv2.resize(mask, (wide, tall), interpolation=cv2.INTER_AREA).astype(np.float32)
        shadow = cv2.GaussianBlur(letters, (0, 0), tall / 14) / 255 * _SHADOW
        self._white = letters / 255 * _WHITE
        self._keep = (1 - self._white) * (1 - shadow.clip(0, 1))
        half = (wide // 2, tall // 2)
        self._pale = cv2.resize(self._white, half, interpolation=cv2.INTER_AREA)[..., None]

    def press(self, joined: Array) -> None:
        """Write the words into an NV12 picture, in place."""
        tall, wide = self._white.shape
        box = joined[self._top : self._top + tall, self._left : self._left + wide]
        box[:] = np.rint((box - 16.0) * self._keep + 16 + (_WHITE_LUMA - 16) * self._white).astype(
            np.uint8
        )
        below = self._film_height + self._top // 2
        rows = joined[below : below + tall // 2, self._left : self._left + wide]
        colour = rows.reshape(tall // 2, wide // 2, 2)
        paled = colour + (_NO_COLOUR - colour.astype(np.float32)) * self._pale
        rows[:] = np.rint(paled).astype(np.uint8).reshape(rows.shape)


def _even(length: float) -> int:
    return int(length) // 2 * 2
