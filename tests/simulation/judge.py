"""What must be true of a world when everything has come to rest."""

from __future__ import annotations

import json
import re
from collections import Counter

from lib.adapters.bucket import CHUNK_BYTES
from lib.core.mp4 import Probe
from lib.core.webhooks import TRIES, read_log

JOB = re.compile(r"vid_[0-9a-f]{27}")


class Broken(AssertionError):  # noqa: N818 - what a judge says
    """An invariant does not hold."""


class Judge:
    """Looks behind the service at bucket and upstream.

    Args:
        life: the world that was lived, with `world` and `answers`.
    """

    def __init__(self, life):
        self._life, self._world = life, life.world
        self._names = life.world.names()

    def _of(self, folder):
        """Job id to object name."""
        found = [name for name in self._names if name.startswith(f"{folder}/")]
        return {JOB.search(name)[0]: name for name in found if JOB.search(name)}

    def judge(self):
        """Look at everything.

        Raises:
            Broken: an invariant does not hold.
        """
        self._expect(not self._of("pending"), "something is pending for ever")
        self._expect(not self._of("outbox"), "a webhook is on its way for ever")
        jobs, videos = self._of("jobs"), self._of("videos")
        records = {job_id: self._stored(name) for job_id, name in jobs.items()}
        tasks, succeeded = Counter(), Counter()
        for task in self._world.upstream.tasks:
            ours = JOB.search(task.body["input"]["first_frame_url"])
            if ours is None:
                continue  # a stranger's: its frames are not in a folder of a job
            job_id = ours[0]
            tasks[job_id] += 1
            succeeded[job_id] += task.status == "SUCCEEDED"
            self._expect(job_id in jobs, f"a paid task without a job: {job_id}")
        for job_id, record in records.items():
            self._expect(tasks[job_id] <= 1, f"paid {tasks[job_id]} times: {job_id}")
            if not record.get("deleted"):
                self._judge_job(job_id, record, tasks, succeeded, videos.get(job_id))
            self._judge_telling(job_id, record, jobs[job_id])
        for _owner, _key, job_id in self._life.answers:
            self._expect(job_id in jobs, f"an answered job is lost: {job_id}")
        self._no_orphans(records, videos)
        self._one_job_per_key()

    def _judge_job(self, job_id, record, tasks, succeeded, video):
        verdict = record["verdict"]
        code = (verdict["failure"] or {}).get("code")
        prompt = record["intent"]["request"]["prompt"]
        if succeeded[job_id] and code != "submit_unknown" and "#" not in prompt:
            self._expect(
                verdict["status"] == "completed", f"a paid film is lost: {job_id} {verdict}"
            )
        if succeeded[job_id] and verdict["paid"] is False:
            self._expect(holds=False, sentence=f"says unpaid, was paid: {job_id} {verdict}")
        if verdict["status"] == "completed":
            self._expect(tasks[job_id] == 1, f"completed by nobody's task: {job_id}")
            self._expect("#" not in prompt, f"a bad film was completed: {job_id}")
            self._expect(video is not None, f"completed without a video: {job_id}")
            self._judge_film(job_id, prompt, video)

    def _judge_telling(self, job_id, record, name):
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
        last = log[-1].outcome
        if last == "delivered":
            self._expect(any(one.taken for one in heard), f"nobody was told: {job_id} {log}")
        elif last != "gone":
            self._expect(len(log) == TRIES, f"given up after {len(log)} tries: {job_id} {log}")

    def _judge_film(self, job_id, prompt, video):
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
