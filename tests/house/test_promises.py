"""What the README promises, it names a test for; and that test exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "README.md").read_text("utf-8"))


def test_the_readme_names_tests():
    assert len({name for _, name in NAMED if name}) >= 10


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_what_the_readme_names_exists(file, name):
    source = (ROOT / file).read_text("utf-8")
    assert not name or re.search(rf"^def {name}\b", source, re.MULTILINE)
