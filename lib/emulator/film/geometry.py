"""Plane geometry of the camera: applying 3x3 maps and the path from the first view to the last.

Owns the path: centre linear in the scene, zoom exponential, turn linear, perspective linear in the
corners. Knows nothing of pictures; points are pixel centres of the film.
"""

from __future__ import annotations

import cmath
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_TAME = 0.02  # a perspective that moves no corner further (in pixels) is none


def project(matrix: Array, points: Array) -> Array:
    """Apply a 3x3 map to an array of points (..., 2)."""
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return moved[..., :2] / moved[..., 2:]


def between_sizes(source: tuple[int, int], target: tuple[int, int]) -> Array:
    """The map from pixel centres of one size to those of another (width, height)."""
    across, down = target[0] / source[0], target[1] / source[1]
    return np.array(
        [[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]], np.float64
    )


def zoom_about(zoom: float, x: float, y: float) -> Array:
    """The similarity that enlarges by `zoom` and leaves one point where it is."""
    return np.array([[zoom, 0, x * (1 - zoom)], [0, zoom, y * (1 - zoom)], [0, 0, 1]], np.float64)


def corners(size: tuple[int, int]) -> Array:
    """The four corner points of a picture, clockwise from the top left."""
    right, bottom = size[0] - 1.0, size[1] - 1.0
    return np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float64)


class Path:
    """The camera's way: `at(m)` maps the first view to the view at progress m in 0..1.

    Args:
        model: 3x3 map from points of the first frame to points of the last.
        size: width and height of both, pixels.
    """

    def __init__(self, model: Array, size: tuple[int, int]) -> None:
        self.model, self.size = model, size
        self._centre = complex((size[0] - 1) / 2, (size[1] - 1) / 2)
        frame = corners(size)
        seen = project(model, frame)
        start, end = frame @ [1, 1j], seen @ [1, 1j]
        spread = start - start.mean()
        factor = complex(np.vdot(spread, end - end.mean()) / np.vdot(spread, spread).real)
        self.zoom, self.turn = abs(factor), cmath.phase(factor)
        self._target = complex(start.mean()) + (self._centre - complex(end.mean())) / factor
        back = np.linalg.inv(self._similarity(1.0))
        self._bend = project(back, seen) - frame
        self._bends = bool(np.abs(self._bend).max() > _TAME)

    @property
    def travel(self) -> float:
        """How far the camera goes: pan in widths, plus zoom and turn, roughly 0..2."""
        pan = abs(self._target - self._centre) / max(self.size)
        return pan + abs(float(np.log(self.zoom))) / 2 + abs(self.turn) / 2

    def at(self, progress: float) -> Array:
        """The 3x3 map from the first view to the view at `progress`."""
        similar = self._similarity(progress)
        if not self._bends:
            return similar
        frame = corners(self.size)
        seen = project(similar, frame + progress * self._bend)
        matrix = cv2.getPerspectiveTransform(frame.astype(np.float32), seen.astype(np.float32))
        return np.asarray(matrix, np.float64)

    def _similarity(self, progress: float) -> Array:
        factor = self.zoom**progress * cmath.exp(1j * self.turn * progress)
        looked_at = self._centre + (self._target - self._centre) * progress
        shift = self._centre - factor * looked_at
        return np.array(
            [
                [factor.real, -factor.imag, shift.real],
                [factor.imag, factor.real, shift.imag],
                [0, 0, 1],
            ]
        )
