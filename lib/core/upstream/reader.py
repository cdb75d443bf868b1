"""What DashScope's JSON means: outcomes, reports, rows and error codes, as closed types.

Pure reading of bytes and dicts; who sent them and whether they arrived is the adapter's business.
Sources: Alibaba Cloud Model Studio, the API reference of the kf2v models, "Asynchronous task
management" and "Error codes".
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from lib import redaction
from lib.core import errors
from lib.core.ids import TASK
from lib.core.outside import bounded
from lib.core.outside.documents import NotJson, document
from lib.core.outside.numbers import number, whole
from lib.core.times import DAY_S
from lib.core.upstream.outcomes import (
    Accepted,
    Ambiguous,
    ListPage,
    Outcome,
    Refused,
    Report,
    Row,
    TaskStatus,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

UPSTREAM_ZONE = timezone(timedelta(hours=8))  # task times carry no zone; they are UTC+8
OK, CLIENT_ERROR, REQUEST_TIMEOUT, TOO_MANY, SERVER_ERROR = 200, 400, 408, 429, 500
UNAVAILABLE = 503
# The one refusal among the 5xx: "Error codes" lists it with "Model is unavailable, please try again
# later", so the model was never asked.
REFUSED_BY_5XX = "ModelUnavailable"
ROWS_AT_MOST = 1_000_000
WORD_AT_MOST = 200  # characters of an id or a name
ID_BELOW = 1 << 63
EARLIEST_MS, LATEST_MS = 1.0e12, 1.0e13  # 2001 to 2286: seconds or microseconds are no times here

MESSAGE_AT_MOST = 1000  # characters; the longest documented one has about 200
READ_AT_MOST = 8 * MESSAGE_AT_MOST  # of a message: what is struck out of it takes longer than a cut
CODE_AT_MOST, LINK_AT_MOST, PROMPT_AT_MOST = 128, 65_536, 10_000  # characters
TIME_AT_LEAST, TIME_AT_MOST = 14, 40  # characters; a date alone is no time
# A record lives a day and a task may have waited for days; a time further away is wrong.
PAST_S, FUTURE_S = 7 * DAY_S, DAY_S
SINCE, BEFORE = 1_577_836_800.0, 4_102_444_800.0  # 2020 to 2100, where the time is not known

# DashScope's code (or its prefix up to the first dot) to our kind, and whether the job should wait:
# accounts are mended by their owner and the job is then still wanted; a request at fault stays so.
_CODES: dict[str, tuple[errors.Kind, bool]] = {
    "DataInspectionFailed": (errors.CONTENT_POLICY, False),
    "IPInfringementSuspect": (errors.CONTENT_POLICY, False),
    "InvalidURL": (errors.INVALID_FRAME, False),
    "InvalidImage": (errors.INVALID_FRAME, False),
    "InvalidImageFormat": (errors.INVALID_FRAME, False),
    "InvalidImageResolution": (errors.INVALID_FRAME, False),
    "InvalidFile": (errors.INVALID_FRAME, False),
    "InvalidParameter.DataInspection": (errors.INVALID_FRAME, False),
    "ModelNotFound": (errors.UNSUPPORTED_MODEL, False),
    "InvalidApiKey": (errors.UPSTREAM_AUTH, True),
    "NOT AUTHORIZED": (errors.UPSTREAM_AUTH, True),
    "AccessDenied": (errors.UPSTREAM_AUTH, True),
    "Model.AccessDenied": (errors.UPSTREAM_AUTH, True),
    "Workspace.AccessDenied": (errors.UPSTREAM_AUTH, True),
    "Endpoint.AccessDenied": (errors.UPSTREAM_AUTH, True),
    "WorkSpaceNotFound": (errors.UPSTREAM_AUTH, True),
    "Arrearage": (errors.UPSTREAM_QUOTA, True),
    "AllocationQuota": (errors.UPSTREAM_QUOTA, True),
    "Throttling.AllocationQuota": (errors.UPSTREAM_QUOTA, True),
    "CommodityNotPurchased": (errors.UPSTREAM_QUOTA, True),
    "PrepaidBillOverdue": (errors.UPSTREAM_QUOTA, True),
    "PostpaidBillOverdue": (errors.UPSTREAM_QUOTA, True),
    "Throttling": (errors.RATE_LIMITED, True),
    "InternalError": (errors.UPSTREAM_FAILED, False),
    "SystemError": (errors.UPSTREAM_FAILED, False),
    "RequestTimeOut": (errors.UPSTREAM_FAILED, False),
    "RewriteFailed": (errors.UPSTREAM_FAILED, False),
    "ModelUnavailable": (errors.UPSTREAM_UNAVAILABLE, True),
}


def classify(code: str) -> tuple[errors.Kind, bool]:
    """Our kind for a DashScope error code, and whether a job should wait rather than fail.

    Args:
        code: such as `InvalidParameter` or `InternalError.Timeout`.
    """
    return _CODES.get(code) or _CODES.get(code.partition(".")[0]) or (errors.INVALID_REQUEST, False)


def parse(body: bytes) -> dict[str, Any] | None:
    """A JSON object, None for anything else."""
    try:
        data = document(body)
    except NotJson:
        return None
    return data if isinstance(data, dict) else None


def outcome(status: int, body: bytes, retry_after_s: float | None) -> Outcome:
    """What the answer to a create means for money.

    Refused is a 4xx (not 408) with a parsed error body, any 429, or the documented 503 of a model
    that is not available; everything else that names no task is ambiguous: every other 5xx, every
    redirect, every body that is not JSON.

    Args:
        status: of the HTTP answer.
        body: of the HTTP answer.
        retry_after_s: its `Retry-After`, if it had one.
    """
    data = parse(body)
    output = data.get("output") if data else None
    task_id = _id(output.get("task_id")) if isinstance(output, dict) else None
    if status == OK:
        if task_id:
            return Accepted(task_id, _id((data or {}).get("request_id")) or "")
        return Ambiguous("200 without a task_id that can be read")
    code = (data or {}).get("code")
    refused = CLIENT_ERROR <= status < SERVER_ERROR and status != REQUEST_TIMEOUT
    named = status == UNAVAILABLE and code == REFUSED_BY_5XX
    if task_id:
        return Ambiguous(f"HTTP {status} with a task_id")
    if status == TOO_MANY or named or (refused and isinstance(code, str)):
        return _refused(status, data or {}, retry_after_s)
    return Ambiguous(f"HTTP {status}")


def _refused(status: int, data: Mapping[str, Any], retry_after_s: float | None) -> Refused:
    limited = status == TOO_MANY
    code = str(data.get("code") or status)
    kind, waits = classify(code)
    if limited:
        kind, waits = (kind if waits else errors.RATE_LIMITED), True
    message = sentence(data.get("message")) or code
    return Refused(kind, code, message, waits, limited, retry_after_s)


def sentence(message: object) -> str:
    """A message of the upstream as it may be kept and shown: without keys and signed links.

    Services quote what they refuse, and a job's record is read by its owner, whose are neither our
    API key nor anybody's signature.

    Args:
        message: as it came; anything but a text is none.
    """
    return redaction.for_owner(bounded.text(message, READ_AT_MOST))[:MESSAGE_AT_MOST]


def code_of(value: object) -> str:
    """A code of the upstream as it may be kept and shown."""
    return sentence(value)[:CODE_AT_MOST]


def report(task_id: str, data: Mapping[str, Any], now: float | None = None) -> Report | None:
    """The answer to a query for one task; None when it is not in the documented shape.

    A field of another type counts as absent, a text that is too long is cut; a link is whole or
    none.

    Args:
        task_id: which was asked for.
        data: the answer.
        now: Unix seconds; times that lie too far from it are ignored.
    """
    output = data.get("output")
    if not isinstance(output, dict) or "task_status" not in output:
        return None
    # As it is or not at all: half a link, or a mended one, leads elsewhere; `outbound` judges it.
    link = output.get("video_url")
    link = link if isinstance(link, str) and len(link) <= LINK_AT_MOST else ""
    return Report(
        task_id=task_id,
        status=TaskStatus.parse(output["task_status"]),
        video_url=link,
        code=bounded.text(output.get("code"), CODE_AT_MOST),
        message=sentence(output.get("message")),
        orig_prompt=_prompt(output.get("orig_prompt")),
        actual_prompt=_prompt(output.get("actual_prompt")),
        usage=bounded.members(data.get("usage")),
        times=_times(output, now),
    )


def _prompt(value: object) -> str | None:
    return bounded.text(value, PROMPT_AT_MOST) if isinstance(value, str) else None


def page(data: Mapping[str, Any]) -> ListPage | None:
    """One page of the task list, each row read alone; None in an unknown shape."""
    found = data.get("data")
    total, pages = (whole(data.get(name), 0, ROWS_AT_MOST) for name in ("total", "total_page"))
    if not isinstance(found, list) or total is None or pages is None:
        return None
    return ListPage(tuple(_row(row) for row in found), total, pages)


def _times(output: Mapping[str, Any], now: float | None) -> dict[str, float]:
    names = {"submit_time": "submitted", "scheduled_time": "started", "end_time": "ended"}
    early, late = (SINCE, BEFORE) if now is None else (now - PAST_S, now + FUTURE_S)
    read = {ours: _seconds(output.get(theirs)) for theirs, ours in names.items()}
    return {name: at for name, at in read.items() if at is not None and early <= at <= late}


def _seconds(value: object) -> float | None:
    """A time of a task as Unix seconds: in the zone that it names, or else in the service's own."""
    if not isinstance(value, str) or not TIME_AT_LEAST <= len(value) <= TIME_AT_MOST:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UPSTREAM_ZONE)).timestamp()
    except (ValueError, OverflowError):
        return None


def _row(row: Any) -> Row:
    """A row, field by field: one that cannot be read must not hide the others, nor pass for one."""
    fields = row if isinstance(row, dict) else {}
    status = _text(fields.get("status"))
    return Row(
        task_id=_id(fields.get("task_id")),
        status=TaskStatus.parse(status) if status else None,
        model=_text(fields.get("model_name")),
        api_key_id=_text(fields.get("api_key_id")),
        created_at=_moment(fields.get("gmt_create")),
        ended_at=_moment(fields.get("end_time")),
    )


def _id(value: object) -> str | None:
    """An id that may stand in a path, in an object's name and in metadata; theirs are UUIDs."""
    return value if isinstance(value, str) and TASK.fullmatch(value) else None


def _text(value: object) -> str | None:
    """A short word; numbers count, since ids are sent as either."""
    text = str(value) if type(value) is int and 0 <= value < ID_BELOW else value
    if not isinstance(text, str) or not text.strip() or len(text) > WORD_AT_MOST:
        return None
    return text


def _moment(value: object) -> float | None:
    milliseconds = number(value, EARLIEST_MS, LATEST_MS)
    return None if milliseconds is None else milliseconds / 1000
