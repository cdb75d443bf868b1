"""What the papers promise, they name a test for; and that test exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAPERS = [ROOT / "README.md", *(ROOT / "infra/docs").glob("*.md"), *(ROOT / ".github").glob("*.md")]
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
NAMED = {name for paper in PAPERS for name in TEST.findall(paper.read_text("utf-8"))}


def test_the_papers_name_tests():
    assert len({name for _, name in NAMED if name}) >= 40


def test_every_promise_has_its_test():
    page = (ROOT / "infra/docs/reliability.md").read_text("utf-8")
    promises = page[page.index("## Promises") : page.index("## The rules")]
    lines = [line for line in promises.splitlines() if line.startswith("|")][2:]
    assert len(lines) == 10
    assert [line for line in lines if not TEST.search(line)] == []


@pytest.mark.parametrize(("file", "name"), sorted(NAMED))
def test_what_the_papers_name_exists(file, name):
    source = (ROOT / file).read_text("utf-8")
    assert not name or re.search(rf"^def {name}\b", source, re.MULTILINE)
