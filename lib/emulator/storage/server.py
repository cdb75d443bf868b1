"""The emulator as a process: one command, a port that answers, a clean end.

`play` is what the command line calls. It prints the line to export only once the port answers, so a
script may wait for that line.
"""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from lib.emulator.clock import Clock
from lib.emulator.server import Server
from lib.emulator.storage.app import StorageApp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def play(
    port: int,
    *,
    data: Path | None = None,
    signers: Mapping[str, str | bytes] | None = None,
    seed: Path | None = None,
    buckets: Iterable[str] = (),
    host: str = "127.0.0.1",
) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        port: 0 takes a free one.
        data: where to keep everything over restarts; None keeps it in memory.
        signers: account e-mail to its public key (PEM); only their signatures count.
        seed: a folder `<bucket>/<object name>` to start with.
        buckets: buckets to make if they are not there.
        host: the address to bind.

    Returns:
        The process's exit code: 0 after a signal, 2 when the port, the data folder or a seed cannot
        be used.
    """
    try:
        app = StorageApp(Clock(), data=data, signers=signers)
        for name in buckets:
            app.create_bucket(name)
        if seed is not None:
            app.seed(seed)
        server = Server(app, port, host, now=app.clock.now)
    except (OSError, RuntimeError, ValueError) as reason:
        sys.stderr.write(f"The storage emulator cannot start: {reason}\n")
        return 2
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    with server:
        sys.stdout.write(f"STORAGE_EMULATOR_HOST={server.url}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            done.wait()
    app.close()
    return 0
