"""Guards that the protocol cannot do without: removing any one of them must break its scenario.

Each row names the rule, the file, the guarding lines, what stands there without the guard, and the
scenario whose invariants fall then. The same scenario holds in the code as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutation:
    """One guard taken out.

    Attributes:
        rule: what the guard is for.
        file: where it stands.
        guard: its lines.
        without: what stands there instead.
        scenario: the one that breaks.
    """

    rule: str
    file: str
    guard: str
    without: str
    scenario: str


def mutated(mutation: Mutation, folder: Path) -> Path:
    """A copy of the project without the guard.

    Raises:
        LookupError: the guard is not where the row says.
    """
    for name in ("lib", "tests"):
        shutil.copytree(ROOT / name, folder / name)  # with what is compiled already
    path = folder / mutation.file
    text = path.read_text("utf-8")
    if text.count(mutation.guard) != 1:
        raise LookupError(f"{mutation.rule}: the guard is not (once) in {mutation.file}")
    path.write_text(text.replace(mutation.guard, mutation.without), "utf-8")
    return folder


class ForkServer:
    """Runs scenarios in copies of the project, each in a fork of one process."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("fork_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",
                "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
            },
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def verdict(self, folder: Path, scenario: str) -> str:
        """How a scenario broke in this copy of the project; empty when it holds.

        Raises:
            RuntimeError: it neither held nor broke.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{folder}\t{scenario}\n")
        self._process.stdin.flush()
        printed = json.loads(self._process.stdout.readline())
        lines = [line for line in printed.splitlines() if line.startswith(("broken:", "held:"))]
        if len(lines) != 1:
            raise RuntimeError(printed[-4000:])
        return lines[0] if lines[0].startswith("broken:") else ""


MUTATIONS = (
    Mutation(
        "create-once is the lease",
        "lib/adapters/bucket/client.py",
        "                if_generation_match=generation,\n                timeout=TIMEOUT_S,\n                retry=None,\n            )\n            return meta_of(blob)\n\n        return self._try(call)\n\n    def read",
        "                if_generation_match=generation or None,\n                timeout=TIMEOUT_S,\n                retry=None,\n            )\n            return meta_of(blob)\n\n        return self._try(call)\n\n    def read",
        "two_posts_with_one_key",
    ),
    Mutation(
        "everybody else takes a job by a conditional patch",
        "lib/adapters/bucket/client.py",
        "                if_metageneration_match=meta.metageneration,\n",
        "",
        "two_ticks_take_one_job",
    ),
    Mutation(
        "before every send the verdict is read",
        "lib/flows/tasks/send.py",
        "    if ended := close_if_ended(context, held):\n        return ended if isinstance(ended, Job) else None\n",
        "",
        "a_post_wakes_up_after_the_film",
    ),
    Mutation(
        "the last look before a send is at the lease",
        "lib/flows/tasks/send.py",
        "    if context.now() > held.state.until:\n        return None\n",
        "",
        "a_sender_wakes_up_after_its_lease",
    ),
    Mutation(
        "the last look before a film is stored is at the lease",
        "lib/adapters/files/incoming.py",
        '        if not self._still_ours():\n            raise NotDelivered("the lease on this copy ended")\n',
        "",
        "a_copier_wakes_up_after_its_lease",
    ),
    Mutation(
        "a dead link ends a job only when the film's day is over",
        "lib/flows/tasks/copy.py",
        "    if now - held.state.ended_at <= wait_s:\n",
        "    if False:\n",
        "the_upstream_forgets_for_a_moment",
    ),
    Mutation(
        "a dead link ends a job only under the lease",
        "lib/flows/tasks/copy.py",
        '    if context.now() > held.state.until:\n        return "taken_by_another"\n    return _finish(',
        "    return _finish(",
        "a_copier_finds_the_link_dead_after_its_lease",
    ),
    Mutation(
        "a job is given up only under the lease of a copy",
        "lib/flows/tasks/copy.py",
        "    taken = _take(context, held)\n",
        "    state = held.state.to(Stage.COPYING, by=context.token(), now=context.now(), until=context.now())\n    taken = type(held)(held.owner, held.id, state, held.meta)\n",
        "a_watcher_gives_up_a_film_that_is_being_copied",
    ),
    Mutation(
        "a job's deadline is told only under the lease of a send",
        "lib/flows/tasks/queue.py",
        '    taken = context.jobs.patch(held, lease(context, held.state))\n    if taken is None:\n        return "taken_by_another"\n    if close_if_ended',
        "    taken = type(held)(held.owner, held.id, lease(context, held.state), held.meta)\n    if close_if_ended",
        "a_deadline_meets_a_send",
    ),
    Mutation(
        "an expired lease is ambiguous, never queued",
        "lib/flows/tick.py",
        '        unsure(context, held)\n        return "unsure"\n',
        '        back = state.to(Stage.QUEUED, by=context.token(), now=now)\n        context.jobs.patch(held, back)\n        return "unsure"\n',
        "a_sender_dies_with_the_answer",
    ),
    Mutation(
        "an ambiguous create is not sent again",
        "lib/flows/tasks/send.py",
        "        return _job(intent, unsure(context, held))\n",
        "        return _job(intent, _ours_to(context, held, Stage.QUEUED, tries=1))\n",
        "an_answer_is_lost",
    ),
    Mutation(
        "only the sender of this lease may turn it back",
        "lib/flows/tasks/send.py",
        "    while current and current.state.by == held.state.by:\n",
        "    while current:\n",
        "a_late_refusal",
    ),
    Mutation(
        "an accepted task is claimed",
        "lib/flows/tasks/send.py",
        "    claimed = context.ledger.claim(intent.account, outcome.task_id, held.id, held.state.key)\n",
        "    claimed = held.id\n",
        "a_twin_is_filed_before_the_doubt",
    ),
    Mutation(
        "an adopted task is claimed",
        "lib/flows/tasks/reconcile.py",
        "    if context.ledger.claim(held.state.account, task_id, held.id, held.state.key) != held.id:\n",
        "    if False:\n",
        "a_job_is_written_late",
    ),
    Mutation(
        "only tasks of our own key are candidates",
        "lib/core/protocol/reconcile.py",
        "    ours = [row for row in rows if row.api_key_id in key_ids or odd_key(row, key_ids)]\n",
        "    ours = list(rows)\n",
        "another_key_of_the_account",
    ),
    Mutation(
        "a key is known by its own tasks only",
        "lib/core/protocol/evidence.py",
        "row.api_key_id and row.task_id and made_by.get(row.task_id) == key",
        "row.api_key_id and row.task_id in made_by",
        "the_accounts_key_is_changed",
    ),
    Mutation(
        "an adopted task's prompt must be what was sent",
        "lib/flows/tasks/copy.py",
        '    if taken.state.adopted and not same_prompt(asked, report.orig_prompt or ""):\n',
        "    if False:\n",
        "another_program_with_our_key",
    ),
    Mutation(
        "no conclusion before the list has settled",
        "lib/core/protocol/reconcile.py",
        "    if listing is None or listing.at <= window.settled_at(doubt):\n",
        "    if listing is None:\n",
        "a_create_arrives_late",
    ),
    Mutation(
        "no adoption while another intent may own the task",
        "lib/core/protocol/reconcile.py",
        "            if not any(window.holds(o, row) and _may_be(o, row, evidence) for o in rivals):\n",
        "            if True:\n",
        "two_in_doubt_at_once",
    ),
    Mutation(
        "giving up disputes every candidate",
        "lib/flows/tasks/reconcile.py",
        "        if context.ledger.dispute(held.state.account, task_id) == held.id:\n            return _adopt(context, frozen, task_id)\n",
        "        pass\n",
        "two_in_doubt_and_one_task",
    ),
    Mutation(
        "giving up disputes also what may be a stranger's, while our key is unknown",
        "lib/core/protocol/reconcile.py",
        "        return GiveUp(free, NO_KEY) if late else Wait()\n",
        "        return GiveUp((), NO_KEY) if late else Wait()\n",
        "two_in_doubt_before_our_key_is_known",
    ),
    Mutation(
        "a disputed task in the window forbids sending again",
        "lib/core/protocol/reconcile.py",
        "    argued = any(evidence.disputes(row) for row in rows)\n",
        "    argued = False\n",
        "two_in_doubt_and_the_younger_ones_task",
    ),
    Mutation(
        "an empty list counts only if it has shown our key before",
        "lib/core/protocol/reconcile.py",
        "    if not key_ids:\n",
        "    if False:\n",
        "the_first_job_of_an_account",
    ),
    Mutation(
        "an incomplete list is no list",
        "lib/adapters/dashscope/listing.py",
        "            if isinstance(data, QueryFailed):\n                return data\n            page = reader.page(data)\n",
        "            if isinstance(data, QueryFailed):\n                return Listing(tuple(rows), at)\n            page = reader.page(data)\n",
        "half_a_list",
    ),
    Mutation(
        "a key leads to one job, also over a dead attempt",
        "lib/flows/requests/submit.py",
        "        job_id = entry.id  # ours, or a dead attempt's, taken over\n",
        "",
        "a_key_whose_first_attempt_died",
    ),
    Mutation(
        "a key outlives the end of its job by a day",
        "lib/flows/requests/submit.py",
        "    return job.verdict is not None and context.now() - job.verdict.ended_at > DAY_S\n",
        "    return True\n",
        "a_key_whose_job_took_a_day",
    ),
    Mutation(
        "an expired key is replaced only as it was seen",
        "lib/adapters/state/keys.py",
        "generation=old.meta.generation)\n",
        "generation=(self.key(owner, key) or old).meta.generation)\n",
        "two_posts_renew_an_old_key",
    ),
    Mutation(
        "a queued job is cancelled by a conditional patch",
        "lib/flows/requests/cancel.py",
        "            if taken := context.jobs.patch(held, state):\n",
        "            if taken := type(held)(held.owner, held.id, state, held.meta):\n",
        "a_cancel_meets_a_send",
    ),
    Mutation(
        "a job that is being sent cannot be cancelled",
        "lib/flows/requests/cancel.py",
        '        if held.state.stage is Stage.QUEUED:\n            state = held.state.to(Stage.CANCELLED, by=context.token(), now=context.now(), reason="")\n',
        "        if held.state.stage in {Stage.QUEUED, Stage.SENDING}:\n            state = type(held.state)(Stage.CANCELLED, context.token(), context.now())\n",
        "a_cancel_during_the_send",
    ),
    Mutation(
        "a running job is cancelled by the upstream's word alone",
        "lib/flows/requests/cancel.py",
        "    if answer is False:\n        raise _too_late()\n",
        "    if answer is False:\n        return _end(context, held, job)\n",
        "a_cancel_of_a_running_task",
    ),
    Mutation(
        "the upstream's word is looked up in the task's own record",
        "lib/flows/requests/cancel.py",
        "    if status is TaskStatus.CANCELED:\n",
        "    if True:\n",
        "a_cancel_that_promised_too_much",
    ),
    Mutation(
        "a delete writes its tombstone first",
        "lib/flows/requests/delete.py",
        "    context.jobs.purge(owner, job_id, context.now())\n    clear(context, owner, job_id)\n",
        "    clear(context, owner, job_id)\n    context.jobs.purge(owner, job_id, context.now())\n",
        "a_delete_dies_halfway",
    ),
    Mutation(
        "a finisher that meets a tombstone removes its film",
        "lib/flows/tasks/finish.py",
        "    except Tombstone:\n        purge(context, held)\n        return None\n    announce(",
        "    except Tombstone:\n        context.jobs.drop(held)\n        return None\n    announce(",
        "a_copier_stands_still_after_its_last_look",
    ),
    Mutation(
        "whoever finds the verdict beside a pending job writes its webhook",
        "lib/flows/tasks/finish.py",
        "    announce(context, job)\n    context.jobs.drop(held)\n    return job\n",
        "    context.jobs.drop(held)\n    return job\n",
        "a_finisher_dies_before_the_webhook",
    ),
    Mutation(
        "what was told is not told again by a late writer",
        "lib/flows/webhooks/send.py",
        "    if job is None or over(entry, settled):\n",
        "    if job is None:\n",
        "a_webhook_is_written_late",
    ),
    Mutation(
        "a webhook is marked as told before its entry goes",
        "lib/flows/webhooks/send.py",
        "    context.jobs.settle_webhook(entry.owner, entry.id, log)\n    context.outbox.drop(entry)\n",
        "    context.outbox.drop(entry)\n    context.jobs.settle_webhook(entry.owner, entry.id, log)\n",
        "a_teller_dies_after_the_answer",
    ),
    Mutation(
        "a webhook is taken by a conditional patch",
        "lib/adapters/state/outbox.py",
        "            meta = self._bucket.patch(entry.meta, wanted.to_metadata())\n",
        "            now = self._bucket.stat(entry.meta.name) or entry.meta\n            meta = self._bucket.patch(now, wanted.to_metadata())\n",
        "two_ticks_tell_one_end",
    ),
    Mutation(
        "a try counts from its beginning",
        "lib/flows/webhooks/send.py",
        "    if entry.tries >= webhooks.TRIES:\n",
        "    if False:\n",
        "a_teller_dies_again_and_again",
    ),
)


def main(folder: Path) -> int:
    """Run every scenario without its guard; returns how many held nevertheless."""
    needless = 0
    with ForkServer() as fork_server:
        for number, mutation in enumerate(MUTATIONS):
            try:
                copy = mutated(mutation, folder / str(number))
                found = fork_server.verdict(copy, mutation.scenario)
            except (RuntimeError, LookupError) as error:
                found = ""
                print(f"ERROR {error}")
            needless += not found
            said = "breaks" if found else "HOLDS "
            print(f"{said} {mutation.rule}: {found[:150]}", flush=True)
    return needless


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
