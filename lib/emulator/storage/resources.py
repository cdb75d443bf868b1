"""How objects and buckets look in JSON, and the `fields` projection.

Names and formats of the JSON API reference ("Objects", "Buckets"): numbers as strings, RFC 3339
times with milliseconds, links that percent-encode the whole object name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lib.emulator.storage.errors import invalid
from lib.emulator.storage.model.metadata import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.storage.model.states import BucketState, Stored

HOSTS_AT_MOST = 2
PLAIN = re.compile(r"[A-Za-z0-9._~/-]*")


def object_json(stored: Stored, base: str) -> Mapping[str, Any]:
    """An object resource, made once for each state of an object: listings show it again and again.

    Args:
        stored: the object.
        base: scheme and host that links point to.
    """
    resource = stored.shown.get(base)
    if resource is None:
        if len(stored.shown) >= HOSTS_AT_MOST:
            stored.shown.clear()
        resource = stored.shown[base] = _object_json(stored, base)
    return resource


def _object_json(stored: Stored, base: str) -> dict[str, Any]:
    path = f"/storage/v1/b/{stored.bucket}/o/{_quoted(stored.name)}"
    created = updated = rfc3339(stored.created)
    if stored.updated != stored.created:
        updated = rfc3339(stored.updated)
    resource: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{stored.bucket}/{stored.name}/{stored.generation}",
        "selfLink": base + path,
        "mediaLink": f"{base}/download{path}?generation={stored.generation}&alt=media",
        "name": stored.name,
        "bucket": stored.bucket,
        "generation": str(stored.generation),
        "metageneration": str(stored.metageneration),
        "contentType": "application/octet-stream",
        "size": str(stored.size),
        "md5Hash": stored.md5,
        "crc32c": stored.crc32c,
        "etag": stored.etag,
        "timeCreated": created,
        "updated": updated,
        "timeStorageClassUpdated": created,
        **stored.fields,
    }
    if stored.metadata:
        resource["metadata"] = dict(stored.metadata)
    return resource


def _quoted(name: str) -> str:
    # A listing quotes a thousand names; most need nothing but their slashes encoded.
    return name.replace("/", "%2F") if PLAIN.fullmatch(name) else quote(name, safe="")


def bucket_json(bucket: BucketState, base: str) -> dict[str, Any]:
    """A bucket resource."""
    return {
        "kind": "storage#bucket",
        "id": bucket.name,
        "selfLink": f"{base}/storage/v1/b/{bucket.name}",
        "name": bucket.name,
        "projectNumber": "0",
        "metageneration": str(bucket.metageneration),
        "location": "US",
        "locationType": "multi-region",
        "storageClass": "STANDARD",
        "etag": f"B{bucket.metageneration}",
        "timeCreated": rfc3339(bucket.created),
        "updated": rfc3339(bucket.updated),
        **bucket.fields,
    }


def project(resource: Any, fields: str | None) -> Any:
    """The part of a resource that `fields` selects, such as `items(name,metadata),nextPageToken`.

    Raises:
        StorageError: 400 for a selector with unbalanced parentheses.
    """
    if not fields or fields == "*":
        return resource
    return _select(resource, _tree(fields))


def _tree(fields: str) -> dict[str, Any]:
    tree, rest = _parse(fields)
    if rest:
        raise invalid(f"Invalid field selection {fields!r}.", "fields")
    return tree


def _parse(text: str) -> tuple[dict[str, Any], str]:
    tree: dict[str, Any] = {}
    while text and not text.startswith(")"):
        end = next((i for i, char in enumerate(text) if char in ",()"), len(text))
        path, text = text[:end], text[end:]
        branch: dict[str, Any] = {}
        if text.startswith("("):
            branch, text = _parse(text[1:])
            if not text.startswith(")"):
                raise invalid("Invalid field selection: a parenthesis is missing.", "fields")
            text = text[1:]
        node = tree
        *parents, leaf = path.strip().split("/")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = branch
        text = text.removeprefix(",")
    return tree, text


def _select(resource: Any, tree: Mapping[str, Any]) -> Any:
    if isinstance(resource, list):
        return [_select(item, tree) for item in resource]
    if not isinstance(resource, dict) or not tree or "*" in tree:
        return resource
    return {key: _select(resource[key], branch) for key, branch in tree.items() if key in resource}
