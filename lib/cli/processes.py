"""The processes of a local service: started, watched, stopped together.

Each runs in a session of its own and writes a log of its own; when one ends early, its last lines
are what the caller sees. Nothing survives the parent's end.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Self

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START_S = 30.0
STOP_S = 10.0
TAIL_LINES = 15
FIRST_PORT, PORTS = 18000, 13000  # below those that Linux hands out itself
# Reads "+group" and "-group" until its parent is gone, however it went, and takes the rest along.
GUARD = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


class Died(Exception):
    """A process ended or did not answer; the message carries the end of its log."""


@dataclass
class Process:
    """One running process.

    Attributes:
        name: what messages call it.
        popen: the handle.
        log: where it writes.
        out: its standard output, when it is read here.
    """

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    out: IO[bytes] | None = None

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return "\n".join(f"    | {line}" for line in lines[-TAIL_LINES:])


class Processes:
    """All processes of one local service; a context manager that stops them.

    Args:
        folder: for logs.
        environ: what the children see.

    Attributes:
        environ: likewise.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder, self.environ = folder, dict(environ)
        self._running: list[Process] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._guard = _spawn([sys.executable, "-I", "-S", "-c", GUARD], stdin=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
        if self._guard.stdin:
            self._guard.stdin.close()
        self._guard.wait()

    def _tell_guard(self, sign: str, process: Process) -> None:
        if self._guard.stdin:
            self._guard.stdin.write(f"{sign}{process.popen.pid}\n".encode())
            self._guard.stdin.flush()

    def start(
        self, name: str, command: Sequence[str], more: Mapping[str, str], *, read: bool = False
    ) -> Process:
        """Start one.

        Args:
            name: what messages call it, and its log's name.
            command: what to run.
            more: further environment variables.
            read: whether its standard output is read here instead of logged.
        """
        log = self._folder / f"{name}.log"
        with log.open("wb") as file:
            popen = _spawn(
                command,
                env={**self.environ, **more},
                stdout=subprocess.PIPE if read else file,
                stderr=file,
                stdin=subprocess.DEVNULL,
            )
        process = Process(name, popen, log, popen.stdout)
        self._running.append(process)
        self._tell_guard("+", process)
        return process

    def lines_until_ready(self, process: Process) -> dict[str, str]:
        """The KEY=VALUE lines that an emulator prints before `ready`.

        Raises:
            Died: it ended first, or was not ready in time.
        """
        found: dict[str, str] = {}
        late = threading.Timer(START_S, process.popen.kill)
        late.start()
        try:
            for raw in process.out or ():
                text = raw.decode().strip()
                if text == "ready":
                    return found
                name, _, value = text.partition("=")
                found[name] = value
        finally:
            late.cancel()
        raise Died(f"{process.name} ended before it was ready:\n{process.tail()}")

    def healthy(self, process: Process, url: str) -> None:
        """Wait until a process answers.

        Raises:
            Died: it ended, or did not answer in time.
        """
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.check()
            try:
                if requests.get(url, timeout=1).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise Died(f"{process.name} does not answer at {url}:\n{process.tail()}")

    def check(self) -> None:
        """Notice a process that has ended.

        Raises:
            Died: one has.
        """
        for process in self._running:
            status = process.popen.poll()
            if status is not None:
                raise Died(f"{process.name} ended with status {status}:\n{process.tail()}")

    def kill(self, process: Process) -> None:
        """SIGKILL one with everything below it, as a machine that goes away."""
        self._running.remove(process)
        _signal(process, signal.SIGKILL)
        process.popen.wait()
        self._tell_guard("-", process)

    def stop(self) -> None:
        """Ask all to end, then make them."""
        for process in reversed(self._running):
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for process in self._running:
            try:
                process.popen.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.popen.wait()
            _signal(process, signal.SIGKILL)
            self._tell_guard("-", process)
            if process.out:
                process.out.close()
        self._running.clear()


def _spawn(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    # In a session of its own, so that Ctrl-C reaches us alone and we end it in order.
    return subprocess.Popen(command, start_new_session=True, **options)  # noqa: S603 - our own commands


def _signal(process: Process, number: int) -> None:
    try:
        os.killpg(process.popen.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def consecutive_ports(count: int) -> int:
    """The first of so many free ports in a row, below those that the system hands out itself."""
    while True:
        first = FIRST_PORT + secrets.randbelow(PORTS)
        if all(_free(first + offset) for offset in range(count)):
            return first


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def python() -> str:
    """The interpreter that runs us."""
    return sys.executable
