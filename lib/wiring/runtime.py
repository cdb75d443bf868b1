"""What differs between a cloud, a laptop and a test: clock, ids, waiting and transports.

`real` is that of a deployed or local process; tests make their own.
"""

from __future__ import annotations

import contextvars
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from lib.adapters.bucket.errors import map_errors
from lib.adapters.outbound.session import guarded_session, timed_session
from lib.core.together import in_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lib.config import Config
    from lib.core.together import Together


@dataclass(frozen=True)
class Runtime:
    """The seam between the service and what it runs on.

    Attributes:
        now: Unix seconds.
        sleep: waits that many seconds.
        token: 16 random hex characters.
        storage_session: the transport of the storage client; None lets it make its own.
        upstream_session: makes a session to DashScope.
        web_session: the session for pictures, films and webhooks.
        together: runs several calls that wait for other hosts.
    """

    now: Callable[[], float]
    sleep: Callable[[float], None]
    token: Callable[[], str]
    storage_session: requests.Session | None
    upstream_session: Callable[[], requests.Session]
    web_session: requests.Session
    together: Together = in_turn


def real(config: Config) -> Runtime:
    """The machine's own clock and network; with an emulator, its clock."""
    return Runtime(
        now=_emulated_clock(config.emulator_clock_url) if config.emulator_clock_url else time.time,
        sleep=time.sleep,
        token=lambda: secrets.token_hex(8),
        storage_session=None,
        upstream_session=timed_session,
        web_session=guarded_session(allow_loopback_http=config.local),
        together=at_once,
    )


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Several calls, each in a thread of its own; whoever answers slowly delays nobody else.

    All have ended when this returns, also when one of them raises.
    """
    if len(calls) <= 1:
        return in_turn(calls)
    with ThreadPoolExecutor(len(calls)) as pool:
        # Each in a copy of the caller's context: log lines of a call name its request.
        runs = [pool.submit(contextvars.copy_context().run, call) for call in calls]
        return [run.result() for run in runs]


def _emulated_clock(url: str) -> Callable[[], float]:
    """The emulator's clock: its distance from ours is asked for once a second."""
    known = {"offset": 0.0, "asked": float("-inf")}

    def now() -> float:
        here = time.monotonic()
        if here - known["asked"] > 1.0:
            answer = map_errors(lambda: requests.get(url, timeout=(1, 2)).json())
            known["offset"], known["asked"] = answer["now"] - time.time(), here
        return time.time() + known["offset"]

    return now
