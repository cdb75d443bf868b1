"""`infra/dev simulate --processes`: real functions-framework processes, killed again and again under load.

Posters keep posting, each with its Idempotency-Key and until it is answered; a killer takes `api` or
`poll` away with SIGKILL and starts it again. When all is quiet, the emulated upstream's books are read.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import requests

from lib.cli import service as services
from lib.cli.processes import Processes
from tests.processes import freezes
from tests.world import picture

JOB = re.compile(r"vid_[0-9a-f]{27}")
POSTERS = 3
QUIET_S = 240.0  # and for every job that is still pending:
QUIET_PER_JOB_S = 10.0


class Load:
    """Posters that never give up, and what they were told.

    Args:
        url: of `api`.
        pause_s: between two posts of one poster.
        each: how many jobs one poster asks for; a slow machine is not asked for more than a fast one.
    """

    def __init__(self, url, pause_s, each):
        self.url, self.pause_s, self.each = url, pause_s, each
        self.ids, self.tries, self.stopping = {}, Counter(), threading.Event()
        self.threads = [threading.Thread(target=self._post, daemon=True) for _ in range(POSTERS)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _post(self):
        first, last = picture(), picture(color=(200, 60, 30))
        for _ in range(self.each):
            if self.stopping.is_set():
                return
            key = uuid.uuid4().hex
            while True:
                files = {"first_frame": first, "last_frame": last}
                data = {"prompt": "the monster looks up", "resolution": "480P"}
                try:
                    answer = requests.post(
                        f"{self.url}/v1/videos",
                        files=files,
                        data=data,
                        headers={"Idempotency-Key": key},
                        timeout=20,
                    )
                except requests.RequestException as error:
                    self.tries[type(error).__name__] += 1
                    time.sleep(0.2)
                    continue
                self.tries[answer.status_code] += 1
                if answer.status_code == 202:
                    self.ids[key] = answer.json()["id"]
                    break
                time.sleep(0.2)
            self.stopping.wait(self.pause_s)


def kill_often(kills, seed=0, pause_s=6.0, each=1_000_000):
    """One run.

    Returns:
        How many jobs, what the posters met, what was killed, and sentences about what is wrong.
    """
    pick, killed = random.Random(seed), Counter()
    folder = Path(tempfile.mkdtemp())
    environ = {**os.environ, "PYTHONPATH": str(services.ROOT)}
    with Processes(folder, environ) as processes:
        service = services.start(processes, draft=True)
        load = Load(service.url, pause_s, each)
        load.start()
        for _ in range(kills):
            time.sleep(pick.uniform(0.0, 1.5))
            part = pick.choice(["api", "poll"])
            processes.kill(getattr(service, part))
            killed[part] += 1
            {"api": services.restart_api, "poll": services.restart_poll}[part](processes, service)
            if killed.total() % 20 == 0:
                print(f"{killed.total()} kills, {len(load.ids)} jobs", file=sys.stderr)
        load.stop()
        wrong = quiet(service) + judge(service, load)
    return len(load.ids), load.tries, killed, wrong


def quiet(service):
    """Move the clock on until nothing is pending.

    Each step waits for a tick's end: with fixed steps a busy machine would let leases end under work that goes on.
    """
    deadline = time.monotonic() + QUIET_S + QUIET_PER_JOB_S * len(names(service, "pending/"))
    clock = service.emulator["EMULATOR_CLOCK_URL"]
    while names(service, "pending/"):
        if time.monotonic() > deadline:
            return [f"still pending: {names(service, 'pending/')}"]
        requests.post(clock, json={"advance_s": 10}, timeout=30)
        requests.post(f"http://127.0.0.1:{service.ports.poll}/", timeout=60)
        time.sleep(0.3)
    return []


def names(service, prefix):
    """The objects under a prefix."""
    listing = f"{service.emulator['STORAGE_EMULATOR_HOST']}/storage/v1/b/inbetween/o"
    found = requests.get(listing, params={"prefix": prefix}, timeout=10).json()
    return [item["name"] for item in found.get("items", [])]


def judge(service, load):
    """Sentences about what is wrong; none when nothing is."""
    tasks = requests.get(
        f"http://127.0.0.1:{service.ports.storage + 1}/emulator/tasks", timeout=10
    ).json()["tasks"]
    accepted = Counter(JOB.search(json.dumps(task))[0] for task in tasks)
    wrong = [f"paid {count} times: {job}" for job, count in accepted.items() if count > 1]
    if len(set(load.ids.values())) != len(load.ids):
        wrong.append("two keys share one job")
    for job_id in load.ids.values():
        answer = requests.get(f"{service.url}/v1/videos/{job_id}", timeout=10).json()
        code = (answer.get("error") or {}).get("code")
        if answer.get("status") != "completed" and code != "submit_unknown":
            wrong.append(f"lost: {job_id} {answer}")
        elif answer["status"] == "completed" and not requests.get(answer["url"], timeout=10).ok:
            wrong.append(f"completed without a film: {job_id}")
    lost = set(accepted) - {JOB.search(name)[0] for name in names(service, "jobs/")}
    return wrong + [f"paid and lost: {job}" for job in lost]


def main(argv):
    """Run and report; returns 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="infra/dev simulate --processes")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--freezes", type=int, help="SIGSTOP at aimed calls instead of kills")
    options = parser.parse_args(argv)
    if options.freezes is not None:
        return freezes.main(options.freezes, options.seed)
    began = time.monotonic()
    jobs, met, killed, wrong = kill_often(options.kills, options.seed)
    print(f"{sum(killed.values())} kills ({dict(killed)}), {time.monotonic() - began:.0f} s")
    print(f"{jobs} jobs; the posters met {dict(met)}")
    print("\n".join(wrong) or "nothing lost, nothing paid twice, nothing stuck")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
