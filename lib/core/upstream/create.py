"""One create as it goes over the wire: the body, its headers, and how long it may take.

Pure; who sends it, and whether it may be sent, is decided elsewhere. Source: Alibaba Cloud Model
Studio, "Wan image-to-video by first and last frame" API reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lib.core.upstream.blocks import SMALL

if TYPE_CHECKING:
    from lib.core.jobs.intent import PlainRequest

SLOWEST = 250_000  # bytes a second that a large create is given time for: 2 Mbit/s


@dataclass(frozen=True)
class Order:
    """One create, as it goes over the wire.

    Attributes:
        request: what is asked for; None leaves a field out.
        first: the first frame as a link, data URI or `oss://` name.
        last: the last frame likewise; None with a template.
    """

    request: PlainRequest
    first: str
    last: str | None

    @property
    def takes_s(self) -> float:
        """How long its body may take to be sent; 0 for one that is a single block."""
        size = len(self.first) + len(self.last or "")
        return 0.0 if size <= SMALL else size / SLOWEST

    def body(self) -> dict[str, Any]:
        """The JSON body, in the order of the reference."""
        asked = self.request
        source = {
            "first_frame_url": self.first,
            "last_frame_url": self.last,
            "prompt": asked.prompt,
            "negative_prompt": asked.negative_prompt,
            "template": asked.template,
        }
        settings = {
            "resolution": asked.resolution,
            "prompt_extend": asked.prompt_extend,
            "watermark": asked.watermark,
            "seed": asked.seed,
        }
        return {
            "model": asked.model,
            "input": {name: value for name, value in source.items() if value is not None},
            "parameters": {name: value for name, value in settings.items() if value is not None},
        }


def create_headers(order: Order) -> dict[str, str]:
    """The headers of a create, beside the key's."""
    headers = {"X-DashScope-Async": "enable", "Content-Type": "application/json"}
    if order.first.startswith("oss://") or (order.last or "").startswith("oss://"):
        headers["X-DashScope-OssResourceResolve"] = "enable"
    return headers
