"""How tasks look in JSON: the answer to a query, and a row of the list.

Source: Model Studio, API reference of the kf2v models ("query the result") and "Asynchronous task
management" (the list): times are UTC+8 texts in one and epoch milliseconds in the other.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from lib.emulator.dashscope.create import prompts
from lib.emulator.dashscope.models import REGION_CODES

if TYPE_CHECKING:
    from lib.emulator.dashscope.tasks import Task

ZONE = timezone(timedelta(hours=8))


def moment(seconds: float) -> str:
    """`YYYY-MM-DD HH:mm:ss.SSS` in UTC+8."""
    local = datetime.fromtimestamp(seconds, ZONE).replace(tzinfo=None)
    return local.isoformat(" ", "milliseconds")


def queried(task: Task, request_id: str, video_url: str) -> dict[str, Any]:
    """The answer to `GET /tasks/{id}`."""
    output: dict[str, Any] = {
        "task_id": task.id,
        "task_status": task.status,
        "submit_time": moment(task.submitted_at),
    }
    if task.scheduled_at is not None:
        output["scheduled_time"] = moment(task.scheduled_at)
    if task.ended_at is not None:
        output["end_time"] = moment(task.ended_at)
    answer: dict[str, Any] = {"request_id": request_id, "output": output}
    if task.status == "FAILED" and task.failure:
        output["code"], output["message"] = task.failure
    if task.status == "SUCCEEDED":
        prompt, _ = prompts(task.body)
        output["video_url"] = video_url
        output["orig_prompt"] = prompt
        if (task.body.get("parameters") or {}).get("prompt_extend", True):
            output["actual_prompt"] = f"{prompt} The camera moves smoothly.".strip()
        answer["usage"] = usage(task)
    return answer


def usage(task: Task) -> dict[str, Any]:
    """What is billed; its fields differ by model family."""
    if task.model.modern:
        return {"video_duration": 5, "video_count": 1, "SR": int(task.film.resolution[:-1])}
    return {"video_count": 1, "video_duration": 5, "video_ratio": "standard"}


def row(task: Task) -> dict[str, Any]:
    """One row of `GET /tasks`."""
    fields: dict[str, Any] = {
        "api_key_id": task.key_id,
        "caller_parent_id": "1",
        "caller_uid": "1",
        "gmt_create": int(task.submitted_at * 1000),
        "start_time": int((task.scheduled_at or task.submitted_at) * 1000),
        "model_name": task.model.name,
        "region": REGION_CODES[task.account],
        "request_id": task.request_id,
        "status": task.status,
        "task_id": task.id,
        "user_api_unique_key": (f"apikey:v1:aigc:image2video:video-synthesis:{task.model.name}"),
    }
    if task.ended_at is not None:
        fields["end_time"] = int(task.ended_at * 1000)
    return fields
