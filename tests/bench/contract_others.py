"""The contract suite, asked of other emulators: what each group of checks says of them.

    .venv/bin/python tests/bench/contract_others.py

Prints a Markdown table of passed checks. Ours is asked in the same way, by its URL.
"""

import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

sys.path.insert(0, str(Path(__file__).parents[2]))

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.bench import peers

EMAIL = "contract@local.iam.gserviceaccount.com"
NAMES = (peers.OURS, peers.GSE, peers.FGS)


def new_signer(folder):
    """A throw-away account: its key file and EMAIL=PUBLIC.pem."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = Path(folder, "public.pem")
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    info = {"client_email": EMAIL, "private_key": private.decode(), "token_uri": "https://unused"}
    file = Path(folder, "signer.json")
    file.write_text(json.dumps(info), "utf-8")
    return file, f"{EMAIL}={public}"


def asked(running, report, key_file):
    """Passed and all checks of each group, by the JUnit report of one run."""
    words = ["-q", "--contract-url", running.url, f"--junitxml={report}", "--timeout=60", "-n0"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "tests/contract", *words, "-p", "no:cacheprovider"],
        cwd=peers.ROOT,
        env={**os.environ, "CONTRACT_SIGNER_FILE": str(key_file)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    groups = collections.defaultdict(lambda: [0, 0])
    # The report is our own pytest's.
    for case in ET.parse(report).iter("testcase"):
        group = groups[case.get("classname").rpartition("test_")[2]]
        group[0] += not any(child.tag in {"failure", "error"} for child in case)
        group[1] += 1
    return groups


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main():
    """Run and print."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        home = peers.install(folder)
        key_file, signer = new_signer(folder)
        for name in NAMES:
            with peers.started(name, home, folder, signer) as running:
                results[name] = asked(running, Path(folder, f"{name}.xml"), key_file)
    say("| group (checks) | " + " | ".join(NAMES) + " |")
    say("|---|" + "---|" * len(NAMES))
    for group, (_, count) in sorted(results[peers.OURS].items()):
        cells = " | ".join(str(results[name][group][0]) for name in NAMES)
        say(f"| {group.replace('_', ' ')} ({count}) | {cells} |")
    totals = [sum(passed for passed, _ in results[name].values()) for name in NAMES]
    count = sum(count for _, count in results[peers.OURS].values())
    say(f"| **all ({count})** | " + " | ".join(f"**{total}**" for total in totals) + " |")


if __name__ == "__main__":
    main()
