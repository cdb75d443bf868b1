"""The papers agree with the tree and with the program: links, paths, codes, settings, stages, times."""

import ast
import json
import re
from pathlib import Path

import pytest

from lib.config import ConfigError, parse
from lib.core.errors import TABLE
from lib.core.jobs.stages import ENDINGS, TRANSITIONS, Stage, Status
from lib.core.upstream import reader
from lib.web.contract.operations import OPERATIONS
from lib.web.contract.shapes import VideoShape

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "infra/docs"
PAPERS = [
    ROOT / "README.md",
    *sorted(DOCS.glob("*.md")),
    *sorted((ROOT / ".github").glob("*.md")),
    ROOT / "infra/terraform/README.md",
]
NAMES = [str(paper.relative_to(ROOT)) for paper in PAPERS]
BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"(?<![\w./-])(?:lib|tests|infra|\.github)/[\w.-]+(?:/[\w.-]+)*")
# Made by whoever runs it, as the line says.
NOT_OURS = {"lib/modules"}


def read(paper):
    return paper.read_text("utf-8")


def section(page, heading):
    """What stands below a heading, up to the next one of its level."""
    text = read(DOCS / page)
    begin = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    end = re.compile(rf"^#{{1,{len(begin[1])}}} ", re.MULTILINE).search(text, begin.end())
    return text[begin.end() : end.start() if end else None]


def rows(text):
    """The rows of every table in a text, as lists of cells, without heads and lines."""
    found = []
    for table in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        lines = table.splitlines()[2:]
        found += [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return found


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def anchors(paper):
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", BLOCK.sub("", read(paper)), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug, number = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"), 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def test_the_readme_has_one_page():
    assert read(ROOT / "README.md").count("\n") <= 200


def test_the_readme_leads_to_every_page():
    linked = set(LINK.findall(read(ROOT / "README.md")))
    assert [page.name for page in DOCS.iterdir() if f"infra/docs/{page.name}" not in linked] == [
        "docs-page.jpg"
    ]


@pytest.mark.parametrize("paper", PAPERS, ids=NAMES)
def test_every_link_leads_somewhere(paper):
    dead = []
    for link in LINK.findall(BLOCK.sub("", read(paper))):
        if re.match(r"[a-z]+://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (paper.parent / name).resolve() if name else paper
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


# What whoever deploys makes there; git leaves both out.
MADE = {"infra/terraform/backend.tf", "infra/terraform/.terraform.lock.hcl"}


@pytest.mark.parametrize("paper", PAPERS, ids=NAMES)
def test_every_path_is_in_the_tree(paper):
    text = re.sub(r"https?://\S+", "", read(paper))
    paths = {path.rstrip(".") for path in PATH.findall(text)}
    assert sorted(path for path in paths - MADE if not (ROOT / path).exists()) == []


def test_no_paper_knows_a_folder_outside_of_the_project():
    for paper in PAPERS:
        assert not re.search(r"(?<!\w)(\.\./shared|/work|/tmp|/root|/home)/", read(paper)), paper


def test_every_error_code_has_its_row_and_its_status():
    told = {words(code)[0]: int(status) for code, status, *_ in rows(section("api.md", "Errors"))}
    known = {code: kind.status for code, kind in TABLE.items()}
    assert told == known


def test_every_stage_and_status_is_told():
    table = rows(section("api.md", "Status and stage"))
    assert {words(row[0])[0] for row in table} == {*Stage, *Status, "done"}


def test_every_reason_to_wait_is_told():
    told = {words(row[0])[0] for row in rows(section("api.md", "Why a job waits"))}
    assert told <= {*TABLE}
    assert reasons() <= told


def reasons():
    """The codes that steps write as a reason, and those of refusals after which a job waits."""
    found = {kind.code for kind, waits in reader._CODES.values() if waits}
    for path in (ROOT / "lib/flows").rglob("*.py"):
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") != "event":
                found |= {
                    code
                    for keyword in node.keywords
                    if keyword.arg == "reason"
                    for code in TABLE
                    if code in ast.unparse(keyword.value).lower().replace("'", "").split(".")
                }
    return found


def test_every_call_is_told():
    told = read(DOCS / "api.md")
    missing = [
        f"{method} {path}"
        for method, path in OPERATIONS
        if not re.search(rf"`{method}(, POST)? {re.escape(path)}[?`]", told)
        and f"`{method} {path}`" not in told
    ]
    assert missing == []


def test_the_whole_job_is_one_that_the_contract_knows():
    shown = json.loads(
        re.search(r"```json\n(.*?)```", section("api.md", "A whole job"), re.DOTALL)[1]
    )
    assert VideoShape.model_validate(shown).model_dump(mode="json").keys() == shown.keys()


def test_the_steps_of_a_job_are_those_of_the_protocol():
    table = rows(section("architecture.md", "States of a job"))
    assert {words(row[0])[0]: set(words(row[1])) for row in table} == TRANSITIONS
    assert {words(row[0])[0]: set(words(row[2])) for row in table} == ENDINGS


SETTINGS = {words(row[0])[0]: row for row in rows(section("configuration.md", "Settings"))}
LEAST = {"BUCKET": "b", "DASHSCOPE_API_KEY": "k"}


def test_every_setting_has_its_row():
    source = "".join(read(path) for path in (ROOT / "lib/config").glob("*.py"))
    names = set(re.findall(r'"([A-Z][A-Z_]{3,})"', source)) | {"AUTH"}
    assert SETTINGS.keys() == names


@pytest.mark.parametrize(
    "name", [name for name, row in SETTINGS.items() if re.fullmatch(r"\d+ to \d+", row[2])]
)
def test_the_bounds_of_a_setting_are_those_of_the_table(name):
    _, default, allowed, _ = SETTINGS[name]
    low, high = map(int, allowed.split(" to "))
    assert parse({**LEAST, name: str(low)}) != parse({**LEAST, name: str(high)})
    for beyond in (low - 1, high + 1):
        with pytest.raises(ConfigError):
            parse({**LEAST, name: str(beyond)})
    if words(default):
        assert parse({**LEAST, name: words(default)[0]}) == parse(LEAST)


def test_what_is_kept_is_what_the_bucket_sweeps():
    kept = {
        words(row[0])[0]: row[2] for row in rows(section("deploy.md", "What is kept, and how long"))
    }
    swept = re.findall(
        r'^ +"(\w+/)" += ([\w.]+)', read(ROOT / "infra/terraform/bucket.tf"), re.MULTILINE
    )
    assert swept
    for prefix, age in swept:
        wanted = f"{age} days" if age.isdigit() else f"`{age.removeprefix('var.')}`"
        assert wanted in kept[prefix]


def test_every_failure_by_prompt_is_told():
    from lib.emulator.upstream.scenarios import ALL  # beside its only use

    table = rows(section("emulators.md", "Failures by prompt"))
    assert {words(row[0])[0].removeprefix("#"): row[1] for row in table} == ALL


def test_the_licence_is_named():
    assert "Version 2.0, January 2004" in read(DOCS / "LICENSE")
    assert "Apache-2.0" in read(ROOT / "pyproject.toml")
