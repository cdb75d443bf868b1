"""One object and one bucket as they stand: what everything else in the model reads and replaces.

Plain values with their etags. They check nothing and keep nothing; the store does.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.storage.model.contents import Content


@dataclass(frozen=True)
class Stored:
    """One generation of an object at one metageneration.

    Attributes:
        fields: what writers set of the service's own fields.
        metadata: custom metadata.
        shown: its resources by the host they name; the module of resources keeps them here.
    """

    bucket: str
    name: str
    content: Content
    generation: int
    metageneration: int
    created: float
    updated: float
    fields: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    shown: dict[str, Mapping[str, Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def size(self) -> int:
        """Bytes."""
        return self.content.size

    @property
    def md5(self) -> str:
        """Base64 MD5 of the content."""
        return self.content.md5

    @property
    def crc32c(self) -> str:
        """Base64 CRC32C of the content."""
        return self.content.crc32c

    @property
    def etag(self) -> str:
        """The JSON API's: moves with every change of content or metadata."""
        raw = f"{self.generation}/{self.metageneration}".encode()
        return base64.b64encode(raw).decode()

    @property
    def content_etag(self) -> str:
        """The XML API's: the MD5 of the content in hexadecimal."""
        return base64.b64decode(self.md5).hex()


@dataclass
class BucketState:
    """One bucket: its own metadata and its live objects."""

    name: str
    created: float
    updated: float
    metageneration: int = 1
    fields: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, Stored] = field(default_factory=dict)
