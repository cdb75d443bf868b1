"""One picture of the film at a time: both frames warped to where the camera is, then mixed.

Owns the warp grid, its enlargement and the mix by coverage, trust and progress. Pictures are
independent of each other, so workers may draw them in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lib.emulator.film.effort import CELL, FRAMES
from lib.emulator.film.geometry import project
from lib.emulator.film.pictures import Planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lib.emulator.film.effort import Effort
    from lib.emulator.film.plan import Plan
    from lib.emulator.film.residual import Exposure, Residual
    from lib.emulator.film.style import Style

    Array = NDArray[Any]

_FEATHER = 0.05  # of the short side: how softly a frame's border fades into the other frame
_FLOOR = 1e-3  # where no frame covers the view the nearest border pixels stand in
_DISSOLVE = (0.22, 0.78)  # of the time: when unrelated pictures fade into each other


class PictureRenderer:
    """Draws pictures of one plan.

    Args:
        first: the first frame.
        last: the last frame; the first again when the film has only one.
        plan: camera and residual.
        style: what the seed decided.
        effort: careful or fast.
        alone: there is no last frame, so the camera's end is not a given picture.
    """

    def __init__(
        self, first: Planes, last: Planes, plan: Plan, style: Style, effort: Effort, *, alone: bool
    ) -> None:
        self._first, self._last, self._plan = first, last, plan
        self._style, self._effort, self._alone = style, effort, alone
        height, width = first.y.shape
        self._size = (width, height)
        across = (np.arange(-1, width // CELL + 1) + 0.5) * CELL - 0.5
        down = (np.arange(-1, height // CELL + 1) + 0.5) * CELL - 0.5
        self._nodes = np.dstack(np.meshgrid(across, down))
        self._middle = plan.path.at(0.5)
        self._middle_back = np.linalg.inv(self._middle)

    def picture(self, index: int) -> Planes:
        """Picture `index` of 0..149; the ends are the frames themselves."""
        if index == 0:
            return self._first
        if index == FRAMES - 1 and not self._alone:
            return self._last
        time = index / (FRAMES - 1)
        progress = self._style.progress(time)
        drift = self._style.drift(time, self._size, self._plan.path.travel)
        camera = drift @ self._plan.path.at(progress)
        if self._alone:
            return _warp(self._first, self._enlarged(project(np.linalg.inv(camera), self._nodes)))
        residual = self._plan.residual
        if residual is None:
            return self._dissolved(camera, time)
        return self._moved(residual, camera, progress)

    def _dissolved(self, camera: Array, time: float) -> Planes:
        begin, end = _DISSOLVE
        share = min(1.0, max(0.0, (time - begin) / (end - begin)))
        share = share * share * (3 - 2 * share)
        from_first = np.linalg.inv(camera)
        from_last = self._plan.path.model @ from_first
        views = [
            _warp(planes, self._enlarged(project(way, self._nodes)))
            for planes, way, weight in (
                (self._first, from_first, 1 - share),
                (self._last, from_last, share),
            )
            if weight > 0
        ]
        if len(views) == 1:
            return views[0]
        return Planes(
            cv2.addWeighted(views[0].y, 1 - share, views[1].y, share, 0),
            cv2.addWeighted(views[0].uv, 1 - share, views[1].uv, share, 0),
        )

    def _moved(self, residual: Residual, camera: Array, progress: float) -> Planes:
        half = project(self._middle @ np.linalg.inv(camera), self._nodes)
        spot_a = self._undo(half, residual.ahead, progress)
        spot_b = self._undo(half, residual.back, 1 - progress)
        from_a = project(self._middle_back, spot_a)
        from_b = project(self._plan.path.model @ self._middle_back, spot_b)
        weight_a = (1 - progress) * self._cover(from_a) * _look_up(residual.trust_first, spot_a, 1)
        weight_b = progress * self._cover(from_b) * _look_up(residual.trust_last, spot_b, 1)
        view_a = _warp(self._first, self._enlarged(from_a))
        view_b = _warp(self._last, self._enlarged(from_b))
        view_a, view_b = _relit(residual.exposure, view_a, view_b, progress)
        return _mixed(view_a, view_b, weight_a, weight_b)

    def _undo(self, half: Array, flow: Array, share: float) -> Array:
        """Where a point of the half-way view came from when `share` of the flow is done."""
        spot = half
        for _ in range(self._effort.steps):
            spot = half - share * _look_up(flow, spot, 0)
        return spot

    def _cover(self, spots: Array) -> Array:
        """1 well inside a frame, 0 at its border and beyond."""
        right, bottom = self._size[0] - 1, self._size[1] - 1
        x, y = spots[..., 0], spots[..., 1]
        inside = np.minimum(np.minimum(x, right - x), np.minimum(y, bottom - y))
        reach = _FEATHER * min(self._size)
        return np.clip(inside / reach, 0, 1) + _FLOOR

    def _enlarged(self, grid: Array) -> tuple[Array, Array]:
        """Sampling maps for luma and chroma from positions at the nodes."""
        luma = _grown(grid, CELL)
        chroma = _grown((grid - 0.5) / 2, CELL // 2)
        return luma, chroma


def _grown(grid: Array, cell: int) -> Array:
    size = (grid.shape[1] * cell, grid.shape[0] * cell)
    field = cv2.resize(grid.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return field[cell:-cell, cell:-cell]


def _warp(planes: Planes, maps: tuple[Array, Array]) -> Planes:
    return Planes(
        *(
            cv2.remap(plane, field, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            for plane, field in zip(planes, maps, strict=True)
        )
    )


def _look_up(field: Array, spots: Array, outside: float) -> Array:
    """A field of the half-way grid at film positions; `outside` beyond it."""
    where = ((spots + 0.5) / CELL + 0.5).astype(np.float32)
    return cv2.remap(
        field,
        where,
        None,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(outside,) * 4,
    )


def _relit(
    light: Exposure, view_a: Planes, view_b: Planes, progress: float
) -> tuple[Planes, Planes]:
    if light.plain:
        return view_a, view_b
    gain_a = 1 + progress * (light.gain - 1)
    gain_b = 1 + (1 - progress) * (1 / light.gain - 1)
    shift_a = progress * light.offset
    shift_b = -(1 - progress) * light.offset / light.gain
    return (
        Planes(_scaled(view_a.y, gain_a, shift_a), view_a.uv),
        Planes(_scaled(view_b.y, gain_b, shift_b), view_b.uv),
    )


def _scaled(luma: Array, gain: float, shift: float) -> Array:
    levels = np.rint((np.arange(256) * gain + shift).clip(16, 235)).astype(np.uint8)
    return cv2.LUT(luma, levels)


def _mixed(view_a: Planes, view_b: Planes, weight_a: Array, weight_b: Array) -> Planes:
    share = weight_b / (weight_a + weight_b)
    luma, chroma = _grown(share, CELL), _grown(share, CELL // 2)
    return Planes(
        cv2.blendLinear(view_a.y, view_b.y, 1 - luma, luma),
        cv2.blendLinear(view_a.uv, view_b.uv, 1 - chroma, chroma),
    )
