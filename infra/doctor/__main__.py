"""`infra/dev doctor`: looks at this machine, an upstream account, a service or a project.

Owns the command line and what is looked at in which order. Looks only: it installs, creates and
changes nothing, and every call that it makes is free.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.doctor.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]
PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{2,28}[a-z0-9]")
REGION = re.compile(r"[a-z]+-[a-z]+[0-9]{1,2}")
NAME = re.compile(r"[a-z][a-z0-9-]{1,18}[a-z0-9]")
LAST_PORT = 65532  # the last of the four is 65535


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what stands behind `infra/dev doctor`.

    Returns:
        The exit status: 0 when all is fine, 1 when something fails; 2 for wrong usage.
    """
    options = _options(arguments)
    report = Report()
    report.hide(options.key)
    try:
        if options.url:
            _service(report, options)
        if options.project:
            _project(report, options)
    except ModuleNotFoundError as error:
        found = f"{error.name} is missing, so that nothing can be asked"
        report.fault(
            "packages", found, ".venv/bin/python -m pip install -r infra/requirements-dev.txt"
        )
    if not options.url and not options.project:
        _machine(report, options.port)
    sys.stdout.write(report.json() if options.json else report.text())
    return report.status


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra/dev doctor", description=__doc__)
    parser.add_argument("--url", type=_url, help="look at the service at this address")
    parser.add_argument("--key", help="a bearer key of that service")
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        type=_url,
        help="a browser's origin that should be able to call and play (repeatable)",
    )
    parser.add_argument("--project", type=_matches(PROJECT_ID), help="a Google Cloud project's id")
    parser.add_argument(
        "--name", type=_matches(NAME), default="inbetween", help="as it was deployed (inbetween)"
    )
    parser.add_argument(
        "--region",
        type=_matches(REGION),
        default="asia-southeast1",
        help="as it was deployed (asia-southeast1)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8080,
        help="the first of the four ports of infra/dev run (8080)",
    )
    parser.add_argument("--json", action="store_true", help="for a program")
    # For private endpoints of Google, and for the tests.
    parser.add_argument("--endpoint", action="append", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.key and not options.url:
        parser.error("--key belongs to --url: it is the key of that service")
    if options.origin and not options.url and not options.project:
        parser.error("--origin belongs to --url or --project")
    try:
        options.endpoints = _endpoints(options.endpoint)
    except ValueError as error:
        parser.error(f"--endpoint: {error}")
    return options


def _endpoints(given: Sequence[str]) -> dict[str, str]:
    from infra.doctor.google import endpoints

    pairs = (text.partition("=") for text in given)
    return endpoints({api: url.rstrip("/") for api, _, url in pairs})


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        # Not repeated: it may hold a password.
        raise argparse.ArgumentTypeError(
            "not an address such as https://host (no user, password, query or fragment)"
        )
    return text.rstrip("/")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 1 to {LAST_PORT}")
    return int(text)


def _matches(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text!r} is not of the form {pattern.pattern}")
        return text

    return check


def _machine(report: Report, port: int) -> None:
    from infra.doctor import checkout, environment, packages, ports, tools, upstream

    report.hide(*environment.secrets(os.environ))
    report.begin("This machine")
    packages.examine(report, ROOT)
    tools.examine(report)
    ports.examine(report, port)
    sound = environment.examine(report, os.environ)
    checkout.examine(report, ROOT, os.environ)
    if not sound:
        report.begin("Upstream")
        report.left_out("upstream", "not asked while its settings are refused, see above")
        return
    accounts = environment.accounts(os.environ)
    for account in accounts:
        report.hide(account.api_key)
        report.begin(f"Upstream account {account.name}")
        try:
            with report.odd_answers("upstream"):
                upstream.examine(report, account)
        except ImportError:
            report.left_out("upstream", "the packages are missing, see above")
    if not accounts:
        report.begin("Upstream")
        report.left_out("upstream", "no DASHSCOPE_API_KEY is set; infra/dev run needs none")
        report.left_out("clock", "no reference without an upstream; --url and --project have one")


def _service(report: Report, options: argparse.Namespace) -> None:
    from infra.doctor import service

    report.begin(f"Service {options.url}")
    with report.odd_answers("service"):
        service.examine(report, service.Target(options.url, options.key, options.origin))


def _project(report: Report, options: argparse.Namespace) -> None:
    from infra.doctor import bucket, clock, deployed
    from infra.doctor.google import LOGIN, Google, Names, NoCredentials, login

    report.begin(f"Project {options.project}")
    try:
        who = login()
    except NoCredentials as error:
        report.fault("credentials", str(error), LOGIN)
        return
    report.hide(who.token)
    report.fine("credentials", "application default credentials are good")
    google = Google(options.project, who, options.endpoints)
    names = Names(options.project, options.name, options.region)
    functions: dict[str, dict[str, Any]] = {}
    with report.odd_answers("functions"):
        functions = deployed.functions(report, google, names)
    if google.last is not None:
        clock.compare(report, google.last, "Google")
    told = deployed.variables(functions.get("api"))
    origins = [*told.get("ALLOWED_ORIGINS", "").replace(",", " ").split(), *options.origin]
    films = bucket.Films(told.get("BUCKET") or names.bucket, list(dict.fromkeys(origins)), ROOT)
    with report.odd_answers("bucket"):
        bucket.examine(report, google, names, films)
    with report.odd_answers("scheduler"):
        deployed.scheduler(report, google, names, functions.get("poll"))
    with report.odd_answers("secrets"):
        deployed.secrets(report, google, names, functions.get("api"))
    with report.odd_answers("last tick"):
        deployed.ticks(report, google, names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
