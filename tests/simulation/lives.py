"""One simulated world from its seed: posts, ticks, bad weather, calm, and what must be true after it."""

from __future__ import annotations

import json
import random
import re
from collections import Counter

import requests

from lib.adapters.bucket import CHUNK_BYTES
from lib.core.mp4 import Probe
from lib.emulator.wire import InProcess
from tests.conftest import film
from tests.simulation.actors import Scheduler, Weather, Wire
from tests.world import STORAGE, UPSTREAM, World, picture

STORM_S = 900
OWNERS = ("alice", "bob", "carol")
JOB = re.compile(r"vid_[0-9a-f]{27}")
WEATHERS = (
    Weather(),
    Weather(kill=0.02),
    Weather(lose=0.03),
    Weather(refuse=0.05, throttle=0.05),
    Weather(slow=0.04, lose=0.02),
    Weather(kill=0.012, lose=0.012, refuse=0.02, throttle=0.02, slow=0.02),
)
FRAMES = picture(320, 320), picture(320, 320, color=(200, 60, 30))


class Broken(AssertionError):  # noqa: N818 - what a judge says
    """An invariant does not hold."""


class Life:
    """A world with its jobs.

    Args:
        seed: decides everything.
    """

    def __init__(self, seed):
        self.seed, self.random = seed, random.Random(seed)
        pick = self.random
        self.weather = pick.choice(WEATHERS)
        self.world = World(
            film,
            draw=lambda: (pick.uniform(0.5, 20), pick.uniform(20, 200)),
            overflow=pick.choice(["refuse", "queue"]),
            seed=seed,
            env={"FIRST_LOOK_S": "15"},
            make=self._film,
        )
        self.world.upstream.settings.list_lag_s = pick.choice([0, 0, 0, 30])
        self.scheduler = Scheduler(self.world.clock, pick, self.weather)
        self.instances = [self._instance() for _ in range(2)]
        self.answers = []
        self.jobs = pick.randint(5, 20)
        self.keys = {}

    def _film(self, task):
        """A film that bears the name of its job, so that a foreign one is known."""
        name = task.prompt.encode()
        return film() + (8 + len(name)).to_bytes(4, "big") + b"free" + name

    def _instance(self):
        def connect():
            session = requests.Session()
            session.trust_env = False
            session.mount(STORAGE, Wire(self.scheduler, self.world.storage))
            session.mount(UPSTREAM, Wire(self.scheduler, self.world.upstream))
            return session

        return self.world.instance(
            now=self.scheduler.now, sleep=self.scheduler.sleep, connect=connect
        )

    # The storm

    def run(self):
        """Live through storm and calm; returns what the weather did.

        Raises:
            Broken: an invariant does not hold.
        """
        self._storm()
        self._calm()
        self._judge()
        return self.scheduler.met

    def _storm(self):
        pick, clock = self.random, self.world.clock
        start = clock.now()
        posts = [
            (start + pick.uniform(0, STORM_S * 0.7), self._post_of(n)) for n in range(self.jobs)
        ]
        # A double click: the same request again while the first is on its way.
        twins = [(at + pick.uniform(0, 1), post) for at, post in posts if pick.random() < 0.3]
        plan = posts + twins
        plan += [
            (start + minute * 60 + pick.uniform(0, 2), self._tick())
            for minute in range(STORM_S // 60)
        ]
        plan += [(at + pick.uniform(0, 3), self._tick()) for at, _ in plan if pick.random() < 0.1]
        plan.sort(key=lambda entry: entry[0])
        while clock.now() < start + STORM_S:
            while plan and plan[0][0] <= clock.now():
                name, work = plan.pop(0)[1]
                self.scheduler.start(name, work, skew_s=pick.uniform(-4, 4))
            if self.scheduler.step():
                if pick.random() < 0.3:
                    clock.advance(pick.uniform(0, 0.4))
                continue
            wakes = [at for at in (self.scheduler.next_wake, plan[0][0] if plan else None) if at]
            target = min([*wakes, start + STORM_S])
            clock.advance(max(target - clock.now(), 0.001))

    def _post_of(self, number):
        pick = self.random
        owner, key = pick.choice(OWNERS), None
        if pick.random() < 0.6:
            key = f"{owner}-{pick.randrange(self.jobs)}"
        prompt = f"film {owner} {key or number}"
        times = 2 if key and pick.random() < 0.4 else 1

        def work():
            for _ in range(times):
                self._post(owner, key, prompt)

        return f"post {number}", work

    def _post(self, owner, key, prompt):
        from lib.core.errors import ApiError  # noqa: PLC0415 - beside its only use
        from lib.core.request import VideoRequest  # noqa: PLC0415 - as above
        from lib.flows.submit import submit  # noqa: PLC0415 - as above

        fields = {"first_frame": FRAMES[0], "last_frame": FRAMES[1], "prompt": prompt}
        kit = self.random.choice(self.instances).kit
        try:
            made = submit(kit, owner, VideoRequest.parse(fields), key)
        except ApiError as error:
            self.scheduler.met[f"post {error.kind.code}"] += 1
        else:
            self.answers.append((owner, key, made.job.intent.id))

    def _tick(self):
        from lib.core.errors import ApiError  # noqa: PLC0415 - beside its only use

        service = self.random.choice(self.instances)

        def work():
            try:
                service.tick()
            except ApiError:
                self.scheduler.met["tick gave up"] += 1

        return "tick", work

    # Calm

    def _calm(self):
        """No more faults; whoever was alive in the storm is gone, and ticks come every minute."""
        for minute in range(45):
            self.world.clock.advance(60 if minute else 200)
            if not self.world.tick()["pending"]:
                return
        for _ in range(30):
            self.world.clock.advance(3600)
            if not self.world.tick()["pending"]:
                return

    # Judgement

    def _judge(self):
        names = self.world.names()
        self._expect(
            not [n for n in names if n.startswith("pending/")], "something is pending for ever"
        )
        jobs = {JOB.search(n)[0]: n for n in names if n.startswith("jobs/")}
        videos = {JOB.search(n)[0]: n for n in names if n.startswith("videos/")}
        verdicts = {job_id: self._stored(name) for job_id, name in jobs.items()}
        tasks = Counter()
        succeeded = Counter()
        for task in self.world.upstream.tasks:
            job_id = JOB.search(task.body["input"]["first_frame_url"])[0]
            tasks[job_id] += 1
            succeeded[job_id] += task.status == "SUCCEEDED"
            self._expect(job_id in jobs, f"a paid task without a job: {job_id}")
        for job_id, stored in verdicts.items():
            self._judge_job(job_id, stored, tasks[job_id], succeeded[job_id], videos.get(job_id))
        for _owner, _key, job_id in self.answers:
            self._expect(job_id in jobs, f"an answered job is lost: {job_id}")
        for video in videos:
            done = verdicts.get(video, {}).get("verdict", {}).get("status") == "completed"
            self._expect(done, f"an orphan video: {video}")
        by_key = {}
        for owner, key, job_id in self.answers:
            if key:
                self._expect(by_key.setdefault((owner, key), job_id) == job_id, "one key, two jobs")

    def _judge_job(self, job_id, stored, tasks, succeeded, video):
        verdict = stored["verdict"]
        unknown = (verdict["failure"] or {}).get("code") == "submit_unknown"
        self._expect(tasks <= 1, f"paid {tasks} times: {job_id}")
        if succeeded and not unknown:
            self._expect(
                verdict["status"] == "completed", f"a paid film is lost: {job_id} {verdict}"
            )
        if verdict["status"] == "completed":
            self._expect(tasks == 1, f"completed by nobody's task: {job_id}")
            self._expect(video is not None, f"completed without a video: {job_id}")
            content = self.world.bucket.blob(video).download_as_bytes()
            probe = Probe()
            for at in range(0, len(content), CHUNK_BYTES):
                probe.feed(content[at : at + CHUNK_BYTES])
            probe.film()
            wanted = stored["intent"]["request"]["prompt"].encode()
            self._expect(content.endswith(wanted), f"somebody else's film: {job_id}")

    def _stored(self, name):
        return json.loads(self.world.bucket.blob(name).download_as_bytes())

    def _expect(self, holds, sentence):
        if not holds:
            raise Broken(
                f"seed {self.seed}: {sentence}; weather {self.weather}, met {self.scheduler.met}"
            )


def replay(seed):
    """The command that lives a seed again."""
    return f"infra/dev simulate --seed {seed} --worlds 1"


__all__ = ["Broken", "InProcess", "Life", "replay"]
