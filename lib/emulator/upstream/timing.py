"""How long tasks take, what a film is made from, and the one thread that makes films.

Three ways: as long as rendering takes, as long as the service's samples took, or as long as
a caller says (then nothing runs in the background and a film is made at first need).
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lib.emulator.upstream.models import RegionModel


@dataclass(frozen=True)
class FilmSource:
    """What a film is rendered from.

    Attributes:
        first: the encoded first frame.
        last: the encoded last frame; None with a template.
        resolution: the tier, such as `720P`.
        seed: of whatever is drawn at random.
        watermark: whether the service's mark is drawn in.
        prompt: as cut by the service.
        model: its name.
    """

    first: bytes
    last: bytes | None
    resolution: str
    seed: int
    watermark: bool
    prompt: str
    model: str


@dataclass(frozen=True)
class Timing:
    """How long tasks take.

    Attributes:
        draw: pending and running seconds of a task of a model; None lets a task run for as long as
            its film takes to render.
        background: whether a film is rendered in a thread as soon as its task runs.
    """

    draw: Callable[[RegionModel], tuple[float, float]] | None
    background: bool

    @classmethod
    def rendering(cls) -> Timing:
        """A task lasts as long as its film takes to render."""
        return cls(None, background=True)

    @classmethod
    def documented(cls) -> Timing:
        """The durations of the service's own samples; films are rendered meanwhile."""
        return cls(lambda model: (model.pending_s, model.running_s), background=True)

    @classmethod
    def virtual(cls, draw: Callable[[], tuple[float, float]]) -> Timing:
        """Durations that a caller draws; no threads, films made at first need.

        Args:
            draw: pending and running seconds of the next accepted task.
        """
        return cls(lambda _model: draw(), background=False)


class FilmRenderer:
    """Makes films, one at a time, in a thread that does not keep the process from ending.

    Args:
        render: makes one film.
    """

    def __init__(self, render: Callable[[FilmSource], bytes]) -> None:
        self._render = render
        self._waiting: queue.SimpleQueue[tuple[Future[bytes], FilmSource]] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self._lock = threading.Lock()

    def render_later(self, film: FilmSource) -> Future[bytes]:
        """Have a film made in the background."""
        made: Future[bytes] = Future()
        with self._lock:
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, daemon=True, name="renderer")
                self._worker.start()
        self._waiting.put((made, film))
        return made

    def render_now(self, made: Future[bytes], film: FilmSource) -> None:
        """Make a film here and now."""
        try:
            made.set_result(self._render(film))
        except Exception as reason:  # noqa: BLE001 - it becomes the task's failure
            made.set_exception(reason)

    def _work(self) -> None:
        while True:
            self.render_now(*self._waiting.get())
