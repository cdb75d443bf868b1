"""What can take long is done before the lease: nobody is in doubt about a frame, and no lease waits."""

import base64
import json

import pytest
import requests
from requests.adapters import BaseAdapter
from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.core.jobs.job import Stage
from lib.emulator.in_process import InProcess
from tests.receivers import PLACES
from tests.world import STORAGE, UPSTREAM, picture

CREATE = "video-synthesis"
FIRST, LAST = (
    "data:image/png;base64," + base64.b64encode(picture(400, 400, color=color)).decode()
    for color in ((1, 2, 3), (200, 60, 30))
)
ORDER = {"first_frame": FIRST, "last_frame": LAST, "prompt": "rain"}


class Wire(BaseAdapter):
    """Tells of every call, before it goes on and after."""

    def __init__(self, app, tell):
        super().__init__()
        self._inside, self._tell = InProcess(app), tell

    def send(self, request, **options):
        self._tell(request)
        return self._inside.send(request, **options)

    def close(self):
        pass


def instance(world, tell):
    apps = {STORAGE: world.storage, UPSTREAM: world.upstream, PLACES: world.receivers}

    def connect():
        session = requests.Session()
        session.trust_env = False
        for prefix, app in apps.items():
            session.mount(prefix, Wire(app, tell))
        return session

    return world.instance(connect=connect)


def stages(world):
    return [held.state.stage for held in world.context.jobs.pending()]


def forms(request):
    """Whether a call puts a file on the upstream's storage, or asks for the place."""
    return UPSTREAM in request.url and (
        "getPolicy" in request.url or (request.method == "POST" and CREATE not in request.url)
    )


def post(service):
    answer = Client(Request.application(service.api)).post("/v1/videos", json=ORDER)
    assert answer.status_code == 202, answer.get_json()
    return answer.get_json()


@pytest.fixture(params=["post", "tick"])
def way(request):
    return request.param


def carried(world, service, way):
    """A job that the service sends while it posts it, or in its tick."""
    if way == "post":
        return post(service)["id"]
    gate = world.context.ledger.gate("singapore")
    world.context.ledger.move_gate(gate, "t", free=0)
    job = post(world.service)["id"]
    assert world.paid() == []
    world.clock.advance(2)
    service.tick()
    return job


def test_no_lease_is_held_while_frames_are_uploaded(make_world, way):
    world = make_world(env={"FRAME_DELIVERY": "upload"})
    seen = {"forms": [], "create": []}

    def tell(request):
        if forms(request):
            seen["forms"] += stages(world)
        if CREATE in request.url:
            seen["create"] += stages(world)

    carried(world, instance(world, tell), way)
    assert len(seen["forms"]) == 4  # a policy and a form for each frame
    assert set(seen["forms"]) == {Stage.QUEUED}
    assert seen["create"] == [Stage.SENDING]
    assert len(world.paid()) == 1


@pytest.mark.parametrize("delivery", ["upload", "inline", "link"])
def test_ticks_that_overlap_while_one_prepares_make_one_task(make_world, delivery, way):
    world = make_world(env={"FRAME_DELIVERY": delivery})
    inside = []

    def tell(request):
        prepares = forms(request) or ("/frames" in request.url and request.method == "GET")
        if (prepares or "PATCH" in request.method) and not inside:
            inside.append(request.url)
            world.clock.advance(1.5)
            world.tick()

    carried(world, instance(world, tell), way)
    assert inside
    world.run()
    assert len(world.paid()) == 1


def test_slow_uploads_do_not_use_up_the_lease(make_world, way):
    """17 s a frame were 848 uploads and no task."""
    world, count = make_world(env={"FRAME_DELIVERY": "upload"}), []

    def tell(request):
        if forms(request) and request.method == "POST":
            count.append(request.url)
            world.clock.advance(17)

    service = instance(world, tell)
    carried(world, service, way)
    for _ in range(3):
        world.clock.advance(30)
        service.tick()
    assert len(world.paid()) == 1
    assert len(count) == 2


def test_what_is_uploaded_is_not_uploaded_again_for_the_same_job(make_world):
    world, count = make_world(env={"FRAME_DELIVERY": "upload"}), []
    service = instance(world, lambda request: count.append(request.url) if forms(request) else None)
    world.upstream.faults.add(operation="create", kind="rate", when="before", times=2)
    post(service)
    for _ in range(4):
        world.clock.advance(61)
        service.tick()
    assert len(world.paid()) == 1
    assert len(count) == 4


def frames(request):
    """Whether a call reads a frame from the bucket."""
    return request.method == "GET" and "frames%2F" in request.url and STORAGE in request.url


@pytest.mark.parametrize(
    ("delivery", "which", "reason"),
    [
        ("upload", frames, "storage_unavailable"),
        ("inline", frames, "storage_unavailable"),
        ("upload", forms, "upstream_unavailable"),
    ],
)
def test_what_cannot_be_prepared_waits_and_is_never_in_doubt(
    make_world, way, delivery, which, reason
):
    world, down, met = make_world(env={"FRAME_DELIVERY": delivery}), [True], []

    def tell(request):
        assert down == [] or Stage.SENDING not in stages(world)
        if down and which(request):
            met.append(request.url)
            raise requests.ConnectionError("reset", request=request)

    job = carried(world, instance(world, tell), way)
    assert met
    found = world.job(job)
    assert (found["stage"], found["waiting_for"]) == ("queued", reason)
    assert world.context.ledger.gate("singapore").next_send > world.clock.now() - 60  # a pause
    down.clear()
    world.run()
    assert world.job(job)["status"] == "completed"
    assert len(world.paid()) == 1


def test_two_frames_are_uploaded_side_by_side(make_world):
    import dataclasses  # one test
    import threading  # one test

    from lib.core.jobs.job import Intent  # one test
    from lib.flows.tasks.prepare import prepare  # one test
    from lib.wiring.runtime import at_once  # as the cloud does it

    world = make_world(env={"FRAME_DELIVERY": "upload"})
    gate = world.context.ledger.gate("singapore")
    world.context.ledger.move_gate(gate, "t", free=0)
    world.post()
    (name,) = world.names("pending/")
    intent = Intent.from_json(json.loads(world.bucket.blob(name).download_as_bytes()))
    both = threading.Barrier(2, timeout=30)

    def tell(request):
        if forms(request) and request.method == "POST":
            both.wait()  # breaks when the other frame is not on its way

    context = dataclasses.replace(instance(world, tell).context, together=at_once)
    assert prepare(context, intent, 60.0).first.startswith("oss://")
