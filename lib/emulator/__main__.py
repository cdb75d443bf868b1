"""`python -m lib.emulator`: everything on one stage, or one part alone.

Prints what a client needs as KEY=VALUE lines, then `ready`, and serves until SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def main(argv: list[str]) -> int:
    """Play what the arguments say; returns the exit status."""
    part = argv[0] if argv and argv[0] in {"storage", "upstream"} else ""
    options = _parser(part).parse_args(argv[1:] if part else argv)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    play = {"storage": _storage, "upstream": _upstream, "": _everything}[part]
    close = play(options)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    stop.wait()
    close()
    return 0


def _parser(part: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m lib.emulator {part}".rstrip(),
        description="Stand-ins for Cloud Storage, DashScope and Cloud Scheduler on this machine.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes free ports")
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
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            metavar="REGION=KEY",
            help="an API key of a region (repeatable)",
        )
        parser.add_argument("--real-time", action="store_true", help="tasks last as documented")
        parser.add_argument("--overflow", choices=("refuse", "queue"), default="refuse")
    if not part:
        parser.add_argument("--poll-url", help="what the scheduler calls")
        parser.add_argument("--every", type=float, default=60.0, help="seconds between two calls")
    return parser


def _signers(options: argparse.Namespace) -> dict[str, str]:
    pairs = (text.partition("=") for text in options.signer)
    return {email: Path(path).read_text("utf-8") for email, _, path in pairs}


def _keys(options: argparse.Namespace) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for text in options.key:
        region, _, key = text.partition("=")
        keys.setdefault(region, []).append(key)
    return keys


def _say(lines: dict[str, str]) -> None:
    for name, value in lines.items():
        sys.stdout.write(f"{name}={value}\n")


def _everything(options: argparse.Namespace) -> Callable[[], None]:
    from lib.emulator.stage import Plan, Stage  # noqa: PLC0415 - one part alone starts without it

    stage = Stage(
        Plan(
            port=options.port,
            data=options.data,
            signers=_signers(options),
            keys=_keys(options),
            real_time=options.real_time,
            overflow=options.overflow,
            poll_url=options.poll_url,
            every_s=options.every,
        )
    )
    _say(stage.start())
    return stage.stop


def _storage(options: argparse.Namespace) -> Callable[[], None]:
    from lib.emulator.clock import Clock  # noqa: PLC0415 - as above
    from lib.emulator.storage import StorageApp  # noqa: PLC0415 - as above
    from lib.emulator.wire import Server  # noqa: PLC0415 - as above

    app = StorageApp(Clock(), signers=_signers(options), data=options.data)
    server = Server(app, options.port).start()
    _say({"STORAGE_EMULATOR_HOST": server.url})
    return server.stop


def _upstream(options: argparse.Namespace) -> Callable[[], None]:
    import requests  # noqa: PLC0415 - as above

    from lib.emulator.clock import Clock  # noqa: PLC0415 - as above
    from lib.emulator.dashscope import DEFAULT_KEYS, Timing, UpstreamApp  # noqa: PLC0415 - as above
    from lib.emulator.stage import render  # noqa: PLC0415 - as above
    from lib.emulator.wire import Server  # noqa: PLC0415 - as above

    port = options.port or _free_port()
    keys = _keys(options) or DEFAULT_KEYS
    app = UpstreamApp(
        Clock(),
        base_url=f"http://127.0.0.1:{port}",
        render=render,
        fetch=requests.Session(),
        timing=Timing.documented() if options.real_time else Timing.rendering(),
        overflow=options.overflow,
        keys=keys,
    )
    server = Server(app, port).start()
    for region in keys:
        _say({f"DASHSCOPE_BASE_URL_{region.upper()}": f"{server.url}/{region}/api/v1"})
    return server.stop


def _free_port() -> int:
    import socket  # noqa: PLC0415 - as above

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
