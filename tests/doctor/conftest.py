"""What doctor is run on: a checkout, an upstream account, a service and a project, each healthy at first."""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from lib.cli import service as services
from lib.cli.processes import Processes, consecutive_ports
from lib.emulator.clock import Clock
from lib.emulator.server import Server
from lib.emulator.storage import StorageApp
from lib.web.auth import new_key
from tests.doctor import google
from tests.doctor.front import Front

ROOT = Path(__file__).resolve().parents[2]
LEFT = shutil.ignore_patterns("__pycache__", "*.pyc", ".terraform")
API_KEY = "sk-0123456789abcdef-of-singapore"
BEIJING_KEY = "sk-fedcba9876543210-of-beijing"
ORIGIN = "https://app.example.com"


class Page:
    """The page about doctor, whose blocks hold what was printed; numbers may differ.

    `DOCTOR_PAGE=write .venv/bin/pytest -q tests/doctor` writes them anew.
    """

    path = ROOT / "infra/docs/doctor.md"

    def __init__(self):
        self.writes, self.printed = os.environ.get("DOCTOR_PAGE") == "write", {}
        self.text = plain(self.path.read_text("utf-8"))

    def holds(self, place, name, printed):
        """What was printed when this was planted stands on the page, or will."""
        block = printed if name == "healthy" else f"# {name}\n{printed}"
        if self.writes:
            self.printed.setdefault((place, name == "healthy"), []).append(block)
        else:
            assert plain(block) in self.text, (
                f"{self.path.name} shows something else: {Page.__doc__}"
            )

    def write(self):
        text = self.path.read_text("utf-8")
        for (place, healthy), blocks in self.printed.items():
            mark = f"<!-- {'healthy' if healthy else 'planted'}: {place} -->\n```\n"
            begin = text.index(mark) + len(mark)
            end = text.index("\n```", begin - 1)
            text = text[:begin] + "\n".join(blocks) + text[end:]
        self.path.write_text(text, "utf-8")


def plain(text):
    return re.sub(r"process N \([^)]*\)", "process", re.sub(r"\d[\d.,:-]*", "N", text))


@pytest.fixture(scope="session")
def page():
    made = Page()
    yield made
    if made.writes:
        made.write()


class Case:
    """One run of `infra/dev doctor`: where, with what, and what must not be printed.

    Attributes:
        root: the checkout.
        arguments: of the command.
        environ: all that it sees.
        secrets: what no output may hold.
    """

    def __init__(self, root, environ, *arguments, secrets=()):
        self.root, self.environ, self.arguments = root, environ, list(arguments)
        self.secrets = [*secrets]

    def run(self, *more):
        ran = subprocess.run(
            [str(self.root / "infra/dev"), "doctor", *self.arguments, *more],
            cwd="/",
            env=self.environ,
            capture_output=True,
            text=True,
        )
        for secret in self.secrets:
            assert secret not in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
        return ran

    def findings(self):
        """Exit status, and all findings by state."""
        ran = self.run("--json")
        said = json.loads(ran.stdout)
        assert said["ok"] == (ran.returncode == 0), ran.stdout
        assert said["faults"] == sum(row["state"] == "fault" for row in said["findings"])
        return ran.returncode, said["findings"]


@pytest.fixture
def environ(tmp_path):
    """A person's shell with nothing special in it, and only the programs that are put there."""
    folder, home = tmp_path / "bin", tmp_path / "person"
    folder.mkdir()
    home.mkdir()
    for name in ("bash", "dirname", "env", "git", "curl"):
        (folder / name).symlink_to(shutil.which(name))
    return {"PATH": str(folder), "HOME": str(home), "LANG": "C.UTF-8"}


@pytest.fixture
def machine(tmp_path, environ):
    """A checkout of its own, on the packages of ours."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "lib", root / "lib", ignore=LEFT)
    shutil.copytree(ROOT / "infra", root / "infra", ignore=LEFT)
    for name in ("requirements.txt", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    (root / ".venv").symlink_to(sys.prefix)
    subprocess.run(["git", "init", "--quiet", root], env=environ, check=True)
    case = Case(root, environ, "--port", str(consecutive_ports(4)))
    case.bin, case.home = Path(environ["PATH"]), Path(environ["HOME"])
    return case


@pytest.fixture(scope="session")
def dashscope(tmp_path_factory):
    """The emulated upstream, a process of its own."""
    with Processes(tmp_path_factory.mktemp("upstream"), os.environ) as processes:
        command = [
            *(sys.executable, "-m", "lib.emulator", "upstream"),
            *("--key", f"singapore={API_KEY}", "--key", f"beijing={BEIJING_KEY}"),
        ]
        process = processes.start("upstream", command, {"PYTHONPATH": str(ROOT)}, read=True)
        yield processes.lines_until_ready(process)["EMULATOR_CLOCK_URL"].removesuffix(
            "/emulator/clock"
        )


@pytest.fixture
def upstream(machine, dashscope):
    """A shell with the key of one account; what the emulator lacks, a front answers."""
    with Front(dashscope) as front:
        # As https://www.alibabacloud.com/help/en/model-studio/list-models, list-model-permissions and
        # list-quotas (in the same folder) show them; the emulator has none of the three.
        front.offered = [
            {"model": "wan2.2-kf2v-flash", "inference_offline_info": None},
            {"model": "wan2.1-kf2v-plus", "inference_offline_info": {"offline_time": None}},
        ]
        front.granted = [
            {"model": row["model"], "permissions": {"inference": True}} for row in front.offered
        ]
        limit = {"async_user_concurrency_limit": 2, "async_user_queue_limit": 500}
        quotas = [{"model": row["model"], "model_limit": limit} for row in front.offered]
        for path, output in (
            ("models", {"models": front.offered}),
            ("models/permissions", {"permissions": front.granted}),
            ("quotas", {"quotas": quotas}),
        ):
            answer = {"code": None, "message": None, "success": True, "output": output}
            front.answers["GET", f"/singapore/api/v1/{path}"] = (200, answer)
        machine.environ.update(
            DASHSCOPE_API_KEY=API_KEY,
            DASHSCOPE_BASE_URL=f"{front.url}/singapore/api/v1",
            # http is for the emulator's company only.
            STORAGE_EMULATOR_HOST=front.url,
        )
        machine.secrets += [API_KEY, BEIJING_KEY]
        machine.front, machine.dashscope = front, dashscope
        yield machine
        requests.delete(f"{dashscope}/emulator/faults", timeout=10).raise_for_status()


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """A service with real keys, and one of them."""
    key, stored = new_key()
    environ = {**os.environ, "ALLOWED_ORIGINS": ORIGIN}
    with Processes(tmp_path_factory.mktemp("service"), environ) as processes:
        made = services.start(processes, draft=True, owner_keys=json.dumps({"alice": [stored]}))
        yield made, key


@pytest.fixture
def service(running, environ):
    """The same behind a front, as behind a load balancer that keeps the name it was called by."""
    made, key = running
    with Front(made.url) as front:
        front.keep_host = True
        case = Case(ROOT, environ, "--url", front.url, "--key", key, "--origin", ORIGIN)
        case.secrets = [key]
        case.front, case.service, case.key = front, made, key
        yield case


def certificate(folder):
    """A certificate for this machine that nobody has signed but itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + _pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture(scope="session")
def private_key():
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)).decode()


@pytest.fixture
def project(environ, tmp_path, private_key):
    """A deployed project: Google's APIs by their references, the bucket in our emulator."""
    app = StorageApp(Clock())
    storage = Server(app, 0, now=app.clock.now).start()
    requests.post(
        f"{storage.url}/storage/v1/b", params={"project": google.PROJECT}, json=google.bucket()
    ).raise_for_status()
    with Front(storage.url, token=google.TOKEN) as front:
        front.answers = google.healthy()
        login = tmp_path / "login.json"
        login.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "client_email": "somebody@example.iam.gserviceaccount.com",
                    "private_key": private_key,
                    "token_uri": f"{front.url}/token",
                }
            )
        )
        environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(login)
        apis = [
            "cloudfunctions",
            "cloudscheduler",
            "iam",
            "logging",
            "run",
            "secretmanager",
            "storage",
        ]
        case = Case(
            ROOT,
            environ,
            *("--project", google.PROJECT),
            *(word for api in apis for word in ("--endpoint", f"{api}={front.url}")),
            secrets=[google.TOKEN, private_key.splitlines()[1]],
        )
        case.front, case.storage, case.login = front, storage.url, login
        yield case
    storage.stop()
    app.close()
