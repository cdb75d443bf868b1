"""The local service: its ports in a row, and one signing key that stays."""

import json

from cryptography.hazmat.primitives import serialization

from lib.cli.service import EMAIL, Ports, signing_key


def test_ports_follow_the_one_that_was_asked_for():
    assert Ports.choose(4000) == Ports(4000, 4001, 4002)
    free = Ports.choose(0)
    assert (free.poll, free.storage) == (free.api + 1, free.api + 2)


def test_a_signing_key_is_made_once_and_is_its_owners_alone(tmp_path):
    key_file, public = signing_key(tmp_path / "state")
    assert key_file.stat().st_mode & 0o777 == 0o600
    made = json.loads(key_file.read_text())
    assert made["client_email"] == EMAIL
    private = serialization.load_pem_private_key(made["private_key"].encode(), None)
    stated = serialization.load_pem_public_key(public.read_bytes())
    assert private.public_key().public_numbers() == stated.public_numbers()
    before = key_file.read_bytes()
    assert signing_key(tmp_path / "state") == (key_file, public)
    assert key_file.read_bytes() == before
