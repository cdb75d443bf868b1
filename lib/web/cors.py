"""Which headers a page of another origin may send: those we read, and those that SDKs add unasked.

`*` does not cover `Authorization` (Fetch standard, "CORS-unsafe request-header names" and
`Access-Control-Allow-Headers`), so names are listed; of what a preflight asks for, only names of a
closed form are repeated. Which origin may call is decided in `app`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

ALLOWED = "Authorization, Content-Type, Idempotency-Key, Prefer, If-None-Match"
# SDKs made by Stainless number their tries and name their platform; openai's name an account, too.
# Browsers other than Chromium ask for User-Agent where a script sets it.
REPEATED = re.compile(r"x-stainless-[a-z0-9-]{1,40}|openai-(?:organization|project)|user-agent")
ASKED_AT_MOST = 2048  # characters; the SDKs' names are about 300


def allowed_headers(request: Request) -> str:
    """The `Access-Control-Allow-Headers` of a preflight's answer.

    Args:
        request: the preflight; each name it asks for is looked at once.
    """
    asked = request.headers.get("Access-Control-Request-Headers", "")[:ASKED_AT_MOST].lower()
    names = dict.fromkeys(name.strip() for name in asked.split(","))
    return ", ".join([ALLOWED, *(name for name in names if REPEATED.fullmatch(name))])
