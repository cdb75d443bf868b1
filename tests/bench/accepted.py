"""`infra/dev bench accepted`: how many tasks the upstream accepted for one intent, whatever went wrong.

Each cell is one world on a moved clock: something fails, everything comes to rest, the upstream's own
books are read. One task per intent, or none and `submit_unknown`, which says so to the owner.
"""

from __future__ import annotations

import json
import sys

from tests.bench.screen import table
from tests.simulation.theatre import CREATE, OWNER, Theatre

LAGS_S = (0.0, 30.0)


def fault(kind, when="after", **fields):
    """A post during which the upstream's create fails once."""

    def play(theatre):
        faults = theatre.world.upstream.faults
        faults.add(operation="create", kind=kind, when=when, times=1, **fields)
        theatre.post("k")

    return play


def double_click(theatre):
    """The same request again while the first is on its way."""
    first = theatre.poster("k").until("before", CREATE)
    theatre.poster("k").end()
    first.end()


def at_one_moment(theatre):
    """Two posts with one key, both past the key before either wrote the job."""
    players = [theatre.poster("k").until("before", "POST .*pending/") for _ in range(2)]
    for player in players:
        theatre.world.clock.advance(1)
        player.end()


def after_completion(theatre):
    """The same post again when the film is there."""
    theatre.post("k")
    theatre.rest()
    theatre.post("k")


def killed(theatre):
    """The process dies between the upstream's acceptance and our record of it."""
    theatre.poster("k").until("after", CREATE).die()


def foreign(theatre):
    """A stranger's equal task in the window of a create that never arrived."""
    theatre.poster("k").until("before", CREATE).lose()
    theatre.strange()


CASES = {
    "nothing fails": lambda theatre: theatre.post("k"),
    "answer lost": fault("drop"),
    "connection cut before": fault("drop", "before"),
    "500 after accepting": fault("status", status=500),
    "500 before accepting": fault("status", "before", status=500),
    "503": fault("status", "before", status=503),
    "429": fault("rate", "before"),
    "answer slower than our timeout": fault("delay", seconds=60.0),
    "double click, one key": double_click,
    "two posts at one moment, one key": at_one_moment,
    "posted again after completion": after_completion,
    "killed between accept and record": killed,
    "a stranger's task in the window": foreign,
}


def cell(name, lag_s):
    """One world.

    Returns:
        Tasks accepted for the intent, how the job ended, and whether the film is another's.
    """
    theatre = Theatre(name)
    theatre.world.upstream.settings.list_lag_s = lag_s
    theatre.warm()
    before = len(theatre.world.paid())
    CASES[name](theatre)
    theatre.end()
    ours = [task for task in theatre.world.paid()[before:] if f"/{OWNER}/" in task_frame(task)]
    names = [name for name in theatre.world.names("jobs/") if name.endswith(".json")]
    newest = json.loads(theatre.world.bucket.blob(names[0]).download_as_bytes())
    verdict = newest["verdict"]
    return len(ours), (verdict["failure"] or {}).get("code") or verdict["status"]


def task_frame(task):
    """The link of a task's first frame: it names the job."""
    return task.body["input"]["first_frame_url"]


def main():
    """Print the table; returns 1 when a cell is not one task per intent."""
    wrong = 0
    with table() as say:
        say(f"{'what goes wrong':36}{'list at once':>24}{'list 30 s late':>24}")
        for name in CASES:
            cells = [cell(name, lag_s) for lag_s in LAGS_S]
            say(f"{name:36}" + "".join(f"{f'{tasks}  {ending}':>24}" for tasks, ending in cells))
            wrong += sum(
                tasks != 1 and not (tasks <= 1 and end == "submit_unknown") for tasks, end in cells
            )
        say(f"accepted tasks per intent: {'one in every cell' if not wrong else f'{wrong} wrong'}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
