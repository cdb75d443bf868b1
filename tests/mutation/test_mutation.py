"""The tool that mutates the protocol does what it says; and a sample of mutants is noticed."""

import ast
import subprocess
import sys
import textwrap

import pytest

from tests.mutation.__main__ import every, listed
from tests.mutation.operators import mutants, mutated
from tests.mutation.plan import PLAN, ROOT, TRIED

THING = '''
"""A module to be changed."""

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    LIMIT_OF_TYPES = 1

LEASE_S = 30.0


def late(now, until):
    """Whether 2 > 1 or not."""
    return now > until


def store(bucket, name, seen):
    if name and not seen:
        bucket.create(name, generation=0)
        bucket.tell(name)
    logs.event("stored", count=1 + 1)


def first(clock) -> float | None:
    at = clock.now()
    return at
'''


def of(source, operator):
    return [one.text for one in mutants("thing.py", source) if one.operator == operator]


def test_each_operator_makes_its_changes_and_no_others():
    leases = [f"LEASE_S = 30.0→LEASE_S = {other}" for other in (31.0, 29.0, 60.0, 0.0, 33.0, 27.0)]
    create = "bucket.create(name, generation={})"
    generations = [f"{create.format(0)}→{create.format(other)}" for other in (1, -1)]
    assert of(THING, "number") == leases + generations
    assert of(THING, "compare") == ["now > until→now >= until"]
    assert of(THING, "and/or") == ["name and (not seen)→name or not seen"]
    assert of(THING, "operand") == ["name and (not seen)→not seen", "name and (not seen)→name"]
    assert of(THING, "not") == ["name and (not seen)→name and seen"]
    assert of(THING, "condition") == ["name and (not seen)→True", "name and (not seen)→False"]
    assert of(THING, "unconditional") == ["generation=0→"]
    assert of(THING, "removed") == ["bucket.create(name, generation=0)→", "bucket.tell(name)→"]
    assert of(THING, "swapped") == ["bucket.create(name, generation=0)→bucket.tell(name)"]
    assert of(THING, "clock") == ["at = clock.now()→at = clock.now() + 30.0"]
    assert of(THING, "return") == ["at→None"]


def test_a_mutant_is_one_change_and_has_a_name_of_its_own():
    found = mutants("thing.py", THING)
    before = ast.dump(ast.parse(THING))
    made = {ast.dump(mutated(THING, mutant)) for mutant in found}
    assert len(made) == len({mutant.change for mutant in found}) == len(found)
    assert before not in made


def test_mutants_are_the_same_every_time_and_outlive_lines_that_move():
    assert every(PLAN) == every(PLAN)
    moved = "\n\n" + THING.replace("def first", "# a comment\n\n\ndef first")
    names = [mutant.change for mutant in mutants("thing.py", THING)]
    assert [mutant.change for mutant in mutants("thing.py", moved)] == names


def test_what_once_survived_is_among_them():
    found = {(mutant.file, mutant.change) for mutant in every(PLAN)}
    context, list_ = "lib/flows/context.py", "lib/adapters/dashscope/listing.py"
    assert (context, "Times:number:delay_s: float = 60.0→delay_s: float = 31.0#1") in found
    assert (context, "Times:number:skew_s: float = 10.0→skew_s: float = 4.1#1") in found
    clocks = {change for file, change in found if file == list_ and "TaskList.read:clock" in change}
    assert any("+ 30.0" in change for change in clocks)


def test_every_listed_survivor_has_its_reason():
    assert all(len(reason) > 20 for reason in listed(PLAN).values())


# The tool over a small project of its own


@pytest.fixture
def planted(tmp_path):
    """A module, a test that looks at half of it, and a way to run the tool over both."""
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted/thing.py").write_text(
        "LEASE_S = 30.0\n\n\ndef late(now, until):\n    return now > until\n"
    )
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/test_thing.py").write_text(
        "from planted.thing import LEASE_S, late\n\n\n"
        "def test_late():\n    assert late(2, 1)\n    assert not late(1, 2)\n\n\n"
        "def test_lease():\n    assert LEASE_S == 30\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    script = textwrap.dedent(f"""
        import sys
        sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]
        from pathlib import Path
        from tests.mutation.__main__ import main
        from tests.mutation.plan import Plan, Target
        plan = Plan(Path({str(tmp_path)!r}), (Target("planted/thing.py"),), ("checks",), (),
                    ("planted", "checks"), Path("survivors.toml"), processor_s=2.0, at_least=0.5)
        sys.exit(main(sys.argv[1:], plan))
    """)

    def tool(*arguments):
        command = [sys.executable, "-c", script, "--jobs", "1", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    tool.folder = tmp_path
    return tool


EDGE = "late:compare:now > until→now >= until#1"
ENTRY = "[[survivor]]\nfile = 'planted/thing.py'\nchange = '{}'\nreason = '{}'\n"


def test_a_weak_test_leaves_a_survivor(planted):
    ran = planted()
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert ran.stdout.count("SURVIVED") == 1
    assert f"change = '{EDGE}'" in ran.stdout
    assert "LEASE_S = 31.0#1  noticed by checks/test_thing.py::test_lease" in ran.stdout


def test_a_survivor_with_its_reason_is_no_failure(planted):
    (planted.folder / "survivors.toml").write_text(ENTRY.format(EDGE, "equal times do not occur"))
    ran = planted()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (planted.folder / "survivors.toml").write_text(ENTRY.format(EDGE, " "))
    assert "has no reason" in planted().stderr


def test_an_entry_that_no_longer_survives_is_told(planted):
    path = planted.folder / "checks/test_thing.py"
    path.write_text(path.read_text() + "\n\ndef test_edge():\n    assert not late(1, 1)\n")
    (planted.folder / "survivors.toml").write_text(ENTRY.format(EDGE, "equal times do not occur"))
    ran = planted()
    assert ran.returncode == 1
    assert f"stale in survivors.toml: planted/thing.py {EDGE}" in ran.stdout


def test_too_small_a_share_is_a_failure(planted):
    (planted.folder / "checks/test_thing.py").write_text(
        "from planted.thing import late\n\n\ndef test_late():\n    assert late(2, 1)\n"
    )
    ran = planted()
    assert ran.returncode == 1
    assert "fewer than 50% are noticed" in ran.stdout


def test_tests_that_fail_by_themselves_are_no_judges(planted):
    path = planted.folder / "checks/test_thing.py"
    path.write_text(path.read_text() + "\n\ndef test_edge():\n    assert late(1, 1)\n")
    ran = planted()
    assert ran.returncode == 1
    assert "left out: checks/test_thing.py::test_edge fails without a mutant" in ran.stdout
    assert ran.stdout.count("SURVIVED") == 1
    path.write_text("def test_late():\n    assert False\n")
    assert planted().returncode == 2


def test_what_does_not_end_is_noticed(planted):
    (planted.folder / "planted/thing.py").write_text(
        "def late(now, until):\n    while now > until:\n        now -= 1\n    return now\n"
    )
    (planted.folder / "checks/test_thing.py").write_text(
        "from planted.thing import late\n\n\ndef test_late():\n    assert late(2, 1) == 1\n"
    )
    ran = planted("--sample", "3")
    assert "it takes too long" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sample_of_the_protocols_mutants_is_noticed():
    files = [argument for file in TRIED for argument in ("--only", file)]
    command = [sys.executable, "-m", "tests.mutation", *files, "--sample", "24", "--seed", "1"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
