"""Which account takes a job: the first whose gate lets it pass, else any, and then it is queued."""

import json

import pytest

from lib.flows.requests.choose_account import choose, read_gates
from tests.world import UPSTREAM, World

NAMES = tuple(f"account{number}" for number in range(6))


@pytest.fixture
def context(make_film):
    accounts = [
        {
            "name": name,
            "region": "singapore",
            "api_key": f"sk-{name}",
            "base_url": f"{UPSTREAM}/singapore/api/v1",
        }
        for name in NAMES
    ]
    return World(make_film, env={"DASHSCOPE_ACCOUNTS": json.dumps(accounts)}).context


def close(context, *names):
    for name in names:
        assert context.ledger.move_gate(context.ledger.gate(name), "0" * 16, free=0)


def test_only_the_first_few_gates_are_read_ahead(context):
    assert tuple(read_gates(context, NAMES)) == NAMES[:4]
    assert read_gates(context, ()) == {}


def test_the_first_open_gate_takes_the_job_and_gives_one_place(context):
    close(context, NAMES[0])
    assert choose(context, NAMES, read_gates(context, NAMES)) == (NAMES[1], True)
    assert context.ledger.gate(NAMES[1]).free == 1


def test_a_gate_that_was_not_read_ahead_is_read_in_its_turn(context):
    close(context, *NAMES[:5])
    assert choose(context, NAMES, read_gates(context, NAMES)) == (NAMES[5], True)


def test_where_all_are_closed_any_account_takes_it_and_it_waits(context):
    close(context, *NAMES)
    name, direct = choose(context, NAMES, read_gates(context, NAMES))
    assert name in NAMES
    assert direct is False


def test_a_gate_that_closed_since_it_was_read_is_not_passed(context):
    read = read_gates(context, NAMES[:1])
    close(context, NAMES[0])
    assert choose(context, NAMES[:1], read) == (NAMES[0], False)


def test_a_gate_that_changed_and_is_still_open_is_tried_once_more(context):
    read = read_gates(context, NAMES[:1])
    context.ledger.move_gate(context.ledger.gate(NAMES[0]), "1" * 16, cursor="zoe")
    assert choose(context, NAMES[:1], read) == (NAMES[0], True)
    assert context.ledger.gate(NAMES[0]).cursor == "zoe"
