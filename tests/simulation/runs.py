"""One simulated world from its seed: posts, ticks, owners who change their minds, bad weather, calm."""

from __future__ import annotations

import hashlib
import json
import random
import traceback
from dataclasses import replace

from google.auth import exceptions as google_auth
from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.adapters.files import signing
from tests.conftest import film
from tests.receivers import PLACES, secret
from tests.simulation import poison
from tests.simulation.actors import Actor, Scheduler
from tests.simulation.conditions import FOREIGN_KEY, STORM_S, Conditions
from tests.simulation.invariants import JOB, Broken, Invariants
from tests.simulation.people import OWNERS, People
from tests.simulation.quick import Quick
from tests.simulation.wires import Wire
from tests.world import BUCKET, STORAGE, UPSTREAM, World

CALM_BUDGET_S = 12.0  # seconds of a tick in the calm: two rounds do what six would


class Life:
    """A world with its jobs.

    Args:
        seed: decides everything.
        without: troubles to leave out, see `Conditions.without`.
    """

    def __init__(self, seed, without=()):
        self.seed, self.random = seed, random.Random(seed)
        pick = self.random
        self.conditions = conditions = Conditions.draw(pick).without(without)
        self.weather = conditions
        self.world = World(
            film,
            draw=lambda: (pick.uniform(0.5, 20), pick.uniform(20, 200)),
            overflow=conditions.overflow,
            seed=seed,
            env=self._settings(),
            make=self._film,
            keys=conditions.keys(),
            upstream_off_s=conditions.clocks.upstream,
            storage_off_s=conditions.clocks.storage,
        )
        self.world.upstream.settings.list_lag_s = conditions.lag_s
        self.scheduler = Scheduler(self.world.clock, pick, conditions.weather)
        self.began = self.world.clock.now()
        self.world.receivers.pause = self._pause
        self.instances = [self._instance(skew_s) for skew_s in conditions.clocks.instances]
        self._clients = [Client(Request.application(one.api)) for one in self.instances]
        self.answers, self.wishes, self.made, self.written = [], [], {}, {}
        self.jobs = pick.randint(5, 20)
        self.people = People(self, FOREIGN_KEY)
        self.keeper = Actor("whoever works in the calm", None)
        self.poisoned = None
        self.scheduler.met.update(conditions.named())

    def _settings(self):
        return {
            "FIRST_LOOK_S": "15",
            "AUTH": "on",
            "OWNER_KEYS": json.dumps(
                {
                    owner: [f"s:{hashlib.sha256(f's{owner}'.encode()).hexdigest()}"]
                    for owner in OWNERS
                }
            ),
            "WEBHOOK_SECRETS": json.dumps({owner: [secret()] for owner in OWNERS}),
            "DASHSCOPE_ACCOUNTS": self.conditions.accounts(),
        }

    def _film(self, task):
        """A film that bears the name of its job, so that a foreign one is known."""
        name = task.prompt.encode()
        return film() + (8 + len(name)).to_bytes(4, "big") + b"free" + name

    def _connect(self, skew_s):
        def connect():
            session = Quick()
            session.mount(STORAGE, Wire(self, "storage", skew_s))
            session.mount(UPSTREAM, Wire(self, "upstream", skew_s))
            session.mount(PLACES, Wire(self, "hooks", skew_s))
            return session

        return connect

    def _instance(self, skew_s):
        """A function instance with its own clock, wires and signer."""
        service = self.world.instance(
            now=lambda: self.world.clock.now() + skew_s,
            sleep=self.scheduler.sleep,
            connect=self._connect(skew_s),
        )
        service.context.artifacts._signing._signer = self._signer
        return service

    def _signer(self):
        """The signer of an instance; for a while nobody signs."""
        begin, end = self.conditions.signer
        if self.scheduler.current and begin <= self.world.clock.now() - self.began < end:
            self.scheduler.met["signer"] += 1
            kinds = (google_auth.TransportError, google_auth.RefreshError)
            raise self.random.choice(kinds)("IAM does not sign")
        return signing.key_file_signer(self.world.config.signing_key_file)

    def _pause(self, seconds):
        """A receiver lets somebody wait: an actor, or in the calm everybody."""
        if self.scheduler.calm:
            self.world.clock.advance(seconds)
        else:
            self.scheduler.sleep(seconds)

    # What the wires and the people ask for

    def made_for(self, sending):
        """Remember for whose job the newest task was made."""
        task_id = next(reversed(self.world.upstream.tasks._all))
        if sending:
            self.made[task_id] = sending[0]

    def stranger_passes(self):
        """One more row in the upstream's list."""
        self.people.passer_by()

    def read(self, number, owner, path):
        """GET over HTTP at one of the instances."""
        return self._clients[number].get(path, headers={"Authorization": f"Bearer {owner}"})

    def enrich(self, name):
        """Put what a newer revision would have written into an object of ours."""
        store = self.world.storage.store
        home = store.bucket(BUCKET)
        stored = home.objects.get(name)
        if stored is None or name in poison.NAMES:
            return False
        metadata = {**stored.metadata, "schema": "7", "tomorrow": "x"}
        content = stored.content
        if name.endswith(".json"):
            body = json.loads(content.read())
            if isinstance(body, dict):
                body |= {"schema": 7, "tomorrow": {"more": [1, None]}}
                content = store._contents.keep(json.dumps(body).encode())
        home.objects[name] = replace(stored, metadata=metadata, content=content)
        return True

    # The storm

    def run(self):
        """Live through storm and calm; returns what the weather did.

        Raises:
            Broken: an invariant does not hold.
        """
        try:
            try:
                self._storm()
            finally:
                self.scheduler.end()
            self._calm()
            Invariants(self).invariants()
        except Broken:
            raise
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
            sentence = f"seed {self.seed}: a crash: {type(error).__name__} at {place}: {error}"
            raise Broken(sentence[:600]) from error
        return self.scheduler.met

    def _plan(self, start):
        pick, people, conditions = self.random, self.people, self.conditions
        posts = [
            (start + pick.uniform(0, STORM_S * 0.7), people.poster(n)) for n in range(self.jobs)
        ]
        # A double click: the same request again while the first is on its way.
        named = [(at, post) for at, post in posts if post[0] != "wish"]
        twins = [(at + pick.uniform(0, 1), post) for at, post in named if pick.random() < 0.3]
        plan = posts + twins
        plan += [
            (start + minute * 60 + pick.uniform(0, 2), people.ticker())
            for minute in range(STORM_S // 60)
        ]
        plan += [
            (at + pick.uniform(0, 3), people.ticker()) for at, _ in plan if pick.random() < 0.1
        ]
        if conditions.crowd_s:
            steps = range(60, 400, int(conditions.crowd_s))
            plan += [(start + at, people.ticker()) for at in steps]
        changes = int(self.jobs * conditions.fickle)
        plan += [(start + pick.uniform(60, STORM_S), people.whim()) for _ in range(changes)]
        plan += [
            (start + pick.uniform(0, STORM_S), people.stranger(n))
            for n in range(conditions.foreigners)
        ]
        if conditions.poison is not None:
            plan.append((start + conditions.poison, ("poison", self._poison)))
        plan.sort(key=lambda entry: entry[0])
        return plan

    def _poison(self):
        self.scheduler.met["poison"] += 1
        poison.put(self.world.bucket)
        self.poisoned = poison.seen(self.world.storage.store, BUCKET)

    def _storm(self):
        pick, clock = self.random, self.world.clock
        start = clock.now()
        plan = self._plan(start)
        while clock.now() < start + STORM_S:
            while plan and plan[0][0] <= clock.now():
                self.scheduler.start(*plan.pop(0)[1])
            if self.scheduler.step():
                if pick.random() < 0.3:
                    clock.advance(min(pick.uniform(0, 0.4), self.scheduler.room_s))
                continue
            wakes = [at for at in (self.scheduler.next_wake, plan[0][0] if plan else None) if at]
            target = min([*wakes, start + STORM_S])
            clock.advance(max(target - clock.now(), 0.001))

    # Calm

    def pending(self):
        """Our pending jobs: id to the prompt of each."""
        objects = self.world.storage.store.bucket(BUCKET).objects
        names = [name for name in objects if name.startswith("pending/")]
        return {
            JOB.search(name)[0]: json.loads(objects[name].content.read())
            .get("request", {})
            .get("prompt", "")
            for name in names
            if name not in poison.NAMES
        }

    def _calm(self):
        """No more faults; whoever was alive in the storm is gone, and ticks come every minute."""
        self.scheduler.calm = True
        self.calm_at = self.world.clock.now()
        self._arrive(200)
        service = self._calm_service()
        for _minute in range(150):
            self.world.tick(service)
            if not any("#" not in prompt for prompt in self.pending().values()):
                break
            self.world.clock.advance(60)
        for _ in range(60):
            left = [name for name in self.world.names("outbox/") if name not in poison.NAMES]
            if not left and not self.pending():
                break
            due = min(self._due(left), default=0)
            self.world.clock.advance(max(3600, due - self.world.clock.now()))
            self.world.tick(service)
        self.world.clock.advance(600)  # whatever was paid for is made by now

    def _calm_service(self):
        """One more instance, with a right clock and nothing in its way."""
        self.world.deploy({"TICK_BUDGET_S": str(CALM_BUDGET_S)})
        return self.world.instance(connect=self._connect(0.0))

    def _due(self, names):
        """When the next try of each webhook is due."""
        objects = self.world.storage.store.bucket(BUCKET).objects
        return [float(objects[name].metadata.get("next_at", 0)) for name in names]

    def _arrive(self, seconds):
        """Let time pass; what is still on its way arrives."""
        until = self.world.clock.now() + seconds
        while (at := self.scheduler.next_wake) is not None and at <= until:
            self.world.clock.advance(max(0.0, at - self.world.clock.now()))
            self.scheduler.step()
        self.world.clock.advance(until - self.world.clock.now())


def replay(seed):
    """The command that lives a seed again."""
    return f"infra/dev simulate --seed {seed} --worlds 1"


__all__ = ["Broken", "Life", "replay"]
