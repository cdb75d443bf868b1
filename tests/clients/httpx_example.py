"""A film with httpx: python httpx_example.py FIRST LAST; URL and KEY from the environment."""

import asyncio
import os
import sys
import time
import uuid
from pathlib import Path

import httpx

SERVICE = {
    "base_url": os.environ["URL"],
    "headers": {"Authorization": f"Bearer {os.environ['KEY']}"},
    "timeout": 60,
    "follow_redirects": True,  # the key stays behind: httpx takes it off for another origin
}
TRIES, AGAIN = 4, {429, 500, 502, 503, 504}


def pause_s(response, attempt):
    """As long as we are told, or a little longer each time."""
    return float(response.headers.get("Retry-After", 0) if response else 0) or 0.5 * 2**attempt


def order(first, last, prompt):
    """The same key on every try: a lost answer is asked for again, never paid again."""
    return {
        "data": {"prompt": prompt},
        "files": {"first_frame": Path(first).read_bytes(), "last_frame": Path(last).read_bytes()},
        "headers": {"Idempotency-Key": str(uuid.uuid4())},
    }


def send(client, method, path, **options):
    """One call, tried again when that may help."""
    for attempt in range(TRIES):
        response = None
        try:
            response = client.request(method, path, **options)
            if response.status_code not in AGAIN:
                break
        except httpx.TransportError:
            if attempt == TRIES - 1:
                raise
        time.sleep(pause_s(response, attempt))
    if response.headers.get("Content-Type") == "application/problem+json":
        raise RuntimeError(response.json()["error"]["message"])
    return response.raise_for_status()


def film(first, last, prompt, out):
    """Two files become a film in a third."""
    with httpx.Client(**SERVICE) as client:
        response = send(client, "POST", "/v1/videos", **order(first, last, prompt))
        while (job := response.json())["status"] in {"queued", "in_progress"}:
            time.sleep(int(response.headers["openai-poll-after-ms"]) / 1000)
            response = send(client, "GET", f"/v1/videos/{job['id']}")
        if job["status"] != "completed":
            raise RuntimeError(job["error"]["message"])
        with (
            client.stream("GET", f"/v1/videos/{job['id']}/content") as video,
            Path(out).open("wb") as file,
        ):
            video.raise_for_status()
            file.writelines(video.iter_bytes())
        return job


async def films(pairs, prompt):
    """Several at once: each is sent, then all are waited for."""

    async def one(client, first, last):
        made = await client.post("/v1/videos", **order(first, last, prompt))
        job = made.raise_for_status().json()
        while job["status"] in {"queued", "in_progress"}:
            wait = {"Prefer": "wait=20"}  # answered when the job has ended, or after 20 seconds
            asked = await client.get(f"/v1/videos/{job['id']}", headers=wait)
            job = asked.raise_for_status().json()
            if "Preference-Applied" not in asked.headers:  # too many wait there already
                await asyncio.sleep(2)
        return job

    async with httpx.AsyncClient(**SERVICE) as client:
        return await asyncio.gather(*(one(client, *pair) for pair in pairs))


if __name__ == "__main__":
    one, other = sys.argv[1:3]
    print(film(one, other, "The cat looks up", "film.mp4")["size"])
    made = asyncio.run(films([(one, other), (other, one)], "The cat looks down"))
    print([job["status"] for job in made])
