"""Worlds in bad weather: nothing lost, nothing paid twice; and every guard is needed."""

import re
import subprocess
import sys

import pytest

from tests.simulation.all_scenarios import run_scenario, scenarios
from tests.simulation.kinds import KINDS
from tests.simulation.mutations import MUTATIONS, ROOT, ForkServer, mutated
from tests.simulation.regressions import REGRESSIONS


@pytest.fixture(scope="module")
def fork_server():
    with ForkServer() as playing:
        yield playing


@pytest.mark.timeout(900)
def test_three_hundred_lifetimes_in_bad_weather():
    command = [sys.executable, "-m", "tests.simulation", "--lifetimes", "300", "--seed", "700"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(re.search(r"(\d+) lifetimes", ran.stdout)[1]) >= 300
    # It was not a sunny day: every kind of fault was met.
    for kind in KINDS:
        assert re.search(rf"\b{kind} [1-9]", ran.stdout), ran.stdout


@pytest.mark.parametrize("row", REGRESSIONS, ids=lambda row: f"{row.seed}-{row.broke[:40]}")
def test_a_world_that_broke_once_holds(row):
    without = ["--without", ",".join(row.without)] if row.without else []
    command = ["-m", "tests.simulation", "--worlds", "1", "--seed", str(row.seed), *without]
    ran = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_a_seed_is_lived_the_same_way_again():
    command = [sys.executable, "-m", "tests.simulation", "--worlds", "1", "--seed", "2"]
    told = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout for _ in range(2)
    ]
    assert re.findall("(?:met|happened):.*", told[0]) == re.findall("(?:met|happened):.*", told[1])


@pytest.mark.parametrize("name", scenarios())
def test_the_protocol_holds_in(name):
    run_scenario(name)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule)
def test_without_this_guard_its_scenario_breaks(mutation, fork_server, tmp_path):
    assert fork_server.verdict(mutated(mutation, tmp_path), mutation.scenario)


def test_the_fork_server_runs_the_code_as_it_is(fork_server):
    """The other half of the proof: with its guard each scenario holds there, too."""
    for mutation in MUTATIONS[:3]:
        assert fork_server.verdict(ROOT, mutation.scenario) == ""


def test_every_scenario_guards_something():
    assert {mutation.scenario for mutation in MUTATIONS} == set(scenarios())
