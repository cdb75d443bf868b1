"""One job through a service over plain HTTP: post two pictures, follow, download the film.

Talks to a local or a deployed service alike and knows nothing of what is behind it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lib.cli.screen import Screen

TIMEOUT_S = (5, 60)
ASK_EVERY_S = 0.3
PATIENCE_S = 30.0  # with a service that does not answer, or not now
TRANSIENT = frozenset({429, 500, 502, 503, 504})
TERMINAL = frozenset({"completed", "failed", "cancelled", "expired"})


class JobRefused(Exception):
    """The service said no, or the job did not complete; the message says why."""


class NotNow(JobRefused):
    """The service did not answer, or says that it may answer soon."""


@dataclass(frozen=True)
class FilmRequest:
    """Two pictures and what to make of them.

    Attributes:
        first: encoded picture.
        last: encoded picture.
        fields: further form fields of `POST /v1/videos`.
    """

    first: bytes
    last: bytes
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceAddress:
    """Where to send it.

    Attributes:
        url: without a trailing slash.
        key: the bearer key, if the service wants one.
        watch: called between two questions; raises when waiting has no sense any more.
    """

    url: str
    key: str | None = None
    watch: Callable[[], None] = lambda: None

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def submit(service: ServiceAddress, request: FilmRequest) -> dict[str, Any]:
    """Post a request; returns the job.

    Raises:
        JobRefused: the service said no, in its own words.
    """
    files = {"first_frame": ("first", request.first), "last_frame": ("last", request.last)}
    response = requests.post(
        f"{service.url}/v1/videos",
        data=dict(request.fields),
        files=files,
        headers=service.headers(),
        timeout=TIMEOUT_S,
    )
    return _json(response)


def follow(service: ServiceAddress, job: dict[str, Any], screen: Screen) -> dict[str, Any]:
    """Ask until the job has ended, with a bar; a service that is away for a moment is waited for.

    Raises:
        JobRefused: it ended without a film.
        NotNow: no answer for `PATIENCE_S`.
    """
    screen.restart()
    heard = time.monotonic()
    while job["status"] not in TERMINAL:
        screen.progress(job["progress"], f"{job['status']}: {job['stage']}")
        time.sleep(ASK_EVERY_S)
        service.watch()
        try:
            job, heard = _ask(service, job["id"]), time.monotonic()
        except NotNow:
            if time.monotonic() - heard > PATIENCE_S:
                raise
    screen.progress(job["progress"], f"{job['status']}: {job['stage']}")
    if job["status"] != "completed":
        error = job.get("error") or {}
        raise JobRefused(f"the job {job['status']}: {error.get('code')}: {error.get('message')}")
    return job


def download(job: Mapping[str, Any], path: Path) -> int:
    """Save the film behind the signed link; returns its bytes.

    Raises:
        JobRefused: the link does not answer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with requests.get(job["url"], stream=True, timeout=TIMEOUT_S) as response:
        if not response.ok:
            raise JobRefused(f"the signed link answered {response.status_code}")
        with path.open("wb") as file:
            for chunk in response.iter_content(1 << 16):
                file.write(chunk)
    return path.stat().st_size


def _ask(service: ServiceAddress, job_id: str) -> dict[str, Any]:
    url = f"{service.url}/v1/videos/{job_id}"
    try:
        response = requests.get(url, headers=service.headers(), timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise NotNow(f"no answer from {url}: {type(error).__name__}") from None
    return _json(response)


def _json(response: requests.Response) -> dict[str, Any]:
    kind = NotNow if response.status_code in TRANSIENT else JobRefused
    try:
        data: dict[str, Any] = response.json()
    except ValueError:
        raise kind(f"HTTP {response.status_code} without JSON from {response.url}") from None
    if not response.ok:
        raise kind(f"HTTP {response.status_code}: {data.get('detail') or data}")
    return data
