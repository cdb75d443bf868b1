"""The DashScope Java SDK as bytes on a socket.

The order of headers and parameters is that of the `HashMap`s in which release 2.22.29 keeps them
(`DashScopeHeaders`, `VideoSynthesisParam`, `AsynchronousApi`, `OSSUtils`), the rest is OkHttp's
(`BridgeInterceptor`, `MultipartBody`, 4.12): HTTP/1.1, keep-alive, gzip.
"""

import gzip
import http.client
import json
import socket
from urllib.parse import urlsplit

AGENT = "dashscope/2.22.29; java/17.0.15; platform/Linux; processor/amd64"
BOUNDARY = "5f5a2c0e-8f0b-4f7e-9a53-6f0c5a1d2b3c"


class Java:
    """One connection of the SDK's pool.

    Args:
        base: `Constants.baseHttpApiUrl`.
        key: the API key.
    """

    def __init__(self, base, key):
        self.base, self.key = base, key
        place = urlsplit(base)
        self.host, self.path = place.netloc, place.path
        self._socket = socket.create_connection((place.hostname, place.port), timeout=10)

    def close(self):
        """Give the connection back."""
        self._socket.close()

    def send(self, data):
        """Write these very bytes; returns status, headers and body."""
        self._socket.sendall(data)
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        body = response.read()
        if response.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return response.status, response.headers, body

    def _request(self, method, path, headers, body=None):
        names = {"Host": self.host, "Connection": "Keep-Alive", "Accept-Encoding": "gzip"}
        lines = [f"{method} {self.path}{path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in {**headers, **names}.items()]
        return "\r\n".join([*lines, "", ""]).encode() + (body or b"")

    def _headers(self, *, create=False, resolve=False, body=None):
        known = {"Authorization": f"Bearer {self.key}", "Accept": "application/json; charset=utf-8"}
        if create:
            known["X-DashScope-Async"] = "enable"
        if resolve:
            known["X-DashScope-OssResourceResolve"] = "enable"
        known["user-agent"] = AGENT
        if body is None:
            return {**known, "Content-Type": "application/json"}
        kind = "application/json; charset=utf-8"
        return {**known, "Content-Type": kind, "Content-Length": str(len(body))}

    def create(self, body, *, resolve=False, task="image2video"):
        """`VideoSynthesis.call` and `asyncCall`."""
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        path = f"/services/aigc/{task}/video-synthesis"
        headers = self._headers(create=True, resolve=resolve, body=raw)
        return self._json("POST", path, headers, raw)

    def fetch(self, task_id):
        """`VideoSynthesis.fetch`, and each poll of `call` and `wait`."""
        return self._json("GET", f"/tasks/{task_id}", self._headers())

    def cancel(self, task_id):
        """`VideoSynthesis.cancel`: an empty JSON body."""
        return self._json("POST", f"/tasks/{task_id}/cancel", self._headers(body=b""), b"")

    def list(self, query="page_no=1&page_size=10"):
        """`VideoSynthesis.list`: only the parameters that were set."""
        return self._json("GET", f"/tasks?{query}", self._headers())

    def policy(self, model):
        """The first half of an upload."""
        return self._json("GET", f"/uploads?action=getPolicy&model={model}", self._headers())

    def _json(self, method, path, headers, body=None):
        status, answered, text = self.send(self._request(method, path, headers, body))
        assert "application/json" in answered["Content-Type"]
        return status, json.loads(text)

    def upload(self, data, filename, kind="image/png"):
        """The second half, for a policy that is asked for here; returns the `oss://` name.

        `data.upload_host` is another host: OkHttp opens a connection of its own.
        """
        status, answer = self.policy("wan2.2-kf2v-flash")
        assert (status, "output" in answer) == (200, False)
        rules = answer["data"]
        key = f"{rules['upload_dir']}/{filename}"
        fields = {
            "OSSAccessKeyId": rules["oss_access_key_id"],
            "Signature": rules["signature"],
            "policy": rules["policy"],
            "key": key,
            "x-oss-object-acl": rules["x_oss_object_acl"],
            "x-oss-forbid-overwrite": rules["x_oss_forbid_overwrite"],
            "success_action_status": "200",
            "x-oss-content-type": kind,
        }
        body = b"".join(_part(f'name="{name}"', value.encode()) for name, value in fields.items())
        body += _part(f'name="file"; filename="{filename}"', data, kind)
        body += f"--{BOUNDARY}--\r\n".encode()
        place = urlsplit(rules["upload_host"])
        headers = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Content-Length": str(len(body)),
            "Host": place.netloc,
            "Connection": "Keep-Alive",
            "Accept-Encoding": "gzip",
            "User-Agent": "okhttp/4.12.0",
        }
        head = [f"POST {place.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        other = Java(rules["upload_host"], self.key)
        try:
            status, _, text = other.send("\r\n".join(head).encode() + body)
        finally:
            other.close()
        assert 200 <= status < 300, text
        return f"oss://{key}"


def _part(disposition, data, kind=None):
    lines = [f"--{BOUNDARY}", f"Content-Disposition: form-data; {disposition}"]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"Content-Length: {len(data)}", "", ""]
    return "\r\n".join(lines).encode() + data + b"\r\n"
