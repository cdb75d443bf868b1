"""A request is looked at and nothing is done: what it would cost, how large the film would be.

The same checks in the same order as `submit`, but no object is written, no key is bound and nobody
upstream is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.core import catalogue
from lib.core.media import frames
from lib.flows.requests.frames import judged
from lib.flows.requests.submit import allowed
from lib.flows.webhooks import send as webhooks_send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.core.catalogue import VideoModel
    from lib.core.media.decode import Frame
    from lib.core.request import VideoRequest
    from lib.flows.context import Kit


@dataclass(frozen=True)
class Examined:
    """What a request would lead to.

    Attributes:
        model: in the region where it would run.
        size: width and height of the film, pixels.
        first: the first frame as it was judged.
        last: the last one, None where a template needs none.
        warnings: what the owner should know about the pair.
        limits: the `RateLimit` fields as an accepted request would have left them.
    """

    model: VideoModel
    size: tuple[int, int]
    first: Frame
    last: Frame | None
    warnings: tuple[str, ...]
    limits: Mapping[str, str]


def examine(kit: Kit, owner: str, request: VideoRequest) -> Examined:
    """Check everything about a request.

    Args:
        kit: the hands.
        owner: whose job it would become.
        request: parsed and in bounds.

    Raises:
        ApiError: what `submit` would refuse.
    """
    webhooks_send.check(kit, owner, request.webhook_url)
    accounts, counted = allowed(kit, owner, request)
    with judged(kit, owner, request) as (first, last):
        return Examined(
            catalogue.resolve(kit.upstreams[accounts[0]].region, request.model),
            catalogue.output_size(first.width, first.height, request.resolution),
            first,
            last,
            frames.warnings(first, last),
            counted,
        )
