"""What still moves after the camera: dense flow between the two half-way views, and its trust.

Owns the flow on a coarse grid, the confidence by going forth and back, the change of exposure,
and the score by which camera models are compared. Where only one frame sees the scene, or forth
and back disagree, the flow fades to nothing and the film dissolves there instead of tearing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lib.emulator.film.effort import CELL
from lib.emulator.film.geometry import Path, between_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lib.emulator.film.effort import Effort

    Array = NDArray[Any]

_DOUBT_PX = 1.5  # forth-and-back error of the small pictures at which trust has fallen to 1/e
_DOUBT_WEIGHT = 6.0  # grey levels that full distrust costs in the score
_SAME_GAIN, _SAME_OFFSET = 0.01, 1  # less than this is no change of exposure
_COMMON_AT_LEAST = 0.04  # of the picture; a zoom of 3.4 still leaves 0.08 in common
_FULL = 250  # of 255: a pixel of a warped mask that is wholly inside


@dataclass(frozen=True)
class Exposure:
    """Luma of the last frame = gain * luma of the first + offset, where both see the scene."""

    gain: float = 1.0
    offset: float = 0.0

    @property
    def plain(self) -> bool:
        """So near to no change that correcting it would only cost time."""
        return abs(self.gain - 1) < _SAME_GAIN and abs(self.offset) < _SAME_OFFSET


@dataclass(frozen=True)
class Residual:
    """Flow of the half-way view on the grid (one node of margin all around), in film pixels.

    Args:
        ahead: from the first frame's half-way view to the last one's, (rows, columns, 2).
        back: the other way.
        trust_first: 0..1 for the first frame's pixels, (rows, columns).
        trust_last: 0..1 for the last frame's pixels.
        exposure: how the light changed.
        confidence: mean trust where both see the scene, 0..1.
        score: lower is better: difference in grey levels of the two half-way warps, plus distrust.
    """

    ahead: Array
    back: Array
    trust_first: Array
    trust_last: Array
    exposure: Exposure
    confidence: float
    score: float


def measure(first: Array, last: Array, path: Path, effort: Effort) -> Residual | None:
    """The residual between two small luma pictures under one camera model.

    Args:
        first: the small first picture.
        last: the small last picture, same size.
        path: the camera in film pixels.
        effort: the preset of the flow.

    Returns:
        The residual, or None where the two views hardly overlap.
    """
    half_a, half_b, both = _half_way(first, last, path)
    if both.mean() < _COMMON_AT_LEAST:
        return None
    light = _exposure(half_a, half_b, both)
    return _flow(*_same_light(half_a, half_b, light), both, light, path.size, effort)


def _half_way(first: Array, last: Array, path: Path) -> tuple[Array, Array, Array]:
    """Both pictures seen from the middle of the path, each filled up where only the other sees."""
    size = (first.shape[1], first.shape[0])
    shrink = between_sizes(path.size, size)
    middle = path.at(0.5)
    ways = (middle, middle @ np.linalg.inv(path.model))
    views, seen = [], []
    for picture, way in zip((first, last), ways, strict=True):
        small_way = shrink @ way @ np.linalg.inv(shrink)
        views.append(cv2.warpPerspective(picture, small_way, size, borderMode=cv2.BORDER_REPLICATE))
        inside = cv2.warpPerspective(np.full_like(picture, 255), small_way, size)
        seen.append(inside >= _FULL)
    both = seen[0] & seen[1]
    half_a = np.where(seen[1] & ~seen[0], views[1], views[0])
    half_b = np.where(seen[0] & ~seen[1], views[0], views[1])
    return half_a, half_b, both


def _exposure(half_a: Array, half_b: Array, both: Array) -> Exposure:
    here, there = half_a[both].astype(np.float64), half_b[both].astype(np.float64)
    gain = float(np.clip((there.std() + 4) / (here.std() + 4), 0.6, 1.6))
    return Exposure(gain, float(there.mean() - gain * here.mean()))


def _same_light(half_a: Array, half_b: Array, light: Exposure) -> tuple[Array, Array]:
    if light.plain:
        return half_a, half_b
    levels = np.arange(256, dtype=np.float64) * light.gain + light.offset
    return cv2.LUT(half_a, np.rint(levels).clip(0, 255).astype(np.uint8)), half_b


def _flow(
    half_a: Array,
    half_b: Array,
    both: Array,
    light: Exposure,
    film: tuple[int, int],
    effort: Effort,
) -> Residual:
    preset = (
        cv2.DISOPTICAL_FLOW_PRESET_FAST if effort.flow_fast else cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
    )
    dis = cv2.DISOpticalFlow_create(preset)
    nothing = np.zeros((*half_a.shape, 2), np.float32)
    ahead = dis.calc(half_a, half_b, nothing.copy())
    back = dis.calc(half_b, half_a, nothing.copy())
    trust_a, trust_b = _trust(ahead, back), _trust(back, ahead)
    spots = _spots(half_a.shape)
    met_a = cv2.remap(
        half_a, spots - ahead / 2, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    met_b = cv2.remap(
        half_b, spots - back / 2, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    apart = float(cv2.absdiff(met_a, met_b)[both].mean())
    confidence = float((trust_a[both].mean() + trust_b[both].mean()) / 2)
    inside = cv2.erode(both.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    enlarge = film[0] / half_a.shape[1]
    return Residual(
        ahead=_on_grid(ahead * (trust_a * inside)[..., None] * enlarge, film),
        back=_on_grid(back * (trust_b * inside)[..., None] * enlarge, film),
        trust_first=_on_grid(np.where(both, trust_a, 1).astype(np.float32), film),
        trust_last=_on_grid(np.where(both, trust_b, 1).astype(np.float32), film),
        exposure=light,
        confidence=confidence,
        score=apart + _DOUBT_WEIGHT * (1 - confidence),
    )


def _trust(forth: Array, back: Array) -> Array:
    """1 where going forth and back ends at the start, falling with the distance."""
    spots = _spots(forth.shape[:2])
    return_trip = cv2.remap(
        back, spots + forth, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    miss = np.square(forth + return_trip).sum(axis=2)
    trust = np.exp(-miss / _DOUBT_PX**2)
    return cv2.GaussianBlur(trust, (0, 0), 1.5)


def _spots(shape: tuple[int, ...]) -> Array:
    rows, columns = shape[:2]
    across, down = np.meshgrid(
        np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)
    )
    return np.dstack([across, down])


def _on_grid(field: Array, film: tuple[int, int]) -> Array:
    size = (film[0] // CELL, film[1] // CELL)
    nodes = cv2.resize(field.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(nodes, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
