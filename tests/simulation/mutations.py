"""Guards that the protocol cannot do without: removing any one of them must break a world.

Each row names the rule, the file, the guarding lines, what stands there without the guard, and a seed
whose world breaks then (found by searching; `search` finds another when the worlds change).
"""

from __future__ import annotations

import re
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


def broken_seeds(folder: Path, seed: int, worlds: int) -> list[int]:
    """The seeds whose worlds break in this copy of the project."""
    command = [sys.executable, "-m", "tests.simulation"]
    options = ["--seed", str(seed), "--worlds", str(worlds)]
    ran = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True)
    if "broken:" not in ran.stdout:
        raise RuntimeError(ran.stdout + ran.stderr)
    return [int(found) for found in re.findall(r"--seed (\d+) --worlds", ran.stdout)]


MUTATIONS = (
    Mutation(
        "an expired lease is ambiguous, never queued",
        "lib/flows/tick.py",
        '        if changed := unsure(kit, held):\n            board.jobs[held.id] = changed\n        return "unsure"\n',
        '        back = state.to(Stage.QUEUED, by=kit.token(), now=now)\n        kit.jobs.patch(held, back)\n        return "unsure"\n',
        15,
    ),
    Mutation(
        "an ambiguous create is not sent again",
        "lib/flows/send.py",
        "        unsure(kit, held)\n    elif outcome.waits:\n",
        "        _ours_to(kit, held, Stage.QUEUED, tries=1)\n    elif outcome.waits:\n",
        5,
    ),
    Mutation(
        "a key leads to one job",
        "lib/flows/submit.py",
        "        job_id = entry.id  # ours, or a dead attempt's, taken over\n",
        "",
        9,
    ),
)


def search(folder: Path, worlds: int) -> None:
    """Print the breaking seeds of every mutation."""
    for number, mutation in enumerate(MUTATIONS):
        found = broken_seeds(mutated(mutation, folder / str(number)), 0, worlds)
        print(f"{mutation.rule}: {found}", flush=True)


if __name__ == "__main__":
    search(Path(sys.argv[1]), int(sys.argv[2]))
