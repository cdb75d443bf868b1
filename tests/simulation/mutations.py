"""The guards that the protocol cannot do without: removing any one of them must break a world.

Each row names the rule, the file, the guarding lines, what stands there without the guard, and a seed
whose world breaks then (found by searching; `search` finds another when the worlds change).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutation:
    """One guard taken out.

    Attributes:
        rule: what the guard is for.
        file: where it stands.
        guard: its lines.
        without: what stands there instead.
        seed: of a world that breaks.
    """

    rule: str
    file: str
    guard: str
    without: str
    seed: int


def mutated(mutation: Mutation, folder: Path) -> Path:
    """A copy of the project without the guard."""
    for name in ("lib", "tests"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    path = folder / mutation.file
    text = path.read_text("utf-8")
    if text.count(mutation.guard) != 1:
        raise LookupError(f"{mutation.rule}: the guard is not (once) in {mutation.file}")
    path.write_text(text.replace(mutation.guard, mutation.without), "utf-8")
    return folder


def breaks(mutation: Mutation, folder: Path, seed: int, worlds: int = 1) -> bool:
    """Whether the simulation finds the missing guard."""
    command = [sys.executable, "-m", "tests.simulation"]
    options = ["--seed", str(seed), "--worlds", str(worlds), "--jobs", "2"]
    ran = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True)
    if ran.returncode not in {0, 1} or "broken:" not in ran.stdout:
        raise RuntimeError(ran.stdout + ran.stderr)
    return ran.returncode == 1


MUTATIONS = (
    Mutation(
        "POST creates the pending object once",
        "lib/adapters/jobs.py",
        "            meta = self._bucket.create(name, _dump(intent.to_json()), JSON, state.to_metadata())\n        except Conflict:\n            return self._ours(name, state)\n",
        "            meta = self._bucket.create(name, _dump(intent.to_json()), JSON, state.to_metadata())\n        except Conflict:\n            return _held(self._bucket.stat(name) or Meta(name, 0, 0))\n",
        0,
    ),
    Mutation(
        "a queued job is taken by a conditional patch",
        "lib/flows/queue.py",
        '    if taken is None:\n        return "taken_by_another"\n    intent = kit.jobs.intent(taken)\n',
        "    taken = taken or held\n    intent = kit.jobs.intent(taken)\n",
        0,
    ),
    Mutation(
        "the lease is checked as the last thing before the send",
        "lib/flows/send.py",
        "    elif kit.now() > held.state.until:\n        return\n",
        "",
        0,
    ),
    Mutation(
        "an expired lease is ambiguous, never queued",
        "lib/flows/tick.py",
        '        if changed := unsure(kit, held):\n            board.jobs[held.id] = changed\n        return "unsure"\n',
        '        back = state.to(Stage.QUEUED, by=kit.token(), now=now)\n        kit.jobs.patch(held, back)\n        return "unsure"\n',
        0,
    ),
    Mutation(
        "an ambiguous create is not sent again",
        "lib/flows/send.py",
        "        unsure(kit, held)\n    elif outcome.waits:\n",
        "        _ours_to(kit, held, Stage.QUEUED, tries=1)\n    elif outcome.waits:\n",
        0,
    ),
    Mutation(
        "an accepted task is claimed before it is recorded",
        "lib/flows/send.py",
        "    claimed = kit.ledger.claim(intent.account, outcome.task_id, held.id)\n",
        "    claimed = held.id\n",
        0,
    ),
    Mutation(
        "no conclusion before the list can show everything",
        "lib/core/reconcile.py",
        "    if listing is None or listing.at <= window.settled_at(doubt):\n",
        "    if listing is None:\n",
        0,
    ),
    Mutation(
        "a task that another doubt could have made is not adopted",
        "lib/core/reconcile.py",
        "        if not _contested(doubt, only, evidence, window):\n            return Adopt(only.task_id)\n",
        "        return Adopt(only.task_id)\n",
        0,
    ),
    Mutation(
        "a key leads to one job",
        "lib/flows/submit.py",
        "        job_id = entry.id  # ours, or a dead attempt's, taken over\n",
        "",
        0,
    ),
    Mutation(
        "a video is judged before it exists",
        "lib/adapters/artifacts.py",
        "            self._bucket.upload(name, MP4, watched(), confirm)\n",
        "            self._bucket.upload(name, MP4, chunks, lambda: films.append(Film(5.0, 1, 1, 1)))\n",
        0,
    ),
    Mutation(
        "pending goes only after the verdict stands",
        "lib/flows/finish.py",
        "    try:\n        stands = kit.jobs.finish(intent, held.state, verdict)\n",
        "    kit.jobs.drop(held)\n    try:\n        stands = kit.jobs.finish(intent, held.state, verdict)\n",
        0,
    ),
)


def search(folder: Path, worlds: int) -> None:
    """Print a breaking seed for every mutation."""
    for number, mutation in enumerate(MUTATIONS):
        copy = mutated(mutation, folder / str(number))
        found = next((seed for seed in range(worlds) if breaks(mutation, copy, seed)), None)
        print(f"{mutation.rule}: {found}", flush=True)


if __name__ == "__main__":
    search(Path(sys.argv[1]), int(sys.argv[2]))
