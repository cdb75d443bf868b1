"""`infra/dev bench strangers`: what a hundred slow strangers cost the callers who have a key.

The function as the buildpack serves it (functions-framework over gunicorn, the same `main.py`) and
real sockets: forms without a policy, bodies without a key, heads that never end, a byte now and then.
Times without and with them are compared in the same process, as a ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests

from lib.cli import service as services
from lib.cli.processes import Processes
from lib.emulator.samples import monster
from lib.web.auth import new_key
from tests.bench.screen import table

PATIENCE_S = 60
AT_MOST = 2.0  # times the quiet time
BYTE_EVERY_S = 0.5
FORM = "multipart/form-data; boundary=b"
# What a stranger sends first; then a byte now and then, for ever.
BEGINNINGS = {
    "form": f"POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n"
    "Content-Encoding: x\r\nContent-Length: 50000\r\n\r\n-",
    "body": "POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 5000000\r\n\r\n{",
    "head": "GET /v1/videos HTTP/1.1\r\nHost: localhost\r\nX-A",
    "silence": "",
}


@dataclass
class Counts:
    """What became of strangers and callers.

    Attributes:
        strangers: connections that were opened.
        answered: of these, how many got an answer.
        closed: and how many an end without one.
        statuses: of every keyed call and every `/health`.
    """

    strangers: int = 0
    answered: int = 0
    closed: int = 0
    statuses: list[int] = field(default_factory=list)


class SlowStrangers:
    """So many strangers at any time: whose connection has ended comes again, until the end.

    Args:
        port: of `api`.
        count: strangers at a time.
        counts: what becomes of them.
        again: whether they come again.
    """

    def __init__(self, port, count, counts, *, again):
        self._port, self._count, self._counts, self._again = port, count, counts, again
        self._kinds = itertools.cycle(BEGINNINGS)
        self._open = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        for _ in range(self._count):
            self._come()
        self._thread.start()
        return self

    def __exit__(self, *_exc):
        self._ended.set()
        self._thread.join()
        for stranger in self._open:
            stranger.close()

    def _come(self):
        kind = next(self._kinds)
        stranger = socket.create_connection(("127.0.0.1", self._port), PATIENCE_S)
        self._counts.strangers += 1
        with contextlib.suppress(OSError):
            stranger.sendall(BEGINNINGS[kind].encode())
        stranger.settimeout(0)
        self._open[stranger] = kind

    def _run(self):
        while not self._ended.wait(BYTE_EVERY_S):
            for stranger, kind in list(self._open.items()):
                if self._is_over(stranger, kind):
                    del self._open[stranger]
                    stranger.close()
                    if self._again:
                        self._come()

    def _is_over(self, stranger, kind):
        try:
            if kind != "silence":
                stranger.send(b"-")
            came = stranger.recv(1 << 12)
        except BlockingIOError:
            return False
        except OSError:
            came = b""
        if came.startswith(b"HTTP/1.1 "):
            self._counts.answered += 1
        else:
            self._counts.closed += 1
        return True

    def wait_for_all(self):
        """Until every stranger was answered or closed."""
        deadline = time.monotonic() + PATIENCE_S
        while self._open and time.monotonic() < deadline:
            time.sleep(BYTE_EVERY_S / 5)


@contextlib.contextmanager
def running():
    """A service of which one owner has a key; the service and the key's header."""
    key, stored = new_key()
    limits = json.dumps({"*": {"jobs_per_day": None, "jobs_running": None}})
    environ = {**os.environ, "OWNER_LIMITS": limits}
    with (
        tempfile.TemporaryDirectory() as folder,
        Processes(Path(folder), environ) as processes,
    ):
        owner_keys = json.dumps({"alice": [stored]})
        service = services.start(processes, draft=True, owner_keys=owner_keys)
        yield service, {"Authorization": f"Bearer {key}"}


def health(service):
    """One `/health`; its status."""
    return requests.get(f"{service.url}/health", timeout=PATIENCE_S).status_code


def create(service, headers):
    """One keyed create; its status."""
    files = {
        "first_frame": ("a.png", monster.first(), "image/png"),
        "last_frame": ("b.png", monster.last(), "image/png"),
    }
    url = f"{service.url}/v1/videos"
    return requests.post(url, headers=headers, files=files, timeout=PATIENCE_S).status_code


def timed(call, count, counts):
    """The seconds of so many calls, one after the other."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        counts.statuses.append(call())
        times.append(time.perf_counter() - start)
    return times


def p95(times):
    """The time that 19 of 20 calls keep."""
    return statistics.quantiles(times, n=20)[-1]


def main(argv):
    """Print the table; returns 1 when a bound is broken."""
    parser = argparse.ArgumentParser(prog="infra/dev bench strangers")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--strangers", type=int, default=100)
    options = parser.parse_args(argv)
    with table() as say:
        return report(say, options.strangers, quick=options.quick)


def report(say, strangers, *, quick):
    """Say the rows one by one; returns 1 when a bound is broken."""
    healths, creates = (100, 6) if quick else (1500, 40)
    counts, bad = Counts(), 0
    with running() as (service, headers):
        calls = {
            "/health, p95": (lambda: health(service), healths, p95),
            "keyed create, median": (
                lambda: create(service, headers),
                creates,
                statistics.median,
            ),
        }
        for call, _, _ in calls.values():
            timed(call, 3, counts)  # the first ones build the service
        # Quiet before and after, so that a machine that slows down meanwhile is not our doing.
        before = {name: timed(call, n, counts) for name, (call, n, _) in calls.items()}
        with SlowStrangers(service.ports.api, strangers, counts, again=True):
            during = {name: timed(call, n, counts) for name, (call, n, _) in calls.items()}
        after = {name: timed(call, n, counts) for name, (call, n, _) in calls.items()}
        say("                        quiet  strangers   ratio")
        for name, (_, _, sum_up) in calls.items():
            quiet = sum_up(before[name] + after[name])
            with_them = sum_up(during[name])
            ratio = with_them / quiet
            say(f"{name:21}{1000 * quiet:5.0f} ms   {1000 * with_them:5.0f} ms   {ratio:5.2f}")
            bad += ratio > AT_MOST
    refused = sum(status not in range(200, 300) for status in counts.statuses)
    say(
        f"{strangers} strangers at any time, {counts.strangers} in all: {counts.answered} answered, "
        f"{counts.closed} closed; {len(counts.statuses)} creates and /health, {refused} without a 2xx"
    )
    return bool(bad or refused)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
