"""Temporary storage for frames: a policy, a form post, an `oss://` name that is valid for 48 hours.

Bound to the model and account that asked for the policy. Sources: Model Studio, "Upload a local
file to get a temporary URL"; Object Storage Service, "PostObject" (form fields, policy, errors).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.upstream.body import model_of
from lib.emulator.upstream.errors import UpstreamError, inaccessible, missing
from lib.emulator.upstream.forms import Form, read
from lib.emulator.upstream.limits import POLICIES
from lib.emulator.upstream.routing import UpstreamRoute, as_json

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from lib.emulator.clock import Clock
    from lib.emulator.upstream.accounts import Caller
    from lib.emulator.upstream.state import UpstreamState

POLICY_S, LIFETIME_S = 300, 48 * 3600
SIZE_AT_MOST = 1 << 30
ACCESS_KEY_ID = "LTAIemulator"
FIXED = {"x-oss-object-acl": "private", "x-oss-forbid-overwrite": "true"}


@dataclass(frozen=True)
class TemporaryFile:
    """One uploaded file, or before that a policy that allows one.

    Attributes:
        account: who may use it.
        model: for what.
        expires_at: when its policy or the file itself expires, Unix seconds.
        data: the file.
    """

    account: str
    model: str
    expires_at: float
    data: bytes = b""


class TemporaryFiles:
    """The temporary store of all accounts.

    Args:
        clock: decides when policies and files expire.
        base_url: scheme and host of the upload host.
        secret: signs policies.
        at_most: bytes of a file.
    """

    def __init__(
        self, clock: Clock, base_url: str, secret: bytes, at_most: int = SIZE_AT_MOST
    ) -> None:
        self._clock, self._base_url, self._secret = clock, base_url, secret
        self._at_most = at_most
        self._policies: dict[str, TemporaryFile] = {}
        self._files: dict[str, TemporaryFile] = {}

    def policy(self, account: str, model: str, request_id: str) -> dict[str, Any]:
        """The `data` of a getPolicy answer; `upload_dir` ends with the id of this very call."""
        now = self._clock.now()
        self._forget(now)
        owner = hashlib.md5(account.encode(), usedforsecurity=False).hexdigest()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        folder = f"dashscope-instant/{owner}/{day}/{request_id}"
        self._policies[folder] = TemporaryFile(account, model, now + POLICY_S)
        end = datetime.fromtimestamp(now + POLICY_S, UTC).replace(tzinfo=None)
        document = {
            "expiration": end.isoformat(timespec="milliseconds") + "Z",
            "conditions": [
                ["content-length-range", 0, self._at_most],
                ["starts-with", "$key", folder],
                {"bucket": "dashscope-file-mgr"},
                *({name: value} for name, value in FIXED.items()),
            ],
        }
        encoded = base64.b64encode(json.dumps(document).encode()).decode()
        return {
            "policy": encoded,
            "signature": self._sign(encoded),
            "upload_dir": folder,
            "upload_host": f"{self._base_url}/oss",
            "expire_in_seconds": POLICY_S,
            "max_file_size_mb": self._at_most >> 20,
            "capacity_limit_mb": 999999999,
            "oss_access_key_id": ACCESS_KEY_ID,
            "x_oss_object_acl": FIXED["x-oss-object-acl"],
            "x_oss_forbid_overwrite": FIXED["x-oss-forbid-overwrite"],
        }

    def clear(self) -> None:
        """Forget all policies and files."""
        self._policies.clear()
        self._files.clear()

    def _forget(self, now: float) -> None:
        for held in (self._policies, self._files):
            for name in [name for name, each in held.items() if now > each.expires_at + POLICY_S]:
                held.pop(name, None)

    def _sign(self, policy: str) -> str:
        digest = hmac.new(self._secret, policy.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()

    def receive(self, request: Request) -> Response:
        """Take a form post.

        Raises:
            UpstreamError: why not; the answer is XML.
        """
        if request.method != "POST":
            raise UpstreamError(403, "AccessDenied", "Temporary files cannot be read back.")
        form = read(request, self._at_most)
        allowed = self._allowed(form)
        key = form.fields["key"]
        if key in self._files:
            raise UpstreamError(409, "FileAlreadyExists", "The object you specified already exists")
        expires_at = self._clock.now() + LIFETIME_S
        self._files[key] = TemporaryFile(allowed.account, allowed.model, expires_at, form.file)
        status = 200 if form.fields.get("success_action_status") == "200" else 204
        tag = hashlib.md5(form.file, usedforsecurity=False).hexdigest().upper()
        return Response(b"", status, {"ETag": f'"{tag}"'})

    def _allowed(self, form: Form) -> TemporaryFile:
        """What the policy in a form allows, if the form keeps to it."""
        fields = form.fields
        if fields["OSSAccessKeyId"] != ACCESS_KEY_ID:
            message = "The OSS Access Key Id you provided does not exist in our records."
            raise UpstreamError(403, "InvalidAccessKeyId", message)
        if not hmac.compare_digest(self._sign(fields["policy"]), fields["Signature"]):
            message = "The request signature we calculated does not match the one you provided."
            raise UpstreamError(403, "SignatureDoesNotMatch", message)
        conditions = json.loads(base64.b64decode(fields["policy"]))["conditions"]
        folder = conditions[1][2]
        allowed = self._policies.get(folder)
        if allowed is None or self._clock.now() > allowed.expires_at:
            message = "Invalid according to Policy: Policy expired."
            raise UpstreamError(403, "AccessDenied", message)
        if not fields["key"].startswith(f"{folder}/"):
            raise _against('["starts-with", "$key", ...]')
        for name, value in FIXED.items():
            if fields.get(name) != value:
                raise _against(f'["eq", "${name}", "{value}"]')
        return allowed

    def read(self, url: str, account: str, model: str) -> bytes:
        """The file of an `oss://` name.

        Raises:
            UpstreamError: 400 when it has expired, or is another account's or model's.
        """
        found = self._files.get(url.removeprefix("oss://"))
        if found is None or (found.account, found.model) != (account, model):
            raise inaccessible()
        if self._clock.now() > found.expires_at:
            raise inaccessible()
        return found.data


def _against(condition: str) -> UpstreamError:
    message = f"Invalid according to Policy: Policy Condition failed: {condition}"
    return UpstreamError(403, "AccessDenied", message)


class Policies:
    """The operation that hands out policies.

    Args:
        state: what it works with.
        temporaries: whose policies.
    """

    def __init__(self, state: UpstreamState, temporaries: TemporaryFiles) -> None:
        self._state, self._temporaries = state, temporaries

    def routes(self) -> list[UpstreamRoute]:
        """One."""
        return [UpstreamRoute("policy", "GET", "/uploads", self.policy)]

    def policy(self, request: Request, caller: Caller) -> Response:
        """Permission for one temporary upload."""
        if request.args.get("action") != "getPolicy":
            raise missing("action")
        model = model_of(caller.region, request.args.get("model"))
        self._state.limits.take(POLICIES, "policy", caller.account, model.name)
        self._state.count("policy")
        data = self._temporaries.policy(caller.account, model.name, caller.request_id)
        return as_json({"request_id": caller.request_id, "data": data})
