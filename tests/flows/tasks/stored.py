"""Jobs put straight into the bucket, and an upstream whose answers a test writes itself, on the wire."""

from __future__ import annotations

import json

from lib.flows.tick_state import TickState
from tests.flows.odd import pending, put
from tests.hooks import instance, is_create, is_list, refused

ACCOUNT, MODEL = "singapore", "wan2.2-kf2v-flash"
OURS = "77"  # what the upstream calls our key
NEEDED = {
    "sending": {"since": -10.0, "until": 20.0},
    "unsure": {"since": -400.0, "until": -370.0},
    "running": {"since": -100.0, "accepted_at": -100.0},
    "copying": {"since": -20.0, "until": 100.0, "accepted_at": -200.0},
}


def job(world, number=1, stage="queued", *, owner="local", body=None, **state):
    """A live job as this revision writes it; its record as held by whoever read it.

    Times that a stage needs lie around now; `task_id` is `task-<number>` where there is one.
    """
    now = world.clock.now()
    fields = {name: now + off_s for name, off_s in NEEDED.get(stage, {}).items()}
    if stage in {"running", "copying"}:
        fields["task_id"] = f"task-{number}"
    fields["key"] = world.context.upstreams[ACCOUNT].key_id
    fields |= state
    created_at = fields.pop("created_at", now)
    card = {
        name: value if isinstance(value, str) else repr(value) for name, value in fields.items()
    }
    name, plain, card = pending(number, owner, created_at=created_at, stage=stage, **card)
    put(world, name, plain if body is None else body, card)
    return world.context.jobs.live(owner, f"vid_{number:027x}")


def again(world, held):
    """The same job as it is now."""
    return world.context.jobs.live(held.owner, held.id)


def verdict(world, held):
    """How the job ended; None while it lives."""
    found = world.context.jobs.finished(held.owner, held.id)
    return found and found.verdict


def tick_state(world, *jobs, left_s=50.0, thorough=True):
    """The memory of a tick that has so many seconds left."""
    made = TickState(world.clock.now() + left_s, thorough=thorough)
    made.relist(jobs)
    return made


def row(task, at, status="RUNNING", *, key=OURS, model=MODEL):
    """A row of the task list, as JSON."""
    fields = {"task_id": task, "status": status, "model_name": model, "api_key_id": key}
    return fields | {"gmt_create": at and int(at * 1000)}


class Script:
    """An upstream that says what a test wrote.

    Args:
        world: whose clock moves while it answers.
        rows: of the task list.
        tasks: id to the `output` of a single query.
        statuses: what it answers with instead of 200, by `list`, `get` and `create`.
        takes_s: how long each of these takes.
        head: further headers of what is not 200.
    """

    def __init__(self, world, rows=(), tasks=None, *, statuses=None, takes_s=None, before=None):
        self.world, self.rows, self.tasks = world, list(rows), tasks or {}
        self.statuses, self.takes_s, self.before = statuses or {}, takes_s or {}, before
        self.asked, self.retry_after_s = [], None

    def __call__(self, request, _send):
        kind = "list" if is_list(request) else "create" if is_create(request) else "get"
        self.asked.append((kind, self.world.clock.now()))
        if self.before:
            self.before(kind)
        self.world.clock.advance(self.takes_s.get(kind, 0.0))
        status = self.statuses.get(kind, 200)
        body = getattr(self, f"_{kind}")(request) if status == 200 else {"code": "Odd"}
        response = refused(request, status, json.dumps(body).encode())
        if self.retry_after_s is not None:
            response.headers["Retry-After"] = str(self.retry_after_s)
        return response

    def _list(self, _request):
        return {"data": self.rows, "total": len(self.rows), "total_page": 1, "page_no": 1}

    def _get(self, request):
        found = self.tasks.get(request.url.rpartition("/")[2], {"task_status": "UNKNOWN"})
        return {"output": found, "request_id": "r"}

    def _create(self, _request):
        number = sum(kind == "create" for kind, _ in self.asked)
        return {
            "output": {"task_id": f"made-{number}", "task_status": "PENDING"},
            "request_id": "r",
        }

    def context(self, storage=None):
        """An instance over it."""
        return instance(self.world, upstream=self, storage=storage).context

    def times(self, kind):
        """When it was asked so."""
        return [at for what, at in self.asked if what == kind]
