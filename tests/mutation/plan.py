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
        names: functions, classes, or MODULE; empty for everything.
        first: tests that know this file best, as beginnings of their ids; they are asked first.
        values: further values for constants, by name: those that once survived.
    """

    file: str
    names: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs to know.

    Attributes:
        root: of the project; the process stands in it.
        targets: what is mutated.
        tests: who is asked, in this order unless a target says otherwise.
        ignored: beginnings of tests that are not asked: they take long for what they can notice.
        warming: a test that is run before all forks, so that what it imports and makes is there.
        last: beginnings of tests that are asked when all others are through.
        packages: what is imported anew for a mutant outside of functions.
        survivors: the committed list of those that nobody notices, with reasons.
        asked_at_most: how many test functions before the last ones, the closest to the change first.
        processor_s: what one test may use before it counts as endless; the longest takes three.
        at_least: the share that must be noticed.
    """

    root: Path
    targets: tuple[Target, ...]
    tests: tuple[str, ...]
    ignored: tuple[str, ...]
    packages: tuple[str, ...]
    survivors: Path
    warming: str = ""
    last: str = ""
    asked_at_most: int = 80
    processor_s: float = 40.0
    at_least: float = 0.95


ACCEPTED = "tests/simulation/test_accepted.py"
DRAMAS = "tests/simulation/test_simulation.py::test_the_protocol_holds_in"
WORLDS = "tests/mutation/worlds.py"
LIFETIME = "tests/flows/test_lifetime.py"
ACCOUNTS = "tests/flows/test_accounts.py"

PLAN = Plan(
    root=ROOT,
    targets=(
        Target("lib/core/decide.py", first=("tests/core/test_decide", LIFETIME)),
        Target("lib/core/reconcile.py", first=("tests/core/test_reconcile", DRAMAS)),
        Target("lib/core/job.py", first=("tests/core/test_job", LIFETIME)),
        Target(
            "lib/core/answers.py",
            ("outcome", "_refused", "parse", "rows", "_row", "report", "_times", MODULE),
            ("tests/core/test_answers", "tests/adapters/test_dashscope"),
        ),
        Target("lib/core/numbers.py", first=("tests/core/test_numbers",)),
        Target(
            "lib/flows/kit.py",
            ("Times", MODULE),
            ("tests/core/test_protocol_times",),
            {"delay_s": (31.0,), "skew_s": (4.1,)},
        ),
        Target("lib/flows/send.py", first=(LIFETIME, ACCOUNTS, "tests/flows/test_frame", DRAMAS)),
        Target("lib/flows/queue.py", first=(ACCOUNTS, LIFETIME, DRAMAS)),
        Target("lib/flows/watch.py", first=(LIFETIME, "tests/flows", DRAMAS)),
        Target("lib/flows/deliver.py", first=(LIFETIME, "tests/flows", DRAMAS)),
        Target("lib/flows/finish.py", first=(LIFETIME, "tests/flows/test_webhook_outbox", DRAMAS)),
        Target("lib/flows/reconcile.py", first=(ACCEPTED, DRAMAS)),
        Target("lib/flows/tick.py", ("_mend", "_rounds", "_next_due"), (LIFETIME, DRAMAS)),
        Target(
            "lib/adapters/dashscope.py",
            (
                *("DashScope.create", "DashScope._read", "DashScope.list", "DashScope._query"),
                *("_before_the_body", "_retry_after", MODULE),
            ),
            ("tests/adapters/test_dashscope", "tests/flows/test_frame", ACCEPTED),
        ),
        Target("lib/adapters/ledger.py", first=(ACCOUNTS, "tests/flows", DRAMAS)),
        Target(
            "lib/adapters/jobs.py",
            (
                *("Jobs.create", "Jobs.patch", "Jobs._ours", "Jobs.drop", "Jobs.finish"),
                *("Jobs.finished", "Jobs.bury", "Jobs.settle_webhook", "Jobs.find"),
            ),
            (LIFETIME, "tests/flows", DRAMAS),
        ),
        Target(
            "lib/adapters/bucket.py",
            ("Bucket.create", "Bucket.patch", "Bucket.delete"),
            (DRAMAS, "tests/flows"),
        ),
    ),
    tests=(
        "tests/core",
        "tests/adapters/test_dashscope.py",
        "tests/flows",
        ACCEPTED,
        DRAMAS,
        "tests/web/test_videos_calls.py",
        "tests/web/test_webhook_deliveries.py",
        "tests/web/test_compat.py",
        WORLDS,
    ),
    ignored=(
        "tests/core/test_frames.py",
        "tests/core/test_mp4.py",
        "tests/core/test_webhook_signature.py",
        "tests/flows/test_implicit_key.py",
        "tests/flows/test_final.py::test_a_verdict_never_changes[completed]",
        "tests/flows/test_final.py::test_a_verdict_never_changes[failed]",
        "tests/flows/test_cancel_delete.py::test_fifty_watchers_ask_the_upstream_no_more_than_one",
        "tests/flows/test_accounts.py::test_an_owner_with_many_jobs_does_not_starve",
        "tests/flows/test_pins.py::test_jobs_wait_visibly_and_go_on_when_their_account_is_back",
    ),
    packages=("lib", "tests"),
    survivors=Path(__file__).with_name("survivors.toml"),
    warming=f"{LIFETIME}::test_a_post_becomes_a_film_behind_a_signed_link",
    last=WORLDS,
)
