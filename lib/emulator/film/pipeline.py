"""From two encoded pictures to the film's bytes: the order of the work and its threads.

Owns the process-wide thread setting of OpenCV and the two workers that draw pictures ahead of the
encoder, never more than a few at a time, so memory stays small whatever the size.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import cv2

from lib.emulator.film.effort import CAREFUL, FAST, FRAMES
from lib.emulator.film.encode import encode
from lib.emulator.film.frames import PictureRenderer
from lib.emulator.film.pictures import Planes, crop_to_shape, decode, planes
from lib.emulator.film.plan import Plan, make_plan, push_in
from lib.emulator.film.size import output_size
from lib.emulator.film.style import style_of
from lib.emulator.film.watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from lib.emulator.film.effort import Effort

    Array = NDArray[Any]

_WORKERS, _AHEAD = 2, 6


def render_film(
    first: bytes, last: bytes | None, *, resolution: str, seed: int, watermark: bool, fast: bool
) -> bytes:
    """Render a film; see `lib.emulator.film.render` for the contract."""
    cv2.setNumThreads(1)  # the workers below are the parallelism; OpenCV's own would vary with load
    effort, style = (FAST if fast else CAREFUL), style_of(seed)
    picture = decode(first, "first")
    height, width = picture.shape[:2]
    size = output_size(width, height, resolution)
    start = planes(picture, size)
    end, plan = start, Plan(push_in(size, style), None)
    if last is not None:
        end = planes(crop_to_shape(decode(last, "last"), width, height), size)
        plan = make_plan(start, end, style, effort)
    renderer = PictureRenderer(start, end, plan, style, effort, alone=last is None)
    stamp = Watermark(size) if watermark else None

    def finished(picture: Planes) -> Array:
        joined = picture.joined()
        if stamp:
            stamp.press(joined)
        return joined

    drawn = _drawn(renderer.picture, finished, effort)
    return encode(drawn, size, effort)


def _drawn(
    draw: Callable[[int], Planes], finish: Callable[[Planes], Array], effort: Effort
) -> Iterator[Array]:
    """All pictures in order, drawn by the workers a few ahead of the reader."""
    step = effort.every
    keys = [*range(0, FRAMES - 1, step), FRAMES - 1]
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="film") as pool:
        queue: deque[tuple[int, Future[Planes]]] = deque()
        coming = iter(keys)
        before: tuple[int, Planes] | None = None
        while True:
            while len(queue) < _AHEAD and (index := next(coming, None)) is not None:
                queue.append((index, pool.submit(draw, index)))
            if not queue:
                return
            index, future = queue.popleft()
            picture = future.result()
            if before is not None:
                for between in range(before[0] + 1, index):
                    share = (between - before[0]) / (index - before[0])
                    yield finish(_between(before[1], picture, share))
            yield finish(picture)
            before = index, picture


def _between(one: Planes, other: Planes, share: float) -> Planes:
    return Planes(
        cv2.addWeighted(one.y, 1 - share, other.y, share, 0),
        cv2.addWeighted(one.uv, 1 - share, other.uv, share, 0),
    )
