"""A hook on the wire: a test sees every call between the service and the emulators, and may spoil it."""

from __future__ import annotations

import json

import requests
from requests.adapters import BaseAdapter

from lib.emulator.in_process import InProcess
from lib.emulator.upstream import Timing, UpstreamApp
from tests.world import KEY, STORAGE, UPSTREAM


class Hooked(BaseAdapter):
    """Hands each call to a hook: `hook(request, send)` gives the response, or raises instead.

    Args:
        app: the WSGI app that answers `send(request)`.
        hook: what stands between.
    """

    def __init__(self, app, hook):
        super().__init__()
        self._inside, self._hook = InProcess(app), hook

    def send(self, request, **options):
        return self._hook(request, lambda asked: self._inside.send(asked, **options))

    def close(self):
        pass


def instance(world, *, upstream=None, storage=None, **options):
    """A function instance of a world, with hooks on its wires."""

    def through(request, send):
        return send(request)

    def connect():
        session = world.session()
        session.mount(STORAGE, Hooked(world.storage, storage or through))
        session.mount(UPSTREAM, Hooked(world.upstream, upstream or through))
        return session

    return world.instance(connect=connect, **options)


class Ahead:
    """A clock that shows another time than the world's, and moves with it."""

    def __init__(self, clock, ahead_s):
        self._clock, self._ahead_s = clock, ahead_s
        self.advance, self.on_advance = clock.advance, clock.on_advance

    def now(self):
        return self._clock.now() + self._ahead_s


def upstream_ahead(world, ahead_s, render):
    """Give a world an upstream whose clock is off by so many seconds.

    Args:
        world: before its story.
        ahead_s: of the upstream's clock.
        render: makes a task's film.
    """
    world.upstream = UpstreamApp(
        Ahead(world.clock, ahead_s),
        keys={"singapore": [KEY]},
        base_url=UPSTREAM,
        render=render,
        fetch=world.web,
        timing=Timing.virtual(lambda: (1.0, 60.0)),
        overflow="refuse",
        seed=7,  # ids of its own, whatever was made before
    )
    world.web.mount(UPSTREAM, InProcess(world.upstream))
    world.deploy({})


def is_create(request):
    return request.method == "POST" and request.url.endswith("video-synthesis")


def is_list(request):
    return request.method == "GET" and "/tasks?" in request.url


def changed(response, change):
    """A JSON answer after `change(data)`; a change that returns something replaces the whole."""
    data = json.loads(response.content)
    other = change(data)
    return with_body(response, json.dumps(data if other is None else other).encode())


def with_body(response, body):
    """The answer with another body, however it is read."""
    response.headers["Content-Length"] = str(len(body))
    response.raw = _Raw(body)
    response._content_consumed = False
    response._content = False
    return response


class _Raw:
    """What is left of a connection when its body was changed."""

    def __init__(self, body):
        self._body, self.closed = body, False

    def stream(self, *_args, **_options):
        yield self._body

    def read(self, *_args, **_options):
        body, self._body = self._body, b""
        return body

    read1 = read

    def close(self):
        self.closed = True

    def release_conn(self):
        pass


def refused(request, status, body=b"{}"):
    """What a service answers that does not work now: nothing took effect."""

    def app(_environ, start_response):
        start_response(f"{status} Simulated", [("Content-Length", str(len(body)))])
        return [body]

    return InProcess(app).send(request, stream=True)


def lost(request):
    """The answer that nobody heard."""
    return requests.ConnectionError("the answer was lost", request=request)
