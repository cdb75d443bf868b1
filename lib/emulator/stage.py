"""All parts on one stage: storage and upstream on two ports, a scheduler, one clock.

The parts know each other only over the wire: the upstream downloads its frames over HTTP, like
anybody else.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lib.emulator.clock import Clock
from lib.emulator.dashscope import DEFAULT_KEYS, Timing, UpstreamApp
from lib.emulator.scheduler import Scheduler
from lib.emulator.storage import StorageApp
from lib.emulator.wire import Server

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from lib.emulator.dashscope import Film

BUCKET = "inbetween"


@dataclass(frozen=True)
class Plan:
    """What is to be played.

    Attributes:
        port: of the storage; the upstream takes the next one; 0 takes two free ones.
        data: where the storage keeps its objects; None keeps them in memory.
        signers: accounts whose signatures count, to their public keys (PEM).
        keys: region to API keys.
        real_time: tasks take as long as the service's, instead of as long as their rendering.
        overflow: `refuse` or `queue` a third task at once.
        poll_url: what the scheduler calls; None schedules nothing.
        every_s: pause between two calls.
    """

    port: int = 0
    data: Path | None = None
    signers: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    real_time: bool = False
    overflow: str = "refuse"
    poll_url: str | None = None
    every_s: float = 60.0


class Stage:
    """Everything, on loopback ports.

    Args:
        plan: what is to be played.
    """

    def __init__(self, plan: Plan) -> None:
        import requests  # noqa: PLC0415 - playing storage alone does not need it

        self.clock = Clock()
        self.storage = StorageApp(self.clock, signers=plan.signers, data=plan.data)
        self.storage.create_bucket(BUCKET)
        self._storage_server = Server(self.storage, plan.port)
        upstream_port = plan.port + 1 if plan.port else 0
        self._relay = _Relay()
        self._upstream_server = Server(self._relay, upstream_port)
        session = requests.Session()
        session.trust_env = False
        self.upstream = UpstreamApp(
            self.clock,
            base_url=self._upstream_server.url,
            render=render,
            fetch=session,
            timing=Timing.documented() if plan.real_time else Timing.rendering(),
            overflow=plan.overflow,
            seed=int.from_bytes(os.urandom(4), "big"),
            keys=plan.keys or DEFAULT_KEYS,
        )
        self._relay.app = self.upstream
        self.keys = plan.keys or DEFAULT_KEYS
        self.scheduler: Scheduler | None = None
        if plan.poll_url:
            self.scheduler = Scheduler(self.clock, session, url=plan.poll_url, every_s=plan.every_s)

    def start(self) -> dict[str, str]:
        """Serve; returns what a client needs to know, as environment variables."""
        self._storage_server.start()
        self._upstream_server.start()
        if self.scheduler:
            self.scheduler.start()
        region = next(iter(self.keys))
        return {
            "STORAGE_EMULATOR_HOST": self._storage_server.url,
            "BUCKET": BUCKET,
            "DASHSCOPE_BASE_URL": f"{self._upstream_server.url}/{region}/api/v1",
            "DASHSCOPE_REGION": region,
            "DASHSCOPE_API_KEY": self.keys[region][0],
            "EMULATOR_CLOCK_URL": f"{self._storage_server.url}/emulator/clock",
        }

    def stop(self) -> None:
        """Stop serving."""
        if self.scheduler:
            self.scheduler.stop()
        self._storage_server.stop()
        self._upstream_server.stop()


class _Relay:
    """Lets a port be known before the app that answers on it."""

    app: UpstreamApp

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.app(environ, start_response)


_one_film = threading.Lock()


def render(film: Film) -> bytes:
    """The film between two frames; one at a time, since it keeps two cores busy."""
    from lib.emulator import film as cinema  # noqa: PLC0415 - cv2 and av start slowly

    with _one_film:
        made: bytes = cinema.render(
            film.first,
            film.last,
            resolution=film.resolution,
            seed=film.seed,
            watermark=film.watermark,
        )
    sys.stderr.write(f"rendered {len(made)} bytes at {film.resolution}\n")
    return made
