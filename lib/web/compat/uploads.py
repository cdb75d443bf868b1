"""Temporary uploads in the service's way: a policy, a form post, an `oss://` name.

The policy is signed (HMAC-SHA256) and says owner, model, folder and expiry, so that any instance
can judge a form without having seen the policy before. The key is SHA-256 over a label, OWNER_KEYS
and the accounts' API keys: settings that all instances share and nobody else has. A change of one
of them ends the policies that are out, which live five minutes. Sources: Model Studio, "Upload a
local file to get a temporary URL"; Object Storage Service, "PostObject" (fields, policy, errors in
XML).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from lib.core.errors import RATE_LIMITED, ApiError
from lib.web import connection
from lib.web.compat.upload_form import FILE_AT_MOST, FormError, UploadForm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from werkzeug.wrappers import Request

    from lib.adapters.files.uploads import Temporaries
    from lib.flows.memory import MemoryBudget

POLICY_S = 300
NAME_AT_MOST = 255  # bytes
ACCESS_KEY_ID = "INBETWEEN"
FIXED = {"x-oss-object-acl": "private", "x-oss-forbid-overwrite": "true"}
LABEL = "inbetween temporary upload policy v1"


def signing_secret(owner_keys: Mapping[str, tuple[str, ...]], api_keys: Sequence[str]) -> bytes:
    """The key that policies are signed with.

    Args:
        owner_keys: the OWNER_KEYS setting; may be empty where owners come with ID tokens.
        api_keys: of all accounts; never empty.
    """
    owners = {name: list(hashes) for name, hashes in owner_keys.items()}
    material = json.dumps([LABEL, owners, list(api_keys)], sort_keys=True)
    return hashlib.sha256(material.encode()).digest()


class TemporaryUploads:
    """Hands out policies and takes forms.

    Args:
        files: where the files lie.
        secret: signs policies, see `signing_secret`.
        now: Unix seconds.
        admit: raises ApiError when an owner may not upload one more file of that name.
    """

    def __init__(
        self,
        files: Temporaries,
        secret: bytes,
        now: Callable[[], float],
        admit: Callable[[str, str], None],
    ) -> None:
        self._files, self._secret, self._now, self._admit = files, secret, now, admit
        self._waiting = connection.UnprovenReads()

    def policy(self, owner: str, model: str, request_id: str, host: str) -> dict[str, Any]:
        """The `data` of a getPolicy answer.

        Args:
            owner: who may use the file.
            model: for what.
            request_id: of this very call; `upload_dir` ends with it.
            host: where forms are posted to.
        """
        end = datetime.fromtimestamp(self._now() + POLICY_S, UTC).replace(tzinfo=None)
        folder = self._folder(owner, request_id)
        document = {
            "expiration": end.isoformat(timespec="milliseconds") + "Z",
            "conditions": [
                ["content-length-range", 0, FILE_AT_MOST],
                ["starts-with", "$key", folder],
                *({name: value} for name, value in FIXED.items()),
            ],
            "owner": owner,
            "model": model,
        }
        encoded = base64.b64encode(json.dumps(document).encode()).decode()
        return {
            "policy": encoded,
            "signature": self._sign(encoded),
            "upload_dir": folder,
            "upload_host": host,
            "expire_in_seconds": POLICY_S,
            "max_file_size_mb": FILE_AT_MOST >> 20,
            "capacity_limit_mb": 999999999,
            "oss_access_key_id": ACCESS_KEY_ID,
            "x_oss_object_acl": FIXED["x-oss-object-acl"],
            "x_oss_forbid_overwrite": FIXED["x-oss-forbid-overwrite"],
        }

    def _folder(self, owner: str, request_id: str) -> str:
        day = datetime.fromtimestamp(self._now(), UTC).date().isoformat()
        account = hashlib.sha256(owner.encode()).hexdigest()[:32]
        return f"dashscope-instant/{account}/{day}/{request_id}"

    def _sign(self, policy: str) -> str:
        digest = hmac.new(self._secret, policy.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def receive(self, request: Request, memory: MemoryBudget) -> Response:
        """Take a form post; answers in the upload host's way, XML when it refuses.

        Args:
            request: not yet read.
            memory: of all requests; lent to a form whose policy is good.

        Raises:
            ApiError: the bucket does not answer, no memory is free, or the file is late.
        """
        digests: list[str] = []

        def store(data: bytes) -> None:
            digests.append(hashlib.md5(data, usedforsecurity=False).hexdigest().upper())
            if not self._files.store(owner, model, fields["key"], data):
                message = "The object you specified already exists"
                raise FormError(409, "FileAlreadyExists", message)

        try:
            form = UploadForm(request, self._waiting)
            fields = form.fields()
            owner, model = self._authorized(fields)
            self._count(owner, fields["key"])
            form.file(memory, store)
        except FormError as error:
            return _xml(error)
        status = 200 if fields.get("success_action_status") == "200" else 204
        return Response(b"", status, {"ETag": f'"{digests[0]}"'})

    def _count(self, owner: str, key: str) -> None:
        try:
            self._admit(owner, key)
        except ApiError as error:
            if error.kind is not RATE_LIMITED:
                raise
            kind, wait_s = error.kind, error.retry_after_s
            raise FormError(kind.status, kind.dashscope, error.message, wait_s) from None

    def _authorized(self, fields: Mapping[str, str]) -> tuple[str, str]:
        """Owner and model of a form that keeps to its policy."""
        if fields["OSSAccessKeyId"] != ACCESS_KEY_ID:
            message = "The OSS Access Key Id you provided does not exist in our records."
            raise FormError(403, "InvalidAccessKeyId", message)
        signature = fields["Signature"].encode()
        if not hmac.compare_digest(self._sign(fields["policy"]).encode(), signature):
            message = "The request signature we calculated does not match the one you provided."
            raise FormError(403, "SignatureDoesNotMatch", message)
        document = json.loads(base64.b64decode(fields["policy"]))
        if self._now() > datetime.fromisoformat(document["expiration"]).timestamp():
            raise _policy_violation("Policy expired.")
        folder, _, name = fields["key"].rpartition("/")
        if folder != document["conditions"][1][2] or not _usable(name):
            raise _policy_violation('Policy Condition failed: ["starts-with", "$key", ...]')
        for key, value in FIXED.items():
            if fields.get(key) != value:
                raise _policy_violation(f'Policy Condition failed: ["eq", "${key}", "{value}"]')
        return document["owner"], document["model"]

    def read(self, owner: str, model: str, url: str) -> bytes | None:
        """The file behind an `oss://` name of ours; None when this owner has none for this model.

        Raises:
            ApiError: the bucket does not answer.
        """
        key = url.removeprefix("oss://")
        folder, _, name = key.rpartition("/")
        if not folder.startswith("dashscope-instant/") or ".." in folder or not _usable(name):
            return None
        return self._files.read(owner, model, key)


def _policy_violation(what: str) -> FormError:
    return FormError(403, "AccessDenied", f"Invalid according to Policy: {what}")


def _usable(name: str) -> bool:
    """Whether a file's name may become the end of an object's name."""
    return (
        0 < len(name.encode()) <= NAME_AT_MOST
        and name.isprintable()
        and "/" not in name
        and name not in {".", ".."}
    )


def _xml(error: FormError) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error>"
    )
    response = Response(body, error.status, content_type="application/xml")
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
