"""The native dialect: the shape that video gateways share, as parse, show and fail.

Aliases of other gateways lead to our names here and nowhere else. Knows no HTTP, only plain
fields.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lib.core.catalogue import AREAS, SECONDS
from lib.core.errors import invalid, out_of_bounds
from lib.core.jobs.job import Stage, Status
from lib.core.outside.bounded import members
from lib.core.outside.documents import NotJson, document
from lib.core.outside.numbers import whole
from lib.core.outside.records import WHOLE_AT_MOST
from lib.core.request import VideoRequest
from lib.web.problem import fail, failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.adapters.files.artifacts import Link
    from lib.core.catalogue import VideoModel
    from lib.core.jobs.job import Job
    from lib.flows.requests.admit import Admitted

__all__ = ["fail", "parse", "show"]

ALIASES = {
    "first_frame_url": "first_frame",
    "last_frame_url": "last_frame",
    "image": "first_frame",
    "input_reference": "first_frame",
    "duration": "seconds",
    "size": "resolution",
}
SIZE = re.compile(r"([1-9][0-9]{1,3})[x*]([1-9][0-9]{1,3})")
FRAMES = ("first_frame", "last_frame")
WHOLE = re.compile(r"-?[0-9]{1,18}")
FLAGS = {"true": True, "false": False}
RECORD_S = 24 * 3600


def parse(data: Mapping[str, Any], *, form: bool) -> VideoRequest:
    """The request in a body.

    Args:
        data: plain fields.
        form: whether they came as a form, in which every value is a text.

    Raises:
        ApiError: a field is unknown, given twice by two names, or out of bounds.
    """
    fields: dict[str, Any] = {}
    for given, value in data.items():
        if given == "images":
            _put_images(fields, value)
            continue
        name = ALIASES.get(given, given)
        if name in fields:
            raise invalid(given, f"{given}: {name} was given twice, by two names; send one.")
        plain = _plain(name, value) if form else value
        fields[name] = _tier(plain) if given == "size" else plain
    return VideoRequest.parse(fields)


def _put_images(fields: dict[str, Any], value: Any) -> None:
    if not isinstance(value, list) or len(value) != len(FRAMES):
        got = f"a list of {len(value)}" if isinstance(value, list) else "no list"
        allowed = "a list of two, the first and the last frame"
        raise invalid("images", f"images: got {got}; allowed: {allowed}.")
    for name, frame in zip(FRAMES, value, strict=True):
        if name in fields:
            raise invalid("images", f"images: {name} was given twice, by two names; send one.")
        fields[name] = frame


def _tier(size: Any) -> str:
    """The smallest resolution that holds a size; the proportions are always the first frame's."""
    found = SIZE.fullmatch(size) if isinstance(size, str) else None
    if found:
        pixels = int(found[1]) * int(found[2])
        for tier, area in AREAS.items():
            if pixels <= area:
                return tier
    raise out_of_bounds(
        "size",
        size,
        'a text like "1280x720", at most 1920x1080 pixels; it picks the resolution, the film keeps '
        "the proportions of the first frame",
    )


def _plain(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in {"prompt_extend", "watermark", "validate_only"}:
        return FLAGS.get(value.lower(), value)
    if name == "seed" and WHOLE.fullmatch(value):
        return whole(value, -WHOLE_AT_MOST, WHOLE_AT_MOST)
    if name == "metadata":
        try:
            return document(value)
        except NotJson:
            return value
    return value


def show(job: Job, link: Link | None, now: float) -> dict[str, Any]:
    """The job as its owner reads it.

    Args:
        job: as found.
        link: a fresh link to the video, when there is one.
        now: Unix seconds, for progress.
    """
    intent, verdict, state = job.intent, job.verdict, job.state
    times = verdict.times if verdict else {}
    started = times.get("started") or (state.accepted_at if state and state.accepted_at else None)
    if started:  # by whatever clock: nothing starts before it was asked for
        started = max(started, intent.created_at)
    ended = verdict.ended_at if verdict else None
    return {
        "id": intent.id,
        "object": "video",
        "model": intent.request.model,
        "status": str(job.status),
        "stage": job.stage,
        "progress": progress(job, now),
        "created_at": int(intent.created_at),
        "started_at": int(started) if started else None,
        "completed_at": int(ended) if ended and job.status is Status.COMPLETED else None,
        "ended_at": int(ended) if ended else None,
        "expires_at": None,
        "prompt": intent.request.prompt,
        "seconds": str(intent.request.seconds),
        "size": f"{intent.size[0]}x{intent.size[1]}",
        "resolution": intent.request.resolution,
        "url": link.url if link else None,
        "url_expires_at": int(link.expires_at) if link else None,
        "warnings": [*intent.warnings, *(verdict.warnings if verdict else ())],
        "error": failure(verdict.failure) if verdict and verdict.failure else None,
        "waiting_for": state.reason or None if state else None,
        "usage": usage(job),
        "metadata": intent.request.metadata,
        "upstream": _upstream(job),
    }


def _upstream(job: Job) -> dict[str, Any]:
    known = job.verdict or job.state
    return {
        "task_id": (known.task_id if known else "") or None,
        "request_id": (known.upstream_request_id if known else "") or None,
        "region": job.intent.region,
    }


def usage(job: Job) -> dict[str, Any]:
    """What the upstream reports as used, and whether it bills the job: that word is ours alone."""
    verdict = job.verdict
    # A cancel of ours was written before any send, and nothing can send the job after it.
    unsent = job.state is not None and job.state.stage is Stage.CANCELLED
    paid = verdict.paid if verdict else False if unsent else None
    return {**(members(verdict.usage) if verdict else {}), "paid": paid}


def validation(request: VideoRequest, seen: Admitted) -> dict[str, Any]:
    """What a request would lead to, as its owner reads it.

    Args:
        request: with `validate_only`.
        seen: what the checks found.
    """
    frames = [frame for frame in (seen.first, seen.last) if frame]
    return {
        "object": "video.validation",
        "valid": True,
        "model": seen.model.name,
        "region": seen.model.region,
        "resolution": request.resolution,
        "seconds": str(request.seconds),
        "size": f"{seen.size[0]}x{seen.size[1]}",
        "price": price(seen.model, request.resolution),
        "typical_seconds": seen.model.typical_s[request.resolution],
        "frames": [
            {"type": frame.mime, "size": f"{frame.width}x{frame.height}", "bytes": len(frame.data)}
            for frame in frames
        ],
        "warnings": list(seen.warnings),
    }


def price(model: VideoModel, resolution: str) -> dict[str, str] | None:
    """What one film costs upstream; None where no public page states it."""
    found = model.price_per_s[resolution]
    if found is None:
        return None
    return {"amount": str(found.amount * SECONDS), "currency": found.currency}


def progress(job: Job, now: float) -> int:
    """Percent, honest: from the model's usual duration, and never 100 before the film is here."""
    if job.status is Status.COMPLETED:
        return 100
    state = job.state
    if state is None or not state.accepted_at:
        return 0
    share = (now - state.accepted_at) / max(state.eta_s, 1.0)
    return max(1, min(95, int(share * 100)))
