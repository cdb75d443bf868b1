"""Frames and videos in the bucket.

A video is streamed from the upstream in constant memory and exists only when its length, checksum
and container were right. It never fetches anything itself: the bytes are handed in. How links to
them are signed is the business of `links`.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.adapters.bucket.errors import Conflict, Missing
from lib.adapters.files.incoming import Crc32c, Incoming, NotDelivered, Unusable
from lib.adapters.files.links import Link, Links, UploadLink
from lib.core.jobs.job import FrameRef
from lib.core.media.mp4 import FilmFacts, NotTheFilm, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lib.adapters.bucket.metadata import Meta
    from lib.core.media.decode import Frame

__all__ = ["Artifacts", "Link", "NotDelivered", "Unusable", "UploadLink", "Video"]

MP4 = "video/mp4"


@dataclass(frozen=True)
class Video:
    """A verified video.

    Attributes:
        object: its name.
        generation: of the object.
        bytes: its length.
        crc32c: base64, as the bucket computed it over what it stores.
        film: what the container says.
    """

    object: str
    generation: int
    bytes: int
    crc32c: str
    film: FilmFacts


class Artifacts(Links):
    """What lies in the bucket for people, and links to it.

    Args:
        bucket: where.
        signer: makes the signer when the first link is asked for.
        endpoint: scheme and host that links point to.
        now: Unix seconds.
        url_ttl_s: how long a link lives.
    """

    # Frames

    def store_frame(self, owner: str, job_id: str, frame: Frame) -> FrameRef:
        """Keep a checked frame; the same content twice is one object.

        Raises:
            ApiError: the bucket does not answer.
        """
        digest = hashlib.sha256(frame.data).hexdigest()[:32]
        name = f"frames/{owner}/{job_id}/{digest}.{frame.ext}"
        # Named by its content: what stands in the way is what we would write.
        with suppress(Conflict):
            self._bucket.create(name, frame.data, frame.mime)
        return FrameRef(name, frame.mime, frame.width, frame.height, len(frame.data))

    def frame(self, ref: FrameRef) -> bytes | None:
        """The bytes of a stored frame, None when they are gone."""
        return self._bucket.read(ref.object)

    # Videos

    def store_video(
        self,
        owner: str,
        job_id: str,
        chunks: Iterable[bytes],
        length: int | None,
        still_ours: Callable[[], bool],
    ) -> Video:
        """Stream a video into the bucket and verify it on the way.

        Args:
            owner: whose.
            job_id: which job's.
            chunks: the bytes in order; an empty one only asks whether to go on.
            length: how many the source declared; None when it did not.
            still_ours: asked while they come, and as the last thing before the object exists.

        Raises:
            Unusable: it came as a whole and is no playable film, or it is too large.
            NotDelivered: lease lost, or cut on the way, or the bucket failed; nothing was kept.
            ApiError: the bucket does not answer.
        """
        name = f"videos/{owner}/{job_id}.mp4"
        coming = Incoming(chunks, length, still_ours)
        try:
            self._bucket.upload(name, MP4, coming, coming.confirm, coming.alive)
        except NotTheFilm as reason:
            raise coming.refusal(reason) from reason
        except Missing as reason:
            raise NotDelivered("the bucket lost the upload") from reason
        except Conflict:
            return self._verify_existing(name)
        return self._confirm(name, coming.film, coming.size, coming.crc32c)

    def stored_video(self, owner: str, job_id: str) -> Video | None:
        """The video if it lies in the bucket and is whole: a copy may not know that it won.

        Raises:
            ApiError: the bucket does not answer.
        """
        try:
            return self._verify_existing(f"videos/{owner}/{job_id}.mp4")
        except (NotDelivered, Missing):
            return None

    def _confirm(self, name: str, film: FilmFacts, size: int, crc32c: str) -> Video:
        meta = self._bucket.stat(name)
        if meta is None:
            raise NotDelivered("the stored video is gone again")
        if meta.size != size or meta.crc32c != crc32c:
            self._bucket.delete(name, meta.generation)
            raise NotDelivered("the bucket stored other bytes than were sent")
        return Video(name, meta.generation, size, crc32c, film)

    def _verify_existing(self, name: str) -> Video:
        """Judge a video that is there already (our own lost answer, or another holder's copy)."""
        meta = self._bucket.stat(name)
        if meta is None:
            raise NotDelivered("the video that stood in the way is gone")
        try:
            return self._judge(meta)
        except NotTheFilm as reason:
            self._bucket.delete(name, meta.generation)
            raise NotDelivered(f"a bad copy was removed: {reason}") from reason

    def _judge(self, meta: Meta) -> Video:
        probe, crc = Probe(), Crc32c()
        for block in self._bucket.blocks(meta):
            probe.feed(block)
            crc.update(block)
        film = probe.film()
        if crc.base64() != meta.crc32c:
            raise NotTheFilm("its checksum does not match")
        return Video(meta.name, meta.generation, meta.size, meta.crc32c, film)

    def remove_video(self, owner: str, job_id: str) -> None:
        """Delete a video if there is one."""
        self.remove(f"videos/{owner}/{job_id}.mp4")

    def remove_frames(self, owner: str, job_id: str) -> None:
        """Delete the frames of a job."""
        for meta in list(self._bucket.objects(f"frames/{owner}/{job_id}/")):
            self._bucket.delete(meta.name, meta.generation)

    def remove(self, name: str) -> None:
        """Delete whatever generation of an object is live, if any."""
        if meta := self._bucket.stat(name):
            self._bucket.delete(name, meta.generation)
