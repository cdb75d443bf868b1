"""Checking the body of a create as the service does: model, required fields, types, bounds.

Where the public documents leave a check open, the stricter reading is taken and listed on the
about page. Source: Model Studio, API reference of the kf2v models, request body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib.emulator.numbers import document
from lib.emulator.upstream.errors import UpstreamError, inaccessible, invalid, missing
from lib.emulator.upstream.models import (
    DURATION_S,
    EFFECTS,
    NEGATIVE_KEPT,
    PROMPT_KEPT,
    REGIONS,
    SEED_AT_MOST,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Request

    from lib.emulator.upstream.models import RegionModel

DATA_URI_AT_MOST = 10485760
BODY_AT_MOST = 2 * DATA_URI_AT_MOST + (1 << 20)
FRAMES = ("first_frame_url", "last_frame_url")


def parse(request: Request) -> dict[str, Any]:
    """The JSON object of an asynchronous call.

    Raises:
        UpstreamError: 403 for a synchronous call, 400 for anything but a JSON object.
    """
    if request.headers.get("X-DashScope-Async") != "enable":
        message = "current user api does not support synchronous calls."
        raise UpstreamError(403, "AccessDenied", message)
    if (request.content_length or 0) > BODY_AT_MOST:
        raise UpstreamError(400, "BadRequest.TooLarge", "Payload Too Large.")
    try:
        data = document(request.get_data()) if request.mimetype == "application/json" else None
    except ValueError:
        data = None
    if not isinstance(data, dict):
        message = "The input parameter requires json format."
        raise UpstreamError(400, "BadRequest.IllegalInput", message)
    return data


def model_of(region: str, name: Any) -> RegionModel:
    """The model that a request names.

    Args:
        region: where the request came in.
        name: as it came.

    Raises:
        UpstreamError: 400 without one, 404 for one that this region does not have.
    """
    if not isinstance(name, str) or not name:
        message = "Model parameter is missing from the request."
        raise UpstreamError(400, "BadRequest.EmptyModel", message)
    if name in REGIONS[region]:
        return REGIONS[region][name]
    raise UpstreamError(404, "ModelNotFound", f"The model {name} does not exist.")


def model_here(region: str, name: Any) -> RegionModel:
    """The model that a create names, on the path of the kf2v models.

    Raises:
        UpstreamError: as `model_of`, and 400 for a model that belongs to another path.
    """
    if isinstance(name, str) and name and "kf2v" not in name:
        raise invalid("url error, please check url!")
    return model_of(region, name)


def check(model: RegionModel, body: Mapping[str, Any]) -> None:
    """Refuse what the service refuses at once.

    Raises:
        UpstreamError: 400.
    """
    source = body.get("input")
    if not isinstance(source, dict) or not source:
        message = "Required input parameter missing from request."
        raise UpstreamError(400, "BadRequest.EmptyInput", message)
    template = source.get("template")
    if template is not None and not (isinstance(template, str) and template in EFFECTS):
        raise missing("template")
    for name in FRAMES:
        _check_frame(source, name, needed=name == "first_frame_url" or template is None)
    for name in ("prompt", "negative_prompt"):
        if source.get(name) is not None and not isinstance(source[name], str):
            raise missing(name)
    parameters = body.get("parameters", {})
    if not isinstance(parameters, dict):
        raise missing("parameters")
    _check_parameters(model, parameters)


def _check_frame(source: Mapping[str, Any], name: str, *, needed: bool) -> None:
    url = source.get(name)
    if url is None and not needed:
        return
    if not isinstance(url, str) or not url:
        raise missing(name)
    if url.startswith("data:") and len(url) > DATA_URI_AT_MOST:
        limit = f"Exceeded limit on max bytes per data-uri item : {DATA_URI_AT_MOST}"
        raise invalid(limit)
    if not url.startswith(("http://", "https://", "oss://", "data:")):
        raise UpstreamError(400, "InvalidURL", "Required URL is missing or invalid.")


def _check_parameters(model: RegionModel, parameters: Mapping[str, Any]) -> None:
    if parameters.get("resolution", "720P") not in model.tiers:
        raise missing("resolution")
    if not _whole(parameters.get("duration", DURATION_S), DURATION_S, DURATION_S):
        raise missing("duration")
    if not _whole(parameters.get("seed", 0), 0, SEED_AT_MOST):
        raise missing("seed")
    for name in ("prompt_extend", "watermark"):
        if not isinstance(parameters.get(name, False), bool):
            raise missing(name)


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def check_resolve(source: Mapping[str, Any], header: str | None) -> None:
    """An `oss://` frame needs the header X-DashScope-OssResourceResolve.

    Raises:
        UpstreamError: 400.
    """
    used = any(str(source.get(name)).startswith("oss://") for name in FRAMES)
    if used and header != "enable":
        raise inaccessible()


def prompts(body: Mapping[str, Any]) -> tuple[str, str]:
    """Prompt and negative prompt, cut as the service cuts them."""
    source = body["input"]
    prompt, negative = source.get("prompt") or "", source.get("negative_prompt") or ""
    return prompt[:PROMPT_KEPT], negative[:NEGATIVE_KEPT]
