"""`infra/dev simulate`: many worlds, all cores, from a seed on; says what the weather was.

A broken world prints the one command that lives it again.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from tests.simulation.kinds import KINDS

os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"


# Of the intents inside the bounds, so many may end as `submit_unknown`; more would be an excuse.
UNKNOWN_AT_MOST = 0.02
ENOUGH = 300  # intents before a share says something


@dataclass
class Sum:
    """What all worlds so far were."""

    worlds: int = 0
    lifetimes: int = 0
    inside: int = 0
    unknown: int = 0
    met: Counter = field(default_factory=Counter)
    broken: list = field(default_factory=list)

    def add(self, seed, jobs, weather, sentence, *, inside):
        """One more world."""
        self.worlds, self.lifetimes = self.worlds + 1, self.lifetimes + jobs
        self.met += weather
        if inside:
            self.inside, self.unknown = self.inside + jobs, self.unknown + weather["submit_unknown"]
        if sentence:
            self.broken.append(seed)
            print(f"BROKEN {sentence}\n  again: infra/dev simulate --seed {seed} --worlds 1")

    @property
    def excused(self):
        """Whether too much ended as `submit_unknown`."""
        return self.inside >= ENOUGH and self.unknown > UNKNOWN_AT_MOST * self.inside

    def show(self, seconds, first):
        """The table of what was met, and what broke."""
        last = first + self.worlds - 1
        print(
            f"{self.lifetimes} lifetimes in {self.worlds} worlds, {seconds:.0f} s, seeds {first}-{last}"
        )
        kinds = {name: self.met[name] for name in KINDS}
        print("met: " + ", ".join(f"{name} {count}" for name, count in sorted(kinds.items())))
        others = sorted((self.met - Counter(kinds)).items())
        print("happened: " + ", ".join(f"{name} {count}" for name, count in others))
        if never := [name for name, count in kinds.items() if not count]:
            print("not met: " + ", ".join(never))
        print(f"submit_unknown: {self.unknown} of {self.inside} intents inside the bounds")
        if self.excused:
            print(f"BROKEN more than {UNKNOWN_AT_MOST:.0%} of the intents ended as submit_unknown")
        print(f"broken: {len(self.broken) + self.excused}")


def live(seed, without=()):
    """One world: its lifetimes, what it met, what broke, and whether it lay inside the bounds."""
    from tests.simulation.runs import Broken, Life  # after the environment is set

    world = Life(seed, without)
    inside = not world.conditions.clocks.far
    try:
        return seed, world.jobs, world.run(), "", inside
    except Broken as broken:
        return seed, world.jobs, world.scheduler.met, str(broken), inside


def quiet():
    """No log lines: a storm makes thousands; and no look at what was loaded before."""
    gc.freeze()
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the whole process


def main(argv):
    """Live worlds until enough lifetimes are through; returns 1 when one broke."""
    parser = argparse.ArgumentParser(prog="infra/dev simulate")
    parser.add_argument("--lifetimes", type=int, default=300)
    parser.add_argument("--worlds", type=int, help="exactly so many worlds instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--without", default="", help="troubles to leave out, by comma")
    options = parser.parse_args(argv)
    began, total = time.monotonic(), Sum()
    last = options.worlds or options.lifetimes  # a world has at least five lifetimes
    one = partial(live, without=tuple(options.without.split(",")) if options.without else ())
    seeds = range(options.seed, options.seed + last)
    with multiprocessing.get_context("fork").Pool(options.jobs, initializer=quiet) as pool:
        for seed, jobs, weather, sentence, inside in pool.imap(one, seeds):
            total.add(seed, jobs, weather, sentence, inside=inside)
            if total.worlds % 100 == 0:
                shown = f"{total.lifetimes} lifetimes, {len(total.broken)} broken"
                print(shown, file=sys.stderr, flush=True)
            if not options.worlds and total.lifetimes >= options.lifetimes:
                break
        pool.terminate()
    total.show(time.monotonic() - began, options.seed)
    return bool(total.broken or total.excused)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
