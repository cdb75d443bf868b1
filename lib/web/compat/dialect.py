"""The compat dialect: DashScope's own shapes, as parse, show and fail.

What the service would answer is answered here word for word, so that its SDKs and curl lines work
against us with another base URL and key. Knows no HTTP, only plain fields. Sources: Alibaba Cloud
Model Studio, the API reference of the kf2v models, "Asynchronous task management", "Error codes".
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from lib.core import errors
from lib.core.errors import FORBIDDEN, INVALID_REQUEST, UNSUPPORTED_MODEL, ApiError
from lib.core.jobs.job import Status
from lib.core.outside.bounded import members
from lib.core.outside.numbers import whole
from lib.core.request import NEGATIVE_AT_MOST, PROMPT_AT_MOST, VideoRequest
from lib.web.compat.refusals import NOT_FOUND_TEXT, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.adapters.files.artifacts import Link
    from lib.core.errors import Kind
    from lib.core.jobs.job import Failure, Job, Verdict

__all__ = ["fail", "parse", "show"]

ZONE = timezone(timedelta(hours=8))  # the service's times carry no zone; they are UTC+8
DATA_URI_AT_MOST = 10485760
FRAMES = {"first_frame_url": "first_frame", "last_frame_url": "last_frame"}
SETTINGS = {
    "resolution": "resolution",
    "duration": "seconds",
    "seed": "seed",
    "prompt_extend": "prompt_extend",
    "watermark": "watermark",
}
STATUSES = {
    Status.QUEUED: "PENDING",
    Status.IN_PROGRESS: "RUNNING",
    Status.COMPLETED: "SUCCEEDED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "CANCELED",
    Status.EXPIRED: "FAILED",
}
UNIQUE_KEY = "apikey:v1:aigc:image2video:video-synthesis:"
REGIONS = {"singapore": "ap-southeast-1", "beijing": "cn-beijing"}


def refused(code: str, message: str, kind: Kind = INVALID_REQUEST) -> ApiError:
    """A refusal in the service's own words.

    Args:
        code: as "Error codes" lists it.
        message: as the service says it.
        kind: decides the HTTP status.
    """
    return ApiError(kind, message, upstream_code=code)


def missing(name: str) -> ApiError:
    """A required parameter that is not there or not usable.

    Args:
        name: as the service calls it.
    """
    message = f"Required parameter({name}) missing or invalid, please check the request parameters."
    return refused("InvalidParameter", message)


def not_synchronous() -> ApiError:
    """A create without `X-DashScope-Async: enable`."""
    message = "current user api does not support synchronous calls."
    return refused("AccessDenied", message, FORBIDDEN)


def no_such_model(name: str) -> ApiError:
    """A model that is not offered here."""
    return refused("ModelNotFound", f"The model {name} does not exist.", UNSUPPORTED_MODEL)


def parse(data: Mapping[str, Any]) -> VideoRequest:
    """The request in a body; frames that were `oss://` names are bytes by now.

    Prompts are cut where the service cuts them, and keys that it does not know are ignored, since
    SDKs send some (`function`, `extend_prompt`, `with_audio`).

    Args:
        data: the JSON object.

    Raises:
        ApiError: in the service's words.
    """
    source, parameters = data.get("input"), data.get("parameters", {})
    if not isinstance(source, dict) or not source:
        raise refused("BadRequest.EmptyInput", "Required input parameter missing from request.")
    if not isinstance(parameters, dict):
        raise missing("parameters")
    fields: dict[str, Any] = {"model": data["model"]}
    for theirs, ours in FRAMES.items():
        value = source.get(theirs)
        if isinstance(value, str) and value[:5] == "data:" and len(value) > DATA_URI_AT_MOST:
            limit = f"Exceeded limit on max bytes per data-uri item : {DATA_URI_AT_MOST}"
            raise refused("InvalidParameter", limit)
        if value == "":
            raise missing(theirs)
        if value is not None:
            fields[ours] = value
    for name, most in (("prompt", PROMPT_AT_MOST), ("negative_prompt", NEGATIVE_AT_MOST)):
        text = source.get(name)
        fields[name] = text[:most] if isinstance(text, str) else text
    fields["template"] = source.get("template")
    fields |= {ours: parameters[name] for name, ours in SETTINGS.items() if name in parameters}
    return VideoRequest.parse(fields)


def created(job: Job, request_id: str) -> dict[str, Any]:
    """The answer to a create; it always says PENDING, as the service's does."""
    output = {"task_status": "PENDING", "task_id": job.intent.id}
    return {"output": output, "request_id": request_id}


def show(job: Job, link: Link | None, request_id: str) -> dict[str, Any]:
    """The job as the answer to `GET /tasks/{id}`.

    Args:
        job: as found.
        link: a fresh link to the verified copy, when there is one.
        request_id: of this very request.
    """
    status, verdict = STATUSES[job.status], job.verdict
    output: dict[str, Any] = {"task_id": job.intent.id, "task_status": status}
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if status == "FAILED":
        output["code"], output["message"] = why(verdict.failure if verdict else None)
        return answer
    if status == "CANCELED":
        return answer
    output |= {name: _moment(seconds) for name, seconds in times(job).items()}
    if verdict and link:
        output["video_url"] = link.url
        output["orig_prompt"] = job.intent.request.prompt or ""
        if verdict.actual_prompt is not None:
            output["actual_prompt"] = verdict.actual_prompt
        answer["usage"] = _usage(job, verdict)
    return answer


def unknown(task_id: str, request_id: str) -> dict[str, Any]:
    """The answer for an id that is foreign, invented or deleted; HTTP is 200 all the same."""
    output = {"task_id": task_id, "task_status": "UNKNOWN"}
    return {"request_id": request_id, "output": output}


def row(job: Job) -> dict[str, Any]:
    """One row of the list: `status`, and times in epoch milliseconds.

    The service's account and key ids are numbers of its own; here the owner's name stands for them.
    """
    intent, when = job.intent, times(job)
    fields: dict[str, Any] = {
        "api_key_id": intent.owner,
        "caller_parent_id": intent.owner,
        "caller_uid": intent.owner,
        "gmt_create": int(intent.created_at * 1000),
        "model_name": intent.request.model,
        "region": REGIONS.get(intent.region, intent.region),
        "request_id": intent.id,
        "status": STATUSES[job.status],
        "task_id": intent.id,
        "user_api_unique_key": UNIQUE_KEY + intent.request.model,
    }
    if "scheduled_time" in when:
        fields["start_time"] = int(when["scheduled_time"] * 1000)
    if job.verdict:
        fields["end_time"] = int(job.verdict.ended_at * 1000)
    return fields


def times(job: Job) -> dict[str, float]:
    """When things happened, by the service's names, Unix seconds."""
    found = {"submit_time": job.intent.created_at}
    verdict, state = job.verdict, job.state
    started = verdict.times.get("started") if verdict else state.accepted_at if state else None
    if started:
        found["scheduled_time"] = max(started, job.intent.created_at)
    if verdict:
        found["end_time"] = verdict.ended_at
    return found


def _moment(seconds: float) -> str:
    """`YYYY-MM-DD HH:mm:ss.SSS` in UTC+8."""
    local = datetime.fromtimestamp(seconds, ZONE).replace(tzinfo=None)
    return local.isoformat(" ", "milliseconds")


def _usage(job: Job, verdict: Verdict) -> dict[str, Any]:
    reported = members(verdict.usage)
    # The service's usage has no such field, and what we know of the money must not be contradicted.
    reported.pop("paid", None)
    if reported:
        return reported
    request = job.intent.request
    usage: dict[str, Any] = {"video_duration": request.seconds, "video_count": 1}
    lines = whole(request.resolution.removesuffix("P"), 1, 1 << 16)
    if request.model.startswith("wan2.2") and lines:
        return {**usage, "SR": lines}
    return {**usage, "video_ratio": "standard"}


def why(failure: Failure | None) -> tuple[str, str]:
    """Code and message of a failed task: the upstream's own where it gave them."""
    if failure is None:
        kind = errors.INTERNAL_ERROR
        return kind.dashscope, kind.title
    return failure.upstream_code or failure.kind.dashscope, failure.message


def fail(error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
    """Status and flat body of an error, in the service's words.

    Args:
        error: what is refused.
        request_id: of this very request.
    """
    status, code, message = sentence(error)
    return status, {"code": code, "message": message, "request_id": request_id}


def no_such_path() -> ApiError:
    """A path or method that the service does not have."""
    return refused("NotFound", NOT_FOUND_TEXT, errors.NOT_FOUND)
