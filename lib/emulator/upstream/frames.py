"""The two frames of a task: had from wherever they are, and checked by content.

Source: Model Studio, API reference of the kf2v models: JPEG, PNG without an alpha channel, BMP or
WEBP, sides of 240 to 8000 pixels, at most 10 MB.
"""

from __future__ import annotations

import base64
import binascii
import io
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests

from lib.emulator.upstream.errors import UpstreamError, invalid

if TYPE_CHECKING:
    from PIL import Image

    from lib.emulator.upstream.uploads import TemporaryFiles

AT_MOST = 10 * 1024 * 1024
SIDES = (240, 8000)
FORMATS = frozenset({"JPEG", "MPO", "PNG", "BMP", "WEBP"})  # MPO: a camera's JPEG with a preview
ALPHA = frozenset({"RGBA", "LA", "PA"})
FETCH_S = (3, 20)
BLOCK = 1 << 16


class Frames:
    """Where frames come from.

    Args:
        session: how links are downloaded.
        temporaries: what `oss://` names point to.
    """

    def __init__(self, session: requests.Session, temporaries: TemporaryFiles) -> None:
        self._session, self._temporaries = session, temporaries

    def get(self, url: str, account: str, model: str) -> bytes:
        """One frame, checked.

        Args:
            url: a link, a data URI or an `oss://` name.
            account: who wants it.
            model: for what.

        Raises:
            UpstreamError: 400 when it cannot be had or used.
        """
        if url.startswith("data:"):
            data = _inline(url)
        elif url.startswith("oss://"):
            data = self._temporaries.read(url, account, model)
        else:
            data = self._download(url)
        if len(data) > AT_MOST:
            raise UpstreamError(400, "InvalidFile.Size", "The input image is larger than 10 MB.")
        _check(data)
        return data

    def _download(self, url: str) -> bytes:
        data = b""
        try:
            with self._session.get(url, timeout=FETCH_S, stream=True) as response:
                if response.status_code != HTTPStatus.OK:
                    raise invalid("Failed to download multimodal content")
                for block in response.iter_content(BLOCK):
                    data += block
                    if len(data) > AT_MOST:
                        break
        except requests.RequestException:
            raise invalid("Failed to download multimodal content") from None
        return data


def _inline(url: str) -> bytes:
    head, _, body = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise invalid("image format error")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise invalid("read image error") from None


def _check(data: bytes) -> None:
    from PIL import Image  # the emulator starts in under a second

    try:
        image = Image.open(io.BytesIO(data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise invalid("the size of input image is too small or too large.") from None
    except (OSError, ValueError, SyntaxError):
        raise invalid("read image error") from None
    with image:
        _check_content(image)


def _check_content(image: Image.Image) -> None:
    if image.format not in FORMATS:
        raise invalid("image format error")
    if not all(SIDES[0] <= side <= SIDES[1] for side in image.size):
        raise invalid("the size of input image is too small or too large.")
    if image.format == "PNG" and (image.mode in ALPHA or "transparency" in image.info):
        raise invalid("image format error: an alpha channel is not supported")
    try:
        image.load()
    except Exception:  # noqa: BLE001 - decoders raise what they like for a broken picture
        raise invalid("read image error") from None
