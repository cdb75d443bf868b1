"""Frames on DashScope's own temporary storage: a policy, then a form to the host that it names.

What lies there is kept for 48 hours, for one model and one account. Source: Alibaba Cloud Model
Studio, "Upload a local file to get a temporary URL".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib.adapters.dashscope.connection import OK, unavailable
from lib.adapters.dashscope.creates import BLOCK_TIMEOUT_S
from lib.core.upstream.blocks import TooSlow, in_blocks
from lib.core.upstream.outcomes import QueryFailed

if TYPE_CHECKING:
    from lib.adapters.dashscope.connection import Connection

UPLOAD_TIMEOUT_S = (BLOCK_TIMEOUT_S, 20.0)
UPLOAD_TOTAL_S = 80.0  # 10 MB at 1 Mbit/s


def upload(
    connection: Connection, data: bytes, filename: str, mime: str, model: str, within_s: float
) -> str | QueryFailed:
    """Put a frame there.

    Args:
        connection: to the account.
        data: the frame.
        filename: the last part of its name there.
        mime: its type.
        model: that it is for.
        within_s: how long it may take, seconds.

    Returns:
        Its `oss://` name.
    """
    import requests  # only a call to the service needs it
    from urllib3.filepost import encode_multipart_formdata

    until = connection.now() + within_s
    answer = connection.query("GET", f"/uploads?action=getPolicy&model={model}")
    if isinstance(answer, QueryFailed):
        return answer
    try:
        host, fields = _form(answer.get("data"), filename, mime)
    except (KeyError, TypeError):
        return unavailable("an upload policy in an unknown shape")
    body, kind = encode_multipart_formdata({**fields, "file": (filename, data)})
    try:
        response = connection.shared().post(
            host,
            data=in_blocks(body, until, connection.now),
            headers={"Content-Type": kind},
            timeout=UPLOAD_TIMEOUT_S,
            allow_redirects=False,
        )
    except (requests.RequestException, TooSlow) as error:
        return unavailable(f"upload: {type(error).__name__}")
    if response.status_code != OK:  # asked for by success_action_status
        return unavailable(f"upload: HTTP {response.status_code}")
    return f"oss://{fields['key']}"


def _form(policy: Any, filename: str, mime: str) -> tuple[str, dict[str, str]]:
    """Where a form is posted to, and its fields but for the file."""
    fields = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": f"{policy['upload_dir']}/{filename}",
        "x-oss-object-acl": policy["x_oss_object_acl"],
        "x-oss-forbid-overwrite": policy["x_oss_forbid_overwrite"],
        "success_action_status": "200",
        "x-oss-content-type": mime,
    }
    host = policy["upload_host"]
    if not all(isinstance(value, str) for value in (host, *fields.values())):
        raise TypeError("a policy of other things than texts")
    return host, fields
