"""Actors that take turns: each is a thread, and exactly one of them runs at any moment.

An actor gives its turn back at every call over the wire and at every sleep; a seeded scheduler
says who goes on, what becomes of the call, and how time passes. So a whole day of overlapping
requests, ticks and deaths is a pure function of its seed.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

import requests
from requests.adapters import BaseAdapter

from lib.emulator.wire import InProcess


class Killed(BaseException):
    """The process of this actor is gone: nothing after this line happens."""


@dataclass
class Weather:
    """How likely it is, at one call over the wire, that something goes wrong.

    Attributes:
        kill: the process dies before or after the call took effect.
        lose: the call takes effect, its answer is lost.
        refuse: the service answers 503.
        throttle: the service answers 429.
        slow: the answer takes long.
        freeze: the process stands still for minutes before the call takes effect. Never before a
            create: a process frozen between its last look at the clock and the socket for longer
            than the protocol's margin is the stated limit of what can be promised.
        outage: the upstream's bad minutes, as (from, to) in seconds from the start.
    """

    kill: float = 0.0
    lose: float = 0.0
    refuse: float = 0.0
    throttle: float = 0.0
    slow: float = 0.0
    freeze: float = 0.0
    outage: tuple[float, float] = (0.0, 0.0)


@dataclass
class Actor:
    """One thread of one process."""

    name: str
    work: object
    skew_s: float = 0.0
    wake_at: float = 0.0
    dead: bool = False
    done: bool = False
    failed: BaseException | None = None
    turn: threading.Event = field(default_factory=threading.Event)


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
        self._back = threading.Event()
        self._current = None
        self._live = []
        self._began = clock.now()
        self.calm = False

    def start(self, name, work, skew_s=0.0):
        """Let an actor begin at its first turn."""
        actor = Actor(name, work, skew_s, wake_at=self.clock.now())
        self._live.append(actor)
        threading.Thread(target=self._life, args=(actor,), daemon=True).start()
        return actor

    def _life(self, actor):
        actor.turn.wait()
        actor.turn.clear()
        try:
            actor.work()
        except Killed:
            self.met["kill"] += 1
        except BaseException as error:  # noqa: BLE001 - reported by the scheduler's own thread
            actor.failed = error
        actor.done = True
        self._back.set()

    def step(self):
        """One turn of one actor; False when nobody can have one before time passes."""
        now = self.clock.now()
        ready = [actor for actor in self._live if actor.wake_at <= now]
        if not ready:
            return False
        self._current = self.random.choice(ready)
        self._back.clear()
        self._current.turn.set()
        self._back.wait()
        if self._current.done:
            self._live.remove(self._current)
            if self._current.failed is not None:
                raise self._current.failed
        self._current = None
        return True

    @property
    def next_wake(self):
        """When the next sleeper wakes."""
        return min((actor.wake_at for actor in self._live), default=None)

    def _yield(self, actor):
        self._back.set()
        actor.turn.wait()
        actor.turn.clear()

    def sleep(self, seconds):
        """The sleep of whoever has the turn."""
        actor = self._current
        actor.wake_at = self.clock.now() + max(seconds, 0.001)
        self._yield(actor)

    def now(self):
        """The clock of whoever has the turn, as wrong as its machine's."""
        skew_s = self._current.skew_s if self._current else 0.0
        return self.clock.now() + skew_s

    def _draw(self, paid):
        draw = self.random.random()
        for kind in ("kill", "lose", "refuse", "throttle", "slow", "freeze"):
            share = getattr(self.weather, kind) * (3 if paid else 1)
            if paid and kind == "freeze":
                continue
            if draw < share:
                return kind
            draw -= share
        return "fine"

    def _outage(self):
        begin, end = self.weather.outage
        return begin <= self.clock.now() - self._began < end

    def fate(self, paid, upstream):
        """What becomes of the next call of whoever has the turn.

        Args:
            paid: whether it is a create.
            upstream: whether it goes to the upstream.
        """
        actor = self._current
        if actor is None:
            return "fine"
        if actor.dead:
            raise Killed
        kind = self._draw(paid)
        if upstream and self._outage():
            kind = self.random.choice(["lose", "refuse", "unreached"])
        actor.wake_at = self.clock.now()
        self._yield(actor)
        if kind == "kill":
            actor.dead = True
            kind = self.random.choice(["kill_before", "kill_after"])
        if kind == "freeze":
            self.sleep(self.random.uniform(60, 600))
        if kind == "slow":
            self.sleep(self.random.choice([0.5, 4.0, 19.0, 45.0]))
        if kind != "fine":
            self.met[kind] += 1
        return kind


class Wire(BaseAdapter):
    """A transport on which calls meet their fate."""

    def __init__(self, scheduler, app, *, upstream=False):
        super().__init__()
        self._scheduler, self._inside, self._upstream = scheduler, InProcess(app), upstream

    def send(self, request, **options):
        paid = request.method == "POST" and request.url.endswith("video-synthesis")
        kind = self._scheduler.fate(paid, self._upstream)
        if kind == "unreached":
            raise requests.ConnectionError("cut before it arrived", request=request)
        if kind == "kill_before":
            raise Killed
        if kind in {"refuse", "throttle"}:
            return _answer(request, 503 if kind == "refuse" else 429)
        response = self._inside.send(request, **options)
        if kind == "kill_after":
            raise Killed
        if kind == "lose":
            response.close()
            raise requests.ConnectionError("the answer was lost", request=request)
        return response

    def close(self):
        pass


def _answer(request, status):
    def app(_environ, start_response):
        body = b'{"code": "Throttling", "message": "simulated"}' if status == 429 else b"{}"
        head = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status} Simulated", head)
        return [body]

    return InProcess(app).send(request, stream=True)
