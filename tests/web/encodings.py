"""Requests that no library would send, byte by byte over sockets: charsets, codings, lengths, digits of every script.

Drawn from a seed over every route of the contract, the tick and what no route has; judged by the status:
ours must be one that the contract states for that call, the server's own one that HTTP has for bad requests.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import socket
import zlib
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

PATIENCE_S = 70
# What the server in front of our code says of what is no HTTP request (RFC 9110, section 15; RFC 6585).
SERVERS_OWN = frozenset({400, 408, 413, 414, 417, 431, 501, 505})
# On every path: no such path, no such method, no key; and a body that no call has asked for.
ANYWHERE = frozenset({400, 401, 404, 405, 413, 415})
TICK = frozenset({200, 401, 403, 404, 405})
TEXTS = (
    *(
        "9" * 4300,
        "9" * 20,
        "²",
        "٣",
        "௧",
        "--5",
        "+5",
        "1_0",
        "0x5",
        "1e3",
        "nan",
        "null",
        "",
        " ",
        "0",
    ),
    *("\ud800", "\ufeff", "\u202e", "\x7f", "\x85", "é", "ﬀ", "İ", "😀", "a\u0301", "ß", "\ufffd"),
    *(
        "[" * 3000,
        '{"a":' * 900,
        "../..",
        "..%2f",
        "%",
        "%%",
        "%zz",
        "%00",
        "%c0%af",
        "%ed%a0%80",
        "%ff",
        "%2525",
    ),
    *(
        "=?utf-8?b?4pyT?=",
        "utf-8''%e2%9c%93",
        "a;b=c;d",
        '"',
        "\\",
        "'",
        "<",
        "a" * 2000,
        "*",
        ",",
        ";",
        "&=&=",
    ),
)
CHARSETS = (
    *(
        "utf-8",
        "UTF8",
        "utf-16",
        "utf-32",
        "utf-7",
        "latin-1",
        "cp037",
        "idna",
        "punycode",
        "unicode_escape",
    ),
    *("rot13", "base64", "zlib", "hex", "undefined", "mbcs", "²", "\x00", "a" * 500, '"', "x-none"),
)
CODINGS = (
    *(
        "gzip",
        "GZIP",
        "identity",
        "br",
        "deflate",
        "zstd",
        "gzip, gzip",
        "gzip,identity",
        "x-gzip",
        "², gzip",
        "",
    ),
    *("gzip;q=0", "\xff", "a" * 500),
)
TRANSFERS = (
    *(
        "chunked",
        "Chunked",
        "chunked, chunked",
        "gzip, chunked",
        "chunked, gzip",
        "identity",
        "xchunked",
    ),
    *("chunked;q=1", " chunked", "\tchunked", "chun\xe9ked", "²", ""),
)
CHUNK_SIZES = (
    "5",
    "0",
    "²",
    "٣",
    "-1",
    "+5",
    "0x5",
    "5_0",
    "f" * 17,
    "",
    " 5",
    "5;a=b",
    "5;" + "a" * 500,
    "g",
)
LENGTHS = (
    "0",
    "5",
    "²",
    "٣",
    "-1",
    "+5",
    "5, 5",
    "5, 6",
    "9" * 20,
    "9" * 4300,
    "1e3",
    "5.0",
    "0x5",
    "",
    " 5 ",
)
KINDS = (
    *(
        "application/json",
        "APPLICATION/JSON",
        "application/problem+json",
        "text/plain",
        "application/xml",
        "",
        "²",
    ),
    *(
        "multipart/form-data",
        "multipart/form-data; boundary=b",
        'multipart/form-data; boundary="b"',
        "a/b/c",
    ),
    *(
        "multipart/form-data; boundary=" + "b" * 300,
        "multipart/form-data; boundary=\xff",
        "multipart/form-data; boundary=",
    ),
    *(
        "multipart/form-data; boundary*=utf-8''b",
        "application/x-www-form-urlencoded",
        "multipart/mixed; boundary=b",
    ),
)
METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "get",
    "QUERY",
    "A" * 100,
)
HEADERS = (
    *("Idempotency-Key", "Range", "Prefer", "If-None-Match", "X-Request-Id", "traceparent", "X-Cloud-Trace-Context"),
    *("Accept", "Accept-Encoding", "Accept-Charset", "Accept-Language", "Origin", "Cookie", "Referer", "User-Agent"),
    *("X-Forwarded-Proto", "X-Forwarded-For", "Forwarded", "X-HTTP-Method-Override", "X-DashScope-Async", "Date"),
    *("X-DashScope-OssResourceResolve", "x-stainless-retry-count", "If-Modified-Since", "Access-Control-Request-Method"),
)  # fmt: skip
QUERIES = (
    *(
        "limit",
        "after",
        "status",
        "order",
        "page_no",
        "page_size",
        "start_time",
        "end_time",
        "action",
        "model",
        "variant",
    ),
    *("task_id", "model_name", "wait", "x", "²", ""),
)
FIELDS = (
    *(
        "first_frame",
        "last_frame",
        "prompt",
        "seed",
        "seconds",
        "size",
        "metadata",
        "model",
        "webhook_url",
        "images",
    ),
    *(
        "content_type",
        "size_bytes",
        "input",
        "parameters",
        "validate_only",
        "policy",
        "key",
        "file",
        "²",
        "",
    ),
)


@dataclass
class Sent:
    """One request, and how it may be answered.

    Attributes:
        path: the route's template; empty for none.
        method: as sent.
        data: the bytes.
        framed: whether its length is told as HTTP wants it.
    """

    path: str
    method: str
    data: bytes
    framed: bool = True


@dataclass
class Report:
    """What came of a number of requests.

    Attributes:
        sent: how many.
        wrong: a line for each answer that should not have been.
        statuses: how often each was answered; 0 is an end without an answer.
    """

    sent: int = 0
    wrong: list[str] = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)

    def counted(self):
        """Statuses and how often each came, as a text."""
        return ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))


class Requests:
    """Draws requests.

    Args:
        pick: decides everything.
        routes: methods and path templates.
        key: that most of them carry.
    """

    def __init__(self, pick, routes, key):
        self._pick, self._routes, self._key = pick, routes, key

    def _odds(self, share):
        return self._pick.random() < share

    def _bytes(self, text):
        """A text on the wire, in one of the ways in which clients write it."""
        way = self._pick.randrange(5)
        if way == 0:
            return text.encode("latin-1", "replace")
        if way == 1:
            return quote(text, safe="%", errors="surrogatepass").encode()
        return text.encode("utf-8", "surrogatepass")

    def _text(self):
        if self._odds(0.1):
            return bytes(self._pick.randrange(256) for _ in range(self._pick.randrange(20)))
        return self._bytes(self._pick.choice(TEXTS))

    def _line(self):
        """A text without what ends a line, mostly."""
        text = self._text()
        return text if self._odds(0.02) else re.sub(rb"[\r\n\x00]", b"", text)

    def _target(self, path):
        made = re.sub(
            r"\{\w+\}",
            lambda _: (
                quote(self._pick.choice([*TEXTS, "vid_0"]), errors="surrogatepass")[:3000] or "-"
            ),
            path,
        ).encode()
        if self._odds(0.1):
            made += self._pick.choice(
                [b"/", b"//", b"/..", b"%0A", b"%2f", b"/\xff", b";a=b", b"#a", b"/%c3%28"]
            )
        if self._odds(0.4):
            pairs = [
                self._bytes(self._pick.choice(QUERIES))
                + b"="
                + re.sub(rb"[\s&#]", b"", self._text())
                for _ in range(self._pick.randrange(1, 4))
            ]
            made += b"?" + b"&".join(pairs)
        return re.sub(rb"[\s\x00]", b"", made)

    def _value(self):
        return self._pick.choice(
            [*TEXTS, 5, -1, 1.5, True, None, [], {}, [None], {"a": "\ud800"}, 10**30, ["x"] * 3]
        )

    def _document(self):
        fields = {self._pick.choice(FIELDS): self._value() for _ in range(self._pick.randrange(6))}
        text = json.dumps(fields, ensure_ascii=self._odds(0.5))
        if self._odds(0.1):
            text = self._pick.choice(
                ["[" * 100_000, "9" * 5000, "NaN", "", "null", '"', text + "x", "\ufeff" + text]
            )
        charset = self._pick.choice(
            ["utf-8"] * 6 + ["utf-16", "utf-32", "utf-8-sig", "latin-1", "utf-16-le", "cp037"]
        )
        try:
            data = text.encode(charset, "surrogatepass" if "utf" in charset else "replace")
        except (UnicodeError, LookupError):
            data = text.encode("utf-8", "surrogatepass")
        return data + b"\xff\xc0\x80" if self._odds(0.05) else data

    def _form(self):
        parts = []
        for _ in range(self._pick.randrange(5)):
            name = self._bytes(self._pick.choice(FIELDS)).replace(b'"', b"%22")
            more = b""
            if self._odds(0.3):
                more = b'; filename="' + self._line() + b'"'
            if self._odds(0.2):
                more += b"; filename*=" + self._line()
            head = b'Content-Disposition: form-data; name="' + name + b'"' + more + b"\r\n"
            if self._odds(0.3):
                charset = self._pick.choice(CHARSETS).encode("utf-8", "replace")
                head += b"Content-Type: text/plain; charset=" + charset + b"\r\n"
            if self._odds(0.1):
                head += b"Content-Transfer-Encoding: " + self._line() + b"\r\n"
            parts.append(b"--b\r\n" + head + b"\r\n" + self._text() + b"\r\n")
        return b"".join(parts) + (b"" if self._odds(0.1) else b"--b--\r\n")

    def _body(self):
        """Headers that describe a body, and the body."""
        kind = self._pick.choice(KINDS).encode("utf-8", "replace")
        if self._odds(0.3):
            kind += b"; charset=" + self._pick.choice(CHARSETS).encode("utf-8", "replace").replace(
                b"\x00", b""
            )
        is_form = b"form-data" in kind
        data = self._form() if is_form else self._document()
        if self._odds(0.05):
            data = bytes(self._pick.randrange(256) for _ in range(300))
        lines = [b"Content-Type: " + kind]
        if self._odds(0.2):
            coding = self._pick.choice(CODINGS)
            lines.append(b"Content-Encoding: " + coding.encode("latin-1", "replace"))
            if self._odds(0.6):
                data = gzip.compress(data) if "gzip" in coding.lower() else zlib.compress(data)
            if self._odds(0.2):
                data = data[: len(data) // 2]
        return lines, data

    def _framing(self, data):
        """Headers that say how long a body is, the body as they say it, and whether they are good."""
        way = self._pick.random()
        if way < 0.7:
            return [b"Content-Length: %d" % len(data)], data, True
        if way < 0.8:
            lines = [b"Content-Length: " + self._pick.choice(LENGTHS).encode("utf-8", "replace")]
            return lines, data, False
        transfer = self._pick.choice(TRANSFERS)
        lines = [b"Transfer-Encoding: " + transfer.encode("latin-1", "replace")]
        if self._odds(0.2):
            lines.append(b"Content-Length: %d" % len(data))
        if self._odds(0.5):
            size = b"%x" % len(data)
            return (
                lines,
                size + b"\r\n" + data + b"\r\n0\r\n\r\n",
                transfer == "chunked" and len(lines) == 1,
            )
        size = self._pick.choice(CHUNK_SIZES).encode("utf-8", "replace")
        return lines, size + b"\r\n" + data + b"\r\n0\r\n\r\n", False

    def draw(self):
        """One request."""
        method, path = self._pick.choice(self._routes)
        if self._odds(0.1):
            method = self._pick.choice(METHODS)
        lines, data, framed = [b"Host: localhost"], b"", True
        if self._odds(0.05):
            lines = [b"Host: " + self._line()]
        if method not in {"GET", "HEAD"} or self._odds(0.1):
            described, data = self._body()
            told, data, framed = self._framing(data)
            lines += described + told
        lines += [
            self._pick.choice(HEADERS).encode() + b": " + self._line()
            for _ in range(self._pick.randrange(4))
        ]
        if self._odds(0.8):
            lines.append(b"Authorization: Bearer " + self._key.encode())
        elif self._odds(0.7):
            lines.append(
                b"Authorization: " + self._pick.choice([b"Bearer ", b"Basic ", b""]) + self._line()
            )
        if path.startswith("/api/") and self._odds(0.7):
            lines.append(b"X-DashScope-Async: enable")
        if self._odds(0.02):
            lines.append(b"Expect: 100-continue")
        self._pick.shuffle(lines)
        head = b"\r\n".join(
            [method.encode() + b" " + self._target(path) + b" HTTP/1.1", *lines, b"", b""]
        )
        return Sent(path, method, head + data, framed)


def answered(port, data):
    """The status and the headers of the first final answer; 0 for an end without one."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before all of it was sent
        came = b""
        try:
            while block := connection.recv(1 << 16):
                came += block
        except ConnectionResetError:
            pass
    while came.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
        came = came.partition(b"\r\n\r\n")[2]
    found = re.match(rb"HTTP/1\.[01] (\d{3})", came)
    head = came.partition(b"\r\n\r\n")[0].lower()
    return (int(found[1]) if found else 0), head


def _statuses(responses):
    stated = {int(status) for status in responses if status.isdigit()}
    return stated | ({*range(400, 500), 503} if "default" in responses else set())


def stated(contract):
    """What the contract states: path template to method to statuses."""
    return {
        path: {
            method.upper(): _statuses(operation["responses"])
            for method, operation in item.items()
            if method in {"get", "put", "post", "delete", "patch", "head", "options"}
        }
        for path, item in contract["paths"].items()
    }


def run(service, contract, key, cases, seed=1):
    """Send so many requests to a running service.

    Args:
        service: of `lib.cli.service`.
        contract: its OpenAPI document.
        key: an owner's.
        cases: how many.
        seed: decides them.
    """
    table = stated(contract)
    base = urlsplit(contract.get("servers", [{}])[0].get("url", "")).path.rstrip("/")
    known = [(method, base + path) for path, methods in table.items() for method in methods]
    pick, report = random.Random(seed), Report()
    ours = Requests(pick, [*known, ("GET", "/v1/nowhere"), ("POST", "/api/v1/nowhere")], key)
    ticks = Requests(pick, [("POST", "/"), ("GET", "/health"), ("POST", "/x")], key)
    for number in range(cases):
        is_tick = number % 12 == 0
        sent = (ticks if is_tick else ours).draw()
        port = service.ports.poll if is_tick else service.ports.api
        status, head = answered(port, sent.data)
        report.sent += 1
        report.statuses[status] += 1
        allowed = TICK if is_tick else _allowed(table, base, sent)
        if b"x-request-id" not in head and b"x-dashscope" not in head:
            allowed = SERVERS_OWN | allowed
        if status not in allowed and not (status == 0 and not sent.framed):
            report.wrong.append(
                f"case {number}: {status} {sent.method} {sent.path} {sent.data[:600]!r}"
            )
    return report


def _allowed(table, base, sent):
    methods = table.get(sent.path.removeprefix(base), {}) if sent.path else {}
    of_path = set().union(*methods.values()) if methods else set()
    preflight = {204} if sent.method == "OPTIONS" else set()
    return (
        ANYWHERE
        | preflight
        | methods.get(sent.method, methods.get("GET", set()) if sent.method == "HEAD" else of_path)
    )
