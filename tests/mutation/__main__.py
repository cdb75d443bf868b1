"""`infra/dev mutate`: changes the protocol in one place at a time, and says which test notices.

A mutant that nobody notices must stand in survivors.toml with its reason, and only as long as
nobody notices it; at least 95 of 100 must be noticed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import tomllib

os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"
# Only now, since the storage client reads its environment when it is imported.
from tests.mutation.operators import mutants
from tests.mutation.plan import PLAN
from tests.mutation.running import run


def every(plan, only=()):
    """All mutants, file by file.

    Args:
        plan: the tables.
        only: beginnings or ends of files; empty for all.
    """
    found = []
    for target in plan.targets:
        if not only or target.file.startswith(only) or target.file.endswith(only):
            source = (plan.root / target.file).read_text("utf-8")
            found += mutants(target.file, source, target.names, target.values)
    return found


def listed(plan):
    """The committed survivors: (file, change) to the reason.

    Raises:
        ValueError: an entry has no reason.
    """
    if not plan.survivors.exists():
        return {}
    entries = tomllib.loads(plan.survivors.read_text("utf-8")).get("survivor", [])
    for entry in entries:
        if not entry.get("reason", "").strip():
            raise ValueError(f"{plan.survivors.name}: {entry['change']} has no reason")
    return {(entry["file"], entry["change"]): entry["reason"] for entry in entries}


def main(argv, plan=PLAN):
    """Make mutants, ask the tests, compare with the list; returns 1 where they differ."""
    options = _options(argv)
    os.chdir(plan.root)
    known, wanted = listed(plan), every(plan, tuple(options.only))
    if options.list:
        for mutant in wanted:
            print(f"{mutant.file}:{mutant.lines[0]} {mutant.change}")
        return 0
    whole = options.sample is None
    if not whole:
        open_to_all = [one for one in wanted if (one.file, one.change) not in known]
        picked = random.Random(options.seed).sample(
            open_to_all, min(options.sample, len(open_to_all))
        )
        wanted = sorted(picked, key=wanted.index)
    began = time.monotonic()
    try:
        results, unsound = run(plan, wanted, jobs=options.jobs, whole=whole, tell=_tell)
    except RuntimeError as error:
        print(f"infra/dev mutate: {error}")
        return 2
    files = {mutant.file for mutant in wanted}
    told = {key for key in known if key[0] in files or not options.only} if whole else set()
    seconds, processor_s = time.monotonic() - began, sum(os.times()[:4])
    print(f"{len(results)} mutants in {seconds:.0f} s, {processor_s:.0f} s of processor time")
    for nodeid in unsound:
        print(f"left out: {nodeid} fails without a mutant")
    return _judged(plan, results, known, told, whole=whole) or int(bool(unsound))


def _options(argv):
    parser = argparse.ArgumentParser(prog="infra/dev mutate", description=__doc__)
    parser.add_argument("--only", metavar="FILE", action="append", default=[])
    parser.add_argument("--sample", metavar="N", type=int, help="so many mutants, drawn by a seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="name them and stop")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args(argv)


def _tell(result):
    mutant = result.mutant
    word = f"noticed by {result.by}" if result.by else f"SURVIVED {result.asked} tests"
    print(f"{mutant.file}:{mutant.lines[0]} {mutant.change}  {word}", flush=True)


def _judged(plan, results, known, told, *, whole):
    """Compare with the list; 0 where everything is as it says.

    Args:
        plan: the tables.
        results: what became of the mutants.
        known: the listed survivors.
        told: those of them that this run could have met.
        whole: whether the share means something.
    """
    alive = {(one.mutant.file, one.mutant.change) for one in results if not one.by}
    noticed = len(results) - len(alive)
    share = noticed / max(len(results), 1)
    print(f"noticed: {noticed} of {len(results)}, {share:.1%}")
    strange, stale = sorted(alive - known.keys()), sorted(told - alive)
    if strange:
        print(
            f"\nNot in {plan.survivors.name}: write a test that notices, or the reason why none can"
        )
    for file, change in strange:
        print(f"\n[[survivor]]\nfile = {_toml(file)}\nchange = {_toml(change)}\nreason = ''")
    for file, change in stale:
        print(f"stale in {plan.survivors.name}: {file} {change} is noticed by now, or is gone")
    if whole and share < plan.at_least:
        print(f"fewer than {plan.at_least:.0%} are noticed")
        return 1
    return int(bool(strange or stale))


def _toml(text):
    """A TOML string, whatever quotes are in it."""
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
