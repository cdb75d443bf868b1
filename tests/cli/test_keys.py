"""The command that makes bearer keys: each is shown once, kept as a salted hash, and taken back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib.cli import keys
from lib.config import parse
from lib.core.errors import ApiError
from lib.web.auth import Auth, new_key

ROOT = Path(__file__).resolve().parents[2]


def run(capsys, *arguments, status=0):
    assert keys.main([str(argument) for argument in arguments]) == status
    return capsys.readouterr()


def shown(text):
    """The one key that a text shows."""
    (key,) = [word for word in text.split() if word.startswith("ib_")]
    return key


@pytest.fixture
def file(tmp_path):
    return tmp_path / "owner-keys.json"


def service(file):
    """Auth as a service started with this file's content has it."""
    environ = {"BUCKET": "b", "DASHSCOPE_API_KEY": "k", "OWNER_KEYS": file.read_text()}
    return Auth(parse(environ).owner_keys, off=False)


def status(checked, header):
    try:
        return checked.owner(header)
    except ApiError as error:
        return error.kind.status


def test_a_key_is_shown_once_and_only_its_salted_hash_is_kept(capsys, file):
    key = shown(run(capsys, "create", "alice", "--file", file).out)
    kept = file.read_text()
    assert key not in kept
    assert key.rpartition("_")[2] not in kept
    assert file.stat().st_mode & 0o777 == 0o600
    assert key not in run(capsys, "list", "--file", file).out
    assert service(file).owner(f"Bearer {key}") == "alice"


def test_an_owner_has_several_keys_and_each_can_be_taken_back(capsys, file):
    first, second = (shown(run(capsys, "create", "alice", "--file", file).out) for _ in range(2))
    other = shown(run(capsys, "create", "bob", "--file", file).out)
    assert run(capsys, "list", "--file", file).out.count("alice") == 2
    run(capsys, "revoke", "alice", first.split("_")[1], "--file", file)
    checked = service(file)
    assert [status(checked, f"Bearer {key}") for key in (first, second, other)] == [
        401,
        "alice",
        "bob",
    ]
    run(capsys, "revoke", "alice", second, "--file", file)
    checked = service(file)
    assert [status(checked, f"Bearer {key}") for key in (second, other)] == [401, "bob"]
    run(capsys, "revoke", "bob", "all", "--file", file)
    assert json.loads(file.read_text()) == {}
    assert status(service(file), f"Bearer {other}") == 401


def test_rotation_keeps_the_old_key_until_it_is_revoked_or_drops_it_at_once(capsys, file):
    old = shown(run(capsys, "create", "alice", "--file", file).out)
    said = run(capsys, "rotate", "alice", "--file", file).out
    assert old.split("_")[1] in said
    assert status(service(file), f"Bearer {old}") == "alice"
    new = shown(run(capsys, "rotate", "alice", "--drop", "--file", file).out)
    assert [status(service(file), f"Bearer {key}") for key in (old, new)] == [401, "alice"]


def command(*arguments, text=""):
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "lib.cli.keys", *arguments]
    return subprocess.run(line, input=text, capture_output=True, text=True, env=environ, timeout=30)


def test_in_a_pipe_the_table_goes_through_and_the_key_goes_to_the_terminal():
    made = command("create", "alice", "--new")
    key = shown(made.stderr)
    assert key not in made.stdout
    more = command("create", "bob", text=made.stdout)
    assert set(json.loads(more.stdout)) == {"alice", "bob"}
    less = command("revoke", "alice", key.split("_")[1], text=more.stdout)
    assert set(json.loads(less.stdout)) == {"bob"}


@pytest.mark.parametrize(
    ("arguments", "text", "says"),
    [
        (["create", "alice"], "", "--new"),
        (["create", "alice"], "not json", "not valid JSON"),
        (["create", "alice"], "[]", "JSON object"),
        (["create", "../alice"], "{}", "letters, digits"),
        (["create", "alice/x", "--new"], "", "letters, digits"),
        (["rotate", "alice"], "{}", "create makes one"),
        (["revoke", "alice", "x"], "{}", "no owner"),
        pytest.param(
            ["revoke", "a", "nope"],
            json.dumps({"a": [new_key()[1]]}),
            "theirs are",
            id="unknown-key",
        ),
        (["list"], '{"a": ["sk-secret-as-it-is"]}', "salt:sha256"),
        (["list", "--file", "/nowhere/at/all.json"], "", "does not exist"),
    ],
)
def test_a_refusal_writes_nothing_and_repeats_no_secret(arguments, text, says):
    made = command(*arguments, text=text)
    assert (made.returncode, made.stdout) == (2, "")
    assert says in made.stderr
    assert "sk-secret" not in made.stderr


def test_infra_dev_has_the_command():
    made = subprocess.run(
        [ROOT / "infra" / "dev", "keys", "create", "alice", "--new"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert list(json.loads(made.stdout)) == ["alice"]
