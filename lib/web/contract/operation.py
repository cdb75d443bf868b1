"""How one call is described: what it is for, what it takes, its successes, its errors.

Knows no call; the descriptions themselves stand in `operations`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

    from lib.core.errors import Kind


@dataclass(frozen=True)
class Success:
    """One kind of success.

    Attributes:
        shape: the body's model; None without a body.
        text: what it means.
        headers: names to descriptions.
        content_type: of the body.
    """

    shape: type[BaseModel] | None
    text: str
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True)
class Operation:
    """One call.

    Attributes:
        name: its operationId.
        summary: one line.
        answers: by status.
        errors: how it may refuse, besides what every guarded call may say.
        parameters: OpenAPI parameter objects, besides the path's.
        text: more lines.
        body: content type to schema, or None without a body.
        body_required: whether a body must be there.
    """

    name: str
    summary: str
    answers: dict[int, Success]
    errors: tuple[Kind, ...] = ()
    parameters: tuple[dict[str, Any], ...] = ()
    text: str = ""
    body: dict[str, Any] | None = None
    body_required: bool = True


def header(name: str, text: str, **schema: Any) -> dict[str, Any]:
    """An OpenAPI parameter object for a header field.

    Args:
        name: of the field.
        text: what it is for.
        schema: further members of its schema, which is a string.
    """
    return {
        "name": name,
        "in": "header",
        "description": text,
        "schema": {"type": "string", **schema},
    }


def query(name: str, text: str, **schema: Any) -> dict[str, Any]:
    """An OpenAPI parameter object for a query parameter.

    Args:
        name: of the parameter.
        text: what it is for.
        schema: members of its schema.
    """
    return {"name": name, "in": "query", "description": text, "schema": schema}
