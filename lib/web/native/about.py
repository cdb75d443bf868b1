"""The service about itself: its models and prices, whether it lives, whether it can work.

None of these calls costs the upstream anything; `/health` and `/ready` need no key and show nothing
that somebody without one could use.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lib.core import catalogue
from lib.core.errors import ApiError
from lib.web.answer import as_json
from lib.web.native.dialect import price

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from lib.flows.context import Context

READY_S = 10.0
REFUSED_S = 1.0
FRESH = {"Cache-Control": "no-store"}


class About:
    """Handlers of `/v1/models`, `/health` and `/ready`.

    Args:
        context: what the flows work with.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._seen_at = context, float("-inf")
        self._refused: tuple[float, ApiError] | None = None

    def health(self, _request: Request) -> Response:
        """`GET /health`: the process answers."""
        return as_json({"status": "ok"}, headers=FRESH)

    def ready(self, _request: Request) -> Response:
        """`GET /ready`: the bucket answers, asked once in ten seconds, and links are signed.

        Raises:
            ApiError: `storage_unavailable` or `signing_unavailable`, with the reason.
        """
        now = self._context.now()
        if not 0 <= now - self._seen_at < READY_S:
            self._ask(now)
        self._context.artifacts.check_signing()
        return as_json({"status": "ready"}, headers=FRESH)

    def _ask(self, now: float) -> None:
        """Ask the bucket; whoever calls within a second of a failure is told of that one."""
        if self._refused and 0 <= now - self._refused[0] < REFUSED_S:
            raise replace(self._refused[1])
        try:
            self._context.ledger.check()
        except ApiError as error:
            self._refused = self._context.now(), error
            raise
        self._seen_at = now

    def models(self, _request: Request, _owner: str) -> Response:
        """`GET /v1/models`: what can be asked for here, and what it costs."""
        regions = dict.fromkeys(upstream.region for upstream in self._context.upstreams.values())
        rows = [_model(model) for region in regions for model in catalogue.models(region)]
        return as_json({"object": "list", "data": rows})


def _model(model: catalogue.VideoModel) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "owned_by": "alibaba",
        "region": model.region,
        "seconds": catalogue.SECONDS,
        "fps": catalogue.FPS,
        "resolutions": [
            {
                "name": tier,
                "max_pixels": catalogue.AREAS[tier],
                "typical_seconds": model.typical_s[tier],
                "price_per_video": price(model, tier),
            }
            for tier in model.resolutions
        ],
    }
