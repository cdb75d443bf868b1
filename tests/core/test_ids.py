"""One grammar of ids: what makes one, reads one, promises one and logs one agree on every text."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import logs
from lib.core import ids
from lib.core.ids import made_at, new_id
from lib.web.contract import shapes

LIB = Path(__file__).resolve().parents[2] / "lib"
tokens = st.text("0123456789abcdef", min_size=16, max_size=16)
odd = st.one_of(
    st.from_regex(r"vid_[0-9A-Za-z]{26,28}", fullmatch=True),
    st.from_regex(r"vid_[0-9a-f]{27}\n?", fullmatch=True),
    st.text(max_size=40),
)


def logged(text):
    with logs.request("r", {}):
        logs.bind(job=text)
        return "job" in logs._request.get()


@given(odd)
def test_everybody_takes_the_same_texts_for_ids(text):
    # A pattern of JSON Schema is one of JavaScript, where $ is the very end.
    promised = re.search(shapes.VIDEO_ID.replace("$", r"\Z"), text) is not None
    assert ids.valid_id(text) is promised is logged(text)
    assert (ids.job_of(f"pending/alice/{text}.json", "pending") is not None) is promised
    assert (ids.made_at(text) is not None) is promised


@given(st.integers(0, (1 << 44) - 1), tokens)
def test_an_id_that_is_made_is_one_and_tells_when(milliseconds, token):
    made = ids.new_id(milliseconds / 1000, token)
    assert ids.valid_id(made)
    assert abs(ids.made_at(made) - milliseconds / 1000) < 0.0011


@given(st.floats(0, 4e9), st.floats(0, 4e9), tokens)
def test_ids_sort_newest_first(one, other, token):
    if int(one * 1000) < int(other * 1000):
        assert ids.new_id(one, token) > ids.new_id(other, token)


@pytest.mark.parametrize("path", sorted(LIB.rglob("*.py")), ids=lambda path: path.stem)
def test_no_other_module_spells_an_id(path):
    if path == LIB / "core/ids.py" or "emulator" in path.parts:
        return
    tree = ast.parse(path.read_text("utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert not [text for text in texts if isinstance(text, str) and re.search(r"vid_(?!\.)", text)]
    assert "ID_SPAN" not in path.read_text("utf-8")


def test_the_leaves_may_know_nothing_of_the_core_but_the_grammar_of_names():
    contracts = tomllib.loads((LIB.parent / "pyproject.toml").read_text("utf-8"))
    (leaves,) = (
        contract
        for contract in contracts["tool"]["importlinter"]["contracts"]
        if contract["name"] == "Config and logs are leaves"
    )
    core = {path.stem for path in (LIB / "core").iterdir()} - {"__init__", "__pycache__", "ids"}
    assert {f"lib.core.{name}" for name in core} <= set(leaves["forbidden_modules"])


@given(st.integers(0, (1 << 44) - 1))
def test_an_id_tells_its_time_as_it_was_made(milliseconds):
    assert abs(made_at(new_id(milliseconds / 1000, "0" * 16)) - milliseconds / 1000) < 0.0011


def test_a_name_that_is_no_id_is_passed_over():
    assert made_at("readme") is None
    assert made_at("vid_A" + "1" * 26) is None
