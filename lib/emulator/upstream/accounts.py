"""Whose key it is, and which region a request is for.

A region is a base path (`/singapore/api/v1`) or, under the bare `/api/v1`, the host that the
request names. Keys, hosts and models belong to one region. Sources: Model Studio, "Wan
image-to-video by first and last frame" (a call across regions fails) and its table of endpoints;
DashScope Python SDK, `dashscope/common/env.py` (workspace hosts).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.emulator.upstream.errors import UpstreamError, named
from lib.emulator.upstream.models import REGION_CODES, REGIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BASE_PATH = re.compile(r"(?:/(singapore|beijing))?/api/v1(/.*)")
HOSTS = {"dashscope-intl.aliyuncs.com": "singapore", "dashscope.aliyuncs.com": "beijing"}
WORKSPACE_HOST = re.compile(r"[^.]+\.([a-z0-9-]+)\.maas\.aliyuncs\.com")
FIRST_KEY_ID, KEY_IDS_A_REGION = 40000, 1000


@dataclass(frozen=True)
class Caller:
    """Who asks, with the id of this very request.

    Attributes:
        region: where.
        account: whose key.
        key_id: the key's public id.
        request_id: of this request.
    """

    region: str
    account: str
    key_id: str
    request_id: str


class ApiKeys:
    """All keys of all regions.

    Args:
        keys: region to its API keys. All keys of a region are one account, except that a key
            written `NAME:KEY` belongs to the account NAME.

    Raises:
        ValueError: a region that is not known, or a key that stands twice.
    """

    def __init__(self, keys: Mapping[str, Sequence[str]]) -> None:
        self._keys: dict[str, tuple[str, str, str]] = {}
        for region, texts in keys.items():
            if region not in REGIONS:
                raise ValueError(f"region must be one of {', '.join(REGIONS)}; got {region!r}")
            first = FIRST_KEY_ID + KEY_IDS_A_REGION * list(REGIONS).index(region)
            for number, text in enumerate(texts, first):
                name, _, key = text.rpartition(":")
                if not key or key in self._keys:
                    raise ValueError(f"each API key must stand once and not be empty; got {key!r}")
                self._keys[key] = (region, name or region, str(number))
        self._default = next(iter(keys), "singapore")

    def locate(self, path: str, host: str) -> tuple[str, str] | None:
        """Region of a request and its path below the base, without a trailing slash.

        Args:
            path: as it came.
            host: the `Host` header; a name that no region has gets the first region with keys.
        """
        match = BASE_PATH.fullmatch(path)
        if match is None:
            return None
        return match[1] or self._of_host(host), match[2].rstrip("/")

    def _of_host(self, host: str) -> str:
        name = host.partition(":")[0].lower()
        workspace = WORKSPACE_HOST.fullmatch(name)
        for region, code in REGION_CODES.items():
            if workspace and workspace[1] == code:
                return region
        return HOSTS.get(name, self._default)

    def caller(self, region: str, authorization: str, request_id: str) -> Caller:
        """The owner of a bearer key.

        Raises:
            UpstreamError: 401 without a key, with an unknown one, or with another region's.
        """
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise UpstreamError(401, "InvalidApiKey", "No API-key provided.")
        key_region, account, key_id = self._keys.get(key.strip(), ("", "", ""))
        if key_region != region:
            raise named("key")
        return Caller(region, account, key_id, request_id)
