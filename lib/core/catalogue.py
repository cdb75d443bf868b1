"""The models: which region offers which, in which resolutions, at what price and speed.

Also the size of the film that a first frame leads to. Refuses a model that its region does not
offer by naming the one that it does. Facts: Alibaba Cloud Model Studio, "Wan image-to-video by
first and last frame" guide and API reference, "Rate limits", "Model pricing".
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from lib.core.errors import UNSUPPORTED_MODEL, ApiError, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMED_AT_MOST = 64  # characters of a name that a refusal repeats
SECONDS = 5  # fixed for all kf2v models
FPS = 30
FLASH = "wan2.2-kf2v-flash"
PLUS_INTERNATIONAL = "wan2.1-kf2v-plus"
PLUS_MAINLAND = "wanx2.1-kf2v-plus"

# Pixels of a tier. 480P and 720P are MAX_AREA_CONFIGS of the open Wan 2.1 code; the guide's "about
# 920k" agrees with the latter. 1080P is 1920x1080 by the same pattern.
AREAS = {"480P": 480 * 832, "720P": 720 * 1280, "1080P": 1080 * 1920}
RESOLUTIONS = tuple(AREAS)


@dataclass(frozen=True)
class Money:
    """What a second of film costs.

    Attributes:
        amount: in whole units of the currency.
        currency: ISO 4217.
    """

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class VideoModel:
    """One model in one region.

    Attributes:
        name: as the upstream calls it there.
        region: `singapore` or `beijing`.
        resolutions: the tiers it renders.
        price_per_s: a tier's price for a second of film; None where no public page states one.
        typical_s: seconds from submit to end, by tier.
    """

    name: str
    region: str
    resolutions: tuple[str, ...]
    price_per_s: Mapping[str, Money | None]
    typical_s: Mapping[str, float]


# The reference says one to five minutes, and its sample of a 720P task of 2.2 took 205 s from
# submit to end; its samples of 2.1 ran six to eight minutes.
_FLASH_S = {"480P": 120.0, "720P": 200.0, "1080P": 300.0}
_PLUS_S = {"720P": 480.0}


def _yuan(**tiers: str) -> dict[str, Money | None]:
    return {f"{name[1:]}P": Money(Decimal(text), "CNY") for name, text in tiers.items()}


MODELS = (
    VideoModel(FLASH, "singapore", RESOLUTIONS, dict.fromkeys(RESOLUTIONS), _FLASH_S),
    # The pricing page of 2026 states yuan for the international site too.
    VideoModel(PLUS_INTERNATIONAL, "singapore", ("720P",), _yuan(p720="0.733924"), _PLUS_S),
    VideoModel(
        FLASH, "beijing", RESOLUTIONS, _yuan(p480="0.10", p720="0.20", p1080="0.48"), _FLASH_S
    ),
    VideoModel(PLUS_MAINLAND, "beijing", ("720P",), _yuan(p720="0.70"), _PLUS_S),
)
# One model, named differently on the two sides.
TWINS = {PLUS_INTERNATIONAL: PLUS_MAINLAND, PLUS_MAINLAND: PLUS_INTERNATIONAL}
NAMES = frozenset(model.name for model in MODELS)


def models(region: str) -> tuple[VideoModel, ...]:
    """What a region offers."""
    return tuple(model for model in MODELS if model.region == region)


def regions_of(model: str) -> tuple[str, ...]:
    """The regions that offer a model; empty for an unknown one."""
    return tuple(entry.region for entry in MODELS if entry.name == model)


def resolve(region: str, model: str) -> VideoModel:
    """The model of that name in that region.

    Args:
        region: `singapore` or `beijing`.
        model: the name a caller gave.

    Raises:
        ApiError: `unsupported_model`, naming the right one.
    """
    offered = models(region)
    for entry in offered:
        if entry.name == model:
            return entry
    names = [entry.name for entry in offered]
    allowed = f"Allowed in region {region}: {', '.join(names)}."
    if regions := regions_of(model):
        twin = TWINS.get(model)
        hint = f" The same model is called {twin} there." if twin in names else ""
        message = (
            f"model: {model} belongs to region {regions[0]}, and this service works in region "
            f"{region}.{hint} {allowed}"
        )
    else:
        near = difflib.get_close_matches(model.lower()[:64], names, n=1, cutoff=0.7)
        hint = f" Did you mean {near[0]}?" if near else ""
        message = f"model: {_short(model)} is not a first-and-last-frame model.{hint} {allowed}"
    raise ApiError(UNSUPPORTED_MODEL, message, "model")


def _short(text: str) -> str:
    return ascii(text if len(text) <= NAMED_AT_MOST else text[: NAMED_AT_MOST - 3] + "...")


def check_resolution(model: VideoModel, resolution: str) -> None:
    """Refuse a tier that the model does not render.

    Raises:
        ApiError: `invalid_request` on `resolution`.
    """
    if resolution not in model.resolutions:
        others = [e.name for e in models(model.region) if resolution in e.resolutions]
        hint = f" {resolution} is rendered by {', '.join(others)}." if others else ""
        raise invalid(
            "resolution",
            f"resolution: got {_short(resolution)}; {model.name} renders "
            f"{', '.join(model.resolutions)} only.{hint}",
        )


def output_size(width: int, height: int, resolution: str) -> tuple[int, int]:
    """The size of the film: the first frame's shape in the tier's area, multiples of 16.

    The open Wan 2.1 code computes `16 * floor(sqrt(area * h / w) / 16)` (and likewise for the
    width) in floating point; this is its exact integer form. The guide's example: 750x1000 at 720P
    gives 816x1104.

    Args:
        width: of the first frame, pixels.
        height: of the first frame, pixels.
        resolution: a tier of `AREAS`.

    Returns:
        Width and height of the film, pixels.
    """
    area = AREAS[resolution]
    return (
        math.isqrt(area * width // (height * 256)) * 16,
        math.isqrt(area * height // (width * 256)) * 16,
    )
