"""Plain JSON answers of the native dialect; how errors look is `problem`'s."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Response


def as_json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    text = json.dumps(data, ensure_ascii=False)
    return Response(text, status, headers or {}, content_type="application/json")
