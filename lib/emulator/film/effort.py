"""How much work a film gets: the two settings, careful and fast, and the constants of a film.

Owns every number that trades time for quality, in one module. Refuses nothing; it only names.
"""

from __future__ import annotations

from dataclasses import dataclass

FRAMES = 150
FPS = 30
CELL = 16  # pixels between two nodes of the warp grid; both sides of a film are multiples of it


@dataclass(frozen=True)
class Effort:
    """One setting of the trade.

    Args:
        work_area: pixels of the small pictures on which motion is measured.
        features: how many SIFT features a picture may have.
        flow_area: pixels of the pictures between which the residual flow is measured.
        flow_fast: the quick preset of the flow instead of the medium one.
        steps: fixed-point steps when a flow is inverted.
        every: render each n-th picture, average the ones between.
        preset: of x264.
        crf: constant rate factor of x264, lower is better and bigger.
    """

    work_area: int
    features: int
    flow_area: int
    flow_fast: bool
    steps: int
    every: int
    preset: str
    crf: int


CAREFUL = Effort(
    work_area=96_000,
    features=1000,
    flow_area=96_000,
    flow_fast=False,
    steps=2,
    every=1,
    preset="veryfast",
    crf=20,
)
FAST = Effort(
    work_area=64_000,
    features=800,
    flow_area=40_000,
    flow_fast=True,
    steps=1,
    every=2,
    preset="ultrafast",
    crf=26,
)
