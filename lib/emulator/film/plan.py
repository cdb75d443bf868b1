"""Which film it becomes: a camera move with what still moves inside it, or a push-in dissolve.

Owns the choice between three motion models (similarity, homography, no camera at all), scored by
how well both frames agree half-way. Pairs that share nothing get the dissolve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lib.emulator.film.features import camera_moves, matches
from lib.emulator.film.geometry import Path, between_sizes, zoom_about
from lib.emulator.film.pictures import small
from lib.emulator.film.residual import measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lib.emulator.film.effort import Effort
    from lib.emulator.film.pictures import Planes
    from lib.emulator.film.residual import Residual
    from lib.emulator.film.style import Style

    Array = NDArray[Any]

_STILL_TRUST, _STILL_TRUST_UNMATCHED = 0.45, 0.7
_TEXTURE = 4.0  # grey levels of spread below which a picture shows nothing to follow


@dataclass(frozen=True)
class Plan:
    """The film before it is drawn.

    Args:
        path: the camera.
        residual: what moves besides the camera; None in a dissolve.
    """

    path: Path
    residual: Residual | None


def make_plan(first: Planes, last: Planes, style: Style, effort: Effort) -> Plan:
    """Find the motion between two pictures of the film's size."""
    size = (first.y.shape[1], first.y.shape[0])
    small_first, small_last = small(first.y, effort.work_area), small(last.y, effort.work_area)
    work = (small_first.shape[1], small_first.shape[0])
    start, end = matches(small_first, small_last, effort)
    enlarge = between_sizes(work, size)
    models = [enlarge @ model @ np.linalg.inv(enlarge) for model in camera_moves(start, end, work)]
    flow_first, flow_last = small(first.y, effort.flow_area), small(last.y, effort.flow_area)
    found: list[tuple[Path, Residual]] = []
    for model in models:
        path = Path(model, size)
        residual = measure(flow_first, flow_last, path, effort)
        if residual is not None:
            found.append((path, residual))
    unmoved = Path(np.eye(3), size)
    residual = measure(flow_first, flow_last, unmoved, effort)
    if residual is not None and _still_is_plausible(flow_first, flow_last, residual, models):
        found.append((unmoved, residual))
    if not found:
        return Plan(push_in(size, style), None)
    return Plan(*min(found, key=lambda candidate: candidate[1].score))


def push_in(size: tuple[int, int], style: Style) -> Path:
    """The camera of a dissolve and of a film from one frame: nearer to the seed's focus."""
    focus = (size[0] * style.focus[0], size[1] * style.focus[1])
    return Path(zoom_about(style.push, *focus), size)


def _still_is_plausible(first: Array, last: Array, residual: Residual, models: list[Array]) -> bool:
    needed = _STILL_TRUST if models else _STILL_TRUST_UNMATCHED
    spread = min(float(cv2.meanStdDev(picture)[1].item()) for picture in (first, last))
    return residual.confidence > needed and spread > _TEXTURE
