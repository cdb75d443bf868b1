"""Encoded pictures in, planes of the film's size out.

Owns decoding, the crop of the last frame to the first one's shape, and the one conversion to
BT.709 limited-range luma and chroma (NV12), so that all later work is 1.5 bytes a pixel and goes to
the encoder as it is. Refuses what does not decode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from lib.emulator.film.size import BadPicture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

# BT.709 luma and chroma of 8-bit B, G, R in limited range (ITU-R BT.709-6, section 3).
_KR, _KB = 0.2126, 0.0722
_LUMA = np.array([[_KB, 1 - _KR - _KB, _KR]]) * 219 / 255
_CB = (np.array([[1, 0, 0]]) - _LUMA * 255 / 219) / (2 * (1 - _KB)) * 224 / 255
_CR = (np.array([[0, 0, 1]]) - _LUMA * 255 / 219) / (2 * (1 - _KR)) * 224 / 255
_TO_Y = np.hstack([_LUMA, [[16.0]]])
_TO_UV = np.hstack([np.vstack([_CB, _CR]), [[128.0], [128.0]]])


class Planes(NamedTuple):
    """A picture as the encoder takes it: luma, and interleaved chroma of half the size."""

    y: Array
    uv: Array

    def joined(self) -> Array:
        """One NV12 array: luma rows, then chroma rows."""
        height, width = self.y.shape
        return np.vstack([self.y, self.uv.reshape(height // 2, width)])


def decode(data: bytes, name: str) -> Array:
    """The picture as 8-bit BGR; orientation tags are followed, transparency is dropped.

    Args:
        data: JPEG, PNG, BMP or WEBP.
        name: what to call it in the error, "first" or "last".

    Raises:
        BadPicture: it does not decode.
    """
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        picture = None  # sizes beyond the decoder's own limit
    if picture is None:
        raise BadPicture(
            f"the {name} frame does not decode as a picture ({len(data)} bytes);"
            " allowed are JPEG, PNG, BMP and WEBP"
        )
    return picture


def crop_to_shape(picture: Array, width: int, height: int) -> Array:
    """The largest centred part of a picture that has the shape of `width` x `height`."""
    rows, columns = picture.shape[:2]
    take_columns = min(columns, max(1, round(rows * width / height)))
    take_rows = min(rows, max(1, round(columns * height / width)))
    top, left = (rows - take_rows) // 2, (columns - take_columns) // 2
    return picture[top : top + take_rows, left : left + take_columns]


def planes(picture: Array, size: tuple[int, int]) -> Planes:
    """A BGR picture resized to the film and converted to NV12 once."""
    shrink = picture.shape[1] >= size[0]
    way = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    fitted = picture
    if (picture.shape[1], picture.shape[0]) != size:
        fitted = cv2.resize(picture, size, interpolation=way)
    half = cv2.resize(
        fitted.astype(np.float32), (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA
    )
    uv = np.rint(cv2.transform(half, _TO_UV)).clip(16, 240).astype(np.uint8)
    luma = np.rint(cv2.transform(fitted.astype(np.float32), _TO_Y)).clip(16, 235)
    return Planes(luma.astype(np.uint8), uv)


def small(luma: Array, area: int) -> Array:
    """A luma plane shrunk to about `area` pixels, never enlarged; the shape stays."""
    height, width = luma.shape
    scale = min(1.0, (area / (width * height)) ** 0.5)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
