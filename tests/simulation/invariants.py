"""What must be true of a world when everything has come to rest."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass

from lib.adapters.bucket.client import CHUNK_BYTES
from lib.core.media.mp4 import Probe
from lib.core.webhooks import TRIES, read_log
from tests.simulation import lateness, poison
from tests.world import BUCKET

JOB = re.compile(r"vid_[0-9a-f]{27}")
REASON_AT_LEAST = 40  # characters: less is no reason


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass(frozen=True)
class Lived:
    """When a job was alive on its account, Unix seconds, and how long its task took."""

    id: str
    account: str
    begun: float
    ended: float
    work_s: float


class Invariants:
    """Looks behind the service at bucket and upstream.

    Args:
        life: the world that was lived, with `world` and `answers`; a storm's also with `made` (task
            id to the job that it was made for), `wishes` and `poisoned`.
    """

    def __init__(self, life):
        self._life, self._world = life, life.world
        self._names = [name for name in life.world.names() if name not in poison.NAMES]
        self._made = getattr(life, "made", {})
        self._works = {}

    def _of(self, folder):
        """Job id to object name."""
        found = [name for name in self._names if name.startswith(f"{folder}/")]
        return {JOB.search(name)[0]: name for name in found if JOB.search(name)}

    def invariants(self):
        """Look at everything.

        Raises:
            Broken: an invariant does not hold.
        """
        self._untouched()
        self._expect(not self._of("pending"), "something is pending for ever")
        self._expect(not self._of("outbox"), "a webhook is on its way for ever")
        jobs, videos = self._of("jobs"), self._of("videos")
        records = {job_id: self._stored(name) for job_id, name in jobs.items()}
        tasks, succeeded = self._books(jobs)
        for job_id, record in records.items():
            self._expect(tasks[job_id] <= 1, f"paid {tasks[job_id]} times: {job_id}")
            if not record.get("deleted"):
                self._check_job(job_id, record, tasks, succeeded, videos.get(job_id))
            self._check_telling(job_id, record, jobs[job_id])
        for _owner, _key, job_id in self._life.answers:
            self._expect(job_id in jobs, f"an answered job is lost: {job_id}")
        self._no_orphans(records, videos)
        self._one_job_per_key()
        self._one_task_per_wish()
        self._nobody_late(records)

    def _books(self, jobs):
        """What the upstream itself says: tasks and paid tasks of each of our jobs."""
        tasks, succeeded = Counter(), Counter()
        for task in self._world.upstream.tasks:
            ours = JOB.search(task.body["input"]["first_frame_url"])
            job_id = self._made.get(task.id) or (ours[0] if ours else None)
            if job_id is None:
                continue  # a stranger's: its frames are not in a folder of a job
            tasks[job_id] += 1
            succeeded[job_id] += task.paid
            self._works[job_id] = (task.ended_at or task.submitted_at) - task.submitted_at
            self._expect(job_id in jobs, f"a paid task without a job: {job_id}")
        return tasks, succeeded

    def _check_job(self, job_id, record, tasks, succeeded, video):
        verdict = record["verdict"]
        failure = verdict["failure"] or {}
        code, prompt = failure.get("code"), record["intent"]["request"]["prompt"]
        if code == "submit_unknown":
            self._life.scheduler.met["submit_unknown"] += 1
            told = len(failure.get("message") or "") >= REASON_AT_LEAST
            self._expect(told, f"submit_unknown without a reason: {job_id}")
        elif succeeded[job_id] and "#" not in prompt:
            self._expect(
                verdict["status"] == "completed", f"a paid film is lost: {job_id} {verdict}"
            )
        paid = verdict["paid"]
        self._expect(
            paid is None or paid == bool(succeeded[job_id]),
            f"says paid {paid}, the books say {succeeded[job_id]}: {job_id} {verdict}",
        )
        if verdict["status"] == "completed":
            self._expect(tasks[job_id] == 1, f"completed by nobody's task: {job_id}")
            self._expect("#" not in prompt, f"a bad film was completed: {job_id}")
            self._expect(video is not None, f"completed without a video: {job_id}")
            self._check_film(job_id, prompt, video)

    def _untouched(self):
        """What is not ours lies as it lay."""
        before = getattr(self._life, "poisoned", None)
        if before is not None:
            after = poison.seen(self._world.storage.store, BUCKET)
            touched = [name for name in before if before[name] != after[name]]
            self._expect(not touched, f"odd objects were touched: {touched}")

    def _one_task_per_wish(self):
        """Who repeats without a key until somebody answers wants one film."""
        wishes = Counter(
            task.body["input"].get("prompt", "") for task in self._world.upstream.tasks
        )
        for wish in getattr(self._life, "wishes", ()):
            self._expect(wishes[wish] <= 1, f"one wish, {wishes[wish]} tasks: {wish}")

    def _nobody_late(self, records):
        """Who was not hit ended within the bound that follows from the load."""
        calm_at = getattr(self._life, "calm_at", None)
        if calm_at is None:
            return
        stormy = not self._life.conditions.fair
        since = calm_at if stormy else 0.0
        lived = [self._lived(job_id, record) for job_id, record in records.items()]
        lived = [one for one in lived if one]
        strangers = self._strangers()
        for one in lived:
            if "#" in records[one.id]["intent"]["request"]["prompt"]:
                continue
            beside = lateness.beside(lived, one, since)
            works = [other.work_s for other in beside] + strangers
            bound = lateness.bound_s(works, own_s=one.work_s, stormy=stormy)
            took = one.ended - max(one.begun, since)
            sentence = f"late: {one.id} took {took:.0f} s, bound {bound:.0f} s"
            odd = sum("#" in records[other.id]["intent"]["request"]["prompt"] for other in beside)
            self._expect(took <= bound, f"{sentence}, beside {len(beside)}, {odd} of them odd")

    def _strangers(self):
        """How long the tasks of others took; one that was cancelled at once took no slot."""
        return [
            task.ended_at - (task.scheduled_at or task.ended_at)
            for task in self._world.upstream.tasks
            if task.key_id == "40001" and task.ended_at is not None and task.status != "CANCELED"
        ]

    def _lived(self, job_id, record):
        """One job's life; None of a deleted one, which says nothing any more."""
        if record.get("deleted"):
            return None
        intent, verdict = record["intent"], record["verdict"]
        work_s = self._works.get(job_id, 0.0)
        return Lived(job_id, intent["account"], intent["created_at"], verdict["ended_at"], work_s)

    def _check_telling(self, job_id, record, name):
        """At least once under one id, or its tries ran out; every try stands in the log."""
        heard = self._world.receivers.of(job_id)
        ids, types = {one.id for one in heard}, {one.event["type"] for one in heard}
        self._expect(ids <= {f"msg_{job_id[4:]}"}, f"told under {ids}: {job_id}")
        self._expect(len(types) <= 1, f"told as {types}: {job_id}")
        if record.get("deleted"):
            return
        self._expect(
            types <= {f"video.{record['verdict']['status']}"}, f"told wrongly as {types}: {job_id}"
        )
        if not record["intent"]["request"]["webhook_url"]:
            self._expect(not heard, f"told unasked: {job_id}")
            return
        metadata = self._world.bucket.get_blob(name).metadata
        log = read_log(metadata.get("webhook"))
        self._expect(bool(log), f"never told: {job_id}")
        self._expect(len(heard) <= log[-1].number, f"told {len(heard)} times, log {log}: {job_id}")
        self._expect(log[-1].number <= TRIES, f"told without end: {job_id} {log}")
        outcomes = {one.outcome for one in log}  # who stood still at a try is heard of later
        if "delivered" in outcomes:
            self._expect(any(one.taken for one in heard), f"nobody was told: {job_id} {log}")
        elif "gone" not in outcomes:
            self._expect(len(log) == TRIES, f"given up after {len(log)} tries: {job_id} {log}")

    def _check_film(self, job_id, prompt, video):
        content = self._world.bucket.blob(video).download_as_bytes()
        probe = Probe()
        for at in range(0, len(content), CHUNK_BYTES):
            probe.feed(content[at : at + CHUNK_BYTES])
        probe.film()
        self._expect(content.endswith(prompt.encode()), f"somebody else's film: {job_id}")

    def _no_orphans(self, records, videos):
        for job_id in videos:
            verdict = records.get(job_id, {}).get("verdict", {})
            self._expect(verdict.get("status") == "completed", f"an orphan video: {job_id}")
        deleted = {job_id for job_id, record in records.items() if record.get("deleted")}
        left = deleted & self._of("frames").keys()
        self._expect(not left, f"frames of deleted jobs: {left}")

    def _one_job_per_key(self):
        by_key = {}
        for owner, key, job_id in self._life.answers:
            if key:
                one = by_key.setdefault((owner, key), job_id) == job_id
                self._expect(one, f"one key, two jobs: {key}")

    def _stored(self, name):
        return json.loads(self._world.bucket.blob(name).download_as_bytes())

    def _expect(self, holds, sentence):
        if not holds:
            life = self._life
            raise Broken(
                f"seed {life.seed}: {sentence}; weather {life.weather}, met {life.scheduler.met}"
            )
