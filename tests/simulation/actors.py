"""Actors that take turns: each is a thread, and exactly one of them runs at any moment.

An actor gives its turn back at every call over the wire and at every sleep; a seeded scheduler
says who goes on and how time passes. What becomes of a call is the wire's business. So a whole day
of overlapping requests, ticks and deaths is a pure function of its seed.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field


class Killed(BaseException):
    """The process of this actor is gone: nothing after this line happens."""


@dataclass
class Weather:
    """How likely it is, at one call over the wire, that something goes wrong.

    Attributes:
        kill: the process dies before or after the call took effect.
        lose: the call takes effect, its answer is lost.
        refuse: the service answers 503 and does nothing.
        throttle: the service answers 429 and does nothing.
        slow: the answer takes long, maybe longer than our patience.
        freeze: the process stands still before the call takes effect or after it. Before a create
            never so long that it would arrive later than the margin M after its lease: that is the
            stated limit of what can be promised.
        distort: the call takes effect, its answer is odd.
        late: a create whose caller has given up arrives all the same, up to M after its lease.
        nameless: no address, no connection: nothing leaves this machine.
        homeless: the metadata server gives no token for the bucket.
        outage: the upstream's bad minutes, as (from, to) in seconds from the start.
    """

    kill: float = 0.0
    lose: float = 0.0
    refuse: float = 0.0
    throttle: float = 0.0
    slow: float = 0.0
    freeze: float = 0.0
    distort: float = 0.0
    late: float = 0.0
    nameless: float = 0.0
    homeless: float = 0.0
    outage: tuple[float, float] = (0.0, 0.0)

    @property
    def fair(self):
        """Whether nothing ever goes wrong."""
        return self == Weather()


def _closed():
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass
class Actor:
    """One thread of one process.

    Attributes:
        sending: the job whose `sending` lease it holds, and that lease's end by the true clock.
        urgent: whether it must go on at the very moment that it waits for.
    """

    name: str
    work: object
    wake_at: float = 0.0
    dead: bool = False
    done: bool = False
    failed: BaseException | None = None
    sending: tuple[str, float] | None = None
    urgent: bool = False
    turn: object = field(default_factory=_closed)


class Scheduler:
    """Gives turns.

    Args:
        clock: the world's clock; moved from here alone while actors live.
        random: decides everything.
        weather: what goes wrong.
    """

    def __init__(self, clock, random, weather):
        self.clock, self.random, self.weather = clock, random, weather
        self.met = Counter()
        self._back = _closed()
        self._current = None
        self._live = []
        self._later, self._numbers = [], itertools.count()
        self.began = clock.now()
        self.calm = self.over = False

    def start(self, name, work):
        """Let an actor begin at its first turn."""
        actor = Actor(name, work, wake_at=self.clock.now())
        self._live.append(actor)
        threading.Thread(target=self._life, args=(actor,), daemon=True).start()
        return actor

    def later(self, at, work):
        """Something that no process waits for: a request on its way."""
        heapq.heappush(self._later, (at, next(self._numbers), work))

    def _life(self, actor):
        actor.turn.acquire()
        try:
            if not actor.dead:
                actor.work()
        except Killed:
            self.met["kill"] += 1
        except BaseException as error:  # noqa: BLE001 - reported by the scheduler's own thread
            actor.failed = error
        actor.done = True
        self._back.release()

    def step(self):
        """One turn of one actor; False when nobody can have one before time passes."""
        now = self.clock.now()
        if self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()
            return True
        ready = [actor for actor in self._live if actor.wake_at <= now]
        if not ready:
            return False
        urgent = [actor for actor in ready if actor.urgent]
        self._turn(self.random.choice(urgent or ready))
        return True

    def _turn(self, actor):
        self._current = actor
        actor.turn.release()
        self._back.acquire()
        self._current = None
        if actor.done:
            self._live.remove(actor)
            if actor.failed is not None:
                raise actor.failed

    def end(self):
        """Whoever is alive is gone; what is on its way still arrives."""
        self.over = True
        while self._live:
            self._live[0].dead = True
            self._turn(self._live[0])

    def revive(self):
        """A client outlives the process that served it; False when the world itself is over."""
        if self.over:
            return False
        self._current.dead, self._current.sending = False, None
        self.met["kill"] += 1
        return True

    @property
    def next_wake(self):
        """When the next sleeper wakes, or the next request arrives."""
        wakes = [actor.wake_at for actor in self._live]
        return min([*wakes, *(entry[0] for entry in self._later[:1])], default=None)

    @property
    def room_s(self):
        """How far the clock may move before somebody must have had a turn."""
        edges = [actor.wake_at for actor in self._live if actor.urgent]
        edges += [entry[0] for entry in self._later[:1]]
        return max(0.0, min(edges, default=float("inf")) - self.clock.now())

    @property
    def current(self):
        """Whoever has the turn; None outside all turns."""
        return self._current

    def _yield(self, actor):
        self._back.release()
        actor.turn.acquire()
        if actor.dead:
            raise Killed

    def sleep(self, seconds):
        """The sleep of whoever has the turn."""
        actor = self._current
        if actor.dead:
            raise Killed
        actor.wake_at = self.clock.now() + max(seconds, 0.001)
        self._yield(actor)

    def stand_still(self, until):
        """As a sleep, but to a moment that the clock does not pass before its turn has come."""
        actor = self._current
        if until > self.clock.now():
            actor.wake_at, actor.urgent = until, True
            self._yield(actor)
            actor.urgent = False

    def meet(self):
        """At a call over the wire: others may have their turn first.

        Returns:
            Whoever calls; None outside all turns, where the sun shines.
        """
        actor = self._current
        if actor is None:
            return None
        if actor.dead:
            raise Killed
        actor.wake_at = self.clock.now()
        self._yield(actor)
        return actor

    def now(self):
        """The true time."""
        return self.clock.now()
