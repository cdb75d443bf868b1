"""The operations on tasks: create, get, list, cancel, upload policy, as the service documents them.

Keys are checked by then; rate limits, faults and the task limit are judged here, in the order in
which a caller meets them.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.dashscope import create, shapes
from lib.emulator.dashscope.errors import NAMED, UpstreamError, named
from lib.emulator.dashscope.tasks import RUNNING_AT_MOST, Task
from lib.emulator.wire import Dropped

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    import requests
    from werkzeug.wrappers import Request

    from lib.emulator.clock import Clock
    from lib.emulator.dashscope.faults import Faults
    from lib.emulator.dashscope.results import Results
    from lib.emulator.dashscope.tasks import Tasks
    from lib.emulator.dashscope.uploads import Temporaries

CREATES_A_SECOND, QUERIES_A_SECOND = 2, 20
PAGE_AT_MOST = 100
FAILING = frozenset({"moderation", "timeout", "internal", "infringement"})
REFUSED = frozenset({"moderation-input", "arrears", "quota"})
NOT_PENDING = "Failed to cancel the task, please confirm if the task is in PENDING status."


@dataclass(frozen=True)
class Caller:
    """Who asks, with the id of this very request."""

    region: str
    key_id: str
    request_id: str


@dataclass
class Service:
    """What the operations work with.

    Attributes:
        clock: every time comes from here.
        tasks: all tasks.
        faults: declared failures.
        results: makes result links.
        temporaries: uploaded frames.
        fetch: downloads frames.
        random: ids and seeds.
        new_id: a fresh UUID.
        overflow: `refuse` or `queue` a third task at once.
        list_lag_s: how late the list shows a new task.
        counts: requests by operation.
    """

    clock: Clock
    tasks: Tasks
    faults: Faults
    results: Results
    temporaries: Temporaries
    fetch: requests.Session
    random: random.Random
    new_id: Callable[[], str]
    overflow: str
    list_lag_s: float
    counts: Counter[str] = field(default_factory=Counter)
    _recent: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    _refusals: Counter[str] = field(default_factory=Counter)

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        """Method, path below the region's base, handler."""
        return [
            ("POST", r"/services/aigc/image2video/video-synthesis", self.create),
            ("POST", r"/services/aigc/video-generation/video-synthesis", self.wrong_path),
            ("GET", r"/tasks", self.rows),
            ("GET", r"/tasks/([^/]+)", self.get),
            ("POST", r"/tasks/([^/]+)/cancel", self.cancel),
            ("GET", r"/uploads", self.policy),
        ]

    def _limit(self, account: str, operation: str, per_second: int) -> None:
        """The account's rate: so many in any one second."""
        now = self.clock.now()
        recent = self._recent.setdefault((account, operation), deque())
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if len(recent) >= per_second:
            self.counts[f"{operation}_throttled"] += 1
            raise named("rate")
        recent.append(now)

    def wrong_path(self, _request: Request, _caller: Caller) -> Response:
        """A kf2v model on the path of its sister models."""
        raise UpstreamError(400, "InvalidParameter", "url error, please check url!")

    def create(self, request: Request, caller: Caller) -> Response:
        """Take a task in."""
        if request.headers.get("X-DashScope-Async") != "enable":
            message = "current user api does not support synchronous calls."
            raise UpstreamError(403, "AccessDenied", message)
        body = _json(request)
        fault = self.faults.take("create")
        if fault is not None and fault.kind != "delay" and fault.when == "before":
            self.counts["create_faulted"] += 1
            _fail(fault.kind, fault.status)
        self._limit(caller.region, "create", CREATES_A_SECOND)
        task = self._accept(body, request, caller)
        self.counts["create"] += 1
        if fault is not None and fault.kind == "delay":
            self.faults.sleep(fault.seconds)
        elif fault is not None:
            _fail(fault.kind, fault.status)
        if task.scenario == "lost-submit":
            raise Dropped("the prompt asked for a lost submit")
        output = {"task_status": "PENDING", "task_id": task.id}
        return _answer({"output": output, "request_id": caller.request_id})

    def _accept(self, body: dict[str, Any], request: Request, caller: Caller) -> Task:
        model = create.model_of(caller.region, body)
        create.check(model, body)
        create.check_resolve(body["input"], request.headers.get("X-DashScope-OssResourceResolve"))
        scenario = create.scenario(body["input"].get("prompt") or "")
        self._refuse(scenario)
        unfinished = self.tasks.unfinished(caller.region)
        if self.overflow == "refuse" and unfinished >= RUNNING_AT_MOST:
            self.counts["create_overflow"] += 1
            raise named("throttled")

        def read(url: str) -> bytes:
            if url.startswith("oss://"):
                return self.temporaries.read(url, caller.region, model.name)
            return create.download(self.fetch, url)

        film, failure = create.film_of(model, body, read, self.random.getrandbits(31))
        if scenario in FAILING:
            failure = NAMED[scenario][1:]
        now, draw = self.clock.now(), self.tasks.timing.draw
        pending_s, running_s = draw(model) if draw else (0.0, None)
        task = Task(
            id=self.new_id(),
            account=caller.region,
            key_id=caller.key_id,
            request_id=caller.request_id,
            model=model,
            body=body,
            film=film,
            submitted_at=now,
            ready_at=now + pending_s,
            running_s=running_s,
            failure=failure,
            scenario=scenario,
        )
        self.tasks.add(task)
        return task

    def _refuse(self, scenario: str) -> None:
        repeated = re.fullmatch(r"429x(\d+)", scenario)
        if repeated:
            self._refusals[scenario] += 1
            if self._refusals[scenario] <= int(repeated[1]):
                raise named("throttled")
        if scenario in REFUSED:
            raise named(scenario)

    def get(self, _request: Request, caller: Caller, task_id: str) -> Response:
        """One task; HTTP is 200 for every id."""
        self._limit(caller.region, "query", QUERIES_A_SECOND)
        self.counts["get"] += 1

        def work() -> Response:
            task = self.tasks.get(caller.region, task_id)
            if task is None or task.scenario == "unknown":
                output = {"task_id": task_id, "task_status": "UNKNOWN"}
                return _answer({"request_id": caller.request_id, "output": output})
            link = self.results.link(task) if task.status == "SUCCEEDED" else ""
            return _answer(shapes.queried(task, caller.request_id, link))

        return self.faults.around("get", work)

    def rows(self, request: Request, caller: Caller) -> Response:
        """The tasks of the last 24 hours, newest first."""
        self._limit(caller.region, "list", QUERIES_A_SECOND)
        self.counts["list"] += 1
        query = request.args

        def work() -> Response:
            found = self._listed(caller, query)
            number = _whole(query.get("page_no"), 1)
            size = min(_whole(query.get("page_size"), 10), PAGE_AT_MOST)
            shown = found[(number - 1) * size : number * size]
            return _answer(
                {
                    "total": len(found),
                    "data": [shapes.row(task) for task in shown],
                    "total_page": max(-(-len(found) // size), 1),
                    "page_no": number,
                    "request_id": caller.request_id,
                    "page_size": size,
                }
            )

        return self.faults.around("list", work)

    def _listed(self, caller: Caller, query: Mapping[str, str]) -> list[Task]:
        horizon = self.clock.now() - self.list_lag_s
        names = ("task_id", "model_name", "status")
        wanted = {name: query[name] for name in names if query.get(name)}
        return [
            task
            for task in self.tasks.of(caller.region)
            if task.submitted_at <= horizon
            and wanted.get("task_id", task.id) == task.id
            and wanted.get("model_name", task.model.name) == task.model.name
            and wanted.get("status", task.status) == task.status
        ]

    def cancel(self, _request: Request, caller: Caller, task_id: str) -> Response:
        """Cancel a PENDING task."""
        self._limit(caller.region, "cancel", QUERIES_A_SECOND)
        self.counts["cancel"] += 1

        def work() -> Response:
            task = self.tasks.get(caller.region, task_id)
            if task is None or not self.tasks.cancel(task):
                raise UpstreamError(400, "UnsupportedOperation", NOT_PENDING)
            return _answer({"request_id": caller.request_id})

        return self.faults.around("cancel", work)

    def policy(self, request: Request, caller: Caller) -> Response:
        """Permission for one temporary upload."""
        self.counts["policy"] += 1
        if request.args.get("action") != "getPolicy":
            raise UpstreamError(400, "InvalidParameter", "Required parameter(action) missing.")
        model = create.model_of(caller.region, {"model": request.args.get("model")})

        def work() -> Response:
            data = self.temporaries.policy(caller.region, model.name, caller.request_id)
            return _answer({"request_id": caller.request_id, "data": data})

        return self.faults.around("upload", work)


def _fail(kind: str, status: int) -> None:
    if kind == "drop":
        raise Dropped("a declared fault cut create")
    if kind == "status":
        raise UpstreamError(status, "", "a bare status")
    if kind in NAMED:
        raise named(kind)


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() and int(text) > 0 else default


def _json(request: Request) -> dict[str, Any]:
    try:
        data = json.loads(request.get_data())
    except ValueError:
        data = None
    if not isinstance(data, dict):
        message = "The input parameter requires json format."
        raise UpstreamError(400, "BadRequest.IllegalInput", message)
    return data


def _answer(data: Any) -> Response:
    body = json.dumps(data, ensure_ascii=False)
    return Response(body, content_type="application/json;charset=UTF-8")
