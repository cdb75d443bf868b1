"""Create a task: the checks in the order in which a caller meets them, then a paid task.

Source: Model Studio, API reference of the kf2v models, "create a task", and "Rate limits".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib.emulator.body import Dropped
from lib.emulator.upstream import scenarios
from lib.emulator.upstream.body import (
    FRAMES,
    check,
    check_resolve,
    model_here,
    model_of,
    parse,
    prompts,
)
from lib.emulator.upstream.errors import UpstreamError, invalid, named
from lib.emulator.upstream.limits import CREATES
from lib.emulator.upstream.routing import UpstreamRoute, as_json
from lib.emulator.upstream.tasks import RUNNING_AT_MOST, Task
from lib.emulator.upstream.timing import FilmSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Request, Response

    from lib.emulator.upstream.accounts import Caller
    from lib.emulator.upstream.frames import Frames
    from lib.emulator.upstream.models import RegionModel
    from lib.emulator.upstream.state import UpstreamState


class Creates:
    """The create operation, and the path on which it fails for these models.

    Args:
        state: what it works with.
        frames: where frames come from.
    """

    def __init__(self, state: UpstreamState, frames: Frames) -> None:
        self._state, self._frames = state, frames
        self.refusals = scenarios.Refusals()

    def routes(self) -> list[UpstreamRoute]:
        """Both paths that kf2v creates are seen on."""
        tail = "video-synthesis"
        return [
            UpstreamRoute("create", "POST", f"/services/aigc/image2video/{tail}", self.create),
            UpstreamRoute(
                "create", "POST", f"/services/aigc/video-generation/{tail}", self.elsewhere
            ),
        ]

    def create(self, request: Request, caller: Caller) -> Response:
        """Take a task in."""
        body = parse(request)
        limits = self._state.limits
        limits.take(CREATES, "create", caller.account)
        model = model_here(caller.region, body.get("model"))
        limits.take(model.creates, "create", caller.account, model.name)
        check(model, body)
        check_resolve(body["input"], request.headers.get("X-DashScope-OssResourceResolve"))
        self.refusals.check(caller.account, body["input"].get("prompt") or "")
        self._refuse_overflow(caller.account)
        task = self._task(model, body, caller)
        with self._state.tasks.lock:
            self._refuse_overflow(caller.account)
            self._state.tasks.add(task)
        self._state.count("create")
        if task.scenario == "lost-submit":
            raise Dropped("the prompt asked for a lost submit")
        if task.scenario == "slow-submit":
            self._state.faults.sleep(scenarios.SLOW_SUBMIT_S)
        output = {"task_status": "PENDING", "task_id": task.id}
        return as_json({"output": output, "request_id": caller.request_id})

    def elsewhere(self, request: Request, caller: Caller) -> Response:
        """A kf2v model on the path of its sister models, which are not emulated."""
        name = parse(request).get("model")
        model_of(caller.region, name)
        raise invalid("url error, please check url!")

    def _refuse_overflow(self, account: str) -> None:
        full = self._state.tasks.unfinished(account) >= RUNNING_AT_MOST
        if full and self._state.settings.overflow == "refuse":
            raise named("throttled")

    def _task(self, model: RegionModel, body: dict[str, Any], caller: Caller) -> Task:
        seed = self._state.ids.seed()
        film, failure = self._film(model, body, caller.account, seed)
        name = scenarios.scenario(film.prompt)
        draw = self._state.tasks.timing.draw
        pending_s, running_s = draw(model) if draw else (0.0, None)
        now = self._state.clock.now()
        return Task(
            id=self._state.ids.task(),
            account=caller.account,
            region=caller.region,
            key_id=caller.key_id,
            request_id=caller.request_id,
            model=model,
            body=body,
            film=film,
            submitted_at=now,
            ready_at=now + pending_s,
            running_s=running_s,
            failure=scenarios.failure_of(name) or failure,
            scenario=name,
        )

    def _film(
        self, model: RegionModel, body: Mapping[str, Any], account: str, seed: int
    ) -> tuple[FilmSource, tuple[str, str] | None]:
        """What to render, and the failure to end with when a frame is no good."""
        source, parameters = body["input"], body.get("parameters", {})
        frames: dict[str, bytes | None] = dict.fromkeys(FRAMES)
        failure = None
        for name in (name for name in FRAMES if source.get(name)):
            try:
                frames[name] = self._frames.get(source[name], account, model.name)
            except UpstreamError as error:
                if self._state.settings.bad_frame == "refuse":
                    raise
                failure = failure or (error.code, error.message)
        film = FilmSource(
            first=frames["first_frame_url"] or b"",
            last=frames["last_frame_url"],
            resolution=parameters.get("resolution", "720P"),
            seed=parameters.get("seed", seed),
            watermark=parameters.get("watermark", False),
            prompt=prompts(body)[0],
            model=model.name,
        )
        return film, failure
