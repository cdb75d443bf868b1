"""Signed links to objects: to read one, or to put one that is not there yet.

Links are V4, carry the injected clock's time, and live twelve hours at most. Whether an object
exists is not asked; who signs is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lib.adapters.files.trouble import Signing
from lib.adapters.files.v4 import sign_v4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.adapters.bucket.client import Bucket
    from lib.adapters.files.v4 import Signer

STEADY_AT_MOST = 4096  # links kept; one is half a kilobyte


@dataclass(frozen=True)
class Link:
    """A signed link.

    Attributes:
        url: for GET and HEAD, with ranges.
        expires_at: Unix seconds.
    """

    url: str
    expires_at: float


@dataclass(frozen=True)
class UploadLink:
    """A signed link to put one file with.

    Attributes:
        url: for one PUT.
        headers: to be sent exactly so.
        object: the `gs://` name of what will be there.
        expires_at: Unix seconds.
    """

    url: str
    headers: Mapping[str, str]
    object: str
    expires_at: float


class Links:
    """Makes links to the objects of one bucket, without asking it.

    Args:
        bucket: where.
        signer: makes the signer when the first link is asked for.
        endpoint: scheme and host that links point to.
        now: Unix seconds.
        url_ttl_s: how long a link lives.
    """

    def __init__(
        self,
        bucket: Bucket,
        *,
        signer: Callable[[], Signer],
        endpoint: str,
        now: Callable[[], float],
        url_ttl_s: int,
    ) -> None:
        self._bucket, self._signing, self._now = bucket, Signing(signer, now), now
        self._endpoint, self._url_ttl_s = endpoint.rstrip("/"), url_ttl_s
        self._steady: dict[str, Link] = {}

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._bucket.name

    def check_signing(self) -> None:
        """Let pass when links are signed; seldom signs something to know.

        Raises:
            ApiError: `signing_unavailable`, and what would mend it.
        """
        self._signing.check()

    def link(
        self,
        name: str,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        ttl_s: int | None = None,
        at: float | None = None,
    ) -> Link:
        """A V4 signed link, made without asking the bucket.

        Args:
            name: the object.
            filename: what a browser should call a download; None shows it inline.
            content_type: what the answer should claim.
            ttl_s: seconds to live; None takes the configured life.
            at: when the link's life begins, Unix seconds; None is now.

        Raises:
            ApiError: `signing_unavailable`: nobody signs at the moment.
        """
        now, ttl_s = int(self._now() if at is None else at), ttl_s or self._url_ttl_s
        query = {"X-Goog-Expires": str(ttl_s)}
        if content_type:
            query["response-content-type"] = content_type
        if filename:
            query["response-content-disposition"] = f'attachment; filename="{filename}"'
        return Link(self._signed(name, query, now), now + ttl_s)

    def steady_link(self, name: str) -> Link:
        """A link that stays the same for a quarter of its life: what shows it may be cached.

        Three quarters of the configured life are left at least.

        Raises:
            ApiError: `signing_unavailable`: nobody signs at the moment.
        """
        begun = self._now() // (self._url_ttl_s / 4) * (self._url_ttl_s / 4)
        if (known := self._steady.get(name)) and known.expires_at == int(begun) + self._url_ttl_s:
            return known
        if len(self._steady) >= STEADY_AT_MOST:
            self._steady.clear()
        link = self._steady[name] = self.link(name, at=begun)
        return link

    def upload_link(
        self, name: str, content_type: str, *, limit_bytes: int, ttl_s: int
    ) -> UploadLink:
        """A V4 signed PUT for one new object, made without asking the bucket.

        The signature covers the type, the size and that nothing is overwritten: the bucket itself
        refuses everything else (XML API reference, "Request headers").

        Args:
            name: of the object that is to come.
            content_type: of the file that will be sent.
            limit_bytes: the largest.
            ttl_s: seconds to live.

        Raises:
            ApiError: `signing_unavailable`: nobody signs at the moment.
        """
        now = int(self._now())
        headers = {
            "Content-Type": content_type,
            "x-goog-content-length-range": f"0,{limit_bytes}",
            "x-goog-if-generation-match": "0",
        }
        query = {"X-Goog-Expires": str(ttl_s)}
        url = self._signed(name, query, now, method="PUT", headers=headers)
        return UploadLink(url, headers, f"gs://{self._bucket.name}/{name}", now + ttl_s)

    def _signed(self, name: str, query: Mapping[str, str], now: int, **further: Any) -> str:
        path = f"/{self._bucket.name}/{quote(name, safe='/~')}"
        return self._signing.use(
            lambda signer: sign_v4(signer, self._endpoint, path, query, now=now, **further)
        )
