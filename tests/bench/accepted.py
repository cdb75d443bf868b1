"""`infra/dev bench accepted`: how many tasks the upstream accepted for one intent, whatever went wrong.

Each cell is one world on a moved clock: something fails, everything comes to rest, the upstream's own
books are read. One task per intent, or none and `submit_unknown`, which says so to the owner.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from io import BytesIO

from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.core.request import VideoRequest
from lib.flows.requests.submit import submit
from tests import hooks
from tests.bench.screen import table
from tests.simulation.scenario_runner import CREATE, FRAMES, OWNER, PROMPT, ScenarioRunner

LAGS_S = (0.0, 30.0)


def fault(kind, when="after", **fields):
    """A post during which the upstream's create fails once."""

    def runner(runner):
        faults = runner.world.upstream.faults
        faults.add(operation="create", kind=kind, when=when, times=1, **fields)
        runner.post("k")

    return runner


def double_click(runner):
    """The same request again while the first is on its way."""
    first = runner.poster("k").until("before", CREATE)
    runner.poster("k").end()
    first.end()


def at_one_moment(runner):
    """Two posts with one key, both past the key before either wrote the job."""
    processes = [runner.poster("k").until("before", "POST .*pending/") for _ in range(2)]
    for process in processes:
        runner.world.clock.advance(1)
        process.end()


def after_completion(runner):
    """The same post again when the film is there."""
    runner.post("k")
    runner.rest()
    runner.post("k")


def killed(runner):
    """The process dies between the upstream's acceptance and our record of it."""
    runner.poster("k").until("after", CREATE).die()


def foreign(runner):
    """A stranger's equal task in the window of a create that never arrived."""
    runner.poster("k").until("before", CREATE).lose()
    runner.strange()


# What no fault of the emulator alone can do: hooks on the wires of the world, or another world.


def posted(runner, *, upstream=None, prompt=PROMPT):
    """A post by an instance whose wire to the upstream has a hook."""
    fields = {"first_frame": FRAMES[0], "last_frame": FRAMES[1], "prompt": prompt}
    service = hooks.instance(runner.world, upstream=upstream)
    return submit(service.context, OWNER, VideoRequest.parse(fields), "k" + prompt)


def losing(asked, send):
    """The create takes effect, and nobody hears of it."""
    response = send(asked)
    if hooks.is_create(asked):
        raise hooks.lost(asked)
    return response


def keyless_after_500(runner):
    """No key, the bucket fails behind the written job: the client meets a 500 and sends it again."""
    world = runner.world
    crash = {"left": 1}

    def storage(asked, send):
        response = send(asked)
        if crash["left"] and asked.method == "POST" and b"pending/" in (asked.body or b""):
            crash["left"] -= 1
            raise hooks.lost(asked)
        return response

    for service in (hooks.instance(world, storage=storage), world.instance()):
        client = Client(Request.application(service.api))
        frames = [(BytesIO(frame), "a.png") for frame in FRAMES]
        data = {"first_frame": frames[0], "last_frame": frames[1], "prompt": PROMPT}
        answer = client.post("/v1/videos", data=data)
        if answer.status_code == 202:
            return
        world.clock.advance(5)


def signer_down(runner):
    """Links to the frames cannot be signed when the job is posted, and an hour later they can."""
    right = runner.world.config.signing_key_file
    runner.world.deploy({"SIGNING_KEY_FILE": "/nowhere/key.json"})
    runner.post("k")
    runner.tick(pause_s=60)
    runner.world.deploy({"SIGNING_KEY_FILE": right})


def cold_account(runner):
    """The answer is lost a day after the account's last film."""
    runner.world.clock.advance(25 * 3600)
    fault("drop")(runner)


def slow_paged_list(runner):
    """The answer is lost, and every page of the list takes a quarter of a minute for some minutes."""
    runner.world.upstream.faults.add(operation="list", kind="delay", seconds=21.0, times=6)
    fault("drop")(runner)


def odd_row(runner):
    """The answer is lost, and a row of the list cannot be read."""
    row = json.dumps({"total": 1, "total_page": 1, "data": [None]})
    odd = {"kind": "answer", "status": 200, "body": row, "content_type": "application/json"}
    runner.world.upstream.faults.add(operation="list", times=500, **odd)
    fault("drop")(runner)


def two_doubts(runner):
    """Two answers are lost within seconds; the prompts differ."""
    posted(runner, upstream=losing, prompt="something else")
    runner.world.clock.advance(3)
    posted(runner, upstream=losing)


def upload_delivery(runner):
    """Frames go to the upstream's own storage first; the create's answer is lost."""
    runner.world.deploy({"FRAME_DELIVERY": "upload"})
    fault("drop")(runner)
    # No link to a frame names the job there: the check is told whose task it is.
    _owner, _key, job_id = runner.answers[-1]
    runner.made = {runner.world.paid()[-1].id: job_id}


CASES = {
    "nothing fails": lambda runner: runner.post("k"),
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
    "posted again after a 500, no key": keyless_after_500,
    "signer down": signer_down,
    "answer lost, account cold": cold_account,
    "answer lost, list slow": slow_paged_list,
    "answer lost, a row is odd": odd_row,
    "two answers lost at once": two_doubts,
    "answer lost, clock 30 s off": fault("drop"),
    "answer lost, frames uploaded": upload_delivery,
}
# What is so from the beginning of a world.
BEFORE = {
    "answer lost, clock 30 s off": lambda runner: hooks.upstream_ahead(
        runner.world, 30.0, runner._film
    ),
}
# What cannot be known, and why: the only other ending that is no fault.
UNKNOWN = {"answer lost, a row is odd": "could not be read"}


def cell(name, lag_s):
    """One world.

    Returns:
        Tasks accepted for each intent, the most of them, how the last job ended, and the reason
        of an ending that says that it does not know.
    """
    runner = ScenarioRunner(name)
    BEFORE.get(name, lambda _runner: None)(runner)
    runner.world.upstream.settings.list_lag_s = lag_s
    runner.warm()
    CASES[name](runner)
    runner.end()
    first, *tasks = runner.world.paid()  # of the film before the story: made with our own key
    made = Counter(task.body["input"]["prompt"] for task in tasks if task.key_id == first.key_id)
    names = [name for name in runner.world.names("jobs/") if name.endswith(".json")]
    newest = json.loads(runner.world.bucket.blob(names[0]).download_as_bytes())
    failure = newest["verdict"]["failure"] or {}
    ending = failure.get("code") or newest["verdict"]["status"]
    return max(made.values(), default=0), ending, failure.get("message", "")


def main():
    """Print the table; returns 1 when a cell is not one task per intent."""
    wrong = 0
    with table() as say:
        say(f"{'what goes wrong':36}{'list at once':>24}{'list 30 s late':>24}")
        for name in CASES:
            cells = [cell(name, lag_s) for lag_s in LAGS_S]
            say(f"{name:36}" + "".join(f"{f'{tasks}  {ending}':>24}" for tasks, ending, _ in cells))
            for why in {why for _, ending, why in cells if ending == "submit_unknown"}:
                say(f"    because: {why}")
            wrong += sum(not right(name, *found) for found in cells)
        say(f"accepted tasks per intent: {'one in every cell' if not wrong else f'{wrong} wrong'}")
    return bool(wrong)


def right(name, tasks, ending, why):
    """One task and its film; or none too many, and a reason why it cannot be known."""
    if ending == "submit_unknown":
        return tasks <= 1 and name in UNKNOWN and UNKNOWN[name] in why
    return tasks == 1


if __name__ == "__main__":
    sys.exit(main())
