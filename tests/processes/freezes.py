"""`infra/dev simulate --processes --freezes N`: real processes stopped (SIGSTOP) at an aimed call, and woken late.

`api` and one `poll` reach storage and upstream through proxies of the test. When the aimed call comes by, the
whole process group of its sender is stopped and the bytes are held, the emulated clock is moved, another `poll`
ticks; then the sender wakes and its call goes on. At the end the emulated upstream's books are read.
"""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from lib.cli import service as services
from lib.cli.processes import Processes, consecutive_ports, python
from tests.world import picture

JOB = re.compile(r"vid_[0-9a-f]{27}")
PATIENCE_S = 120.0  # for any one condition; a slow machine may take it
CLOCK_CACHE_S = 1.1  # a process asks the emulated clock once a second
STEP_S = 8.0  # below the skew of the protocol, since a clock may be that old
ENCODING = re.compile(rb"(?i)\r\naccept-encoding:[^\r\n]*")


@dataclass(frozen=True)
class Freeze:
    """One aimed stop.

    Attributes:
        name: in a report.
        part: whose call it is: `api` or `poll`.
        place: where the call goes: `upstream` or `storage`.
        call: how its request begins.
        when: held is the `request`, or its `answer`.
        after_lease_s: when the sender wakes, seconds after the end of its lease; before it if negative.
    """

    name: str
    part: str
    place: str
    call: bytes
    when: str
    after_lease_s: float


CREATE = rb"POST [^ ]*/video-synthesis "
RUNNING = rb"PATCH [^ ]*/o/pending%2F"
FILM = rb"GET /results/"
CHUNK = rb"PUT [^ ]*upload_id="
DONE = rb"DELETE [^ ]*/o/pending%2F"
WORDS = {
    CREATE: "the create",
    RUNNING: "the note that it runs",
    FILM: "the download",
    CHUNK: "the last chunk of the copy",
    DONE: "the end of its pending object",
}
# The protocol allows a create to arrive until M = 60 s after its lease; everything else, whenever it likes.
SHORT = (
    Freeze("a create 59 s after its lease", "api", "upstream", CREATE, "request", 59.0),
    Freeze("a tick's create 1 s after its lease", "poll", "upstream", CREATE, "request", 1.0),
    Freeze("the note that a task runs", "api", "storage", RUNNING, "request", 31.0),
    Freeze("the last chunk of a copy", "poll", "storage", CHUNK, "request", 15.0),
    Freeze("the answer with the film", "poll", "upstream", FILM, "answer", 15.0),
)


def drawn(pick):
    """Any freeze inside the bounds."""
    part, place, call, when = pick.choice(
        [
            ("api", "upstream", CREATE, "request"),
            ("poll", "upstream", CREATE, "request"),
            ("api", "upstream", CREATE, "answer"),
            ("poll", "upstream", CREATE, "answer"),
            ("api", "storage", RUNNING, "request"),
            ("api", "storage", RUNNING, "answer"),
            ("poll", "upstream", FILM, "request"),
            ("poll", "upstream", FILM, "answer"),
            ("poll", "storage", CHUNK, "request"),
            ("poll", "storage", CHUNK, "answer"),
            ("poll", "storage", DONE, "request"),
        ]
    )
    late = (-25.0, -1.0, 0.0, 1.0, 5.0, 29.0, 31.0, 58.0, 59.0)
    if call != CREATE or when == "answer":
        late += (60.0, 61.0, 130.0, 400.0)
    after_s = pick.choice(late)
    name = f"{part}: {when} of {WORDS[call]}, {after_s:+.0f} s"
    return Freeze(name, part, place, call, when, after_s)


class Proxy:
    """A TCP proxy before one emulator, for one process: it can stop that process at a call.

    Args:
        target: the emulator's port.
    """

    def __init__(self, target):
        self._target = target
        self._socket = socket.create_server(("127.0.0.1", 0))
        # Links to films must lead through here, and an answer may not change its length.
        while len(str(self._socket.getsockname()[1])) != len(str(target)):
            self._socket.close()
            self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._aim, self._lock = None, threading.Lock()
        self.frozen, self.go = threading.Event(), threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def aim(self, freeze, process):
        """Stop the process at the next such call."""
        self.frozen, self.go = threading.Event(), threading.Event()
        self._aim = (freeze, process)

    def close(self):
        self.go.set()
        self._socket.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                held = []
                for pump in (self._up, self._down):
                    threading.Thread(target=pump, args=(near, far, held), daemon=True).start()

    def _up(self, near, far, held):
        with _closing(near, far):
            while data := near.recv(1 << 16):
                aim = self._hit(data)
                if aim and aim[0].when == "answer":
                    held.append(aim)
                elif aim:
                    self._stop(aim)
                # Answers stay readable, for the links in them.
                far.sendall(ENCODING.sub(b"\r\nAccept-Encoding: identity", data))

    def _down(self, near, far, held):
        there, here = f":{self._target}/results/".encode(), f":{self.port}/results/".encode()
        with _closing(near, far):
            while data := far.recv(1 << 16):
                if held:
                    self._stop(held.pop())
                near.sendall(data.replace(there, here))

    def _hit(self, data):
        with self._lock:
            aim = self._aim
            if aim is None or not re.match(aim[0].call, data, re.DOTALL):
                return None
            self._aim = None
            return aim

    def _stop(self, aim):
        os.killpg(aim[1].popen.pid, signal.SIGSTOP)
        self.frozen.set()
        self.go.wait()


@contextmanager
def _closing(near, far):
    with suppress(OSError):
        yield
    for end in (near, far):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


class Fleet:
    """Emulators, an `api` and a `poll` behind proxies, and one more `poll` that nothing stops.

    Args:
        processes: starts them.
    """

    def __init__(self, processes):
        key_file, public = services.signing_key(services.STATE_FOLDER)
        first = consecutive_ports(5)
        command = [
            *(python(), "-m", "lib.emulator", "--port", str(first), "--draft"),
            *("--signer", f"{services.EMAIL}={public}"),
        ]
        emulator = processes.start("emulator", command, {}, read=True)
        self.lines = processes.lines_until_ready(emulator)
        self.books = f"http://127.0.0.1:{first + 1}/emulator/tasks"
        self.faults = f"http://127.0.0.1:{first + 1}/emulator/faults"
        environ = {
            **self.lines,
            "AUTH": "off",
            "SIGNING_KEY_FILE": str(key_file),
            "TICK_BUDGET_S": "1",
            "FIRST_LOOK_S": "0.5",
            "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
            "THREADS": "4",
        }
        self.proxies, self.parts, self.urls = {}, {}, {}
        for part in ("api", "poll"):
            storage, upstream = Proxy(first), Proxy(first + 1)
            self.proxies[part] = {"storage": storage, "upstream": upstream}
            path = urlsplit(self.lines["DASHSCOPE_BASE_URL"]).path
            through = {
                "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{storage.port}",
                "DASHSCOPE_BASE_URL": f"http://127.0.0.1:{upstream.port}{path}",
            }
            port = first + 2 + len(self.parts)
            self._function(processes, part, part, port, {**environ, **through})
        self._function(processes, "other", "poll", first + 4, environ)
        for name, url in self.urls.items():
            processes.healthy(self.parts[name], f"{url}/health")

    def _function(self, processes, name, target, port, environ):
        command = [
            *(python(), "-m", "functions_framework", "--target", target),
            *(
                "--source",
                str(services.ROOT / "main.py"),
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ),
        ]
        self.parts[name] = processes.start(name, command, environ)
        self.urls[name] = f"http://127.0.0.1:{port}"

    def close(self):
        for process in self.parts.values():
            with suppress(ProcessLookupError):
                os.killpg(process.popen.pid, signal.SIGCONT)
        for pair in self.proxies.values():
            for proxy in pair.values():
                proxy.close()

    # Time

    def now(self):
        return requests.get(self.lines["EMULATOR_CLOCK_URL"], timeout=30).json()["now"]

    def advance(self, seconds):
        body = {"advance_s": max(seconds, 0.0)}
        requests.post(self.lines["EMULATOR_CLOCK_URL"], json=body, timeout=30)

    def tick(self, name="other"):
        return requests.post(f"{self.urls[name]}/", timeout=PATIENCE_S)

    # The bucket and the books

    def objects(self, prefix):
        url = f"{self.lines['STORAGE_EMULATOR_HOST']}/storage/v1/b/{self.lines['BUCKET']}/o"
        return requests.get(url, params={"prefix": prefix}, timeout=30).json().get("items", [])

    def tasks(self, job_id):
        rows = requests.get(self.books, timeout=30).json()["tasks"]
        return [row for row in rows if job_id in row["input"]["first_frame_url"]]

    def job(self, job_id):
        return requests.get(f"{self.urls['api']}/v1/videos/{job_id}", timeout=30).json()

    # What a test does

    def post(self, key):
        """Ask for a film until the answer is a job."""
        first, last = picture(320, 240), picture(320, 240, color=(200, 60, 30))
        while True:
            with suppress(requests.RequestException):
                answer = requests.post(
                    f"{self.urls['api']}/v1/videos",
                    files={"first_frame": first, "last_frame": last},
                    data={"prompt": "the monster looks up", "resolution": "480P"},
                    headers={"Idempotency-Key": key},
                    timeout=PATIENCE_S,
                )
                if answer.status_code == 202:
                    return answer.json()["id"]
            time.sleep(0.2)

    def quiet(self):
        """Tick until nothing is pending; the clock runs in small steps."""
        deadline = time.monotonic() + PATIENCE_S
        while self.objects("pending/"):
            if time.monotonic() > deadline:
                return [f"still pending: {[item['name'] for item in self.objects('pending/')]}"]
            self.advance(STEP_S)
            self.tick()
        return []

    def freeze(self, freeze):
        """One freeze from a post to its film.

        Returns:
            Sentences about what is wrong; none when nothing is.
        """
        proxy, process = self.proxies[freeze.part][freeze.place], self.parts[freeze.part]
        key, ids = uuid.uuid4().hex, []
        poster = threading.Thread(target=lambda: ids.append(self.post(key)), daemon=True)
        if freeze.part == "api":
            proxy.aim(freeze, process)
            poster.start()
            victim = poster
        else:
            victim = self._wait_for_poll(freeze, poster, proxy, process)
        try:
            if not proxy.frozen.wait(PATIENCE_S):
                return [f"{freeze.name}: never came by"]
            self._meanwhile(freeze)
        finally:
            os.killpg(process.popen.pid, signal.SIGCONT)
            proxy.go.set()
        victim.join(PATIENCE_S)
        poster.join(PATIENCE_S)
        wrong = self.quiet() + self.judge(ids[0] if ids else "no job")
        return [f"{freeze.name}: {one}" for one in wrong]

    def _wait_for_poll(self, freeze, poster, proxy, process):
        """Bring a job to where the stoppable `poll` makes the aimed call, and let it tick."""
        if freeze.call == CREATE:
            # A refused create leaves the job in the queue, for a tick.
            refusal = {"operation": "create", "kind": "rate", "times": 1}
            requests.post(self.faults, json=refusal, timeout=30)
        poster.start()
        poster.join(PATIENCE_S)
        (item,) = self.objects("pending/")
        job_id = JOB.search(item["name"])[0]
        if freeze.call != CREATE:
            until(lambda: [row["status"] for row in self.tasks(job_id)] == ["SUCCEEDED"])
        proxy.aim(freeze, process)
        ticker = threading.Thread(target=self._tick_until, args=(proxy.frozen,), daemon=True)
        ticker.start()
        return ticker

    def _tick_until(self, frozen):
        deadline = time.monotonic() + PATIENCE_S
        while not frozen.is_set() and time.monotonic() < deadline:
            self.advance(STEP_S)
            self.tick("poll")

    def _meanwhile(self, freeze):
        """Time passes, others tick, and the sender's own clock is asked anew when it wakes."""
        began = time.monotonic()
        found = [item.get("metadata", {}) for item in self.objects("pending/")]
        # A job whose record is written has no lease any more: then it counts from now.
        lease_end = max([float(meta.get("until", 0)) for meta in found] or [0.0]) or self.now()
        wakes_at = lease_end + freeze.after_lease_s
        step_s = max(STEP_S, (wakes_at - self.now()) / 4)
        while self.now() + step_s < wakes_at:
            self.advance(step_s)
            self.tick()
        time.sleep(max(0.0, began + CLOCK_CACHE_S - time.monotonic()))
        self.advance(wakes_at - self.now())
        if freeze.call != CREATE or freeze.when == "answer":
            # Whoever is not bound by M meets others who have gone on with the job.
            time.sleep(CLOCK_CACHE_S)
            self.tick()

    def judge(self, job_id):
        """One paid task, and its film in the bucket behind its link."""
        tasks = self.tasks(job_id)
        if len(tasks) != 1:
            return [f"paid {len(tasks)} times: {job_id}"]
        job = self.job(job_id)
        if job.get("status") != "completed":
            return [f"lost: {job_id} {job}"]
        if job["usage"]["paid"] is not True:
            return [f"says that it is not paid: {job_id}"]
        return [] if requests.get(job["url"], timeout=30).ok else [f"without a film: {job_id}"]


def until(condition):
    """Wait for it.

    Raises:
        TimeoutError: it did not come true.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def run(freezes):
    """All of them, one after the other, over one fleet.

    Returns:
        Sentences about what is wrong; none when nothing is.
    """
    folder = Path(tempfile.mkdtemp())
    with Processes(folder, {**os.environ, "PYTHONPATH": str(services.ROOT)}) as processes:
        fleet = Fleet(processes)
        try:
            # The first film shows the list whose key is ours; a doubt of a cold account waits longer.
            first = fleet.post(uuid.uuid4().hex)
            wrong = fleet.quiet() + fleet.judge(first)
            for freeze in freezes:
                began = time.monotonic()
                found = fleet.freeze(freeze)
                took = f"{time.monotonic() - began:.1f} s"
                print(f"{'BROKEN' if found else 'held'}: {freeze.name} ({took})", file=sys.stderr)
                wrong += found
        finally:
            fleet.close()
    return wrong


def main(count, seed):
    """Run and report; returns 1 when something is wrong."""
    pick, began = random.Random(seed), time.monotonic()
    wrong = run([drawn(pick) for _ in range(count)])
    print(f"{count} freezes, {time.monotonic() - began:.0f} s")
    print("\n".join(wrong) or "nothing lost, nothing paid twice, nothing stuck")
    return bool(wrong)
