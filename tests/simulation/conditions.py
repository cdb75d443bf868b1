"""What kind of world it is: clocks, accounts, deliveries, lags, pages, poison, revisions.

Drawn once from the world's seed and constant in it. Everything lies inside the stated bounds up to
their edges, except that in some worlds the upstream's clock is further off: that one is measured
by its `Date` and corrected.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from tests.simulation.actors import Weather
from tests.world import KEY, UPSTREAM

SKEW_S = 10.0
LAG_S = 60.0
FAR_S = (12.0, 30.0, 101.0)
FOREIGN_KEY = "sk-local-foreign"
SECOND_KEYS = {"singapore": "sk-local-second", "beijing": "sk-local-beijing"}
STORM_S = 900
WEATHERS = (
    Weather(),
    Weather(),
    Weather(kill=0.02),
    Weather(lose=0.03),
    Weather(refuse=0.05, throttle=0.05),
    Weather(slow=0.04, lose=0.02),
    Weather(freeze=0.006, kill=0.004),
    Weather(freeze=0.002, slow=0.02, lose=0.02, late=0.1),
    Weather(kill=0.004, freeze=0.004),
    Weather(kill=0.012, lose=0.012, refuse=0.02, throttle=0.02, slow=0.02),
    Weather(distort=0.02),
    Weather(distort=0.05, lose=0.01),
    Weather(distort=0.02, kill=0.006, late=0.1),
    Weather(nameless=0.03, homeless=0.02),
    Weather(late=0.2, lose=0.02, freeze=0.004),
    Weather(distort=0.01, nameless=0.01, homeless=0.01, lose=0.01, slow=0.01, refuse=0.01),
)


@dataclass(frozen=True)
class Clocks:
    """By how much each clock is ahead of the true one, seconds."""

    upstream: float = 0.0
    storage: float = 0.0
    instances: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def draw(cls, pick):
        """Pairwise at most `SKEW_S` apart, often exactly so; the upstream's maybe further."""

        def one():
            half = SKEW_S / 2
            return pick.choice([-half, half]) if pick.random() < 0.4 else pick.uniform(-half, half)

        upstream, storage, instances = one(), one(), (one(), one())
        if pick.random() < 0.2:
            upstream = pick.choice([-1, 1]) * pick.choice(FAR_S)
        return cls(upstream, storage, instances)

    @property
    def far(self):
        """Whether the upstream's clock is out of bounds."""
        return abs(self.upstream) > SKEW_S / 2


@dataclass(frozen=True)
class Pages:
    """How the upstream's list is read.

    Attributes:
        size: rows of a page at most, whatever was asked for; 0 gives what is asked for.
        slow_s: how long a page may take on either way.
        shift: how likely a new task of a stranger comes between two pages.
    """

    size: int = 0
    slow_s: float = 0.0
    shift: float = 0.0


@dataclass(frozen=True)
class Conditions:
    """One world.

    Attributes:
        weather: what goes wrong at calls.
        clocks: how wrong they are.
        lag_s: how late the upstream's list is.
        pages: how its list is read.
        overflow: what the upstream does with a third task.
        regions: of the accounts, one or two.
        delivery: how frames reach the upstream.
        write_rate: whether the bucket takes one write a second to an object.
        tomorrow: whether a newer revision writes beside us.
        poison: when odd objects appear, seconds from the start; None never.
        signer: when nobody signs, as (from, to) in seconds from the start.
        crowd_s: ticks that overlap, one more every so many seconds; None for none.
        fickle: how many owners change their minds, by job.
        foreigners: tasks of somebody else on the account.
    """

    weather: Weather
    clocks: Clocks
    lag_s: float
    pages: Pages
    overflow: str
    regions: tuple[str, ...]
    delivery: str
    write_rate: bool
    tomorrow: bool
    poison: float | None
    signer: tuple[float, float]
    crowd_s: float | None
    fickle: float
    foreigners: int

    @classmethod
    def draw(cls, pick):
        """One world of many."""
        begin, bad = pick.uniform(0, STORM_S * 0.5), pick.uniform(60, STORM_S * 0.6)
        weather = pick.choice(WEATHERS)
        if not weather.fair and pick.random() < 0.2:
            weather = replace(weather, outage=(bad, bad + pick.uniform(30, 240)))
        return cls(
            weather=weather,
            clocks=Clocks.draw(pick),
            lag_s=pick.choice([0.0, 0.0, 30.0, pick.uniform(0, LAG_S), LAG_S]),
            pages=Pages(
                size=pick.choice([0, 0, 2, 5]),
                slow_s=pick.choice([0.0, 0.0, 2.0, 9.0, 25.0]),
                shift=pick.choice([0.0, 0.3]),
            ),
            overflow=pick.choice(["refuse", "queue"]),
            regions=pick.choice(
                [
                    ("singapore",),
                    ("singapore",),
                    ("singapore", "singapore"),
                    ("singapore", "beijing"),
                ]
            ),
            delivery=pick.choice(["link", "link", "upload", "inline"]),
            write_rate=pick.random() < 0.3,
            tomorrow=pick.random() < 0.3,
            poison=pick.choice([None, None, 0.0, pick.uniform(0, STORM_S * 0.6)]),
            signer=(begin, begin + pick.choice([0.0, 0.0, 0.0, 60.0, 400.0])),
            crowd_s=pick.choice([None, None, 7.0, 23.0]),
            fickle=pick.choice([0.0, 0.5]),
            foreigners=pick.choice([0, 0, 3]),
        )

    @property
    def fair(self):
        """Whether nothing delays anybody but the odd objects of others and the load itself."""
        signed = self.signer[0] == self.signer[1]
        return self.weather.fair and signed and not self.clocks.far and self.pages.slow_s == 0

    def without(self, names):
        """The same world without some of its troubles, to see what lies behind the first break.

        Args:
            names: of `poison`, `tomorrow`, `signer`, `far` (the upstream's clock), `foreigners`, or
                of a kind of the weather.
        """
        calm = {
            "poison": {"poison": None},
            "tomorrow": {"tomorrow": False},
            "signer": {"signer": (0.0, 0.0)},
            "foreigners": {"foreigners": 0},
            "far": {
                "clocks": replace(self.clocks, upstream=0.0) if self.clocks.far else self.clocks
            },
        }
        changed = self
        for name in names:
            change = calm.get(name) or {"weather": replace(changed.weather, **{name: 0.0})}
            changed = replace(changed, **change)
        return changed

    def accounts(self):
        """The setting `DASHSCOPE_ACCOUNTS`."""
        rows = [
            {
                "name": ("first", "second")[number],
                "region": region,
                "api_key": SECOND_KEYS[region] if number else KEY,
                "base_url": f"{UPSTREAM}/{region}/api/v1",
                "delivery": self.delivery,
            }
            for number, region in enumerate(self.regions)
        ]
        return json.dumps(rows)

    def keys(self):
        """The upstream's keys: ours, a stranger's on our account, and a second account's."""
        return {
            "singapore": [KEY, FOREIGN_KEY, f"second:{SECOND_KEYS['singapore']}"],
            "beijing": [SECOND_KEYS["beijing"]],
        }

    def named(self):
        """What of it counts as met, by name."""
        clocks = self.clocks
        half = SKEW_S / 2
        edge = any(abs(one) == half for one in (clocks.storage, *clocks.instances))
        words = {
            "clock_edge": edge,
            "clock_far": clocks.far,
            "list_lag": self.lag_s > 0,
            "list_lag_edge": self.lag_s == LAG_S,
            "small_pages": self.pages.size > 0,
            "two_accounts": len(self.regions) > 1,
            "two_regions": len(set(self.regions)) > 1,
            f"delivery_{self.delivery}": True,
        }
        return [word for word, holds in words.items() if holds]
