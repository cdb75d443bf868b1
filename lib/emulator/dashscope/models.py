"""Which models each region has, what they take, how long they run.

Source: Alibaba Cloud Model Studio, "Wan image-to-video by first and last frame" user guide and API
reference; durations from the samples there.
"""

from __future__ import annotations

from dataclasses import dataclass

TIERS = ("480P", "720P", "1080P")
EFFECTS = frozenset({"hanfu-1", "solaron", "magazine", "mech1", "mech2"})
PROMPT_KEPT, NEGATIVE_KEPT = 800, 500
SEED_AT_MOST = 2147483647


@dataclass(frozen=True)
class Model:
    """One model in one region.

    Attributes:
        name: as callers write it.
        tiers: resolutions it offers.
        modern: 2.2 reports `SR`, 2.1 reports `video_ratio`.
        pending_s: usual time in the queue.
        running_s: usual time of the work itself.
    """

    name: str
    tiers: tuple[str, ...]
    modern: bool
    pending_s: float
    running_s: float


_FLASH = Model("wan2.2-kf2v-flash", TIERS, modern=True, pending_s=15.0, running_s=100.0)
_PLUS = ("720P",)

REGIONS: dict[str, dict[str, Model]] = {
    "singapore": {
        "wan2.2-kf2v-flash": _FLASH,
        "wan2.1-kf2v-plus": Model(
            "wan2.1-kf2v-plus", _PLUS, modern=False, pending_s=30.0, running_s=400.0
        ),
    },
    "beijing": {
        "wan2.2-kf2v-flash": _FLASH,
        "wanx2.1-kf2v-plus": Model(
            "wanx2.1-kf2v-plus", _PLUS, modern=False, pending_s=30.0, running_s=400.0
        ),
    },
}
REGION_CODES = {"singapore": "ap-southeast-1", "beijing": "cn-beijing"}
