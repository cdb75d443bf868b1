"""Every call of the route tables by everybody: `python -m tests.web.tenant_matrix` prints the table.

The calls come from the service's own tables, so a new one without a row here is an error. Each row
has a world of its own in which alice has a job; bob has a key too, and so did somebody whose key
was revoked. For a call on a job, bob's answers about alice's job and about none at all are compared:
status, headers, body but for ids, and what the bucket was asked.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import sys
from dataclasses import dataclass, field, replace

from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.config import parse_owner_keys
from lib.web.auth import new_key
from tests.receivers import PLACE, secret
from tests.world import World, picture

MISSING = "vid_" + "e" * 27
PROMPT, NOTE = "the prompt of alice, nobody else's", "alice-internal-4711"
HOOK = f"{PLACE}/ok/alice-hook-7731"
WEBHOOKS = {"WEBHOOK_SECRETS": json.dumps({"alice": [secret()]})}
FIRST, LAST = picture(color=(1, 2, 3)), picture(color=(9, 8, 7))
UPSTREAM_MODEL = "wan2.2-kf2v-flash"
ACTORS = ("no key", "wrong key", "revoked", "other", "owner")


def uri(data):
    return "data:image/png;base64," + base64.b64encode(data).decode()


def order(**changes):
    return {"first_frame": uri(FIRST), "last_frame": uri(LAST), "prompt": "another", **changes}


def compat_order():
    frames = {"first_frame_url": uri(FIRST), "last_frame_url": uri(LAST), "prompt": "another"}
    return {"model": UPSTREAM_MODEL, "input": frames, "parameters": {"resolution": "480P"}}


ASYNC = {"X-DashScope-Async": "enable"}


@dataclass(frozen=True)
class Row:
    """How a call is made, and what its owner may hear.

    Attributes:
        owner: the statuses that the right owner may get.
        stage: where alice's job stands: `done`, `running`, `queued` or `failed`.
        send: further arguments of the call.
        stranger: what somebody without a valid key gets.
        other: what bob gets about alice's job, and about none.
    """

    owner: tuple[int, ...]
    stage: str = "done"
    send: dict = field(default_factory=dict)
    stranger: int = 401
    other: tuple[int, ...] = (404,)


def public(*statuses):
    return Row(statuses, stranger=200, other=statuses)


def shared(status, stranger=401, **send):
    """A call without an id: everybody with a key gets an answer of their own."""
    return Row((status,), send=send, stranger=stranger, other=(status,))


COMPAT = "/api/v1"
ROWS = {
    ("POST", "/v1/videos"): shared(202, json=order()),
    ("GET", "/v1/videos"): shared(200),
    ("GET", "/v1/videos/{id}"): Row((200,)),
    ("DELETE", "/v1/videos/{id}"): Row((200, 204)),
    ("POST", "/v1/videos/{id}/cancel"): Row((200,), stage="queued"),
    ("POST", "/v1/videos/{id}/retry"): Row((202,), stage="failed"),
    ("GET", "/v1/videos/{id}/content"): Row((302,)),
    ("GET", "/v1/videos/{id}/webhook-deliveries"): Row((200,)),
    ("POST", "/v1/videos/{id}/webhook-deliveries"): Row((202,)),
    ("POST", "/v1/uploads"): Row((200, 201, 400), send={"json": {}}, other=(200, 201, 400)),
    ("GET", "/v1/models"): shared(200),
    ("GET", "/health"): public(200),
    ("GET", "/ready"): public(200),
    ("GET", "/openapi.json"): public(200),
    ("GET", "/docs"): public(200),
    ("POST", f"{COMPAT}/services/aigc/image2video/video-synthesis"): shared(
        200, json=compat_order(), headers=ASYNC
    ),
    ("POST", f"{COMPAT}/services/aigc/video-generation/video-synthesis"): shared(
        400, json=compat_order(), headers=ASYNC
    ),
    ("GET", f"{COMPAT}/tasks"): shared(200),
    ("GET", f"{COMPAT}/tasks/{{id}}"): Row((200,), other=(200,)),  # unknown ids are UNKNOWN there
    ("POST", f"{COMPAT}/tasks/{{id}}/cancel"): Row((200,), stage="queued", other=(400, 404)),
    ("GET", f"{COMPAT}/uploads"): shared(
        200, query_string={"action": "getPolicy", "model": UPSTREAM_MODEL}
    ),
    # A form carries its own permission, the signed policy; a key neither helps nor hurts.
    ("POST", f"{COMPAT}/uploads"): Row((403,), stranger=403, other=(403,)),
}


def calls(service):
    """Method and path of every call that the service's tables know."""
    app = service.api
    return [(route.method, route.path) for route in (*app.routes, *app._compat.routes)]


class Tenants:
    """Alice's job, bob's key, and a key that is not worth anything any more."""

    def __init__(self, film, stage="done"):
        self.keys, table = {}, {}
        for name, owner in (("alice", "alice"), ("bob", "bob"), ("revoked", "alice")):
            self.keys[name], kept = new_key()
            table[owner] = [*table.get(owner, []), kept]
        last = self.keys["alice"][-1]
        self.keys["wrong"] = self.keys["alice"][:-1] + ("A" if last != "A" else "B")
        self.world = World(film, env={"AUTH": "on", "OWNER_KEYS": json.dumps(table), **WEBHOOKS})
        if stage == "queued":
            self.world.upstream.faults.add(operation="create", kind="rate", times=999)
        assert self.send("GET", "/v1/models", "revoked").status_code == 200
        self.revoke(table)
        suffix = " #moderation" if stage == "failed" else ""
        answer = self.send(
            "POST",
            "/v1/videos",
            "alice",
            json=order(prompt=PROMPT + suffix, metadata={"note": NOTE}, webhook_url=HOOK),
            headers={"Idempotency-Key": "the-same-key"},
        )
        assert answer.status_code == 202, answer.text
        self.job = answer.get_json()["id"]
        if stage in {"done", "failed"}:
            self.world.run()

    def revoke(self, table):
        """The key goes, and the service starts again with what is left."""
        left = parse_owner_keys({**table, "alice": table["alice"][:1]})
        self.world.config = replace(self.world.config, owner_keys=left)
        self.world.service = self.world.instance()
        self.world.context = self.world.service.context
        self.world.client = Client(Request.application(self.world.service.api))

    def send(self, method, path, actor, headers=None, **send):
        headers = dict(headers or {})
        if actor in self.keys:
            headers["Authorization"] = f"Bearer {self.keys[actor]}"
        if method == "POST" and path == f"{COMPAT}/uploads":
            send = {"data": form()}
        return self.world.client.open(path, method=method, headers=headers, **send)

    def secrets(self):
        """What only alice may read, wherever it stands."""
        texts = {
            PROMPT,
            NOTE,
            HOOK,
            secret(),
            self.job,
            self.keys["alice"],
            *map(str, self.world.paid()),
        }
        return texts | {"X-Goog-Signature", hashlib.sha256(FIRST).hexdigest(), "/alice/"}

    def belongings(self):
        """Alice's objects with their versions."""
        return {
            (blob.name, blob.generation, blob.metageneration)
            for blob in self.world.bucket.list_blobs()
            if "/alice/" in blob.name
        }


def form():
    """An upload without a policy of ours."""
    document = base64.b64encode(b"{}").decode()
    names = {"OSSAccessKeyId": "INBETWEEN", "Signature": "eA==", "policy": document, "key": "x/y"}
    return {**names, "file": (io.BytesIO(FIRST), "x.png")}


def comparable(answer, *ids):
    """An answer without what differs from request to request."""
    text = answer.get_data(as_text=True)
    request_id = answer.headers.get("x-request-id", "")
    for given, name in [*((job, "{id}") for job in ids), (request_id, "{request}")]:
        text = text.replace(given, name) if given else text
    text = re.sub(r'"request_id":\s*"[^"]*"', '"request_id":"{request}"', text)
    headers = {k.lower(): v for k, v in answer.headers if k.lower() not in {"x-request-id", "date"}}
    return answer.status_code, headers, text


def leaks(answer, secrets, given=""):
    """Which secrets stand in an answer, headers included; what the caller gave is none."""
    text = answer.get_data(as_text=True) + json.dumps(dict(answer.headers))
    return sorted(secret for secret in secrets if secret != given and secret in text)


def play(film, call):
    """One row: every actor's answer, and what is wrong with it.

    Returns:
        Statuses by actor, and complaints.
    """
    method, path = call
    row = ROWS[call]
    tenants = Tenants(film, row.stage)
    with_id = "{id}" in path
    here, nowhere = (path.replace("{id}", job) for job in (tenants.job, MISSING))
    said, wrong = {}, []
    before = tenants.belongings()
    for actor, key in (("no key", ""), ("wrong key", "wrong"), ("revoked", "revoked")):
        answer = tenants.send(method, here, key, **row.send)
        said[actor] = str(answer.status_code)
        if answer.status_code != row.stranger:
            wrong.append(f"{actor}: got {answer.status_code}, expected {row.stranger}")
        wrong += [
            f"{actor}: leaks {text!r}" for text in leaks(answer, tenants.secrets(), tenants.job)
        ]
    wrong += _compare(tenants, method, (here, nowhere), row, said, with_id=with_id)
    if tenants.belongings() != before:
        wrong.append("alice's objects changed by another owner's call")
    if tenants.world.names("pending/bob/") and with_id:
        wrong.append("bob has a job by a call on alice's")
    answer = tenants.send(method, here, "alice", **row.send)
    said["owner"] = str(answer.status_code)
    if answer.status_code not in row.owner:
        wrong.append(f"owner: got {answer.status_code}, expected one of {row.owner}: {answer.text}")
    return said, wrong


def _compare(tenants, method, paths, row, said, *, with_id):
    """Bob, about alice's job and about none."""
    if not with_id:
        answer = tenants.send(method, paths[0], "bob", **row.send)
        said["other"] = str(answer.status_code)
        wrong = [f"other: leaks {text!r}" for text in leaks(answer, tenants.secrets())]
        if answer.status_code not in row.other:
            wrong.append(f"other: got {answer.status_code}, expected one of {row.other}")
        return wrong
    wrong = []
    for how in dict.fromkeys((method, "HEAD" if method == "GET" else method, "OPTIONS")):
        found, asked = [], []
        for path in paths:
            tenants.world.storage.traffic.clear()
            answer = tenants.send(how, path, "bob", **row.send)
            asked.append([(r["kind"], r["status"]) for r in tenants.world.storage.traffic.log()])
            found.append(comparable(answer, tenants.job, MISSING))
            wrong += [
                f"{how}: leaks {text!r}" for text in leaks(answer, tenants.secrets(), tenants.job)
            ]
        same = found[0] == found[1] and asked[0] == asked[1]
        if not same:
            wrong.append(f"{how}: told apart from none: {found} {asked}")
        if how == method:
            said["other"] = f"{found[0][0]} {'=' if same else '#'} none"
            if found[0][0] not in row.other:
                wrong.append(f"other: got {found[0][0]}, expected one of {row.other}")
    return wrong


def main():
    from tests.conftest import film  # the table alone needs it here

    table = calls(World(film).service)
    width = max(len(path) for _, path in table)
    print(f"{'call':{width + 7}} " + " ".join(f"{actor:10}" for actor in ACTORS) + " leaks")
    broken = 0
    for call in table:
        said, wrong = play(film, call)
        cells = " ".join(f"{said[actor]:10}" for actor in ACTORS)
        print(f"{call[0]:6} {call[1]:{width}} {cells} {len(wrong)}")
        for complaint in wrong:
            print(f"       ! {complaint}")
        broken += len(wrong)
    print(f"{len(table)} calls x {len(ACTORS)} callers: {broken} leaks or wrong answers")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
