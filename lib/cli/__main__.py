"""`infra/dev run` and `infra/dev submit`: a service on this machine, films through it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lib.cli import job as jobs
from lib.cli import service as services
from lib.cli.processes import Died, Processes
from lib.cli.screen import Screen
from lib.core import catalogue
from lib.emulator import film
from lib.emulator.samples import monster
from lib.web.auth import LOCAL_OWNER, new_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PROMPT = (
    "A small blue monster with a sad face stands in the rain. The camera slowly moves in and "
    "stops at the moment in which it looks up at the sky."
)
SERVING = """
  Serving until Ctrl-C. Try:
    curl {curl}-F first_frame=@first.png -F last_frame=@last.png -F prompt='…' {url}/v1/videos
    infra/dev submit FIRST LAST --prompt '…' --url {url}{submit}
  Emulators: {storage}/emulator and {upstream}/emulator
  Logs: .inbetween/logs"""
# Where the key of a run stands in the examples.
CURL_KEY, SUBMIT_KEY = '-H "Authorization: Bearer $KEY" ', " --key $KEY"


def main(argv: list[str]) -> int:
    """Run a command; returns the exit status."""
    options = _parser().parse_args(argv)
    screen = Screen(os.environ)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(options.command(options, screen))
    except (Died, jobs.JobRefused) as reason:
        screen.line(f"\n  ✗ {reason}")
        return 1
    except KeyboardInterrupt:
        screen.line("\n  stopped")
        return 130
    except BrokenPipeError:
        # Who read us has seen enough; the interpreter must not trip over it while it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra/dev", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="start a service and make a film with it")
    run.set_defaults(command=_run)
    run.add_argument("--once", action="store_true", help="end after the film")
    run.add_argument("--port", type=int, default=0, help="of the API; 0 takes free ones")
    run.add_argument("--real", action="store_true", help="the real upstream; paid, asks first")
    run.add_argument("--real-time", action="store_true", help="emulated tasks last as documented")
    run.add_argument("--draft", action="store_true", help="a rougher film for half the work")
    run.add_argument("--yes", action="store_true", help="with --real: do not ask")
    run.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name that leads to this machine, such as host.docker.internal (repeatable)",
    )
    submit = commands.add_parser("submit", help="make a film between two pictures")
    submit.set_defaults(command=_submit)
    submit.add_argument("first", type=Path)
    submit.add_argument("last", type=Path)
    submit.add_argument("--prompt")
    submit.add_argument("--resolution", choices=catalogue.RESOLUTIONS)
    submit.add_argument("--model")
    submit.add_argument("--seed", type=int)
    submit.add_argument("--watermark", action="store_true")
    submit.add_argument("--out", type=Path, default=Path("film.mp4"))
    submit.add_argument("--url", help="a running service; without it one is started")
    submit.add_argument("--key", help="its bearer key")
    return parser


def _run(options: argparse.Namespace, screen: Screen) -> int:
    real = _upstream(screen, ask=not options.yes) if options.real else None
    # Films that cost money are for whoever holds the key of this very run.
    key, stored = new_key() if real else (None, "")
    hosts = " ".join([*options.allow_host, os.environ.get("ALLOWED_HOSTS", "")]).strip()
    environ = {**os.environ, "ALLOWED_HOSTS": hosts}
    with Processes(services.STATE_FOLDER / "logs", environ) as processes:
        service = services.start(
            processes,
            port=options.port,
            real=real,
            real_time=options.real_time,
            draft=options.draft,
            owner_keys=json.dumps({LOCAL_OWNER: [stored]}) if real else None,
        )
        screen.done("emulator", f"storage {service.emulator['STORAGE_EMULATOR_HOST']}")
        screen.done("upstream", service.environ["DASHSCOPE_BASE_URL"] or "the real DashScope")
        screen.done("api", service.url)
        screen.done("poll", f"http://127.0.0.1:{service.ports.poll}, called by the scheduler")
        if key:
            screen.done("key", f"{key}  (of this run, shown once)")
        request = jobs.FilmRequest(monster.first(), monster.last(), {"prompt": PROMPT})
        target = jobs.ServiceAddress(service.url, key, watch=processes.check)
        _film(target, request, screen, None)
        if options.once:
            return 0
        screen.line(_serving(service, locked=bool(key)))
        while True:
            time.sleep(0.5)
            processes.check()


def _serving(service: services.LocalService, *, locked: bool) -> str:
    curl, submit = (CURL_KEY, SUBMIT_KEY) if locked else ("", "")
    return SERVING.format(
        url=service.url,
        storage=service.emulator["STORAGE_EMULATOR_HOST"],
        upstream=f"http://127.0.0.1:{service.ports.storage + 1}",
        curl=curl,
        submit=submit,
    )


def _submit(options: argparse.Namespace, screen: Screen) -> int:
    fields = {
        name: str(value)
        for name in ("prompt", "resolution", "model", "seed")
        if (value := getattr(options, name)) is not None
    }
    if options.watermark:
        fields["watermark"] = "true"
    request = jobs.FilmRequest(_read(options.first), _read(options.last), fields)
    if options.url:
        target = jobs.ServiceAddress(options.url.rstrip("/"), options.key)
        _film(target, request, screen, options.out)
        return 0
    with Processes(services.STATE_FOLDER / "logs", os.environ) as processes:
        service = services.start(processes)
        target = jobs.ServiceAddress(service.url, watch=processes.check)
        _film(target, request, screen, options.out)
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise jobs.JobRefused(f"{path}: {error.strerror}") from None


def _film(
    service: jobs.ServiceAddress, request: jobs.FilmRequest, screen: Screen, out: Path | None
) -> None:
    job = jobs.submit(service, request)
    screen.done("job", job["id"])
    for warning in job["warnings"]:
        screen.line(f"    note: {warning}")
    job = jobs.follow(service, job, screen)
    path = out or services.STATE_FOLDER / "films" / f"{job['id']}.mp4"
    size = jobs.download(job, path)
    screen.done("film", f"{_short(path)}  ({size:,} bytes)")
    screen.done("", _described(film.probe(path.read_bytes())))
    screen.done("link", job["url"])
    expires = time.strftime("%H:%M", time.localtime(job["url_expires_at"]))
    screen.line(f"    valid until {expires}, renewed by GET /v1/videos/{job['id']}")


def _short(path: Path) -> str:
    resolved = path.resolve()
    root = services.ROOT
    return str(resolved.relative_to(root) if resolved.is_relative_to(root) else resolved)


def _described(facts: Mapping[str, Any]) -> str:
    sound = "with sound" if facts["audio"] else "silent"
    return (
        f"{facts['codec']} {facts['pix_fmt']}, {facts['width']}x{facts['height']}, "
        f"{facts['frames']} frames at {facts['fps']:g} fps, {facts['duration_s']:.3f} s, {sound}"
    )


def _upstream(screen: Screen, *, ask: bool) -> services.RealUpstream:
    """The real upstream, after its price was shown and agreed to."""
    key = os.environ.get("DASHSCOPE_API_KEY", "")
    if not key:
        raise jobs.JobRefused(
            "--real needs DASHSCOPE_API_KEY: a Model Studio key of your region "
            "(DASHSCOPE_REGION=singapore or beijing)."
        )
    region = os.environ.get("DASHSCOPE_REGION") or "singapore"
    model = catalogue.resolve(region, catalogue.FLASH)
    price = model.price_per_s["720P"]
    cost = f"{price.amount * catalogue.SECONDS} {price.currency}" if price else "not published"
    screen.line(f"  One film of {model.name} at 720P in {region}: price {cost}.")
    if ask and input("  Pay for one film? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise jobs.JobRefused("nothing was sent, nothing was paid")
    return services.RealUpstream(key, os.environ.get("DASHSCOPE_BASE_URL"), region)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
