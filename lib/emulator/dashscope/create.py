"""Checking a create as the service does: headers, model, path, required fields, frames.

Where the public documents leave a check open, the stricter reading is taken and listed on the
honesty page. Source: Model Studio, API reference of the kf2v models, request headers and body.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from typing import TYPE_CHECKING, Any

import requests

from lib.emulator.dashscope.errors import UpstreamError, invalid, missing
from lib.emulator.dashscope.models import (
    EFFECTS,
    NEGATIVE_KEPT,
    PROMPT_KEPT,
    REGIONS,
    SEED_AT_MOST,
)
from lib.emulator.dashscope.tasks import Film

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.emulator.dashscope.models import Model

FRAME_AT_MOST = 10 * 1024 * 1024
SIDES = (240, 8000)
FORMATS = frozenset({"JPEG", "PNG", "BMP", "WEBP"})
SCENARIO = re.compile(r"#([a-z0-9-]+)")
FETCH_S = (3, 20)


def model_of(region: str, body: Mapping[str, Any]) -> Model:
    """The model that a request names.

    Raises:
        UpstreamError: 400 without one, 404 for one of another region or none at all.
    """
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise UpstreamError(400, "BadRequest.EmptyModel", 'Required parameter "model" missing.')
    if name not in REGIONS[region]:
        if "kf2v" not in name:
            raise invalid("url error, please check url!")
        raise UpstreamError(404, "ModelNotFound", f"The model {name} does not exist.")
    return REGIONS[region][name]


def check(model: Model, body: Mapping[str, Any]) -> None:
    """Refuse what the service refuses at once.

    Raises:
        UpstreamError: 400.
    """
    source = body.get("input")
    if not isinstance(source, dict) or not source:
        raise UpstreamError(400, "BadRequest.EmptyInput", "Required input parameter missing.")
    template = source.get("template")
    if template is not None and template not in EFFECTS:
        raise missing("template")
    if not isinstance(source.get("first_frame_url"), str):
        raise missing("first_frame_url")
    if template is None and not isinstance(source.get("last_frame_url"), str):
        raise missing("last_frame_url")
    for name in ("prompt", "negative_prompt"):
        if source.get(name) is not None and not isinstance(source[name], str):
            raise missing(name)
    parameters = body.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise missing("parameters")
    _check_parameters(model, parameters)


def check_resolve(source: Mapping[str, Any], header: str | None) -> None:
    """An `oss://` frame needs the header X-DashScope-OssResourceResolve.

    Raises:
        UpstreamError: 400.
    """
    frames = (str(source.get(name)) for name in ("first_frame_url", "last_frame_url"))
    if any(url.startswith("oss://") for url in frames) and header != "enable":
        message = "Unable to download the media resource during the data inspection process."
        raise UpstreamError(400, "InvalidParameter.DataInspection", message)


def _check_parameters(model: Model, parameters: Mapping[str, Any]) -> None:
    if parameters.get("resolution", "720P") not in model.tiers:
        raise missing("resolution")
    if parameters.get("duration", 5) != 5:  # noqa: PLR2004 - fixed by the models
        raise missing("duration")
    seed = parameters.get("seed")
    whole = isinstance(seed, int) and not isinstance(seed, bool)
    if seed is not None and not (whole and 0 <= seed <= SEED_AT_MOST):
        raise missing("seed")
    for name in ("prompt_extend", "watermark"):
        if not isinstance(parameters.get(name, False), bool):
            raise missing(name)


def prompts(body: Mapping[str, Any]) -> tuple[str, str]:
    """Prompt and negative prompt, cut as the service cuts them."""
    source = body["input"]
    prompt, negative = source.get("prompt") or "", source.get("negative_prompt") or ""
    return prompt[:PROMPT_KEPT], negative[:NEGATIVE_KEPT]


def film_of(
    model: Model,
    body: Mapping[str, Any],
    fetch: Callable[[str], bytes],
    seed: int,
) -> tuple[Film, tuple[str, str] | None]:
    """The film to render, and the failure that the task will end with if a frame is no good."""
    source, parameters = body["input"], body.get("parameters") or {}
    prompt, _ = prompts(body)
    failure = None
    frames: list[bytes | None] = []
    for name in ("first_frame_url", "last_frame_url"):
        try:
            frames.append(_frame(source[name], fetch) if source.get(name) else None)
        except UpstreamError as error:
            frames.append(None)
            failure = failure or (error.code, error.message)
    film = Film(
        first=frames[0] or b"",
        last=frames[1],
        resolution=parameters.get("resolution", "720P"),
        seed=parameters.get("seed") or seed,
        watermark=parameters.get("watermark", False),
        prompt=prompt,
        model=model.name,
    )
    return film, failure


def _frame(url: str, fetch: Callable[[str], bytes]) -> bytes:
    data = _inline(url) if url.startswith("data:") else fetch(url)
    if len(data) > FRAME_AT_MOST:
        raise UpstreamError(400, "InvalidFile.Size", "The input image is larger than 10 MB.")
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - start in under a second

    try:
        with Image.open(io.BytesIO(data)) as image:
            kind, size, mode = image.format, image.size, image.mode
    except (UnidentifiedImageError, OSError, ValueError):
        raise invalid("read image error") from None
    if kind not in FORMATS:
        raise invalid("image format error")
    if kind == "PNG" and mode in {"RGBA", "LA", "PA"}:
        raise invalid("image format error: an alpha channel is not supported")
    if not all(SIDES[0] <= side <= SIDES[1] for side in size):
        raise invalid("the size of input image is too small or too large.")
    return data


def _inline(url: str) -> bytes:
    head, _, body = url.partition(",")
    if not head.endswith(";base64"):
        raise invalid("image format error")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise invalid("read image error") from None


def download(session: requests.Session, url: str) -> bytes:
    """A frame from a public link.

    Raises:
        UpstreamError: 400 when it cannot be had.
    """
    if not url.startswith(("http://", "https://")):
        raise UpstreamError(400, "InvalidURL", "Required URL is missing or invalid.")
    try:
        response = session.get(url, timeout=FETCH_S)
    except requests.RequestException:
        raise invalid("Failed to download multimodal content") from None
    if response.status_code != 200:  # noqa: PLR2004 - HTTP's own
        raise invalid("Failed to download multimodal content")
    return response.content


def scenario(prompt: str) -> str:
    """The failure that a prompt asks for by `#name`; empty for none."""
    match = SCENARIO.search(prompt)
    return match[1] if match else ""
