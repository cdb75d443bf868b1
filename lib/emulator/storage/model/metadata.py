"""What may be written about an object: names, the service's own fields, custom metadata.

Sources: Cloud Storage documentation, "Object naming requirements", "Object metadata", "Quotas and
limits". A field that exists in the service but is not implemented here answers 501 with its name.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lib.emulator.storage.errors import StorageError, invalid, not_implemented

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA_AT_MOST = 8 * 1024
NAME_AT_MOST = 1024
# The fields that a writer may set.
WRITABLE = (
    "contentType",
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "customTime",
    "storageClass",
)
# The service's own fields: a client that sends a whole resource back sends these too.
SERVICE_OWN = frozenset(
    [
        "kind",
        "id",
        "selfLink",
        "mediaLink",
        "name",
        "bucket",
        "generation",
        "metageneration",
        "size",
        "md5Hash",
        "crc32c",
        "etag",
        "timeCreated",
        "updated",
        "timeStorageClassUpdated",
        "timeFinalized",
        "timeDeleted",
        "componentCount",
        "metadata",
        "owner",
    ]
)
STORAGE_CLASSES = frozenset(
    [
        "STANDARD",
        "NEARLINE",
        "COLDLINE",
        "ARCHIVE",
        "MULTI_REGIONAL",
        "REGIONAL",
        "DURABLE_REDUCED_AVAILABILITY",
    ]
)


def check_name(name: str) -> None:
    """Refuse what the service refuses ("Object naming requirements").

    Raises:
        StorageError: 400.
    """
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        raise invalid("An object name is valid Unicode; this holds a lone surrogate.") from None
    if not 1 <= len(encoded) <= NAME_AT_MOST:
        raise invalid(f"An object name has 1 to {NAME_AT_MOST} bytes; this has {len(encoded)}.")
    if name in {".", ".."} or "\r" in name or "\n" in name:
        raise invalid(f"The object name {name!r} is not allowed.")
    if name.startswith(".well-known/acme-challenge/"):
        raise invalid("Object names must not start with .well-known/acme-challenge/.")


def check_known(body: Mapping[str, Any]) -> None:
    """Refuse a field that would have an effect in the service and has none here.

    Raises:
        StorageError: 501 by name.
    """
    for key, value in body.items():
        if key not in WRITABLE and key not in SERVICE_OWN and value:
            raise not_implemented(f"the object field {key}")


def kept_fields(fields: Mapping[str, Any], old: Mapping[str, str] | None = None) -> dict[str, str]:
    """The writable fields as they are kept.

    Args:
        fields: what a writer sent; None removes a field.
        old: the fields before, when an object is changed.

    Raises:
        StorageError: 400 for a value that the service refuses, 501 for what needs a rewrite.
    """
    kept = {key: fields[key] for key in WRITABLE if fields.get(key) is not None}
    for key, value in kept.items():
        if not isinstance(value, str) or not value.isprintable():
            raise invalid(f"Invalid value {value!r} for {key}.", key)
    if "storageClass" in kept and kept["storageClass"] not in STORAGE_CLASSES:
        raise invalid(f"Invalid storage class {kept['storageClass']!r}.", "storageClass")
    if "customTime" in kept:
        kept["customTime"] = custom_time(kept["customTime"])
    if old is not None:
        _check_change(old, kept)
    return kept


def _check_change(old: Mapping[str, str], new: Mapping[str, str]) -> None:
    # "Object metadata", Custom-Time: once set it cannot be removed nor moved back.
    before, after = old.get("customTime"), new.get("customTime")
    if before is not None and (after is None or after < before):
        raise invalid("The custom time of an object cannot be removed or moved back.", "customTime")
    if old.get("storageClass") != new.get("storageClass"):
        raise not_implemented("a change of storageClass without a new upload")


def custom_time(text: str) -> str:
    """An RFC 3339 time, kept in UTC with milliseconds.

    Raises:
        StorageError: 400.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"Invalid customTime {text!r}: RFC 3339 is expected.", "customTime") from None
    if moment.tzinfo is None:
        raise invalid(f"Invalid customTime {text!r}: a time zone is missing.", "customTime")
    return rfc3339(moment.timestamp())


def rfc3339(seconds: float) -> str:
    """A time as the JSON API writes it: UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def kept_metadata(values: Mapping[str, Any]) -> dict[str, str]:
    """Custom metadata as the service keeps it: texts, 8 KiB in all ("Quotas and limits").

    Raises:
        StorageError: 400 above the limit or for a value that is no text.
    """
    kept = {key: value for key, value in values.items() if value is not None}
    for key, value in kept.items():
        if not isinstance(value, str):
            raise invalid(f"Invalid value for metadata {key!r}: a string is expected.", "metadata")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in kept.items())
    if size > METADATA_AT_MOST:
        message = f"The metadata is {size} bytes large; {METADATA_AT_MOST} are allowed."
        raise StorageError(400, "metadataTooLarge", message, "MetadataTooLarge")
    return kept
