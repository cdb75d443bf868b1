"""A whole service on this machine: emulators, `api` and `poll`, each a real process.

The same `main.py` under the same functions-framework as in the cloud; only endpoints and keys
differ.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lib.cli.processes import consecutive_ports, python
from lib.emulator.scheduler import Scheduler

if TYPE_CHECKING:
    from lib.cli.processes import Process, Processes

EMAIL = "local@inbetween.iam.gserviceaccount.com"
ROOT = Path(__file__).resolve().parents[2]
STATE_FOLDER = ROOT / ".inbetween"
TICK_EVERY_S, TICK_BUDGET_S, FIRST_LOOK_S = 0.5, 3.0, 0.5


@dataclass(frozen=True)
class Ports:
    """Where the parts listen."""

    api: int
    poll: int
    storage: int

    @classmethod
    def choose(cls, first: int) -> Ports:
        """From a first port on, or free ones for 0."""
        if first:
            return cls(first, first + 1, first + 2)
        # The upstream takes the port behind the storage's.
        free = consecutive_ports(4)
        return cls(free, free + 1, free + 2)


@dataclass(frozen=True)
class RealUpstream:
    """The real upstream: its key, address and region."""

    api_key: str
    base_url: str | None
    region: str


@dataclass
class LocalService:
    """A running service.

    Attributes:
        url: of `api`.
        api: the process, for a caller that stops it.
        poll: likewise.
        environ: what `api` and `poll` see.
        emulator: KEY=VALUE of the emulators.
        ports: where everything listens.
    """

    url: str
    api: Process
    poll: Process
    environ: dict[str, str]
    emulator: dict[str, str]
    ports: Ports


def start(
    processes: Processes,
    *,
    port: int = 0,
    real: RealUpstream | None = None,
    real_time: bool = False,
    draft: bool = False,
    data: Path | None = None,
    owner_keys: str | None = None,
) -> LocalService:
    """Start everything and wait until it answers.

    Args:
        processes: who starts and stops.
        port: of `api`; the others follow; 0 takes free ones.
        real: a real upstream instead of the emulated one.
        real_time: emulated tasks last as long as documented ones.
        draft: rougher films for half the work.
        data: where the emulated bucket is kept; in memory without it.
        owner_keys: who may call, as `OWNER_KEYS`; without it everybody on this machine may.

    Raises:
        Died: a part did not start.
    """
    ports = Ports.choose(port)
    key_file, public = signing_key(STATE_FOLDER)
    options = [
        *(["--real-time"] if real_time else []),
        *(["--draft"] if draft else []),
        *(["--data", str(data)] if data else []),
        *_repeated("--allow-host", processes.environ.get("ALLOWED_HOSTS", "")),
        *_repeated("--allow-origin", processes.environ.get("ALLOWED_ORIGINS", "")),
    ]
    emulator = _emulator(processes, ports, public, options)
    lines = processes.lines_until_ready(emulator)
    environ = {
        **lines,
        **(_locked(owner_keys, ports) if owner_keys else {"AUTH": "off"}),
        "SIGNING_KEY_FILE": str(key_file),
        "TICK_BUDGET_S": str(TICK_BUDGET_S),
        "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
        "THREADS": "8",
        "MALLOC_MMAP_THRESHOLD_": "262144",  # large blocks go back at once, as in infra/terraform
        **({} if real_time or real else {"FIRST_LOOK_S": str(FIRST_LOOK_S)}),
        **(_real(real) if real else {}),
    }
    api = _function(processes, "api", ports.api, environ)
    poll = _function(processes, "poll", ports.poll, environ)
    url = f"http://127.0.0.1:{ports.api}"
    processes.healthy(api, f"{url}/health")
    processes.healthy(poll, f"http://127.0.0.1:{ports.poll}/health")
    return LocalService(url, api, poll, environ, lines, ports)


def _repeated(option: str, setting: str) -> list[str]:
    """An option for each word of a setting."""
    return [text for word in setting.replace(",", " ").split() for text in (option, word)]


def _emulator(processes: Processes, ports: Ports, public: Path, options: list[str]) -> Process:
    command = [
        *(python(), "-m", "lib.emulator", "--port", str(ports.storage)),
        *("--signer", f"{EMAIL}={public}", "--every", str(TICK_EVERY_S)),
        *("--poll-url", f"http://127.0.0.1:{ports.poll}/"),
        *options,
    ]
    return processes.start("emulator", command, {}, read=True)


def _locked(owner_keys: str, ports: Ports) -> dict[str, str]:
    """Who may call with a key, and the emulated scheduler's identity, so that ticks go on."""
    return {
        "OWNER_KEYS": owner_keys,
        "POLL_AUDIENCE": f"http://127.0.0.1:{ports.poll}/",
        "POLL_INVOKER": Scheduler.email,
        "ID_TOKEN_CERTS_URL": f"http://127.0.0.1:{ports.storage + 1}/emulator/certs",
    }


def _real(real: RealUpstream) -> dict[str, str]:
    environ = {
        "DASHSCOPE_API_KEY": real.api_key,
        "DASHSCOPE_REGION": real.region,
        "DASHSCOPE_BASE_URL": real.base_url or "",
        # The real service cannot reach an emulated bucket.
        "FRAME_DELIVERY": "inline",
    }
    # A person waits at a terminal: look early, one list call covers everything.
    return {**environ, "TICK_BUDGET_S": "30", "FIRST_LOOK_S": "10"}


def restart_api(processes: Processes, service: LocalService) -> None:
    """Start `api` again after it was killed."""
    service.api = _function(processes, "api", service.ports.api, service.environ)
    processes.healthy(service.api, f"{service.url}/health")


def restart_poll(processes: Processes, service: LocalService) -> None:
    """Start `poll` again after it was killed."""
    service.poll = _function(processes, "poll", service.ports.poll, service.environ)
    processes.healthy(service.poll, f"http://127.0.0.1:{service.ports.poll}/health")


def _function(processes: Processes, name: str, port: int, environ: dict[str, str]) -> Process:
    command = [
        *(python(), "-m", "functions_framework", "--target", name),
        *("--source", str(ROOT / "main.py"), "--host", "127.0.0.1", "--port", str(port)),
    ]
    return processes.start(name, command, environ)


def signing_key(folder: Path) -> tuple[Path, Path]:
    """A throw-away service account: its key file and its public half, made on first use."""
    key_file, public = folder / "signing-key.json", folder / "signing-key.pub.pem"
    if key_file.exists() and public.exists():
        return key_file, public
    folder.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key_file.touch(mode=0o600)
    key_file.write_text(json.dumps({"client_email": EMAIL, "private_key": private.decode()}))
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return key_file, public
