"""One line of JSON for each thing that happened, for Cloud Logging; short text in a terminal.

Event names stand in one list, so that alerts can rely on them. Refuses to print secrets: keys,
links and prompts have no place in a log, whatever a caller passes; an owner is a hash. Sources:
Cloud Logging, "Structured logging"; Error Reporting, "Format errors in logs"; W3C Trace Context.
"""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import json
import logging
import re
import sys
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from lib import redaction
from lib.core.ids import valid_id

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = frozenset(
    {
        "answer.unmarked",
        "cancel.interrupted",
        "clock.off",
        *("copy.again", "copy.given_up"),
        "gate.unreachable",
        *("job.cancelled", "job.completed", "job.created", "job.deleted", "job.ended"),
        *("job.stranded", "job.upstream_expired"),
        "limit.reached",
        "link.unsigned",
        "object.unreadable",
        "read.refresh_failed",
        "refusals.untold",
        *("request.crashed", "request.failed", "request.refused"),
        *("submit.accepted", "submit.adopted", "submit.foreign_claim", "submit.interrupted"),
        *("submit.refused", "submit.unknown", "submit.unprepared", "submit.unsure"),
        "submit.waits",
        *("tick.account_failed", "tick.account_waits", "tick.crashed", "tick.cursor_lost"),
        *("tick.done", "tick.get_failed", "tick.job_failed", "tick.job_waits"),
        *("tick.list_failed", "tick.webhooks_wait"),
        "upstream.late_task",
        "watch.kept",
        *("webhook.again", "webhook.delivered", "webhook.failed", "webhook.given_up"),
    }
)
WARNINGS = frozenset(
    {
        "copy.again",
        "copy.given_up",
        "request.failed",
        "submit.foreign_claim",
        "submit.unknown",
        "submit.unsure",
    }
)
# Somebody should look: alerts rely on these.
ERRORS = frozenset({"clock.off", "object.unreadable", "upstream.late_task"})
REPORTED = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
SERVER_ERROR = 500  # HTTP: from here on the service is at fault
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
CLOUD_TRACE = re.compile(r"([0-9a-fA-F]{32})(?:/(\d{1,20}))?(?:;o=(\d))?")


class Headers(Protocol):
    """A request's headers, whatever case they came in."""

    def get(self, key: str, default: str, /) -> str:
        """The value of a header, the default without one."""


@dataclass(frozen=True)
class _Style:
    json_lines: bool = True
    project: str | None = None
    service: str = "inbetween"
    revision: str = ""


_request: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "request", default=None
)
_style = [_Style()]


class _Libraries(logging.Handler):
    """Warnings of libraries, in our form; without a root handler they would be bare lines."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name, "text": record.getMessage()}
        if record.exc_info:
            fields["stack_trace"] = _stack(record.exc_info[1])
        _write("library", record.levelname, fields)


def setup(
    *,
    json_lines: bool,
    project: str | None = None,
    service: str = "inbetween",
    revision: str = "",
) -> None:
    """Choose the form: JSON for the cloud, short text for a terminal. Twice is once.

    Args:
        json_lines: one JSON object a line, to standard output.
        project: Google Cloud project; makes a trace id the name under which the console finds it.
        service: what crashes are grouped by.
        revision: which version crashed.
    """
    _style[0] = _Style(json_lines, project, service, revision)
    root = logging.getLogger()
    if not any(isinstance(handler, _Libraries) for handler in root.handlers):
        root.addHandler(_Libraries(logging.WARNING))


@contextlib.contextmanager
def request(request_id: str, headers: Headers) -> Iterator[None]:
    """Everything logged inside belongs to this request.

    Args:
        request_id: shown to the caller, too.
        headers: its headers; `traceparent` counts before `X-Cloud-Trace-Context`.
    """
    mark = _request.set({"request_id": request_id, **_trace(headers)})
    try:
        yield
    finally:
        _request.reset(mark)


def bind(*, owner: str | None = None, job: str | None = None) -> None:
    """Say whose request this is, or which job it is about, as soon as that is known.

    Args:
        owner: their name; only a hash of it is logged.
        job: its id; what is no id of ours is left out, since a caller may write anything there.
    """
    context = _request.get()
    if context is not None and owner is not None:
        context["owner"] = owner_hash(owner)
    if context is not None and job is not None and valid_id(job):
        context["job"] = job


def owned() -> bool:
    """Whether it is known whose request this is."""
    return "owner" in (_request.get() or {})


def owner_hash(owner: str) -> str:
    """What stands for an owner in a log: the same everywhere, and no name."""
    return hashlib.sha256(f"owner:{owner}".encode()).hexdigest()[:12]


def _trace(headers: Headers) -> dict[str, Any]:
    if (found := TRACEPARENT.fullmatch(headers.get("traceparent", ""))) and any(
        digit != "0" for digit in found[1]
    ):
        return {"trace": found[1], "span": found[2], "sampled": bool(int(found[3], 16) & 1)}
    if found := CLOUD_TRACE.fullmatch(headers.get("X-Cloud-Trace-Context", "")):
        span = f"{int(found[2]) % (1 << 64):016x}" if found[2] else None
        return {"trace": found[1].lower(), "span": span, "sampled": found[3] == "1"}
    return {}


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
    severity = "ERROR" if name in ERRORS else "WARNING" if name in WARNINGS else "INFO"
    _write(name, severity, fields)


def refused(code: str, status: int) -> None:
    """Say that a request was answered with an error, so that its request id leads somewhere.

    Args:
        code: of the error table.
        status: HTTP status.
    """
    name = "request.failed" if status >= SERVER_ERROR else "request.refused"
    event(name, code=code, status=status)


def crash(name: str, **fields: Any) -> None:
    """Say that a defect of ours was met; call it while the exception is being handled.

    The shape is the one that Error Reporting groups: a stack as Python prints it, and the service.

    Raises:
        ValueError: the name is not in the list.
    """
    if name not in EVENTS:
        raise ValueError(f"{name} is not in logs.EVENTS")
    _write(name, "ERROR", {**fields, "stack_trace": _stack(sys.exception())})


def _stack(error: BaseException | None) -> str:
    """The stack as Python prints it, without what its messages quote."""
    if error is None:
        return ""
    pieces = traceback.TracebackException.from_exception(error, compact=True).format()
    return "".join(
        piece if piece.startswith("  File ") else redaction.unquoted(piece) for piece in pieces
    )


def _write(name: str, severity: str, fields: dict[str, Any]) -> None:
    clean = {key: redaction.field(key, value) for key, value in fields.items()}
    style = _style[0]
    if not style.json_lines:
        stack = clean.pop("stack_trace", "")
        pairs = " ".join(f"{key}={value}".replace("\n", "\\n") for key, value in clean.items())
        clock = datetime.now(UTC).strftime("%H:%M:%S")
        sys.stderr.write(f"{clock} {severity[:4].lower()} {name} {pairs}\n{stack}")
        return
    line = {
        **_context(style),
        **clean,
        "severity": severity,
        "message": name,
        "event": name,
        "time": datetime.now(UTC).isoformat(),
    }
    if "stack_trace" in clean:
        line["@type"] = REPORTED
        line["serviceContext"] = {"service": style.service, "version": style.revision}
    # One write for one line: threads share the stream.
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def _context(style: _Style) -> dict[str, Any]:
    context = dict(_request.get() or {})
    trace, span = context.pop("trace", None), context.pop("span", None)
    sampled = context.pop("sampled", False)
    if trace:
        where = f"projects/{style.project}/traces/{trace}" if style.project else trace
        context["logging.googleapis.com/trace"] = where
        context["logging.googleapis.com/trace_sampled"] = sampled
    if span:
        context["logging.googleapis.com/spanId"] = span
    return context
