"""One line of JSON for each thing that happened, as Cloud Logging reads it; short text at home.

Event names stand in one list, so that alerts can rely on them. Refuses to print secrets: keys,
links and prompts have no place in a log, whatever a caller hands over.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = frozenset(
    {
        "cancel.interrupted",
        "copy.again",
        "gate.unreachable",
        "job.cancelled",
        "job.completed",
        "job.created",
        "job.deleted",
        "job.ended",
        "job.upstream_expired",
        "read.refresh_failed",
        "request.crashed",
        "submit.accepted",
        "submit.adopted",
        "submit.foreign_claim",
        "submit.interrupted",
        "submit.refused",
        "submit.unknown",
        "submit.unsure",
        "submit.waits",
        "tick.account_waits",
        "tick.crashed",
        "tick.done",
        "tick.get_failed",
        "tick.job_failed",
        "tick.job_waits",
        "tick.list_failed",
        "watch.kept",
    }
)
SECRET = frozenset({"authorization", "key", "api_key", "prompt", "negative_prompt", "url", "token"})
# What a text may not carry: the query of a link (V4 signatures stand there), bearer keys, API keys.
# Exceptions of HTTP clients quote the address that they failed at.
LEAKS = (
    (re.compile(r"\?[^\s'\"<>]*X-Goog-[^\s'\"<>]*", re.IGNORECASE), "?[struck out]"),
    (re.compile(r"(https?://[^\s'\"<>?]*)\?[^\s'\"<>]+"), r"\1?[struck out]"),
    (re.compile(r"\b(Bearer)\s+[^\s'\",]+", re.IGNORECASE), r"\1 [struck out]"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{6,}"), "[struck out]"),
    (re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+"), "data:[struck out]"),
)
WARNINGS = frozenset({"submit.unsure", "submit.unknown", "submit.foreign_claim", "copy.again"})

_request: contextvars.ContextVar[dict[str, str] | None] = contextvars.ContextVar(
    "request", default=None
)
_style = {"json": True}


class _Libraries(logging.Handler):
    """Warnings of libraries, in our form; without a root handler they would be bare lines."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name, "text": record.getMessage()}
        if record.exc_info:
            fields["stack_trace"] = "".join(traceback.format_exception(*record.exc_info))
        _write("library", record.levelname, fields)


def setup(*, json_lines: bool) -> None:
    """Choose the form: JSON for the cloud, short text for a terminal. Twice is once."""
    _style["json"] = json_lines
    root = logging.getLogger()
    if not any(isinstance(handler, _Libraries) for handler in root.handlers):
        root.addHandler(_Libraries(logging.WARNING))


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


def _clean(key: str, value: Any) -> Any:
    """A value without secrets, however deep they lie in it."""
    if key.lower() in SECRET:
        return "[struck out]"
    if isinstance(value, dict):
        return {inner: _clean(str(inner), below) for inner, below in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", below) for below in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    for pattern, instead in LEAKS:
        text = pattern.sub(instead, text)
    return text


def _write(name: str, severity: str, fields: dict[str, Any]) -> None:
    clean = {key: _clean(key, value) for key, value in fields.items()}
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
