"""All emulators in one process: storage and upstream on two ports, a scheduler, one clock.

The parts know each other only by HTTP: the upstream downloads its frames as the service would. It
owns who listens where; what the parts answer is theirs.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lib.emulator.callers import Callers
from lib.emulator.clock import Clock
from lib.emulator.scheduler import Scheduler
from lib.emulator.server import Server
from lib.emulator.storage import StorageApp
from lib.emulator.upstream import DEFAULT_KEYS, Timing, UpstreamApp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from lib.emulator.upstream import FilmSource

BUCKET = "inbetween"
KEY_PATHS = frozenset({"/emulator/certs", "/emulator/jwks"})


def render(film: FilmSource, *, draft: bool = False) -> bytes:
    """The film between two frames; a draft is rougher and takes less than half the work."""
    from lib.emulator.film import render as render_film  # cv2 and av start slowly

    made = render_film(
        film.first,
        film.last,
        resolution=film.resolution,
        seed=film.seed,
        watermark=film.watermark,
        fast=draft,
    )
    sys.stderr.write(f"rendered {len(made)} bytes at {film.resolution}\n")
    return made


def draft(film: FilmSource) -> bytes:
    """The same, rougher."""
    return render(film, draft=True)


@dataclass(frozen=True)
class Options:
    """What is to be emulated.

    Attributes:
        port: of the storage; the upstream takes the next one; 0 takes two free ones.
        data: where the storage keeps its objects; None keeps them in memory.
        signers: accounts whose signatures count, to their public keys (PEM).
        keys: region to API keys.
        real_time: tasks take as long as the service's, instead of as long as their rendering.
        overflow: `refuse` or `queue` a third task at once.
        list_lag_s: how late the upstream's list is.
        poll_url: what the scheduler calls; None schedules nothing.
        every_s: from one call to the next.
        render: makes the films.
        callers: who may call.
    """

    port: int = 0
    data: Path | None = None
    signers: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    real_time: bool = False
    overflow: str = "refuse"
    list_lag_s: float = 0.0
    poll_url: str | None = None
    every_s: float = 60.0
    render: Callable[[FilmSource], bytes] = render
    callers: Callers = field(default_factory=Callers)


class UpstreamServer:
    """The upstream alone, on a loopback port; its links carry that port.

    Args:
        options: what is to be emulated; its port is the upstream's own.
        clock: whose time.
        scheduler: whose keys it serves beside its own pages.
    """

    def __init__(self, options: Options, clock: Clock, scheduler: Scheduler | None = None) -> None:
        import requests  # storage alone does not need it

        self._scheduler = scheduler
        self.server = Server(self._answer, options.port, callers=options.callers, now=clock.now)
        self.keys = options.keys or DEFAULT_KEYS
        session = requests.Session()
        session.trust_env = False
        self.app = UpstreamApp(
            clock,
            base_url=self.server.url,
            render=options.render,
            fetch=session,
            keys=self.keys,
            timing=Timing.documented() if options.real_time else Timing.rendering(),
            overflow=options.overflow,
            list_lag_s=options.list_lag_s,
            seed=int.from_bytes(os.urandom(4), "big"),
            sleep=time.sleep,
        )

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._scheduler and environ.get("PATH_INFO") in KEY_PATHS:
            return self._scheduler.keys_app(environ, start_response)
        return self.app(environ, start_response)

    def start(self) -> dict[str, str]:
        """Serve; returns what a client of the first region needs, as environment variables."""
        self.server.start()
        region = next(iter(self.keys))
        return {
            "DASHSCOPE_BASE_URL": f"{self.server.url}/{region}/api/v1",
            "DASHSCOPE_REGION": region,
            "DASHSCOPE_API_KEY": self.keys[region][0].rpartition(":")[2],
        }

    def stop(self) -> None:
        """Stop serving."""
        self.server.stop()


class Emulators:
    """All emulators, on loopback ports.

    Args:
        options: what is to be emulated.

    Raises:
        OSError: a port is taken.
        RuntimeError: another process uses the data folder.
    """

    def __init__(self, options: Options) -> None:
        self.clock = Clock()
        self.storage = StorageApp(self.clock, signers=options.signers, data=options.data)
        self.storage.create_bucket(BUCKET)
        self.scheduler = (
            Scheduler(self.clock, url=options.poll_url, every_s=options.every_s)
            if options.poll_url
            else None
        )
        self._storage_server = Server(
            self.storage, options.port, callers=options.callers, now=self.clock.now
        )
        port = options.port + 1 if options.port else 0
        self._upstream = UpstreamServer(replace(options, port=port), self.clock, self.scheduler)
        self.upstream = self._upstream.app

    def start(self) -> dict[str, str]:
        """Serve; returns what a client needs to know, as environment variables."""
        self._storage_server.start()
        upstream = self._upstream.start()
        if self.scheduler:
            self.scheduler.start()
        return {
            "STORAGE_EMULATOR_HOST": self._storage_server.url,
            "BUCKET": BUCKET,
            **upstream,
            "EMULATOR_CLOCK_URL": f"{self._storage_server.url}/emulator/clock",
        }

    def stop(self) -> None:
        """Stop serving and let go of the data folder."""
        if self.scheduler:
            self.scheduler.stop()
        self._storage_server.stop()
        self._upstream.stop()
        self.storage.close()
