"""How tasks look in JSON: the answer to a query, and a row of the list.

Source: Model Studio, API reference of the kf2v models ("query the result") and "Asynchronous task
management" (the list): times are UTC+8 texts in one and epoch milliseconds in the other.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from lib.emulator.upstream.body import prompts
from lib.emulator.upstream.models import DURATION_S, REGION_CODES

if TYPE_CHECKING:
    from lib.emulator.upstream.tasks import Task

ZONE = timezone(timedelta(hours=8))


def moment(seconds: float) -> str:
    """`YYYY-MM-DD HH:mm:ss.SSS` in UTC+8."""
    local = datetime.fromtimestamp(seconds, ZONE).replace(tzinfo=None)
    return local.isoformat(" ", "milliseconds")


def queried(task: Task, request_id: str, video_url: str) -> dict[str, Any]:
    """The answer to `GET /tasks/{id}`.

    Args:
        task: as it stands.
        request_id: of the query.
        video_url: where its film is, once it succeeded.
    """
    output: dict[str, Any] = {"task_id": task.id, "task_status": task.status}
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if task.status == "FAILED" and task.failure:
        output["code"], output["message"] = task.failure
        return answer
    if task.status == "CANCELED":
        return answer
    output["submit_time"] = moment(task.submitted_at)
    if task.scheduled_at is not None:
        output["scheduled_time"] = moment(task.scheduled_at)
    if task.ended_at is not None:
        output["end_time"] = moment(task.ended_at)
        output["video_url"] = video_url
        output |= _prompts(task)
        answer["usage"] = usage(task)
    return answer


def unknown(task_id: str, request_id: str) -> dict[str, Any]:
    """The answer for an id that is another account's, invented or older than a day."""
    return {
        "request_id": request_id,
        "output": {"task_id": task_id, "task_status": "UNKNOWN"},
    }


def _prompts(task: Task) -> dict[str, str]:
    prompt, _ = prompts(task.body)
    texts = {"orig_prompt": prompt}
    if task.body.get("parameters", {}).get("prompt_extend", True):
        texts["actual_prompt"] = f"{prompt} The camera moves smoothly.".strip()
    return texts


def usage(task: Task) -> dict[str, Any]:
    """What is billed; its fields differ by model family."""
    if task.model.modern:
        tier = int(task.film.resolution.removesuffix("P"))
        return {"video_duration": DURATION_S, "video_count": 1, "SR": tier}
    return {"video_count": 1, "video_duration": DURATION_S, "video_ratio": "standard"}


def row(task: Task, seen_at: float) -> dict[str, Any]:
    """One row of `GET /tasks`.

    Args:
        task: as it stands.
        seen_at: the moment that the list shows.
    """
    status = task.seen_at(seen_at)
    fields: dict[str, Any] = {
        "api_key_id": task.key_id,
        "caller_parent_id": "1",
        "caller_uid": "1",
        "gmt_create": int(task.submitted_at * 1000),
        "model_name": task.model.name,
        "region": REGION_CODES[task.region],
        "request_id": task.request_id,
        "status": status,
        "task_id": task.id,
        "user_api_unique_key": f"apikey:v1:aigc:image2video:video-synthesis:{task.model.name}",
    }
    if task.scheduled_at is not None and status != "PENDING":
        fields["start_time"] = int(task.scheduled_at * 1000)
    if task.ended_at is not None and task.ended_at <= seen_at:
        fields["end_time"] = int(task.ended_at * 1000)
    return fields
