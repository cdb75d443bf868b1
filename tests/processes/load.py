"""Many large posts at once against one real instance: `python -m tests.processes.load --posts 100`.

Emulators and `api` run as processes, `api` under functions-framework with the threads that Terraform
gives it. Every client sends two frames of 8 MB under a key of its own and does what an honest 503
asks for. Counted: every answer, every job in the bucket, and the memory of the instance while it
works (all its processes, their high-water marks added up).
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import http.client
import io
import json
import os
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests
from PIL import Image

from lib.cli import service as services
from lib.cli.processes import Processes

THREADS = 16  # api_concurrency of infra/terraform
INSTANCE_MB = 512
BOUND_MB = 448  # what we promise of it
PATIENCE_S = 900
BOUNDARY = "inbetween-load"
MB = 1 << 20


def frame(kind):
    """A picture of about 8 MB that has to be looked at in a particular way."""
    draw, file = random.Random(kind), io.BytesIO()
    if kind == "alpha":  # decoded whole, and encoded without its alpha channel
        image = Image.frombytes("RGB", (1650, 1650), draw.randbytes(1650 * 1650 * 3))
        image.putalpha(255)
        image.save(file, "PNG", compress_level=1)
    elif kind == "turned":  # decoded and turned
        image = Image.frombytes("RGB", (2400, 2400), draw.randbytes(2400 * 2400 * 3))
        tags = Image.Exif()
        tags[0x0112] = 6
        image.save(file, "JPEG", quality=88, exif=tags)
    else:
        image = Image.frombytes("RGB", (1650, 1650), draw.randbytes(1650 * 1650 * 3))
        image.save(file, "PNG", compress_level=0)
    return file.getvalue()


def form(kind):
    """A multipart body with two such frames."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nrain\r\n'.encode()
    ]
    for name in ("first_frame", "last_frame"):
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a"\r\n\r\n'
        )
        parts += [head.encode(), frame(kind), b"\r\n"]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


@dataclass
class Load:
    """What was sent and what came back.

    Attributes:
        answers: status and code of every answer.
        ids: of the jobs.
        wrong: sentences about answers that are not right.
        peak_mb: the instance's memory at most.
        start_mb: before the first post.
        seconds: from the first to the last.
        slowest_read_s: of the status reads meanwhile.
    """

    answers: collections.Counter = field(default_factory=collections.Counter)
    ids: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    peak_mb: float = 0.0
    start_mb: float = 0.0
    seconds: float = 0.0
    slowest_read_s: float = 0.0


def memory_mb(group, what):
    """Of all processes of a group: `VmHWM` (high-water marks) or `VmRSS` (now)."""
    total = 0.0
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if os.getpgid(int(path.name)) == group:
                text = (path / "status").read_text()
                total += int(text.split(f"{what}:")[1].split()[0]) / 1024
    return total


def post(port, body, key):
    """One honest client's try: status, headers and JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        headers = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Idempotency-Key": key,
        }
        connection.request("POST", "/v1/videos", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


def client(port, body, key, load, begin):
    begin.wait()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            status, headers, data = post(port, body, key)
        except (OSError, http.client.HTTPException, ValueError) as error:
            load.wrong.append(f"no answer: {type(error).__name__}: {error}")
            return
        code = (data.get("error") or {}).get("code") or ""
        load.answers[f"{status} {code}".strip()] += 1
        if status == 202:
            load.ids.append(data["id"])
            return
        if status not in {429, 503} or code not in {"overloaded", "rate_limited"}:
            load.wrong.append(f"answered {status} {data.get('detail')}")
            return
        if not headers.get("Retry-After"):
            load.wrong.append(f"{status} without Retry-After")
        time.sleep(float(headers.get("Retry-After") or 1) * (1 + random.random()))
    load.wrong.append("never taken")


def watch(url, load, end):
    """A reader beside the writers."""
    while not end.wait(0.5):
        began = time.monotonic()
        answer = requests.get(f"{url}/v1/models", timeout=PATIENCE_S)
        if answer.status_code != 200:
            load.wrong.append(f"a read answered {answer.status_code}")
        load.slowest_read_s = max(load.slowest_read_s, time.monotonic() - began)


def run(posts, folder):
    """The load against a fresh service whose logs and objects lie in a folder."""
    bodies = [form(kind) for kind in ("plain", "alpha", "turned")]
    load, end, begin = Load(), threading.Event(), threading.Event()
    with Processes(folder / "logs", os.environ) as processes:
        service = services.start(processes, data=folder / "data", draft=True)
        processes.kill(service.poll)  # films are another test's
        processes.kill(service.api)
        service.environ["THREADS"] = str(THREADS)
        services.restart_api(processes, service)
        port, group = service.ports.api, service.api.popen.pid
        requests.get(f"{service.url}/v1/models", timeout=30)
        load.start_mb = memory_mb(group, "VmRSS")
        threads = [
            threading.Thread(
                target=client, args=[port, bodies[n % len(bodies)], f"load-{n}", load, begin]
            )
            for n in range(posts)
        ]
        threads.append(threading.Thread(target=watch, args=[service.url, load, end]))
        for thread in threads:
            thread.start()
        began = time.monotonic()
        begin.set()
        for thread in threads[:-1]:
            thread.join()
        load.seconds = time.monotonic() - began
        end.set()
        threads[-1].join()
        processes.check()
        load.peak_mb = memory_mb(group, "VmHWM")
        listed = f"{service.emulator['STORAGE_EMULATOR_HOST']}/storage/v1/b/inbetween/o"
        names = requests.get(listed, params={"maxResults": 5000}, timeout=30).json()["items"]
        load.wrong += judge(posts, load, [item["name"] for item in names])
    return load


def judge(posts, load, names):
    """What is wrong with what lies in the bucket, as sentences."""
    jobs = {name.split("/")[2].removesuffix(".json") for name in names if _is_job(name)}
    frames = [name for name in names if name.startswith("frames/")]
    found = []
    if len(set(load.ids)) != posts:
        found.append(f"{len(set(load.ids))} jobs were answered for {posts} posts")
    if jobs != set(load.ids):
        found.append(f"{len(jobs)} jobs lie in the bucket, {len(set(load.ids))} were answered")
    if {name.split("/")[2] for name in frames} != jobs:
        found.append("a job has no frames, or frames have no job")
    if load.peak_mb > BOUND_MB:
        found.append(f"{load.peak_mb:.0f} MB of memory, {BOUND_MB} are promised")
    return found


def _is_job(name):
    return name.startswith(("pending/", "jobs/"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=100)
    posts = parser.parse_args().posts
    with tempfile.TemporaryDirectory() as folder:
        load = run(posts, Path(folder))
    answers = ", ".join(f"{count} x {name}" for name, count in load.answers.most_common())
    print(
        f"{posts} posts of two 8 MB frames at once, one instance of {THREADS} threads: {answers}; "
        f"{load.seconds:.0f} s; slowest read beside them {load.slowest_read_s:.1f} s"
    )
    print(
        f"memory of the instance: {load.start_mb:.0f} MB before, {load.peak_mb:.0f} MB at most; "
        f"promised {BOUND_MB} of {INSTANCE_MB} MB"
    )
    for sentence, count in collections.Counter(load.wrong).most_common(20):
        print(f"WRONG ({count}): {sentence}")
    print(f"{len(load.wrong)} wrong")
    return 1 if load.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
