"""The bucket's client: of the emulator or of Google, over our transport or its own."""

import dataclasses

import requests

from lib.adapters.outbound.service_clock import ServiceClock
from lib.wiring import runtime, storage
from tests.world import BUCKET, STORAGE


def made(world, session):
    real = dataclasses.replace(runtime.real(world.config), storage_session=session)
    return storage.client_bucket(world.config, real, ServiceClock(world.clock.now, 10.0))


def test_the_emulator_is_asked_where_one_is_named(world):
    bucket = made(world, world.session())
    assert (bucket.name, bucket.client.api_endpoint) == (BUCKET, STORAGE)


def test_a_transport_that_was_handed_in_is_left_as_it_is(world):
    session = requests.Session()
    before = dict(session.adapters)
    assert made(world, session).client._http is session
    assert dict(session.adapters) == before


def test_a_transport_of_its_own_keeps_enough_connections(world):
    session = made(world, None).client._http
    adapter = session.get_adapter("https://storage.googleapis.com")
    assert adapter._pool_maxsize == storage.CONNECTIONS
