"""Random lives of a bucket: the emulator and the sixty-line model never differ."""

import itertools

import hypothesis.strategies as st
import pytest
import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage.exceptions import InvalidResponse
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.storage import StorageApp
from tests.emulator.storage.reference_bucket import ReferenceBucket, RefusedByReference

NAMES = st.sampled_from(["a", "a/1", "a/2", "a/b/3", "b", "b//c", "ü/\N{CLOUD WITH RAIN}", "x/acl"])
DATA = st.binary(max_size=20)
KEYS = st.sampled_from(["k", "l", "ü"])
METADATA = st.dictionaries(KEYS, st.text("xyz", max_size=3), max_size=3)
CHANGES = st.none() | st.dictionaries(KEYS, st.none() | st.text("xyz", max_size=3), max_size=3)
# A condition names how far its number is from the truth: 0 holds, everything else does not.
CONDITIONS = st.dictionaries(
    st.sampled_from(
        [
            "if_generation_match",
            "if_generation_not_match",
            "if_metageneration_match",
            "if_metageneration_not_match",
        ]
    ),
    st.sampled_from([0, 0, 0, 1, -1]),
    max_size=2,
)


class Bucket(RuleBasedStateMachine):
    """The same calls to both; generations are told apart by their order."""

    def __init__(self):
        super().__init__()
        app = StorageApp(Clock(start=1_790_000_000.0))
        app.create_bucket("home")
        session = requests.Session()
        session.mount("http://storage.test", InProcess(app))
        self.bucket = storage.Client(
            project="p",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": "http://storage.test"},
            _http=session,
        ).bucket("home")
        self.model = ReferenceBucket()
        self.real = {0: 0}  # the model's generation -> the emulator's

    def both(self, name, conditions, real, model):
        """Run a call on both sides and compare what came of it."""
        live = self.model.objects.get(name, {"generation": 0, "metageneration": 1})
        theirs, ours = {}, {}
        for key, off in conditions.items():
            if "metageneration" in key:
                theirs[key] = ours[key] = max(live["metageneration"] + off, 0)
            else:
                ours[key] = live["generation"] if off == 0 else 10**9
                theirs[key] = self.real[live["generation"]] if off == 0 else 12345
        expected = got = None
        try:
            expected = model(ours)
        except RefusedByReference as refusal:
            expected = refusal.status
        try:
            got = real(theirs)
        except GoogleAPICallError as error:
            got = int(error.code)
        except InvalidResponse as error:
            got = error.response.status_code
        return expected, got

    @rule(name=NAMES, data=DATA, metadata=METADATA, conditions=CONDITIONS, streamed=st.booleans())
    def put(self, name, data, metadata, conditions, streamed):
        # The client misspells this one on uploads (ifMetaGeneration...), and 501 is the answer.
        conditions = {k: v for k, v in conditions.items() if k != "if_metageneration_not_match"}
        blob = self.bucket.blob(name)
        blob.metadata = metadata

        def real(checked):
            if streamed:
                with blob.open("wb", **checked) as writer:
                    writer.write(data)
                return
            blob.upload_from_string(data, **checked)

        def model(checked):
            self.model.put(name, data, metadata, checked)

        expected, got = self.both(name, conditions, real, model)
        assert got == expected
        if got is None:
            generation = self.bucket.get_blob(name).generation
            assert generation > max(self.real.values())
            self.real[self.model.objects[name]["generation"]] = generation

    @rule(name=NAMES, conditions=CONDITIONS)
    def get(self, name, conditions):
        def real(checked):
            blob = self.bucket.blob(name)
            blob.reload(**checked)
            assert blob.download_as_bytes(**checked) == self.model.objects[name]["data"]
            return (blob.metadata or {}, blob.generation, blob.metageneration)

        def model(checked):
            live = self.model.get(name, checked)
            return (live["metadata"], self.real[live["generation"]], live["metageneration"])

        expected, got = self.both(name, conditions, real, model)
        assert got == expected

    @rule(name=NAMES, changes=CHANGES, conditions=CONDITIONS)
    def patch(self, name, changes, conditions):
        blob = self.bucket.blob(name)
        blob.metadata = changes
        expected, got = self.both(
            name,
            conditions,
            lambda checked: blob.patch(**checked),
            lambda checked: self.model.patch(name, changes, checked),
        )
        assert got == expected

    @rule(name=NAMES, conditions=CONDITIONS)
    def delete(self, name, conditions):
        expected, got = self.both(
            name,
            conditions,
            lambda checked: self.bucket.blob(name).delete(**checked),
            lambda checked: self.model.delete(name, checked),
        )
        assert got == expected

    @rule(
        prefix=st.sampled_from(["", "a", "a/", "b/", "ü"]),
        delimiter=st.sampled_from([None, "/", "//"]),
        size=st.integers(1, 4),
    )
    def list(self, prefix, delimiter, size):
        pages = self.bucket.list_blobs(prefix=prefix, delimiter=delimiter, page_size=size)
        names = [blob.name for blob in itertools.chain.from_iterable(pages.pages)]
        prefixes = sorted(pages.prefixes, key=str.encode)
        assert (names, prefixes) == self.model.list(prefix, delimiter)

    @invariant()
    def the_same_objects(self):
        found = {
            blob.name: (blob.metadata or {}, blob.metageneration, blob.size)
            for blob in self.bucket.list_blobs()
        }
        assert found == {
            name: (live["metadata"], live["metageneration"], len(live["data"]))
            for name, live in self.model.objects.items()
        }


class TestBucket(Bucket.TestCase):
    settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("broken", ["put", "patch", "delete"])
def test_the_model_would_see_a_forgotten_condition(broken, monkeypatch):
    original = getattr(ReferenceBucket, broken)
    monkeypatch.setattr(ReferenceBucket, broken, lambda self, *args: original(self, *args[:-1], {}))
    with pytest.raises(AssertionError):
        overwritten_under_a_stale_condition()


def overwritten_under_a_stale_condition():
    run = Bucket()
    run.put(name="a", data=b"1", metadata={}, conditions={}, streamed=False)
    stale = {"if_generation_match": 1}
    run.put(name="a", data=b"2", metadata={}, conditions=stale, streamed=True)
    run.patch(name="a", changes={}, conditions=stale)
    run.delete(name="a", conditions=stale)
