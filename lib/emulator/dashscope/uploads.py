"""Temporary storage for frames: a policy, a form post, an `oss://` name that lives 48 hours.

Bound to the model and account that asked for the policy. Source: Model Studio, "Upload a local file
to get a temporary URL".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lib.emulator.dashscope.errors import UpstreamError

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from lib.emulator.clock import Clock

POLICY_S, LIFE_S = 300, 48 * 3600
SIZE_AT_MOST = 1 << 30
FIELDS = (
    "OSSAccessKeyId",
    "Signature",
    "policy",
    "key",
    "x-oss-object-acl",
    "x-oss-forbid-overwrite",
    "success_action_status",
)


@dataclass(frozen=True)
class Temporary:
    """One uploaded file."""

    data: bytes
    account: str
    model: str
    dies_at: float


class Temporaries:
    """The temporary store of all accounts.

    Args:
        clock: decides when policies and files die.
        base_url: scheme and host of the upload host.
        secret: signs policies.
    """

    def __init__(self, clock: Clock, base_url: str, secret: bytes) -> None:
        self._clock, self._base_url, self._secret = clock, base_url, secret
        self._files: dict[str, Temporary] = {}

    def policy(self, account: str, model: str, request_id: str) -> dict[str, Any]:
        """The `data` of a getPolicy answer; `upload_dir` ends with the id of this very call."""
        now = self._clock.now()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        owner = hashlib.md5(account.encode(), usedforsecurity=False).hexdigest()
        folder = f"dashscope-instant/{owner}/{day}/{request_id}"
        policy = {"expires": now + POLICY_S, "dir": folder, "account": account, "model": model}
        encoded = base64.b64encode(json.dumps(policy).encode()).decode()
        return {
            "policy": encoded,
            "signature": self._sign(encoded),
            "upload_dir": folder,
            "upload_host": f"{self._base_url}/oss",
            "expire_in_seconds": POLICY_S,
            "max_file_size_mb": 1024,
            "capacity_limit_mb": 999999999,
            "oss_access_key_id": "LTAIemulator",
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }

    def _sign(self, policy: str) -> str:
        digest = hmac.new(self._secret, policy.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()

    def receive(self, request: Request) -> None:
        """Take a form post.

        Raises:
            UpstreamError: 400 for a missing field or one behind `file`, 403 for a bad policy.
        """
        body = request.get_data(cache=True)
        for name in FIELDS:
            if name not in request.form:
                raise UpstreamError(400, "InvalidArgument", f"The form field {name} is missing.")
        files = list(request.files.items())
        if len(files) != 1 or files[0][0] != "file":
            raise UpstreamError(400, "InvalidArgument", "Exactly one field `file` is expected.")
        if any(
            body.rfind(f'name="{name}"'.encode()) > body.find(b'name="file"') for name in FIELDS
        ):
            raise UpstreamError(400, "InvalidArgument", "`file` must be the last form field.")
        policy = self._checked(request.form["policy"], request.form["Signature"])
        key = request.form["key"]
        if not key.startswith(policy["dir"] + "/"):
            raise UpstreamError(403, "AccessDenied", "Invalid according to Policy: key.")
        if key in self._files and request.form["x-oss-forbid-overwrite"] == "true":
            raise UpstreamError(409, "FileAlreadyExists", "The object already exists.")
        data = files[0][1].read()
        if len(data) > SIZE_AT_MOST:
            raise UpstreamError(400, "EntityTooLarge", "The file is larger than 1 GB.")
        dies_at = self._clock.now() + LIFE_S
        self._files[key] = Temporary(data, policy["account"], policy["model"], dies_at)

    def _checked(self, policy: str, signature: str) -> dict[str, Any]:
        if not hmac.compare_digest(self._sign(policy), signature):
            raise UpstreamError(403, "SignatureDoesNotMatch", "The policy was not signed by us.")
        data: dict[str, Any] = json.loads(base64.b64decode(policy))
        if self._clock.now() > data["expires"]:
            message = "Invalid according to Policy: Policy expired."
            raise UpstreamError(403, "AccessDenied", message)
        return data

    def read(self, url: str, account: str, model: str) -> bytes:
        """The file of an `oss://` name.

        Raises:
            UpstreamError: 400 when it is dead, foreign, or of another model.
        """
        found = self._files.get(url.removeprefix("oss://"))
        if (
            found is None
            or (found.account, found.model) != (account, model)
            or self._clock.now() > found.dies_at
        ):
            raise UpstreamError(
                400,
                "InvalidParameter.DataInspection",
                "Unable to download the media resource during the data inspection process.",
            )
        return found.data
