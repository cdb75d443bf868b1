"""`infra/dev simulate`: many worlds, all cores, from a seed on; says what the weather was.

A broken world prints the one command that lives it again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter

os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"


def live(seed):
    """One world: its lifetimes, what it met, and what broke."""
    from tests.simulation.lives import Broken, Life  # noqa: PLC0415 - after the environment is set

    world = Life(seed)
    try:
        return seed, world.jobs, world.run(), ""
    except Broken as broken:
        return seed, world.jobs, world.scheduler.met, str(broken)


def quiet():
    """No log lines: a storm makes thousands."""
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the whole process


def main(argv):
    """Live worlds until enough lifetimes are through; returns 1 when one broke."""
    parser = argparse.ArgumentParser(prog="infra/dev simulate")
    parser.add_argument("--lifetimes", type=int, default=300)
    parser.add_argument("--worlds", type=int, help="exactly so many worlds instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(argv)
    began, lived, met, broken, worlds = time.monotonic(), 0, Counter(), [], 0
    last = options.worlds or options.lifetimes  # a world has at least five lifetimes
    seeds = range(options.seed, options.seed + last)
    with multiprocessing.get_context("fork").Pool(options.jobs, initializer=quiet) as pool:
        for seed, jobs, weather, sentence in pool.imap(live, seeds):
            lived, worlds, met = lived + jobs, worlds + 1, met + weather
            if sentence:
                broken.append(sentence)
                print(f"BROKEN {sentence}\n  again: infra/dev simulate --seed {seed} --worlds 1")
            if worlds % 100 == 0:
                print(f"{lived} lifetimes, {len(broken)} broken", file=sys.stderr, flush=True)
            if not options.worlds and lived >= options.lifetimes:
                break
        pool.terminate()
    seconds = time.monotonic() - began
    print(
        f"{lived} lifetimes in {worlds} worlds, {seconds:.0f} s, seeds {options.seed}-{options.seed + worlds - 1}"
    )
    print("met: " + ", ".join(f"{name} {count}" for name, count in sorted(met.items())))
    print(f"broken: {len(broken)}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
