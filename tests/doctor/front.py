"""A server in front of another one: answers what it was told to, hands the rest on, keeps what came.

Stands in for what no emulator has, and for proxies and load balancers that get between. What Google's
APIs answer is shaped by their public references, each named beside its answer in google.py.
"""

import json
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests

REMADE = {"content-encoding", "content-length", "transfer-encoding", "connection"}


class Front:
    """Serves on a loopback port until it is closed.

    Args:
        behind: where everything goes that `answers` does not have; None answers 404.
        token: what every call has to carry as its bearer; None asks for nothing.
        tls: an ssl.SSLContext to serve with.

    Attributes:
        answers: method and path to status and JSON.
        asked: method, path and body of everything that came.
        ahead_s: how far the clock of the answers is ahead.
        keep_host: whether the name it was called by is handed on.
        strip: the beginning of paths that is taken off.
        redirect: where everything is sent instead.
    """

    def __init__(self, behind=None, token=None, tls=None):
        self.behind, self.token = behind, token
        self.answers, self.asked = {}, []
        self.ahead_s, self.keep_host = 0.0, False
        self.strip, self.redirect = "", None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.front = self
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method, target, headers, body):
        """Status, headers and body."""
        target = target.removeprefix(self.strip)
        path = urlsplit(target).path
        self.asked.append((method, target, body))
        if self.token and path != "/token" and headers["Authorization"] != f"Bearer {self.token}":
            return said(401, error(401, "no such token", "UNAUTHENTICATED"))
        if self.redirect:
            return 302, {"Location": self.redirect}, b""
        if (method, path) in self.answers:
            return said(*self.answers[method, path])
        if self.behind:
            return self.hand_on(method, target, headers, body)
        return said(404, error(404, "Not found.", "NOT_FOUND"))

    def hand_on(self, method, target, headers, body):
        kept = {
            name: text for name, text in headers.items() if self.keep_host or name.lower() != "host"
        }
        with requests.Session() as session:
            session.trust_env = False
            got = session.request(method, self.behind + target, headers=kept, data=body)
        back = {name: text for name, text in got.headers.items() if name.lower() not in REMADE}
        if self.ahead_s:
            back.pop("Date")
        return got.status_code, back, got.content


class Handler(BaseHTTPRequestHandler):
    def parse_request(self):
        parsed = super().parse_request()
        if parsed:
            setattr(self, f"do_{self.command}", self.serve)
        return parsed

    def serve(self):
        front = self.server.front
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, content = front.answer(self.command, self.path, self.headers, body)
        date = formatdate(time.time() + front.ahead_s, usegmt=True)
        self.send_response_only(status)
        for name, text in {"Date": date, **headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def said(status, data):
    return status, {"Content-Type": "application/json"}, json.dumps(data).encode()


def error(code, message, status):
    return {"error": {"code": code, "message": message, "status": status}}
