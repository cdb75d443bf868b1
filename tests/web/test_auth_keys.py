"""Bearer keys: long and random, compared with equal work, and only the very key opens."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from lib.core.errors import ApiError
from lib.web import auth
from lib.web.auth import Auth, digest, new_key


def status(checked, header):
    try:
        return checked.owner(header)
    except ApiError as error:
        return error.kind.status


def calls_of_digest(checked, key):
    count = 0

    def watch(frame, event, _arg):
        nonlocal count
        count += event == "call" and frame.f_code is digest.__code__

    sys.setprofile(watch)
    try:
        status(checked, f"Bearer {key}")
    finally:
        sys.setprofile(None)
    return count


def test_a_known_key_costs_what_an_unknown_one_costs_wherever_it_stands():
    made = [new_key() for _ in range(20)]
    checked = Auth({f"o{i}": (kept,) for i, (_, kept) in enumerate(made)}, off=False)
    asked = [made[0][0], made[10][0], made[-1][0], new_key()[0], "x", made[0][0][:-1]]
    assert {calls_of_digest(checked, key) for key in asked} == {20}


@given(st.text(max_size=60), st.text(max_size=60))
def test_only_the_very_key_opens(scheme, key):
    right, kept = new_key()
    checked = Auth({"alice": (kept,)}, off=False)
    header = f"{scheme} {key}"
    assert status(checked, header) == 401
    for near in (right + "x", right[:-1], right.swapcase(), f"{scheme}{right}"):
        assert (status(checked, f"Bearer {near}") == 401) == (near.strip() != right)


def test_keys_are_long_random_and_told_apart():
    made = {new_key()[0] for _ in range(200)}
    assert len(made) == 200
    assert all(len(key.split("_", 2)[2]) >= 43 for key in made)  # 256 bits in base64
    assert auth.SECRET_BYTES * 8 == 256
