"""The caller's Idempotency-Key, as both dialects take it.

Judges its form alone; what it leads to is known to the flows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.core.errors import invalid

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

KEY_AT_MOST = 255


def idempotency_key(request: Request) -> str | None:
    """The key in the header; None without one.

    Raises:
        ApiError: it is empty, too long, or not printable ASCII.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_AT_MOST or not key.isascii() or not key.isprintable():
        raise invalid(
            "Idempotency-Key",
            f"Idempotency-Key: got {len(key)} characters; allowed: 1 to {KEY_AT_MOST} printable "
            "ASCII characters.",
        )
    return key
