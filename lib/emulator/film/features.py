"""What the two frames share: SIFT features, and the camera moves that they vote for.

Owns matching and the rules by which a similarity or a homography is believed. Refuses (by giving
no model) matches that are too few, too crowded, or would be an implausible camera.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lib.emulator.film.geometry import corners, project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lib.emulator.film.effort import Effort

    Array = NDArray[Any]

_NEAREST = 2  # how many matches of a point are compared
_RATIO = 0.75  # Lowe's test: the best match must beat the second by this much
_REACH_PX = 4.0
_INLIERS, _SHARE, _SPREAD = 15, 0.20, 0.03
_ZOOM = (0.3, 3.4)
_TURN_RAD = 1.0
_BETTER = 1.10  # a homography must explain this many times the inliers of a similarity


def matches(first: Array, last: Array, effort: Effort) -> tuple[Array, Array]:
    """Points of the first picture and where the last one shows them, two arrays (n, 2)."""
    sift = cv2.SIFT_create(nfeatures=effort.features, contrastThreshold=0.02)
    nothing = np.empty((0, 2), np.float64)
    points_a, what_a = sift.detectAndCompute(first, None)
    points_b, what_b = sift.detectAndCompute(last, None)
    if len(points_a) < _INLIERS or len(points_b) < _INLIERS:
        return nothing, nothing
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(what_a, what_b, k=_NEAREST)
    good = [
        pair[0]
        for pair in pairs
        if len(pair) == _NEAREST and pair[0].distance < _RATIO * pair[1].distance
    ]
    if not good:
        return nothing, nothing
    return (
        np.array([points_a[match.queryIdx].pt for match in good], np.float64),
        np.array([points_b[match.trainIdx].pt for match in good], np.float64),
    )


def camera_moves(start: Array, end: Array, size: tuple[int, int]) -> list[Array]:
    """The camera models that the matches support, 3x3 maps of the small pictures.

    Args:
        start: points of the first picture, (n, 2).
        end: the same points in the last picture.
        size: width and height of both pictures.

    Returns:
        Nothing, a similarity, or a similarity and a homography.
    """
    if len(start) < _INLIERS:
        return []
    affine, inside = cv2.estimateAffinePartial2D(
        start, end, method=cv2.RANSAC, ransacReprojThreshold=_REACH_PX, maxIters=4000
    )
    if affine is None:
        return []
    similar = np.vstack([affine, [0, 0, 1]])
    if not _believed(similar, start, inside, size):
        return []
    bent, bent_inside = cv2.findHomography(
        start, end, method=cv2.RANSAC, ransacReprojThreshold=_REACH_PX, maxIters=4000
    )
    if (
        bent is not None
        and int(bent_inside.sum()) >= _BETTER * int(inside.sum())
        and _believed(bent, start, bent_inside, size)
        and _tame(bent, size)
    ):
        return [similar, bent]
    return [similar]


def _believed(model: Array, start: Array, inside: Array, size: tuple[int, int]) -> bool:
    chosen = start[inside.ravel().astype(bool)]
    if len(chosen) < max(_INLIERS, _SHARE * len(start)):
        return False
    hull = cv2.convexHull(chosen.astype(np.float32))
    if cv2.contourArea(hull) < _SPREAD * size[0] * size[1]:
        return False
    zoom = abs(float(np.linalg.det(model[:2, :2] / model[2, 2]))) ** 0.5
    turn = abs(float(np.arctan2(model[1, 0], model[0, 0])))
    return _ZOOM[0] < zoom < _ZOOM[1] and turn < _TURN_RAD


def _tame(model: Array, size: tuple[int, int]) -> bool:
    """A perspective a camera could have: the frame stays convex and no corner runs away."""
    frame = corners(size)
    depth = np.hstack([frame, np.ones((4, 1))]) @ model[2]
    if depth.min() <= 0 or depth.max() > 2.5 * depth.min():
        return False
    seen = project(model, frame).astype(np.float32)
    return bool(cv2.isContourConvex(seen))
