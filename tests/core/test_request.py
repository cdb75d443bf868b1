"""A request for a film: what its fields may hold, and when two requests are the same."""

import base64

import pytest

from lib.core.errors import ApiError
from lib.core.request import VideoRequest

FRAMES = {"first_frame": b"a", "last_frame": b"b"}


def parsed(**changes):
    return VideoRequest.parse({**FRAMES, **changes})


def refused(**fields):
    with pytest.raises(ApiError) as caught:
        VideoRequest.parse(fields)
    return caught.value


def test_the_same_frames_in_another_form_are_the_same_request():
    uri = "data:image/png;base64," + base64.b64encode(b"a").decode()
    one, other = parsed().fingerprint("alice"), parsed(first_frame=uri).fingerprint("alice")
    assert one == other
    assert one != parsed().fingerprint("bob")
    assert one != parsed(first_frame=b"c").fingerprint("alice")
    assert one != parsed(seed=0).fingerprint("alice")
    assert one == parsed(validate_only=True).fingerprint("alice")  # says nothing of the film


def test_a_film_needs_a_last_frame_or_an_effect():
    assert refused(first_frame=b"a").param == "last_frame"
    assert VideoRequest.parse({"first_frame": b"a", "template": "fly-1"}).last_frame is None


def test_an_unknown_field_is_named_with_the_near_one():
    error = refused(**FRAMES, promt="x")
    assert error.param == "promt"
    assert "Did you mean prompt?" in error.message


def test_what_everybody_writes_is_understood():
    assert parsed(resolution="480p").resolution == "480P"
    assert parsed(seconds="5").seconds == 5
    assert refused(**FRAMES, seconds=True).param == "seconds"


def test_a_refusal_says_what_was_got_and_repeats_no_prompt():
    error = refused(**FRAMES, prompt="secret" * 200)
    assert error.message.startswith("prompt: got a text of 1200 characters; allowed:")
    assert "secret" not in error.message
    assert "got -1" in refused(**FRAMES, seed=-1).message


def test_no_frame_is_among_what_is_stored():
    assert not set(FRAMES) & set(parsed().plain().to_json())
