"""The contract, OpenAPI 3.1, made from the route table, the descriptions and the models.

Made once, when it is first read. Holds nothing of the configuration: whoever reads it knows
what this code can do, and not whose it is.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from lib.core.errors import ApiError
from lib.web import problem
from lib.web.contract import shapes
from lib.web.contract.operations import EVERYWHERE, GUARDED, OPERATIONS, PICTURE
from lib.web.contract.schemas import REF, schemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lib.core.errors import Kind
    from lib.web.contract.operation import Operation, Success
    from lib.web.route import Route

EXAMPLE = {
    "first_frame": PICTURE,
    "last_frame": PICTURE,
    "prompt": "The cat looks up",
    "resolution": "480P",
}
EXAMPLES = {
    "VideoRequest": EXAMPLE,
    "Retry": {"accept_double_payment": False},
    "UploadOrder": {"content_type": "image/png", "size_bytes": 8388608},
}
LINKED = {
    "retrieveVideo": "the job",
    "cancelVideo": "cancel it",
    "downloadVideo": "go to its film",
    "retryVideo": "make it again",
    "deleteVideo": "delete it",
}
COMPAT = {
    ("post", "/services/aigc/image2video/video-synthesis"): ("dashscopeCreate", "Create a task"),
    ("get", "/tasks/{id}"): ("dashscopeGet", "Query a task"),
    ("get", "/tasks"): ("dashscopeList", "List tasks"),
    ("post", "/tasks/{id}/cancel"): ("dashscopeCancel", "Cancel a task that is PENDING"),
    ("get", "/uploads"): ("dashscopePolicy", "The policy of a temporary upload"),
    ("post", "/uploads"): ("dashscopeUpload", "A temporary upload, by form"),
}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The contract of these routes.

    Args:
        routes: the table.

    Raises:
        KeyError: a route has no description.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = OPERATIONS[(route.method, route.path)]
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, operation)
    for (method, path), (name, summary) in COMPAT.items():
        paths.setdefault(f"/api/v1{path}", {})[method] = _compat(path, name, summary)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Inbetween",
            "version": "1",
            "description": "Two frames and a prompt become a film of five seconds.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [
            {"name": "Videos", "description": "Jobs and their films."},
            {"name": "Service", "description": "What the service says of itself."},
            {
                "name": "DashScope-compatible",
                "description": "For DashScope's own SDKs: shapes as the service has them.",
            },
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas(),
        },
    }


def _operation(route: Route, operation: Operation) -> dict[str, Any]:
    kinds = (*operation.errors, *(EVERYWHERE if route.public else GUARDED))
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": ["Videos" if route.path.startswith(("/v1/videos", "/v1/uploads")) else "Service"],
        "parameters": [*_path_parameters(route.path), *operation.parameters],
        "responses": {
            **{str(status): _answer(answer) for status, answer in operation.answers.items()},
            **_refusals(kinds),
        },
    }
    if operation.text:
        made["description"] = operation.text
    if operation.body:
        made["requestBody"] = _body(operation.body, required=operation.body_required)
    if route.public:
        made["security"] = []
    if operation.name in {"createVideo", "retryVideo"}:
        made["responses"]["202"]["links"] = _links()
    return made


def _path_parameters(path: str) -> list[dict[str, Any]]:
    schema = {"type": "string", "pattern": shapes.VIDEO_ID}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _body(types: Mapping[str, str], *, required: bool) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for kind, name in types.items():
        content[kind] = {"schema": {"$ref": f"{REF}{name}"}}
        if name in EXAMPLES:
            content[kind]["example"] = EXAMPLES[name]
    return {"required": required, "content": content}


def _answer(answer: Success) -> dict[str, Any]:
    made: dict[str, Any] = {"description": answer.text}
    headers = {"x-request-id": "of this very request", **answer.headers}
    made["headers"] = {
        name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
    }
    if answer.shape:
        made["content"] = {
            answer.content_type: {"schema": {"$ref": REF + shapes.schema_name(answer.shape)}}
        }
    elif answer.content_type != "application/json":
        made["content"] = {answer.content_type: {"schema": {"type": "string"}}}
    elif answer.text.startswith("OpenAPI"):
        made["content"] = {answer.content_type: {"schema": {"type": "object"}}}
    return made


def _refusals(kinds: Iterable[Kind]) -> dict[str, Any]:
    by_status: dict[int, list[Kind]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return {str(status): _refusal(status, by_status[status]) for status in sorted(by_status)}


def _refusal(status: int, kinds: list[Kind]) -> dict[str, Any]:
    retry_after = {
        "description": "seconds until trying again makes sense",
        "schema": {"type": "string"},
    }
    made: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(kind.code for kind in kinds)}.",
        "headers": {"x-request-id": {"schema": {"type": "string"}}},
        "content": {
            problem.CONTENT_TYPE: {
                "schema": {"$ref": f"{REF}Problem"},
                "examples": {kind.code: {"value": example(kind)} for kind in kinds},
            }
        },
    }
    if any(kind.retryable for kind in kinds):
        made["headers"]["Retry-After"] = retry_after
    return made


def example(kind: Kind) -> dict[str, Any]:
    """What an error of this kind looks like."""
    return problem.fail(ApiError(kind, f"{kind.title}: the sentence says what to do."), "…")[1]


def _links() -> dict[str, Any]:
    return {
        name: {"operationId": name, "description": text, "parameters": {"id": "$response.body#/id"}}
        for name, text in LINKED.items()
    }


def _compat(path: str, name: str, summary: str) -> dict[str, Any]:
    def loose() -> dict[str, Any]:
        return {"content": {"application/json": {"schema": {"type": "object"}}}}

    made: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "tags": ["DashScope-compatible"],
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
        if "{id}" in path
        else [],
        "responses": {
            "200": {"description": "As DashScope answers.", **loose()},
            "default": {"description": "`code`, `message` and `request_id`, flat.", **loose()},
        },
    }
    if name == "dashscopeUpload":  # refused as the upload host does, in XML
        made["responses"]["default"]["content"]["application/xml"] = {"schema": {}}
    if name == "dashscopeCreate":
        made["requestBody"] = {"required": True, **loose()}
    return made
