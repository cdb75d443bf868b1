"""What an operation is made of on HTTP: a line of the route table and JSON answers.

It knows no operation; the operations bring their routes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class UpstreamRoute:
    """One operation: its name for faults and counts, method, path below the base, handler."""

    operation: str
    method: str
    path: str
    answer: Callable[..., Response]


def as_json(data: Any, status: int = 200, content_type: str = "application/json") -> Response:
    """An answer in UTF-8, not escaped."""
    body = json.dumps(data, ensure_ascii=False)
    return Response(body, status, content_type=content_type)


def as_task_json(data: Any) -> Response:
    """As the task endpoints label theirs."""
    return as_json(data, content_type="application/json;charset=UTF-8")
