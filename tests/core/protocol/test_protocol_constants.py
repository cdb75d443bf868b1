"""The constants around the protocol's times, written a second time: how often, how many, how long.

Each stands in one module; whoever changes one changes it here, too, and looks at what it must fit.
"""

import importlib

import pytest

from lib.core.jobs.stages import Stage
from lib.core.upstream.outcomes import TaskStatus

ENDED = {TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED}
CONSTANTS = {
    "lib.core.protocol.evidence": {"DISPUTED": "disputed", "PROMPT_KEPT": 800},
    "lib.core.upstream.outcomes": {"TASK_AT_MOST_S": 10_800, "ENDED": ENDED},
    "lib.core.times": {"DAY_S": 86_400},
    "lib.core.protocol.slots": {"RUNNING_AT_MOST": 2, "AHEAD_AT_MOST_S": 600},
    "lib.core.upstream.reader": {
        "UNAVAILABLE": 503,
        "ROWS_AT_MOST": 1_000_000,
        "WORD_AT_MOST": 200,
        "ID_BELOW": 2**63,
        "MESSAGE_AT_MOST": 1000,
        "READ_AT_MOST": 8000,
    },
    "lib.core.outside.numbers": {"DIGITS_AT_MOST": 40},
    "lib.flows.context": {"SEND_EVERY_S": 1},
    "lib.flows.tasks.evidence": {"DOUBTFUL": (Stage.SENDING, Stage.UNSURE)},
    "lib.flows.tasks.reconcile": {"EVERY_S": 15, "ASKED_AT_MOST": 8},
    "lib.flows.tasks.clocks": {
        "WAITING": (Stage.QUEUED, Stage.UNSURE),
        "ASK_EVERY_S": 15,
        "REASONS_AT_MOST": 50,
    },
    "lib.flows.tasks.send": {"BACKOFF_AT_MOST_S": 60, "BODY_AT_MOST_S": 40},
    "lib.flows.tasks.queue": {
        "NOT_SENT": {"taken_by_another", "tidied", "unprepared", "prepared"},
    },
    "lib.flows.tasks.poll": {
        "QUERY_GAP_S": 0.125,
        "EARLIEST": 0.3,
        "UNLISTED_EVERY_S": 30,
        "FAILS_AT_MOST": 4,
        "PAUSE_AT_MOST_S": 300,
    },
    "lib.flows.tasks.copy": {
        "LINK_DEAD": {403, 404, 410},
        "RETRY_AT_MOST_S": 600,
        "BAD_PAUSES_S": (60, 300, 1200, 3600),
        "BAD_COPIES_AT_MOST": 5,
        "HURRIED_S": 15,
        "GRACE_S": 3600,
        "SKEW_AT_MOST_S": 3600,
    },
    "lib.flows.tasks.verdicts": {"NAMED_AT_MOST": 20},
    "lib.flows.tick": {
        "PAUSE_AT_LEAST_S": 0.5,
        "CUT_LIFE_S": 600,
        "OF_ITS_ACCOUNT": {Stage.QUEUED, Stage.RUNNING, Stage.COPYING},
    },
    "lib.adapters.dashscope.creates": {"CREATE_TOTAL_S": 20, "BLOCK_TIMEOUT_S": 10},
    "lib.adapters.dashscope.connection": {
        "QUERY_TIMEOUT_S": (3.05, 10),
        "QUERY_TOTAL_S": 15,
        "CLOCK_AT_MOST_S": 300,
        "PAUSE_AT_MOST_S": 300,
    },
    "lib.adapters.dashscope.listing": {
        "PAGE_SIZE": 50,
        "PAGES_AT_MOST": 100,
        "PAGE_GAP_S": 0.125,
        "LIST_AT_MOST_S": 20,
    },
    "lib.adapters.bucket.client": {"TIMEOUT_S": (3.05, 20), "PAUSES_S": (0.2, 0.5, 1, 1.3)},
    "lib.adapters.outbound.service_clock": {"EXACT_S": 1},
    "lib.adapters.state.accounts": {
        "PREFIX": "accounts/",
        "IDS_AT_MOST": 8,
        "ID_AT_MOST": 100,
        "SETTLED_AT_MOST": 20_000,
    },
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, rows in CONSTANTS.items() for name in rows]
)
def test_a_constant_is_the_one_of_the_promise(module, name):
    assert getattr(importlib.import_module(module), name) == CONSTANTS[module][name]
