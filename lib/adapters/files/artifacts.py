"""Frames and videos in the bucket, and the signed links to them.

A video is streamed from the upstream in constant memory and exists only when its length, checksum
and container were right. Links are V4, carry the injected clock's time, and live twelve hours at
most. It never fetches anything itself: the bytes are handed in.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lib.adapters.bucket.errors import Conflict, Missing
from lib.adapters.files.incoming import Crc32c, Incoming, NotDelivered, Unusable
from lib.adapters.files.v4 import Signer, sign_v4
from lib.core.errors import SIGNING_UNAVAILABLE, ApiError
from lib.core.jobs.job import FrameRef
from lib.core.media.mp4 import FilmFacts, NotTheFilm, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lib.adapters.bucket.client import Bucket, Meta
    from lib.core.media.decode import Frame

__all__ = ["Artifacts", "Link", "NotDelivered", "Unusable", "UploadLink", "Video"]

STEADY_AT_MOST = 4096  # links kept; one is half a kilobyte
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


class Artifacts:
    """What lies in the bucket for people.

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
        self._bucket, self._signer, self._now = bucket, signer, now
        self._endpoint, self._url_ttl_s = endpoint.rstrip("/"), url_ttl_s
        self._steady: dict[str, Link] = {}

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._bucket.name

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
        """The video if it lies in the bucket and is whole: a copy may not have heard that it won.

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

    # Links

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
        try:
            return sign_v4(self._signer(), self._endpoint, path, query, now=now, **further)
        except ApiError:
            raise
        except Exception as error:
            # google-auth raises a dozen kinds that share no parent with those of a bad key file,
            # of the metadata server's odd answers and of the transport; all mean the same here.
            raise ApiError(
                SIGNING_UNAVAILABLE,
                f"The service cannot sign links at the moment ({type(error).__name__}). Nothing is "
                "lost; ask again in a moment.",
                retry_after_s=5,
            ) from error
