"""The bucket: conditional writes over google-cloud-storage, with one bounded retry of ours.

`state` and `files` are built on it. It knows objects, generations and preconditions,
and nothing of what the objects mean. The client's own retries are off (`retry=None`), because they
sleep by the machine's clock and turn our own write, whose answer was lost, into a 412.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lib.adapters.bucket.errors import Conflict, Missing, map_errors, unavailable
from lib.adapters.bucket.metadata import Meta, meta_of, page_of
from lib.adapters.bucket.resumable import CHUNK_BYTES, Resumable
from lib.core.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

T = TypeVar("T")

TIMEOUT_S = (3.05, 20.0)  # connect, read
# Storage answers 429 to a second write within a second on one object; about 3 s outlast it.
PAUSES_S = (0.2, 0.5, 1.0, 1.3)
LIST_FIELDS = "items(name,metadata,generation,metageneration,size,timeCreated),nextPageToken"


class Bucket:
    """One bucket.

    Args:
        bucket: a google.cloud.storage.Bucket on a client whose transport is already set up.
        sleep: waits that many seconds between two tries.
    """

    def __init__(self, bucket: Any, sleep: Callable[[float], None]) -> None:
        self._bucket = bucket
        self._sleep = sleep

    @property
    def name(self) -> str:
        """The bucket's name."""
        return str(self._bucket.name)

    def create(
        self,
        name: str,
        data: bytes,
        content_type: str,
        metadata: Mapping[str, str | None] | None = None,
        *,
        generation: int = 0,
    ) -> Meta:
        """Write an object if its live generation is `generation` (0: if there is none).

        Raises:
            Conflict: the precondition did not hold; the caller compares tokens, since a lost answer
                of our own write looks the same.
            ApiError: the bucket does not answer.
        """
        wanted = {key: value for key, value in (metadata or {}).items() if value is not None}

        def call() -> Meta:
            blob = self._bucket.blob(name)  # a fresh one: an odd answer spoils it
            blob.metadata = wanted
            blob.upload_from_string(
                data,
                content_type=content_type,
                if_generation_match=generation,
                timeout=TIMEOUT_S,
                retry=None,
            )
            return meta_of(blob)

        return self._try(call)

    def read(self, name: str) -> bytes | None:
        """The content, None when there is no such object.

        Raises:
            ApiError: the bucket does not answer.
        """
        blob = self._bucket.blob(name)
        try:
            return bytes(
                self._plain(lambda: blob.download_as_bytes(timeout=TIMEOUT_S, retry=None)) or b""
            )
        except Missing:
            return None

    def stat(self, name: str) -> Meta | None:
        """The object without its content, None when there is no such object.

        Raises:
            ApiError: the bucket does not answer.
        """

        def call() -> Meta:
            blob = self._bucket.blob(name)
            blob.reload(timeout=TIMEOUT_S, retry=None)
            return meta_of(blob)

        try:
            return self._plain(call)
        except Missing:
            return None

    def patch(self, meta: Meta, metadata: Mapping[str, str | None]) -> Meta:
        """Merge custom metadata if the object is still as `meta` saw it; None deletes a key.

        Raises:
            Conflict: it changed (or our own earlier try won without telling us).
            Missing: it is gone.
            ApiError: the bucket does not answer.
        """

        def call() -> Meta:
            blob = self._bucket.blob(meta.name, generation=meta.generation)
            blob.metadata = dict(metadata)
            blob.patch(
                if_generation_match=meta.generation,
                if_metageneration_match=meta.metageneration,
                timeout=TIMEOUT_S,
                retry=None,
            )
            return meta_of(blob)

        return self._try(call)

    def delete(self, name: str, generation: int, metageneration: int | None = None) -> bool:
        """Delete this very generation; False when it is gone already.

        Raises:
            Conflict: the metageneration moved.
            ApiError: the bucket does not answer.
        """
        blob = self._bucket.blob(name, generation=generation)

        def call() -> None:
            blob.delete(
                if_generation_match=generation,
                if_metageneration_match=metageneration,
                timeout=TIMEOUT_S,
                retry=None,
            )

        try:
            (self._plain if metageneration is None else self._try)(call)
        except Missing:
            return False
        return True

    def objects(self, prefix: str, start: str | None = None) -> Iterator[Meta]:
        """Every object under a prefix with its metadata, in name order.

        Args:
            prefix: of the names.
            start: the first name that may come; None starts at the beginning.

        Raises:
            ApiError: the bucket does not answer; a partial list is never returned as whole.
        """
        token: str | None = None
        last = ""
        while True:
            page, following = self._plain(partial(self._page, prefix, start, token, last))
            yield from page
            if following is None:
                return
            if following == token and not page:
                raise unavailable("its list does not come to an end")
            token, last = following, page[-1].name if page else last

    def _page(
        self, prefix: str, start: str | None, token: str | None, last: str
    ) -> tuple[list[Meta], str | None]:
        blobs = self._bucket.list_blobs(
            prefix=prefix,
            start_offset=start,
            page_token=token,
            fields=LIST_FIELDS,
            page_size=1000,
            timeout=TIMEOUT_S,
            retry=None,
        )
        return page_of(blobs, prefix, last)

    def upload(
        self,
        name: str,
        content_type: str,
        chunks: Iterable[bytes],
        confirm: Callable[[], None],
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        """Stream a new object in, in constant memory.

        Nothing exists before the last byte is in, and the write fails if the object exists by then.
        A chunk that the bucket refuses or does not answer is tried again, see `resumable`.

        Args:
            name: the object.
            content_type: its type.
            chunks: its bytes in order; an exception from there cancels the upload.
            confirm: called before the last chunk is sent, with which the object comes to exist; an
                exception from there cancels the upload.
            alive: called before a chunk is sent again; an exception from there cancels the upload.

        Raises:
            Conflict: the object exists.
            ApiError: the bucket does not answer; after the last byte the object may exist.
        """
        blob = self._bucket.blob(name)
        upload = Resumable(blob, content_type, sleep=self._sleep, alive=alive)
        try:
            upload.send(chunks, confirm)
        except BaseException:
            upload.abandon()
            raise

    def blocks(self, meta: Meta) -> Iterator[bytes]:
        """The content of one generation in blocks of `CHUNK_BYTES`, each asked for with a range.

        Raises:
            Missing: that generation is gone.
            ApiError: the bucket does not answer.
        """
        blob = self._bucket.blob(meta.name, generation=meta.generation)
        for start in range(0, meta.size, CHUNK_BYTES):
            end = min(start + CHUNK_BYTES, meta.size) - 1
            yield bytes(
                self._plain(
                    partial(
                        blob.download_as_bytes,
                        start=start,
                        end=end,
                        timeout=TIMEOUT_S,
                        retry=None,
                        checksum=None,
                    )
                )
            )

    def _plain(self, call: Callable[[], T]) -> T:
        def without_condition() -> T:
            try:
                return map_errors(call)
            except Conflict as odd:  # a generation that is gone is 404
                raise unavailable("it answered 412 where no condition can fail") from odd

        return self._try(without_condition)

    def _try(self, call: Callable[[], T]) -> T:
        for pause_s in PAUSES_S:
            try:
                return map_errors(call)
            except ApiError:
                self._sleep(pause_s)
        return map_errors(call)
