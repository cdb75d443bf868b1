"""What the seed decides: easing, a slight sway of the camera, focus and strength of a push-in.

Owns the shape of time. Everything here is zero at both ends, so the first and last picture stay the
frames themselves, and starts with some speed, so that no picture stands still twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any

from lib.emulator.film.geometry import zoom_about
from lib.emulator.seeded import seeded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_CALM_TRAVEL = 0.05  # a camera that goes further than this needs no sway of its own


@dataclass(frozen=True)
class Style:
    """What one seed decided.

    Args:
        curve: 0 smoothstep, 1 smootherstep, 2 cosine.
        linear: share of even motion, so that film starts moving at once.
        sway: greatest shift across and down, in shares of the width.
        breath: greatest extra zoom in the middle of a calm film.
        focus: where a push-in goes, shares of width and height.
        push: zoom of a push-in.
    """

    curve: int
    linear: float
    sway: tuple[float, float]
    breath: float
    focus: tuple[float, float]
    push: float

    def progress(self, time: float) -> float:
        """Eased progress 0..1 at time 0..1; symmetric about the middle."""
        curved = (
            time * time * (3 - 2 * time),
            time**3 * (time * (6 * time - 15) + 10),
            (1 - cos(pi * time)) / 2,
        )[self.curve]
        return self.linear * time + (1 - self.linear) * curved

    def drift(self, time: float, size: tuple[int, int], travel: float) -> Array:
        """The hand-held part of the camera, a 3x3 map that is the identity at both ends."""
        calm = max(0.0, 1 - travel / _CALM_TRAVEL)
        bump = calm * sin(pi * time)
        drift = zoom_about(1 + self.breath * bump, size[0] / 2, size[1] / 2)
        drift[0, 2] += self.sway[0] * size[0] * bump
        drift[1, 2] += self.sway[1] * size[0] * bump * cos(pi * time)
        return drift


def style_of(seed: int) -> Style:
    """The style of a seed; the same seed always gives the same."""
    draw = seeded(seed)
    return Style(
        curve=draw.randrange(3),
        linear=draw.uniform(0.22, 0.32),
        sway=(draw.uniform(-0.004, 0.004), draw.uniform(-0.003, 0.003)),
        breath=draw.uniform(0.009, 0.012),
        focus=(draw.uniform(0.44, 0.56), draw.uniform(0.42, 0.54)),
        push=draw.uniform(1.07, 1.11),
    )
