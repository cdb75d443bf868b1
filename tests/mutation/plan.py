"""What is mutated and who has to notice it: the tables of `infra/dev mutate`, at this one place.

A new module of the protocol is one line in TARGETS. Tests are named as pytest names them; they must
run in this process, since a mutant exists in memory only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = "(module)"  # what stands outside of functions: constants, tables, defaults of dataclasses


@dataclass(frozen=True)
class Target:
    """One file to be mutated.

    Attributes:
        file: from the project's root.
        names: functions, classes, constants, or MODULE; empty for everything.
        first: tests that know this file well, as beginnings of their ids.
        values: further values for constants, by name: those that once survived.
        own: tests that were written for it under another name than its own.
    """

    file: str
    names: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)
    own: tuple[str, ...] = ()

    @property
    def nearest(self) -> tuple[str, ...]:
        """Beginnings of tests that are always asked, and first: those of the file's name, `own`."""
        folder, _, name = self.file.removeprefix("lib/").removesuffix(".py").rpartition("/")
        return f"tests/{folder}/test_{name}", *self.own


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs to know.

    Attributes:
        root: of the project; the process stands in it.
        targets: what is mutated.
        tests: who is asked, in this order unless a target says otherwise.
        ignored: beginnings of tests that are not asked: they take long for what they can notice.
        constants: beginnings of tests that write constants a second time: they are asked first about
            what stands outside of functions.
        warming: a test that is run before all forks, so that what it imports and makes is there.
        last: beginnings of tests that are asked when all others are through.
        named: beginnings of tests that are asked only where a target names them: each takes long.
        packages: what is imported anew for a mutant outside of functions.
        survivors: the committed list of those that nobody notices, with reasons.
        asked_at_most: how many further test functions, the closest to the change first.
        processor_s: what one test may use before it counts as endless; the longest takes three.
        at_least: the share that must be noticed.
    """

    root: Path
    targets: tuple[Target, ...]
    tests: tuple[str, ...]
    ignored: tuple[str, ...]
    packages: tuple[str, ...]
    survivors: Path
    named: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    warming: str = ""
    last: str = ""
    asked_at_most: int = 8
    processor_s: float = 40.0
    at_least: float = 0.95


ACCEPTED = "tests/simulation/test_accepted.py"
SCENARIOS = "tests/simulation/test_simulation.py::test_the_protocol_holds_in"
WORLDS = "tests/mutation/worlds.py"
LIFETIME = "tests/flows/test_lifetime.py"
ACCOUNTS = "tests/flows/tasks/test_queue_accounts.py"

PAID = (
    "tests/core/protocol/test_reconcile",
    "tests/flows/tasks/test_reconcile_paid_once",
    ACCEPTED,
    SCENARIOS,
)
FILMS = (LIFETIME, "tests/flows/tasks/test_copy", "tests/flows/tasks/test_verdicts", SCENARIOS)
OBJECTS = ("tests/flows/test_tick_odd_objects", LIFETIME, "tests/flows/test_rollback", SCENARIOS)

# Left out: how fast queries follow each other, sentences, what is counted, how much is kept.
CORE = (
    Target(
        "lib/core/protocol/decide.py",
        first=(
            "tests/core/protocol/test_decide",
            "tests/core/protocol/test_protocol_times",
            "tests/flows/tasks/test_poll_ends",
        ),
    ),
    Target("lib/core/protocol/reconcile.py", first=PAID),
    Target("lib/core/protocol/evidence.py", first=PAID),
    Target("lib/core/jobs/state.py", ("State",), ("tests/core/jobs/test_job", *OBJECTS)),
    Target("lib/core/jobs/verdict.py", ("Verdict",), ("tests/core/jobs/test_job", *OBJECTS)),
    Target("lib/core/jobs/job.py", ("Job",), ("tests/core/jobs/test_job", *OBJECTS)),
    Target(
        "lib/core/jobs/stages.py",
        first=("tests/core/jobs/test_stages", "tests/core/jobs/test_job", LIFETIME),
    ),
    Target(
        "lib/core/protocol/slots.py",
        first=("tests/core/protocol/test_slots", "tests/flows/tasks/test_queue_slots"),
    ),
    Target(
        "lib/core/upstream/reader.py",
        ("outcome", "_refused", "parse", "page", "_row", "_text", "_moment", "OK", "UNAVAILABLE"),
        (
            "tests/adapters/dashscope/test_client",
            "tests/flows/tasks/test_poll_odd_answers",
        ),
    ),
    Target("lib/core/outside/numbers.py", first=("tests/core/outside/test_numbers",)),
)
FLOWS = (
    Target(
        "lib/flows/context.py",
        ("Times", "SEND_EVERY_S"),
        ("tests/core/protocol/test_protocol_times", *PAID),
        {"delay_s": (31.0,), "skew_s": (4.1,)},
    ),
    Target("lib/flows/tasks/evidence.py", first=PAID),
    Target("lib/flows/tasks/reconcile.py", first=PAID),
    Target("lib/flows/tasks/clocks.py", first=PAID),
    Target(
        "lib/flows/tasks/send.py",
        first=("tests/flows/tasks/test_prepare_orders", LIFETIME, ACCOUNTS),
    ),
    Target(
        "lib/flows/tasks/queue.py",
        first=(ACCOUNTS, LIFETIME, "tests/flows/tasks/test_queue_slots", SCENARIOS),
    ),
    Target(
        "lib/flows/tasks/poll.py",
        ("first_look", "poll", "_note_ended", "may_list", "hand_over", "_see", "_look"),
        (
            LIFETIME,
            "tests/flows/tasks/test_queue_slots",
            "tests/flows/tasks/test_poll_odd_answers",
            SCENARIOS,
        ),
    ),
    Target(
        "lib/flows/tasks/copy.py",
        (
            *("copy_film", "give_up", "_take", "_Lease", "_copy_and_finish", "_finish", "_copy"),
            *("_end", "_ended_at", "_again", "LINK_DEAD"),
        ),
        FILMS,
    ),
    Target(
        "lib/flows/tasks/finish.py", first=(LIFETIME, "tests/flows/webhooks/test_send", SCENARIOS)
    ),
    Target(
        "lib/flows/requests/start.py", first=(LIFETIME, "tests/flows/requests/test_submit_repeated")
    ),
    Target(
        "lib/flows/tick.py",
        ("_mend", "_alone"),
        (LIFETIME, "tests/flows/tasks/test_unreachable_pins", SCENARIOS),
    ),
)
ADAPTERS = (
    Target(
        "lib/adapters/dashscope/creates.py",
        ("create", "_sent", "_before_the_body", "CREATE_TOTAL_S"),
        PAID,
        own=("tests/adapters/dashscope/test_client",),
    ),
    Target(
        "lib/adapters/dashscope/connection.py",
        ("Connection.read", "Connection.query", "_failed"),
        PAID,
        own=("tests/adapters/dashscope/test_client", "tests/adapters/dashscope/test_creates"),
    ),
    Target(
        "lib/adapters/dashscope/listing.py",
        (
            *("TaskList.read", "TaskList._by_our_clock", "_whole", "LIST_AT_MOST_S"),
            *("PAGE_SIZE", "PAGES_AT_MOST"),
        ),
        PAID,
        own=("tests/adapters/dashscope/test_client",),
    ),
    Target(
        "lib/adapters/state/ledger.py",
        (
            *("Ledger.claim", "Ledger.move_gate", "Ledger.move_poll_lease", "Ledger._move"),
            "_claim",
        ),
        (
            ACCOUNTS,
            "tests/flows/test_tick_odd_objects",
            "tests/flows/requests/test_submit_repeated",
            SCENARIOS,
        ),
    ),
    Target(
        "lib/adapters/state/keys.py",
        ("Keys.take_key", "Keys.key", "Keys.replace_key"),
        (
            ACCOUNTS,
            "tests/flows/test_tick_odd_objects",
            "tests/flows/requests/test_submit_repeated",
            SCENARIOS,
        ),
    ),
    Target(
        "lib/adapters/state/jobs.py",
        ("Jobs.create", "Jobs.patch", "Jobs._ours", "Jobs._held", "Jobs.drop", "Jobs.find"),
        OBJECTS,
    ),
    Target(
        "lib/adapters/state/finished.py",
        ("FinishedJobs.finish", "FinishedJobs.finished", "FinishedJobs.purge"),
        OBJECTS,
    ),
    Target("lib/adapters/state/inbox.py", first=OBJECTS),
    Target(
        "lib/adapters/bucket/client.py",
        ("Bucket.create", "Bucket.patch", "Bucket.delete"),
        (SCENARIOS,),
        own=("tests/adapters/state/test_jobs_edges",),
    ),
    Target("lib/adapters/outbound/service_clock.py", first=PAID),
    Target("lib/adapters/state/accounts.py", first=PAID),
)

# Files of which every mutant has been tried, and is noticed or listed: CI draws its sample from
# these. A file leaves them when it is changed, and comes back when a run over it ends with status 0.
TRIED = tuple(one.file for one in CORE + FLOWS + ADAPTERS)

PLAN = Plan(
    root=ROOT,
    targets=CORE + FLOWS + ADAPTERS,
    tests=(
        "tests/core",
        "tests/adapters/dashscope/test_client.py",
        "tests/adapters/dashscope/test_connection.py",
        "tests/adapters/dashscope/test_creates_edges.py",
        "tests/adapters/dashscope/test_listing.py",
        "tests/adapters/bucket/test_client_edges.py",
        "tests/adapters/outbound/test_service_clock_edges.py",
        "tests/adapters/state",
        "tests/flows",
        ACCEPTED,
        SCENARIOS,
        "tests/web/native/test_videos_calls.py",
        WORLDS,
    ),
    ignored=(
        "tests/core/media",
        "tests/core/test_webhooks_signature.py",
        "tests/flows/test_memory.py",
        "tests/flows/test_tick_bounded.py",
        "tests/flows/requests/test_implicit_key.py",
        "tests/flows/tasks/test_finish_final.py::test_a_verdict_never_changes[completed]",
        "tests/flows/tasks/test_finish_final.py::test_a_verdict_never_changes[failed]",
        "tests/flows/requests/test_refresh.py::test_fifty_watchers_ask_the_upstream_no_more_than_one",
        "tests/flows/tasks/test_queue_accounts.py::test_an_owner_with_many_jobs_does_not_starve",
        "tests/flows/tasks/test_unreachable_pins.py::test_jobs_wait_visibly_and_go_on_when_their_account_is_back",
        "tests/flows/test_rollback.py::test_yesterdays_jobs_are_carried_on",
        "tests/flows/test_rollback.py::test_tomorrows_finished_jobs_keys_and_tombstones_are_read",
        "tests/flows/tasks/test_verdicts.py::test_list_and_get_say_the_same_of_every_stage_and_end",
    ),
    named=(
        "tests/flows/requests/test_submit_repeated",
        "tests/flows/test_rollback",
        "tests/flows/test_tick_odd_objects",
        "tests/flows/tasks/test_poll_odd_answers",
        "tests/flows/tasks/test_copy.py",
        "tests/flows/tasks/test_verdicts.py",
    ),
    constants=(
        "tests/core/protocol/test_protocol_constants",
        "tests/core/protocol/test_protocol_times",
    ),
    packages=("lib", "tests"),
    survivors=Path(__file__).with_name("survivors.toml"),
    warming=f"{LIFETIME}::test_a_post_becomes_a_film_behind_a_signed_link",
    last=WORLDS,
)
