"""`python -m tests.web.fuzz`: schemathesis calls a running service as the contract allows, and otherwise.

First what the contract cannot write down: numbers, depths, lengths and encodings that no sensible caller sends.
Then all phases (examples, coverage, fuzzing, and stateful over the contract's links) against real
functions-framework processes over the emulators, with a key. Nothing may break, nothing may be
answered that the contract does not state, and what the contract forbids must be refused.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

from lib.cli import service as services
from lib.cli.processes import Processes
from lib.web.auth import digest
from tests.growth import STEEP, growth
from tests.web import encodings
from tests.web import test_growth as growing
from tests.web import test_hostile_numbers as hostile

KEY = "ib_fuzz_key"
KEYS = json.dumps({"alice": [f"s:{digest('s', KEY)}"]})
FORM = "multipart/form-data; boundary=line"
COMPAT = "DashScope-compatible"
STATED = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)
# DashScope's dialect is loosely typed, and says 404 to a method that it does not know.
RUNS = (
    ("ours", ["--exclude-tag", COMPAT], f"{STATED},unsupported_method,negative_data_rejection"),
    ("DashScope's", ["--include-tag", COMPAT], STATED),
)
OURS_SHARE = 0.8
LENGTH = 20_000


def fuzz(url, cases, seed=1):
    """Call the service at `url` so often.

    Returns:
        Number of cases, and what schemathesis printed about failures; empty when there were none.
    """
    total, wrong = 0, []
    for (name, pick, checks), share in zip(RUNS, (OURS_SHARE, 1 - OURS_SHARE), strict=True):
        enough, made = cases * share, 0
        while made < enough:
            ran = _run(url, pick, checks, max(2, int((enough - made) / 40)), seed)
            found = re.search(r"^\s*([\d,]+) generated", ran.stdout, re.MULTILINE)
            if not found:
                return total, [ran.stdout + ran.stderr]
            made += int(found[1].replace(",", ""))
            seed += 1
            if ran.returncode:
                wrong.append(f"{name}:\n{ran.stdout}")
                break
        total += made
    return total, wrong


def _run(url, pick, checks, examples, seed):
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
        *("--checks", checks, "-n", str(examples), "--seed", str(seed), "--no-color"),
        *("--continue-on-failure", "--request-timeout", "70", "--suppress-health-check", "all"),
        *("--warnings", "off", "-H", f"Authorization: Bearer {KEY}", *pick),
    ]
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def odd(url):
    """Numbers and depths in every field, and bodies whose cost must grow as their length does.

    Returns:
        Number of requests, and a line for each that broke something or cost too much.
    """
    wrong, sent = [], 0
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"

        def post(path, data, kind, name):
            nonlocal sent
            sent += 1
            headers = {"Content-Type": kind, "X-DashScope-Async": "enable"}
            answer = session.post(url + path, data=data, headers=headers, timeout=120)
            if answer.status_code >= 500:
                wrong.append(f"{path}, {name}: {answer.status_code}")

        for name, value in hostile.VALUES.items():
            for field in ("seed", "metadata", "prompt", "model", "x"):
                body = hostile.with_value(hostile.BASE, field, value)
                post("/v1/videos", body, "application/json", f"{field}={name}")
            post("/v1/uploads", f'{{"size_bytes":{value}}}', "application/json", name)
            post(hostile.CREATE, f'{{"input":{value}}}', "application/json", name)
            body = growing.form(growing.part(b"metadata", value.encode()))
            post("/v1/videos", body, FORM, f"metadata={name}")
        kinds = (("application/json", growing.JSON), (FORM, growing.FORMS))
        for kind, table in kinds:
            for name, make in table.items():

                def read(data, kind=kind, name=name):
                    post("/v1/videos", data, kind, name)

                steep = growth(make, read, LENGTH, time.monotonic)
                if steep > STEEP:
                    wrong.append(f"{kind}, {name}: {steep:.0f} times for 8 times as much")
    return sent, wrong


def against_processes(cases, seed=1):
    """The same against a service of its own."""
    environ = {**os.environ, "PYTHONPATH": str(services.ROOT)}
    with tempfile.TemporaryDirectory() as logs, Processes(Path(logs), environ) as processes:
        service = services.start(processes, owner_keys=KEYS, draft=True)
        sent, broken = odd(service.url)
        contract = requests.get(f"{service.url}/openapi.json", timeout=70).json()
        encoded = encodings.run(service, contract, KEY, cases, seed)
        print(f"{sent} numbers and depths; {encoded.sent} encodings, by status {encoded.counted()}")
        total, wrong = fuzz(service.url, cases, seed)
        total, wrong = total + sent + encoded.sent, broken + encoded.wrong + wrong
        log = Path(logs, "api.log").read_text("utf-8")
    wrong += [line for line in log.splitlines() if "request.crashed" in line or "Traceback" in line]
    return total, wrong


def main(argv):
    """Run and report; returns 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.fuzz")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    total, wrong = against_processes(options.cases, options.seed)
    print("\n".join(wrong))
    print(f"{total} cases in all, {len(wrong)} with a server error or an undocumented answer")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
