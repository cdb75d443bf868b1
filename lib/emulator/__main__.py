"""`python -m lib.emulator`: all emulators in one process, or one part alone.

Prints what a client needs as KEY=VALUE lines, then `ready`, and serves until SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lib.emulator.callers import Callers

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = ("storage", "upstream")
CANNOT_START = 2


def main(argv: list[str]) -> int:
    """Serve what the arguments say; returns the exit status."""
    part = argv[0] if argv and argv[0] in PARTS else ""
    options = _parser(part).parse_args(argv[1:] if part else argv)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    start = {"storage": _storage, "upstream": _upstream, "": _everything}[part]
    try:
        lines, close = start(options)
    except (OSError, OverflowError, RuntimeError, ValueError) as reason:
        sys.stderr.write(f"The emulator cannot start: {reason}\n")
        return CANNOT_START
    for name, value in lines.items():
        sys.stdout.write(f"{name}={value}\n")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    stop.wait()
    close()
    return 0


def _parser(part: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m lib.emulator {part}".rstrip(),
        description="Stand-ins for Cloud Storage, DashScope and Cloud Scheduler on this machine.",
        epilog="" if part else f"One part alone: {', '.join(PARTS)}; each has its own --help.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes free ports")
    for option, what in (("host", "name that leads here"), ("origin", "browsers' origin")):
        help_text = f"a {what} besides those of this machine (repeatable)"
        parser.add_argument(f"--allow-{option}", action="append", default=[], help=help_text)
    if part != "upstream":
        parser.add_argument("--data", type=Path, help="keep objects here; in memory without it")
        parser.add_argument(
            "--signer",
            action="append",
            default=[],
            metavar="EMAIL=PUBLIC.pem",
            help="an account whose signed links count (repeatable)",
        )
    if part != "storage":
        _upstream_options(parser)
    if part == "storage":
        help_text = "a bucket to make if it is not there (repeatable)"
        parser.add_argument("--bucket", action="append", default=[], help=help_text)
        help_text = "a folder of <bucket>/<object name> to start with"
        parser.add_argument("--seed", type=Path, help=help_text)
    if not part:
        parser.add_argument("--poll-url", help="what the scheduler calls")
        parser.add_argument("--every", type=float, default=60.0, help="seconds between two calls")
    return parser


def _upstream_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="REGION=KEY",
        help="an API key of a region (repeatable); REGION=NAME:KEY makes a further account",
    )
    parser.add_argument("--real-time", action="store_true", help="tasks last as documented")
    parser.add_argument("--draft", action="store_true", help="rougher films for half the work")
    parser.add_argument(
        "--overflow",
        choices=("refuse", "queue"),
        default="refuse",
        help="what happens to a third task at once",
    )
    parser.add_argument("--list-lag", type=float, default=0.0, help="how late the list is, seconds")


def _pairs(texts: list[str], option: str) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, _, value = text.partition("=")
        if not name or not value:
            raise ValueError(f"{option} is NAME=VALUE; got {text!r}")
        pairs.append((name, value))
    return pairs


def _callers(options: argparse.Namespace) -> Callers:
    return Callers(tuple(options.allow_host), tuple(options.allow_origin))


def _signers(options: argparse.Namespace) -> dict[str, str]:
    pairs = _pairs(options.signer, "--signer")
    return {email: Path(path).read_text("utf-8") for email, path in pairs}


def _keys(options: argparse.Namespace) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for region, key in _pairs(options.key, "--key"):
        keys.setdefault(region, []).append(key)
    return keys


def _everything(options: argparse.Namespace) -> tuple[dict[str, str], Callable[[], None]]:
    from lib.emulator.suite import (  # one part alone starts without it
        Emulators,
        Options,
        draft,
        render,
    )

    emulators = Emulators(
        Options(
            port=options.port,
            data=options.data,
            signers=_signers(options),
            keys=_keys(options),
            real_time=options.real_time,
            render=draft if options.draft else render,
            overflow=options.overflow,
            list_lag_s=options.list_lag,
            poll_url=options.poll_url,
            every_s=options.every,
            callers=_callers(options),
        )
    )
    return emulators.start(), emulators.stop


def _storage(options: argparse.Namespace) -> tuple[dict[str, str], Callable[[], None]]:
    from lib.emulator.clock import Clock
    from lib.emulator.server import Server
    from lib.emulator.storage import StorageApp

    app = StorageApp(Clock(), signers=_signers(options), data=options.data)
    for name in options.bucket:
        app.create_bucket(name)
    if options.seed is not None:
        app.seed(options.seed)
    server = Server(app, options.port, callers=_callers(options), now=app.clock.now).start()

    def close() -> None:
        server.stop()
        app.close()

    lines = {
        "STORAGE_EMULATOR_HOST": server.url,
        "EMULATOR_CLOCK_URL": f"{server.url}/emulator/clock",
    }
    return lines, close


def _upstream(options: argparse.Namespace) -> tuple[dict[str, str], Callable[[], None]]:
    from lib.emulator.clock import Clock
    from lib.emulator.suite import Options, UpstreamServer, draft, render

    plan = Options(
        port=options.port,
        keys=_keys(options),
        real_time=options.real_time,
        render=draft if options.draft else render,
        overflow=options.overflow,
        list_lag_s=options.list_lag,
        callers=_callers(options),
    )
    upstream = UpstreamServer(plan, Clock())
    lines = upstream.start()
    for region in upstream.keys:
        lines[f"DASHSCOPE_BASE_URL_{region.upper()}"] = f"{upstream.server.url}/{region}/api/v1"
    return {**lines, "EMULATOR_CLOCK_URL": f"{upstream.server.url}/emulator/clock"}, upstream.stop


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # A film may be half made: its native threads must not keep a stopped emulator alive.
    os._exit(status)
