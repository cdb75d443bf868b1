"""Refusals as Cloud Storage answers them: JSON on the JSON API, XML on signed paths.

Statuses, reasons and XML codes are those of the public documentation ("HTTP status and error codes"
for JSON and for XML). Messages are ours: clients must not depend on them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape


@dataclass
class StorageError(Exception):
    """A refusal of the emulated service.

    Attributes:
        status: HTTP status.
        reason: JSON `errors[].reason`, such as `conditionNotMet`.
        message: one sentence.
        code: XML `Code`, such as `SignatureDoesNotMatch`.
        location: the parameter or header at fault.
        details: further XML elements.
        headers: further answer headers.
    """

    status: int
    reason: str
    message: str
    code: str = "InvalidArgument"
    location: str = ""
    details: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> bytes:
        """The body that the JSON API answers with."""
        row: dict[str, Any] = {
            "message": self.message,
            "domain": "global",
            "reason": self.reason,
        }
        if self.location:
            row |= {"locationType": "parameter", "location": self.location}
        error = {"code": self.status, "message": self.message, "errors": [row]}
        return json.dumps({"error": error}).encode()

    def xml(self) -> bytes:
        """The body that the XML API answers with."""
        details = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in self.details.items())
        return (
            "<?xml version='1.0' encoding='UTF-8'?>"
            f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message>"
            f"{details}</Error>"
        ).encode()


def not_found(what: str, *, bucket: bool = False) -> StorageError:
    """404 for an object, a generation, a bucket or an upload."""
    code = "NoSuchBucket" if bucket else "NoSuchKey"
    return StorageError(404, "notFound", f"No such {what}", code)


def precondition(name: str) -> StorageError:
    """412 for a precondition that did not hold."""
    message = "At least one of the pre-conditions you specified did not hold."
    return StorageError(412, "conditionNotMet", message, "PreconditionFailed", name)


def invalid(message: str, location: str = "") -> StorageError:
    """400 for a request that is wrong in itself."""
    return StorageError(400, "invalid", message, "InvalidArgument", location)


def not_implemented(what: str) -> StorageError:
    """501 for everything that this emulator does not implement: nothing is ignored silently."""
    message = f"The emulator does not implement {what}; see /emulator for what is missing."
    return StorageError(501, "notImplemented", message, "NotImplemented", what)
