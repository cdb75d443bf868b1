"""One error table: every kind is said somewhere, and nothing says a code that is none of it."""

import ast
import json
from pathlib import Path

import pytest

from lib.core import errors
from lib.core.jobs.job import Failure, Status, Verdict

ROOT = Path(__file__).resolve().parents[2]
# These say what the kinds look like; they raise none.
WORDS = ("lib/core/errors.py", "lib/web/contract/", "lib/web/compat/refusals.py", "lib/emulator/")
NAMES = {kind: name for name, kind in vars(errors).items() if isinstance(kind, errors.Kind)}


def sources():
    for path in sorted((ROOT / "lib").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(WORDS):
            yield name, ast.parse(path.read_text("utf-8"))


def used(tree):
    """The names in a module that stand for a value, not for a comparison with one."""
    compared = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in compared:
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


SAID = {name for _, tree in sources() for name in used(tree)}
# Said by a function beside the table, which every ring calls.
SAID |= {"INVALID_REQUEST", "INVALID_FRAME"} if {"invalid", "invalid_frame"} <= SAID else set()


@pytest.mark.parametrize("code", errors.TABLE)
def test_a_kind_of_the_table_is_said_somewhere(code):
    assert NAMES[errors.TABLE[code]] in SAID


def literals(tree):
    """Texts in the places where a kind or its code belongs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in {"Failure", "ApiError", "QueryFailed", "Refused"}:
                yield from node.args[:1]
            if name in {"to", "replace"}:
                yield from (word.value for word in node.keywords if word.arg == "reason")
        elif isinstance(node, ast.Compare):
            sides = (node.left, *node.comparators)
            if any(getattr(side, "attr", "") in {"code", "reason"} for side in sides):
                yield from sides


def test_no_code_is_typed_as_a_text():
    typed = [
        f"{name}:{node.lineno} {node.value}"
        for name, tree in sources()
        for node in literals(tree)
        if isinstance(node, ast.Constant) and node.value in errors.TABLE
    ]
    assert typed == []


@pytest.mark.parametrize("kind", errors.TABLE.values(), ids=str)
def test_a_failure_is_stored_as_before_and_read_again(kind):
    failure = Failure(kind, "why", retryable=True, param="p", upstream_code="Their.Code")
    stored = Verdict(Status.FAILED, 1.0, failure).to_json()
    assert json.dumps(stored["failure"]) == json.dumps(
        {
            "code": kind.code,
            "message": "why",
            "retryable": True,
            "param": "p",
            "upstream_code": "Their.Code",
        }
    )
    assert Verdict.from_json(json.loads(json.dumps(stored))).failure == failure


def test_a_code_of_a_newer_table_stays_what_it_is():
    stored = {"code": "of_tomorrow", "message": "m", "retryable": False}
    failure = Failure.from_json(stored)
    assert failure.to_json() == {**stored, "param": None, "upstream_code": None}
    assert "of_tomorrow" not in errors.TABLE


def test_only_one_function_refuses_a_frame_so_that_its_fault_is_always_said():
    made = [
        f"{name}:{node.lineno}"
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ApiError"
        if any(getattr(one, "id", getattr(one, "attr", "")) == "INVALID_FRAME" for one in node.args)
    ]
    assert made == []
