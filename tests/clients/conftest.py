"""Two targets, and the real clients that talk to them."""

import importlib

import pytest

from tests.clients.native_target import NativeTarget
from tests.clients.sdks import VERSIONS, Launchers, Sdk
from tests.clients.targets import NAMES, Target


@pytest.fixture
def make_target(make_film):
    made = []

    def make(name, **options):
        made.append(Target(name, make_film, **options))
        return made[-1]

    yield make
    for target in made:
        target.close()


@pytest.fixture(params=NAMES)
def target(request, make_target):
    return make_target(request.param)


@pytest.fixture
def both(make_target):
    """The same thing on both targets: what each client prints there, ids and links aside."""
    return lambda **options: [make_target(name, **options) for name in NAMES]


@pytest.fixture(scope="session", params=VERSIONS)
def sdk(request):
    running = Sdk(request.param)
    yield running
    running.close()


@pytest.fixture(scope="session")
def launchers():
    running = Launchers()
    yield running
    running.close()


@pytest.fixture
def make_native(make_film):
    made = []

    def make(**options):
        made.append(NativeTarget(make_film, **options))
        return made[-1]

    yield make
    for target in made:
        target.close()


@pytest.fixture
def native(make_native):
    return make_native()


@pytest.fixture(scope="session")
def openai():
    """The package, imported when a test asks for it: only `--all` installs it."""
    return importlib.import_module("openai")
