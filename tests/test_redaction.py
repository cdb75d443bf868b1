"""What may not be repeated stands in one table, for logs and for owners alike."""

import ast
import re
from pathlib import Path

import pytest

from lib import logs, redaction
from lib.core.upstream import reader

LIB = Path(__file__).resolve().parents[1] / "lib"
FORMS = re.compile(r"sk-|Bearer|whsec_|X-Goog|Signature|eyJ")


@pytest.mark.parametrize(
    ("text", "for_owner"),
    [
        ("key sk-abcd is wrong", "key (a key) is wrong"),
        ("got Bearer abc.def here", "got (a key) here"),
        ("at https://h/a.png?a=1 .", "at https://h/a.png ."),
        ("at oss://bucket/a.png?sig=1 .", "at oss://bucket/a.png ."),
        ("at /b/x.mp4?X-Goog-Date=1&y=2 .", "at /b/x.mp4 ."),
    ],
)
def test_what_an_owner_may_not_read_no_log_says_either(text, for_owner, capsys):
    assert reader.sentence(text) == for_owner
    logs.event("submit.unsure", text=text)
    printed = capsys.readouterr().out
    assert redaction.STRUCK_OUT in printed
    for secret in ("sk-abcd", "abc.def", "a=1", "sig=1", "X-Goog-Date=1"):
        assert secret not in printed


def test_no_other_module_has_such_a_pattern():
    found = [
        path.relative_to(LIB).as_posix()
        for path in sorted(LIB.rglob("*.py"))
        if "emulator" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "compile"
        if FORMS.search(" ".join(ast.unparse(one) for one in node.args))
    ]
    assert found == []
    rules = [rule.pattern.pattern for rule in redaction.RULES]
    assert len(rules) == len(set(rules)) == 11
