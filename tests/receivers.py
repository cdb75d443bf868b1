"""Receivers of webhooks, good and bad, as one WSGI app; the path says how one behaves.

`/ok`, `/<status>`, `/hang` (never answers), `/die` (cuts the connection), `/forgets` (takes it and
cuts), `/weak` (refuses twice, then takes it), `/later` (says when to come back), `/moves`.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

from lib.emulator.body import Dropped

PLACE, ANOTHER = "http://127.0.0.1:9003", "http://127.0.0.1:9004"
PLACES = "http://127.0.0.1:900"  # the prefix of both; emulators are mounted under longer ones
WAYS = ("ok", "500", "410", "hang", "die", "forgets", "weak", "later")


@dataclass(frozen=True)
class Heard:
    """What arrived: when, where, under which id, and whether the receiver took it."""

    at: float
    way: str
    id: str
    body: bytes
    headers: dict
    taken: bool

    @property
    def event(self):
        return json.loads(self.body)

    def signed_by(self, secret):
        """Whether one of the signatures is this secret's, by the reference package."""
        own = Webhook(secret)
        stamp = int(self.headers["webhook-timestamp"])
        made = own.sign(self.id, datetime.fromtimestamp(stamp, UTC), self.body.decode())
        return made in self.headers["webhook-signature"].split()


class Receivers:
    """One app for all of them.

    Args:
        clock: the world's; hanging takes time on it.
    """

    def __init__(self, clock):
        self._clock, self.heard, self._tries = clock, [], Counter()
        self.pause = clock.advance

    def __call__(self, environ, start_response):
        way = environ["PATH_INFO"].strip("/").partition("/")[0]
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        message = headers.get("webhook-id", "")
        self._tries[message, way] += 1
        status, more, cut = self._behave(way, self._tries[message, way])
        taken = 200 <= status < 300
        self.heard.append(Heard(self._clock.now(), way, message, body, headers, taken=taken))
        if cut:
            raise Dropped
        start_response(f"{status} Simulated", [("Content-Length", "12"), *more])
        return [b"not for logs"]

    def _behave(self, way, tries):
        if way == "hang":
            self.pause(15)
        if way in {"hang", "die", "forgets"}:
            # Who forgets has taken the first one and never says so; later ones are answered.
            first = way == "forgets" and tries > 1
            return (200, [], False) if first else (200 if way == "forgets" else 0, [], True)
        if way == "weak":
            return (200, [], False) if tries > 2 else (500, [], False)
        if way == "later":
            return (200, [], False) if tries > 1 else (429, [("Retry-After", "1000")], False)
        if way == "moves":
            return 302, [("Location", f"{PLACE}/ok")], False
        return (int(way) if way.isdigit() else 204), [], False

    def of(self, job_id):
        """What arrived about a job."""
        return [one for one in self.heard if one.event["data"]["id"] == job_id]


def secret(letter="s"):
    """A secret for tests."""
    return "whsec_" + base64.b64encode(letter.encode() * 32).decode()
