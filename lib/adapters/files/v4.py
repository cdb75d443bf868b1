"""V4 signatures of Cloud Storage, written out: links that carry the injected clock's time.

The client library signs with the machine's time; tests hold these byte-equal to the library's at
the same instant. It knows neither the bucket nor where the key lies.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


class Signer(Protocol):
    """Who signs links: google-auth's IAM signer in the cloud, a key file locally."""

    @property
    def email(self) -> str:
        """The service account whose name the signature carries."""

    def sign(self, message: bytes) -> bytes:
        """An RSA-SHA256 signature."""


def sign_v4(
    signer: Signer,
    endpoint: str,
    path: str,
    query: Mapping[str, str],
    *,
    now: int,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> str:
    """A signed link (Cloud Storage, "V4 signing process with your own program").

    Args:
        signer: in whose name.
        endpoint: scheme and host, without a trailing slash.
        path: of the object, percent-encoded.
        query: further parameters, with `X-Goog-Expires`.
        now: Unix seconds.
        method: that the link is for; one for GET answers HEAD, too.
        headers: that the request must carry exactly so, beside the host.
    """
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/auto/storage/goog4_request"
    signed = {name.lower(): " ".join(value.split()) for name, value in (headers or {}).items()}
    signed["host"] = urlsplit(endpoint).netloc
    names = ";".join(sorted(signed))
    fields = {
        **query,
        "X-Goog-Algorithm": "GOOG4-RSA-SHA256",
        "X-Goog-Credential": f"{signer.email}/{scope}",
        "X-Goog-Date": stamp,
        "X-Goog-SignedHeaders": names,
    }
    canonical_query = "&".join(
        f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in sorted(fields.items())
    )
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    request = f"{method}\n{path}\n{canonical_query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"GOOG4-RSA-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = signer.sign(to_sign.encode()).hex()
    return f"{endpoint}{path}?{canonical_query}&X-Goog-Signature={signature}"
