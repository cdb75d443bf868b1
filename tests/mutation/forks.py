"""Forks that talk: each task in a process of its own, so many at once, killed when they fall silent.

What a task leaves behind, in memory or in threads, goes with its process. Everything that was
imported before costs nothing again.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from dataclasses import dataclass, field

SILENT_AT_MOST_S = 150.0  # without a word, however loaded the machine is
MEMORY_AT_MOST = 6 << 30  # addresses, not pages: what grows without end fails early


@dataclass
class Ended:
    """A task that is over.

    Attributes:
        task: which.
        said: its lines.
        ending: how its process ended, as a word; empty when it returned.
    """

    task: object
    said: list[str] = field(default_factory=list)
    ending: str = ""


@dataclass
class _Fork:
    row: list
    task: object
    pid: int
    heard: float
    said: bytes = b""
    silent: bool = False


def side_by_side(rows, jobs, work):
    """Run every task in a fork; the tasks of one row come one after the other.

    Args:
        rows: lists of tasks.
        jobs: how many forks at once.
        work: called in the fork with the task and a function that says a line.

    Yields:
        What became of each task, as they end.
    """
    waiting, running = [list(row) for row in rows if row], {}
    while waiting or running:
        while waiting and len(running) < jobs:
            _begin(waiting.pop(0), work, running)
        for pipe in select.select(list(running), [], [], 5.0)[0]:
            fork = running[pipe]
            if said := os.read(pipe, 1 << 16):
                fork.said, fork.heard = fork.said + said, time.monotonic()
                continue
            os.close(pipe)
            del running[pipe]
            yield _ended(fork)
            if fork.row:
                _begin(fork.row, work, running)
        for fork in running.values():
            if time.monotonic() - fork.heard > SILENT_AT_MOST_S:
                fork.silent = True
                os.kill(fork.pid, signal.SIGKILL)


def _begin(row, work, running):
    task = row.pop(0)
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _live(task, work, writing)
    os.close(writing)
    running[reading] = _Fork(row, task, pid, time.monotonic())


def _live(task, work, writing):
    """In the fork, from its beginning to its end."""
    status = 1
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_AT_MOST, MEMORY_AT_MOST))
        work(task, lambda line: os.write(writing, f"{line}\n".encode()))
        status = 0
    except BaseException as error:  # noqa: BLE001 - told to the one who asked
        os.write(writing, f"! {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def _ended(fork):
    _, status = os.waitpid(fork.pid, 0)
    ending = ""
    if fork.silent:
        ending = "it does not end"
    elif os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        slow = number == signal.SIGPROF
        ending = "it takes too long" if slow else f"it dies by {signal.Signals(number).name}"
    elif status:
        ending = "the process failed"
    return Ended(fork.task, fork.said.decode().splitlines(), ending)
