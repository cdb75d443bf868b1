"""What several modules count with stands in one of them: no constant twice with the same value."""

import ast
from pathlib import Path

LIB = Path(__file__).resolve().parents[2] / "lib"
PROTOCOL = {"DAY_S", "TASK_AT_MOST_S", "ID_SPAN", "OWNER"}


def constants():
    """Name, value and module of every constant at the top of a module, the emulators' left out."""
    for path in sorted(LIB.rglob("*.py")):
        name = path.relative_to(LIB).as_posix()
        if name.startswith("emulator/"):
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.Assign):
                continue
            (target,) = node.targets
            names, values = [target], [node.value]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                names, values = target.elts, node.value.elts
            for one, value in zip(names, values, strict=True):
                if isinstance(one, ast.Name) and one.id.lstrip("_").isupper():
                    yield one.id, ast.unparse(value), name


FOUND = list(constants())


def test_no_two_modules_of_core_set_the_same_constant():
    seen = {}
    for constant, value, module in FOUND:
        if module.startswith("core/"):
            seen.setdefault((constant, value), []).append(module)
    assert {key: where for key, where in seen.items() if len(where) > 1} == {}


def test_what_the_protocol_counts_with_is_set_once():
    for constant in PROTOCOL:
        assert len([module for name, _, module in FOUND if name == constant]) <= 1


def test_the_sentence_about_a_missing_video_stands_once():
    sentence = "There is no video of this id"
    told = [path for path in LIB.rglob("*.py") if sentence in path.read_text("utf-8")]
    assert told == [LIB / "core/errors.py"]
