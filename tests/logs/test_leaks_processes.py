"""The same search in what real processes print: the framework and its server write lines, too."""

import base64
import json
import os
import re
import time

import pytest
import requests

from lib.cli import service as services
from lib.cli.processes import Processes, consecutive_ports, python
from lib.web.auth import new_key
from tests.logs.test_leaks import NEGATIVE, NOTE, PROMPT, WORD, found
from tests.web.test_auth_tokens import Google
from tests.world import picture

FRAME = "data:image/png;base64," + base64.b64encode(picture()).decode()
IAM = "scheduler@inbetween.iam.gserviceaccount.com"


class Live:
    """A local service whose doors are shut, beside the open ones that the command line starts."""

    def __init__(self, processes):
        self.key, kept = new_key()
        service = services.start(processes, draft=True)
        self.poll_open = f"http://127.0.0.1:{service.ports.poll}/"
        upstream = service.environ["DASHSCOPE_BASE_URL"].partition("/singapore")[0]
        shut = {
            **service.environ,
            "AUTH": "on",
            "OWNER_KEYS": json.dumps({"alice-the-owner": [kept]}),
            "POLL_AUDIENCE": self.poll_open,
            "POLL_INVOKER": IAM,
            "ID_TOKEN_CERTS_URL": f"{upstream}/emulator/certs",
        }
        port = consecutive_ports(2)
        self.api, self.poll = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
        for name, where in (("api", port), ("poll", port + 1)):
            command = [
                *(python(), "-m", "functions_framework", "--target", name, "--host", "127.0.0.1"),
                *("--source", str(services.ROOT / "main.py"), "--port", str(where)),
            ]
            process = processes.start(f"{name}-shut", command, shut)
            processes.healthy(process, f"http://127.0.0.1:{where}/health")
        self.upstream_key, self.faults = shut["DASHSCOPE_API_KEY"], f"{upstream}/emulator/faults"
        self.storage = service.emulator["STORAGE_EMULATOR_HOST"]

    def call(self, method, path, key=None, **send):
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return requests.request(method, self.api + path, headers=headers, timeout=20, **send)

    def create(self, suffix=""):
        body = {
            "first_frame": FRAME, "last_frame": FRAME, "prompt": f"{PROMPT} {suffix}", "resolution": "480P",
            "negative_prompt": NEGATIVE, "metadata": {"note": NOTE},
        }  # fmt: skip
        return self.call("POST", "/v1/videos", json=body).json()["id"]

    def ended(self, job):
        for _ in range(200):
            found = self.call("GET", f"/v1/videos/{job}").json()
            if found["status"] in {"completed", "failed"}:
                return found
            time.sleep(0.2)
        raise AssertionError(f"still {found['status']}")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "logs"


@pytest.mark.slow
def test_what_real_processes_print_holds_no_secret(folder):
    with Processes(folder, os.environ) as processes:
        live = Live(processes)
        quotes = f"Bearer {live.upstream_key} {PROMPT} https://x/y?Signature={WORD}"
        fault = {
            "operation": "create",
            "kind": "status",
            "status": 400,
            "code": "InvalidParameter",
            "message": quotes,
        }
        good, bad = live.create(), live.create("#moderation")
        done = live.ended(good)
        assert (done["status"], live.ended(bad)["status"]) == ("completed", "failed")
        requests.post(live.faults, json={**fault, "times": 1}, timeout=5).raise_for_status()
        refused = live.ended(live.create())
        answers = [
            live.call("GET", "/v1/models", key="x" * 40), live.call("GET", f"/v1/videos/{PROMPT}"),
            live.call("GET", "/v1/models", key=live.upstream_key), live.call("POST", "/v1/videos", data=PROMPT),
            live.call("POST", "/v1/videos", json={"first_frame": f"http://127.0.0.1:9/?X-Goog-Signature={WORD}", "last_frame": FRAME}),
            requests.post(live.poll, timeout=5), requests.post(live.poll, headers={"Authorization": f"Bearer {live.key}"}, timeout=5),
        ]  # fmt: skip
        stranger = Google(_Now()).token(aud=live.poll_open, email=IAM)
        answers.append(
            requests.post(live.poll, headers={"Authorization": f"Bearer {stranger}"}, timeout=5)
        )
        listing = f"{live.storage}/storage/v1/b/inbetween/o"
        items = requests.get(listing, timeout=5).json()["items"]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [401, 404, 401, 415, 400, 401, 401, 401]
    signature = re.search(r"X-Goog-Signature=(\w+)", done["url"])[1]
    secrets = {live.key, live.upstream_key, stranger, signature, PROMPT, NEGATIVE, NOTE, WORD}
    for answer in answers:
        text = f"{answer.headers} {answer.text}".replace("Bearer realm=", "").replace(
            "Authorization: Bearer <", ""
        )
        assert found(text, secrets) == []
    assert found(json.dumps(items), secrets | {"Bearer "}) == []
    assert live.upstream_key not in json.dumps(refused)
    printed = {
        path.stem: path.read_text() for path in folder.glob("*.log") if path.stem != "emulator"
    }
    assert set(printed) == {"api", "poll", "api-shut", "poll-shut"}
    for name, text in printed.items():
        assert found(text, secrets) == [], name
    assert "job.created" in printed["api-shut"]
    assert "request.refused" in printed["api-shut"]
    assert "request.refused" in printed["poll-shut"]
    assert "job.completed" in printed["poll"] + printed["api"]  # a reader may copy it first


class _Now:
    """A clock that a test does not move."""

    def now(self):
        return time.time()
