"""A request's body, read with a limit and turned into plain fields: JSON or multipart.

Refuses what is too large without reading it whole, and says where JSON breaks. Field names are not
judged here; the dialect knows them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import RequestEntityTooLarge

from lib.core.errors import (
    INVALID_JSON,
    INVALID_REQUEST,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    ApiError,
)
from lib.core.outside.documents import NotJson, document
from lib.web import intake

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

FORM = "multipart/form-data"
NESTED = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")


def read(request: Request, limit_bytes: int) -> dict[str, Any]:
    """The fields of a body; a file is bytes, an empty form field is left out.

    Args:
        request: not yet read.
        limit_bytes: the largest body.

    Raises:
        ApiError: 413, 415, or 400 for a body that does not parse.
    """
    if (request.content_length or 0) > limit_bytes:
        raise _too_large(limit_bytes)
    request.max_content_length = limit_bytes
    request.max_form_memory_size = limit_bytes  # a frame may come as a data URI in a text field
    kind = request.mimetype
    try:
        if kind == FORM:
            return _form(request)
        if kind == "application/json" or kind.endswith("+json"):
            return _json(request, limit_bytes)
    except RequestEntityTooLarge:
        raise _too_large(limit_bytes) from None
    raise ApiError(
        UNSUPPORTED_MEDIA_TYPE,
        f"Content-Type: got {kind or 'nothing'!r}; allowed: application/json or {FORM}.",
        "Content-Type",
    )


def _too_large(limit_bytes: int) -> ApiError:
    return ApiError(
        PAYLOAD_TOO_LARGE,
        f"The body is larger than {limit_bytes} bytes, the platform's limit for one request. "
        "Base64 adds a third: send the frames as files (multipart/form-data) or as https links; or "
        "put each straight into the bucket, POST /v1/uploads gives a link for that.",
    )


def _json(request: Request, limit_bytes: int) -> dict[str, Any]:
    try:
        raw = request.get_data(cache=False)
        if request.content_length is None and len(raw) >= limit_bytes:
            raise RequestEntityTooLarge  # without a declared length, just cut off there
        text = raw.decode()
        del raw  # not kept beside its text
        data = document(text, once=_once, strict=True)
    except UnicodeDecodeError as error:
        raise ApiError(
            INVALID_JSON, f"The body is not UTF-8 (byte {error.start} is wrong)."
        ) from None
    except NotJson as error:
        raise ApiError(INVALID_JSON, f"The body {error}") from None
    if not isinstance(data, dict):
        raise ApiError(INVALID_JSON, "The body must be a JSON object, { ... }.")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        counts = Counter(name for name, _ in pairs)  # never .count(): that is time squared
        twice = next(name for name, often in counts.items() if often > 1)
        raise ApiError(INVALID_JSON, f"The field {twice[:64]!r} stands twice in one object.")
    return data


def _form(request: Request) -> dict[str, Any]:
    request.form_data_parser_class = intake.InMemory
    if "boundary" not in request.mimetype_params:
        raise ApiError(INVALID_REQUEST, "Content-Type: multipart/form-data needs a boundary.")
    fields: dict[str, Any] = {}
    for source in (request.form, request.files):
        for name, values in source.lists():
            _put(
                fields,
                name,
                [v if isinstance(v, str) else intake.content(v.stream) for v in values],
            )
    return fields


def _put(fields: dict[str, Any], name: str, values: list[str | bytes]) -> None:
    """One name of a form: `a[]` is a list and `a[b]` an object, as openai-python writes them."""
    nested = NESTED.fullmatch(name)
    outer, inner = nested.groups() if nested else (name, None)
    if inner == "" and outer not in fields:
        fields[outer] = values
        return
    if inner:
        place = fields.setdefault(outer, {})
        inside = isinstance(place, dict)
    else:
        place, inner, inside = fields, outer, inner is None
    if not inside or inner in place or len(values) > 1:
        raise ApiError(INVALID_REQUEST, f"{name[:64]}: the form field stands more than once.", name)
    if values[0] != "" or place is not fields:  # how forms and SDKs say "not given"
        place[inner] = values[0]
