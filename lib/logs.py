"""One line of JSON for each thing that happened, as Cloud Logging reads it; short text at home.

Event names stand in one list, so that alerts can rely on them. Refuses to print secrets: keys,
links and prompts have no place in a log, whatever a caller hands over.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = frozenset(
    {
        "copy.again",
        "gate.unreachable",
        "job.completed",
        "job.created",
        "job.ended",
        "job.upstream_expired",
        "request.crashed",
        "submit.accepted",
        "submit.adopted",
        "submit.foreign_claim",
        "submit.interrupted",
        "submit.refused",
        "submit.unknown",
        "submit.unsure",
        "submit.waits",
        "tick.crashed",
        "tick.done",
        "tick.get_failed",
        "tick.job_failed",
        "tick.job_waits",
        "tick.list_failed",
    }
)
SECRET = frozenset({"authorization", "key", "api_key", "prompt", "negative_prompt", "url", "token"})
WARNINGS = frozenset({"submit.unsure", "submit.unknown", "submit.foreign_claim", "copy.again"})

_request: contextvars.ContextVar[dict[str, str] | None] = contextvars.ContextVar(
    "request", default=None
)
_style = {"json": True}


def setup(*, json_lines: bool) -> None:
    """Choose the form: JSON for the cloud, short text for a terminal."""
    _style["json"] = json_lines


@contextlib.contextmanager
def request(request_id: str, trace: str | None) -> Iterator[None]:
    """Everything logged inside belongs to this request.

    Args:
        request_id: shown to the caller, too.
        trace: the `X-Cloud-Trace-Context` header, if it came.
    """
    context = {"request_id": request_id}
    if trace:
        context["trace"] = trace.partition("/")[0]
    mark = _request.set(context)
    try:
        yield
    finally:
        _request.reset(mark)


def event(name: str, **fields: Any) -> None:
    """Say that something happened.

    Args:
        name: one of `EVENTS`.
        fields: ids, codes and numbers; secrets are struck out.

    Raises:
        ValueError: the name is not in the list.
    """
    if name not in EVENTS:
        raise ValueError(f"{name} is not in logs.EVENTS")
    _write(name, "WARNING" if name in WARNINGS else "INFO", fields)


def crash(name: str, **fields: Any) -> None:
    """Say that a defect of ours was met; call it while the exception is being handled.

    The stack goes where Error Reporting looks for it first (`stack_trace`).
    """
    _write(name, "ERROR", {**fields, "stack_trace": traceback.format_exc()})


def _write(name: str, severity: str, fields: dict[str, Any]) -> None:
    clean = {key: "[struck out]" if key in SECRET else value for key, value in fields.items()}
    context = _request.get() or {}
    if not _style["json"]:
        stack = clean.pop("stack_trace", "")
        pairs = " ".join(f"{key}={value}" for key, value in clean.items())
        clock = datetime.now(UTC).strftime("%H:%M:%S")
        sys.stderr.write(f"{clock} {severity[:4].lower()} {name} {pairs}\n{stack}")
        return
    line = {
        "severity": severity,
        "message": name,
        "event": name,
        "time": datetime.now(UTC).isoformat(),
        **clean,
        **{key: value for key, value in context.items() if key != "trace"},
    }
    if "trace" in context:
        line["logging.googleapis.com/trace"] = context["trace"]
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()
