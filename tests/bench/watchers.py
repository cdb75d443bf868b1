"""`infra/dev bench watchers`: what watching costs the upstream, and how soon a film is there.

Real flows and clients over the emulators on one moved clock: watchers GET their job every second, a
scheduler ticks every minute, films take 60 to 300 s, drawn at random and unknown to the poller.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from io import BytesIO

os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"
from werkzeug.test import Client
from werkzeug.wrappers import Request

from tests.bench.screen import table
from tests.conftest import film
from tests.simulation.actors import Scheduler, Weather
from tests.world import World, picture

FRAMES = picture(320, 320), picture(320, 320, color=(200, 60, 30))
RATE_AT_MOST = 20  # queries a second and account (Model Studio, "Rate limits")


class Town:
    """A world, its scheduler, and a note of every query.

    Args:
        seed: decides the films' durations and the order of turns.
    """

    def __init__(self, seed):
        pick = random.Random(seed)
        self.world = World(film, draw=lambda: (1.0, pick.uniform(60, 300)), seed=seed)
        self.turns = Scheduler(self.world.clock, pick, Weather())
        self.service = self.world.instance(now=self.turns.now, sleep=self.turns.sleep)
        self.queries, self.ends = [], {}
        self._note()

    def _note(self):
        """Every GET of the upstream's task endpoints, with its time."""
        upstream, queries, clock = self.world.upstream, self.queries, self.world.clock

        class Noted(type(upstream)):
            def __call__(self, environ, start_response):
                path = environ["PATH_INFO"]
                if environ["REQUEST_METHOD"] == "GET" and "/tasks" in path:
                    single = not path.rstrip("/").endswith("/tasks")
                    queries.append((clock.now(), "get" if single else "list"))
                return super().__call__(environ, start_response)

        upstream.__class__ = Noted

    def post(self):
        """A job; its id."""
        client = Client(Request.application(self.service.api))
        data = {
            "first_frame": (BytesIO(FRAMES[0]), "a.png"),
            "last_frame": (BytesIO(FRAMES[1]), "b.png"),
            "prompt": "rain",
        }
        return client.post("/v1/videos", data=data).get_json()["id"]

    def watch(self, job_id):
        """GET once a second until the film has a link."""
        client = Client(Request.application(self.service.api))

        def work():
            while True:
                job = client.get(f"/v1/videos/{job_id}").get_json()
                if job["url"]:
                    self.ends.setdefault(job_id, self.world.clock.now())
                    return
                self.turns.sleep(1.0)

        self.turns.start("watcher", work)

    def ticks(self, every_s=60.0, count=1_000_000):
        """The scheduler: a tick every so often, whether or not the last one is through."""

        def work():
            for _ in range(count):
                self.turns.start("tick", self.service.tick)
                self.turns.sleep(every_s)

        self.turns.start("scheduler", work)

    def live(self, until):
        """Give turns until a condition holds."""
        clock = self.world.clock
        while not until():
            if not self.turns.step():
                clock.advance(max(self.turns.next_wake - clock.now(), 0.001))


def watched(watchers, films, seed=0):
    """Films one after the other, each with so many watchers.

    Returns:
        Single GETs per film, the most list calls within 5 s, list calls per film, median seconds
        from the upstream's end to a signed link in a watcher's hand.
    """
    town, delays, gets = Town(seed), [], []
    town.ticks()
    for _ in range(films):
        before = sum(kind == "get" for _, kind in town.queries)
        made = []
        town.turns.start("post", lambda made=made: made.append(town.post()))
        town.live(lambda made=made: bool(made))
        (job_id,) = made
        for _ in range(watchers):
            town.watch(job_id)
        town.live(lambda job_id=job_id: job_id in town.ends)
        gets.append(sum(kind == "get" for _, kind in town.queries) - before)
        verdict = json.loads(
            town.world.bucket.blob(town.world.names(f"jobs/local/{job_id}")[0]).download_as_bytes()
        )["verdict"]
        delays.append(town.ends[job_id] - verdict["times"]["ended"])
    lists = [at for at, kind in town.queries if kind == "list"]
    return max(gets), within(lists, 5.0), len(lists) / films, statistics.median(delays)


def within(times, span_s):
    """The most events in any half-open span."""
    return max((sum(at <= other < at + span_s for other in times) for at in times), default=0)


def crowded(jobs, minutes, seed=0):
    """Many pending jobs and two ticks at any time.

    Returns:
        The most queries in any second, and in any span the most list calls within 5 s.
    """
    town = Town(seed)
    made = []

    def posts():
        made.extend(town.post() for _ in range(jobs))

    town.turns.start("posts", posts)
    town.live(lambda: len(made) == jobs)
    town.ticks(every_s=25.0)
    end = town.world.clock.now() + 60 * minutes
    town.live(lambda: town.world.clock.now() >= end)
    lists = [at for at, kind in town.queries if kind == "list"]
    return within([at for at, _ in town.queries], 1.0), within(lists, 5.0), len(town.queries)


def main(argv):
    """Print the tables; returns 1 when a bound is broken."""
    parser = argparse.ArgumentParser(prog="infra/dev bench watchers")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(argv).quick
    with table() as say:
        return report(say, quick=quick)


def report(say, *, quick):
    """Say the rows one by one; returns 1 when a bound is broken."""
    bad = 0
    say("watchers  films  single GETs per film  list calls in 5 s  list calls  median end to link")
    say("                 (at most)             (at most)          per film")
    for watchers, films in ((1, 12), (5, 12), (50, 3)) if not quick else ((1, 3), (5, 3), (20, 1)):
        gets, burst, lists, median = watched(watchers, films)
        say(f"{watchers:8}  {films:5}  {gets:20}  {burst:17}  {lists:10.1f}  {median:16.1f} s")
        bad += gets > 3 or burst > 1 or (not quick and median >= 5)
    jobs, minutes = (60, 3) if quick else (1000, 10)
    rate, burst, queries = crowded(jobs, minutes)
    say(
        f"{jobs} pending jobs, two ticks at any time, {minutes} min: at most {rate} queries in any "
        f"second (the account has {RATE_AT_MOST}), {burst} list call(s) in any 5 s, {queries} in all"
    )
    return bool(bad or rate > RATE_AT_MOST or burst > 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
