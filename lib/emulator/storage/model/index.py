"""What survives a restart: buckets and objects in one SQLite file beside the contents.

Each change is one transaction, written before its caller is answered. The file is not synced: it
outlives a killed process, not a lost machine, which is enough for a development server. A second
process on the same folder is refused.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lib.emulator.storage.model.states import BucketState, Stored

SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
  bucket TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (bucket, name)
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""

KEPT = [
    "bucket",
    "name",
    "generation",
    "metageneration",
    "created",
    "updated",
    "fields",
    "metadata",
]


class Index:
    """The SQLite file of a data folder. Its callers hold the store's lock.

    Args:
        path: the file, made when missing.

    Raises:
        RuntimeError: another process has it open.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.5)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.executescript(SCHEMA)
        except sqlite3.OperationalError as error:
            self._db.close()
            raise RuntimeError(f"{path.parent} is in use by another emulator ({error}).") from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def buckets(self) -> Iterator[dict[str, Any]]:
        """All buckets, as `save_bucket` wrote them."""
        for (body,) in self._db.execute("SELECT body FROM buckets"):
            yield json.loads(body)

    def objects(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All objects with the names of their contents, as `save_object` wrote them."""
        for content, body in self._db.execute("SELECT content, body FROM objects"):
            yield content, json.loads(body)

    def last_generation(self) -> int:
        """The highest generation ever given out."""
        row = self._db.execute("SELECT value FROM counters WHERE name = 'generation'").fetchone()
        return int(row[0]) if row else 0

    def save_bucket(self, bucket: BucketState) -> None:
        """Write a bucket without its objects."""
        body = {
            "name": bucket.name,
            "created": bucket.created,
            "updated": bucket.updated,
            "metageneration": bucket.metageneration,
            "fields": bucket.fields,
        }
        row = (bucket.name, json.dumps(body))
        self._db.execute("INSERT OR REPLACE INTO buckets VALUES (?, ?)", row)

    def drop_bucket(self, name: str) -> None:
        """Forget a bucket."""
        self._db.execute("DELETE FROM buckets WHERE name = ?", (name,))

    def save_object(self, stored: Stored) -> None:
        """Write an object; its content must be in place already."""
        body = {name: getattr(stored, name) for name in KEPT}
        body |= {name: getattr(stored.content, name) for name in ("size", "md5", "crc32c")}
        file = stored.content.file
        row = (stored.bucket, stored.name, file.name if file else "", json.dumps(body))
        self._db.execute("BEGIN")
        self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", row)
        self._db.execute(
            "INSERT OR REPLACE INTO counters VALUES ('generation',"
            " max(?, coalesce((SELECT value FROM counters WHERE name = 'generation'), 0)))",
            (stored.generation,),
        )
        self._db.execute("COMMIT")

    def drop_object(self, bucket: str, name: str) -> None:
        """Forget an object."""
        self._db.execute("DELETE FROM objects WHERE bucket = ? AND name = ?", (bucket, name))
