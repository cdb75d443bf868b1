"""Which models each region has, what they take, how long they run, how often they may be asked.

Sources: Alibaba Cloud Model Studio, "Wan image-to-video by first and last frame" user guide and API
reference (durations from the samples there), and "Rate limits".
"""

from __future__ import annotations

from dataclasses import dataclass

TIERS = ("480P", "720P", "1080P")
EFFECTS = frozenset({"hanfu-1", "solaron", "magazine", "mech1", "mech2"})
PROMPT_KEPT, NEGATIVE_KEPT = 800, 500
SEED_AT_MOST = 2147483647
DURATION_S = 5


@dataclass(frozen=True)
class RegionModel:
    """One model in one region.

    Attributes:
        name: as callers write it.
        tiers: resolutions it offers.
        modern: 2.2 reports `SR`, 2.1 reports `video_ratio`.
        pending_s: time in the queue, as sampled.
        running_s: time of the work itself, as sampled.
        creates: how many creates of it an account may send in a second.
    """

    name: str
    tiers: tuple[str, ...]
    modern: bool
    pending_s: float
    running_s: float
    creates: int


_FLASH = RegionModel(
    "wan2.2-kf2v-flash", TIERS, modern=True, pending_s=15, running_s=190, creates=2
)


def _plus(name: str, creates: int) -> RegionModel:
    return RegionModel(name, ("720P",), modern=False, pending_s=60, running_s=420, creates=creates)


REGIONS: dict[str, dict[str, RegionModel]] = {
    "singapore": {
        "wan2.2-kf2v-flash": _FLASH,
        "wan2.1-kf2v-plus": _plus("wan2.1-kf2v-plus", creates=1),
    },
    "beijing": {
        "wan2.2-kf2v-flash": _FLASH,
        "wanx2.1-kf2v-plus": _plus("wanx2.1-kf2v-plus", creates=2),
    },
}
REGION_CODES = {"singapore": "ap-southeast-1", "beijing": "cn-beijing"}
