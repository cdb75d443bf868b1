"""One simulated world from its seed: posts, ticks, owners who change their minds, bad weather, calm."""

from __future__ import annotations

import json
import random

import requests

from lib.core.errors import ApiError
from lib.core.request import VideoRequest
from lib.flows.cancel import cancel
from lib.flows.delete import delete
from lib.flows.listing import page
from lib.flows.read import find
from lib.flows.refresh import refresh
from lib.flows.submit import submit
from tests.conftest import film
from tests.receivers import ANOTHER, PLACE, PLACES, WAYS, secret
from tests.simulation.actors import Scheduler, Weather, Wire
from tests.simulation.judge import Broken, Judge
from tests.world import KEY, STORAGE, UPSTREAM, World, picture

STORM_S = 900
OWNERS = ("alice", "bob", "carol")
FOREIGN_KEY = "sk-local-foreign"
CREATE = f"{UPSTREAM}/singapore/api/v1/services/aigc/image2video/video-synthesis"
WEATHERS = (
    Weather(),
    Weather(kill=0.02),
    Weather(lose=0.03),
    Weather(refuse=0.05, throttle=0.05),
    Weather(slow=0.04, lose=0.02),
    Weather(freeze=0.004, kill=0.004),
    Weather(freeze=0.002, slow=0.02, lose=0.02),
    Weather(outage=(200, 420), kill=0.004),
    Weather(kill=0.012, lose=0.012, refuse=0.02, throttle=0.02, slow=0.02),
)
BAD_FILMS = ("#truncated-mp4", "#corrupt-mp4", "#wrong-type")
FRAMES = picture(320, 320), picture(320, 320, color=(200, 60, 30))


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
            env={
                "FIRST_LOOK_S": "15",
                "WEBHOOK_SECRETS": json.dumps({owner: [secret()] for owner in OWNERS}),
            },
            make=self._film,
            keys={"singapore": [KEY, FOREIGN_KEY]},
        )
        self.world.upstream.settings.list_lag_s = pick.choice([0, 0, 0, 30])
        self.scheduler = Scheduler(self.world.clock, pick, self.weather)
        self.world.receivers.pause = self._pause
        self.instances = [self._instance() for _ in range(2)]
        self.answers, self.foreign = [], []
        self.jobs = pick.randint(5, 20)
        # Ticks that overlap: one more every so many seconds, in some worlds.
        self.crowd_s = pick.choice([None, None, 7, 23])
        self.fickle, self.foreigners = pick.choice([0.0, 0.4]), pick.choice([0, 0, 3])

    def _film(self, task):
        """A film that bears the name of its job, so that a foreign one is known."""
        name = task.prompt.encode()
        return film() + (8 + len(name)).to_bytes(4, "big") + b"free" + name

    def _instance(self):
        def connect():
            session = requests.Session()
            session.trust_env = False
            session.mount(STORAGE, Wire(self.scheduler, self.world.storage))
            session.mount(UPSTREAM, Wire(self.scheduler, self.world.upstream, upstream=True))
            session.mount(PLACES, Wire(self.scheduler, self.world.receivers))
            return session

        return self.world.instance(
            now=self.scheduler.now, sleep=self.scheduler.sleep, connect=connect
        )

    def _pause(self, seconds):
        """A receiver lets somebody wait: an actor, or in the calm everybody."""
        if self.scheduler.calm:
            self.world.clock.advance(seconds)
        else:
            self.scheduler.sleep(seconds)

    def _address(self, prompt):
        """Where a job's end is told; the same request always names the same address."""
        pick = random.Random(f"{self.seed} {prompt}")
        if pick.random() < 0.3:
            return None
        return f"{pick.choice([PLACE, ANOTHER])}/{pick.choice([*WAYS, 'ok', 'ok', 'weak'])}/x"

    # The storm

    def run(self):
        """Live through storm and calm; returns what the weather did.

        Raises:
            Broken: an invariant does not hold.
        """
        self._storm()
        self._calm()
        Judge(self).judge()
        return self.scheduler.met

    def _plan(self, start):
        pick = self.random
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
        if self.crowd_s:
            plan += [(start + at, self._tick()) for at in range(60, 400, self.crowd_s)]
        changes = int(self.jobs * self.fickle)
        plan += [(start + pick.uniform(60, STORM_S), self._whim()) for _ in range(changes)]
        plan += [
            (start + pick.uniform(0, STORM_S), self._stranger(n)) for n in range(self.foreigners)
        ]
        plan.sort(key=lambda entry: entry[0])
        return plan

    def _storm(self):
        pick, clock = self.random, self.world.clock
        start = clock.now()
        plan = self._plan(start)
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
        if pick.random() < 0.05:
            prompt += f" {pick.choice(BAD_FILMS)}"
        times = 2 if key and pick.random() < 0.4 else 1

        def work():
            for _ in range(times):
                self._post(owner, key, prompt)

        return f"post {number}", work

    def _post(self, owner, key, prompt):
        fields = {"first_frame": FRAMES[0], "last_frame": FRAMES[1], "prompt": prompt}
        fields["webhook_url"] = self._address(prompt)
        kit = self.random.choice(self.instances).kit
        try:
            made = submit(kit, owner, VideoRequest.parse(fields), key)
        except ApiError as error:
            self.scheduler.met[f"post {error.kind.code}"] += 1
        else:
            self.answers.append((owner, key, made.job.intent.id))

    def _tick(self):
        service = self.random.choice(self.instances)

        def work():
            try:
                service.tick()
            except ApiError:
                self.scheduler.met["tick gave up"] += 1

        return "tick", work

    def _whim(self):
        """An owner cancels, deletes, looks at or lists something."""
        pick = self.random
        kit, what = pick.choice(self.instances).kit, pick.choice(["cancel", "delete", "read"])

        def work():
            if not self.answers:
                return
            owner, _key, job_id = pick.choice(self.answers)
            try:
                if what == "read":
                    job = find(kit, owner, job_id)
                    if job:
                        refresh(kit, job)
                    page(kit, owner, limit=5)
                else:
                    {"cancel": cancel, "delete": delete}[what](kit, owner, job_id)
                self.scheduler.met[what] += 1
            except ApiError as error:
                self.scheduler.met[f"{what} {error.kind.code}"] += 1

        return what, work

    def _stranger(self, number):
        """Somebody else of the same account makes a task of the same model, with another key."""

        def work():
            body = {
                "model": "wan2.1-kf2v-plus",
                "input": {
                    "first_frame_url": self.frame_url,
                    "last_frame_url": self.frame_url,
                    "prompt": f"foreign {number}",
                },
                "parameters": {"resolution": "720P"},
            }
            head = {"Authorization": f"Bearer {FOREIGN_KEY}", "X-DashScope-Async": "enable"}
            answer = self.world.session().post(CREATE, json=body, headers=head)
            self.scheduler.met[f"stranger {answer.status_code}"] += 1

        return "stranger", work

    @property
    def frame_url(self):
        """A picture that the upstream can download."""
        artifacts = self.world.kit.artifacts
        name = "frames/stranger/picture.png"
        if not self.foreign:
            self.world.bucket.blob(name).upload_from_string(FRAMES[0], content_type="image/png")
            self.foreign.append(name)
        return artifacts.link(name).url

    # Calm

    def _calm(self):
        """No more faults; whoever was alive in the storm is gone, and ticks come every minute."""
        self.scheduler.calm = True
        for minute in range(45):
            self.world.clock.advance(60 if minute else 200)
            if not self.world.tick()["pending"]:
                break
        for _ in range(60):
            entries = self.world.kit.outbox.entries()
            if not entries and not self.world.names("pending/"):
                return
            due = min((one.next_at for one in entries), default=0)
            self.world.clock.advance(max(3600, due - self.world.clock.now()))
            self.world.tick()


def replay(seed):
    """The command that lives a seed again."""
    return f"infra/dev simulate --seed {seed} --worlds 1"


__all__ = ["Broken", "Life", "replay"]
