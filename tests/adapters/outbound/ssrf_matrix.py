"""Every spelling of a place that a stranger's link must not reach, tried against the real fetcher.

`python -m tests.adapters.outbound.ssrf_matrix` prints the table. Nothing is believed of the answer alone:
two sockets listen on this machine (IPv4 and IPv6) and must stay silent, and an audit hook of the
interpreter records every connection that anything in the process tries to make, and forbids those
that would leave this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import socket
import sys
import threading
from dataclasses import dataclass, field

from lib.adapters.outbound import fetch, url_policy
from lib.adapters.outbound import session as sessions
from lib.core.errors import ApiError
from lib.emulator.in_process import InProcess

PUBLIC = "93.184.216.34"
START = "https://pictures.example.com"

FULL = "\uff11\uff12\uff17"  # 127 in fullwidth digits
WIDE = "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54"  # localhost, likewise

# {p} is the port on which this machine listens; 8443 stands for it where no port may be named.
SPELLINGS = (
    ("loopback", "https://127.0.0.1:{p}/"),
    ("loopback, short", "https://127.1:{p}/"),
    ("loopback, other", "https://127.8.9.10:{p}/"),
    ("decimal", "https://2130706433:{p}/"),
    ("hex", "https://0x7f000001:{p}/"),
    ("hex, dotted", "https://0x7f.0x0.0x0.0x1:{p}/"),
    ("hex, short", "https://0x7f.1:{p}/"),
    ("octal", "https://0177.0.0.1:{p}/"),
    ("octal, whole", "https://017700000001:{p}/"),
    ("octal, padded", "https://0000177.0.0.1:{p}/"),
    ("mixed bases", "https://0x7f.0.0.01:{p}/"),
    ("this host", "https://0.0.0.0:{p}/"),
    ("this host, short", "https://0:{p}/"),
    ("this network", "https://0.1.2.3:{p}/"),
    ("IPv6 loopback", "https://[::1]:{p}/"),
    ("IPv6 loopback, long", "https://[0:0:0:0:0:0:0:1]:{p}/"),
    ("IPv6 any", "https://[::]:{p}/"),
    ("IPv4-mapped", "https://[::ffff:127.0.0.1]:{p}/"),
    ("IPv4-mapped, hex", "https://[::ffff:7f00:1]:{p}/"),
    ("IPv4-compatible", "https://[::127.0.0.1]:{p}/"),
    ("IPv4-translated", "https://[::ffff:0:127.0.0.1]:{p}/"),
    ("NAT64", "https://[64:ff9b::127.0.0.1]:{p}/"),
    ("NAT64, metadata", "https://[64:ff9b::a9fe:a9fe]:{p}/"),
    ("NAT64, local use", "https://[64:ff9b:1::7f00:1]:{p}/"),
    ("6to4", "https://[2002:7f00:1::]:{p}/"),
    ("6to4, metadata", "https://[2002:a9fe:a9fe::]:{p}/"),
    ("Teredo", "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{p}/"),
    ("ORCHID", "https://[2001:20::1]:{p}/"),
    ("IPv6 documentation", "https://[2001:db8::1]:{p}/"),
    ("IPv6 unique local", "https://[fd00::1]:{p}/"),
    ("IPv6 link-local", "https://[fe80::1]:{p}/"),
    ("IPv6 zone", "https://[fe80::1%25lo]:{p}/"),
    ("IPv6 zone, bare", "https://[::1%lo]:{p}/"),
    ("IPv6 multicast", "https://[ff02::1]:{p}/"),
    ("10/8", "https://10.0.0.1:{p}/"),
    ("172.16/12", "https://172.31.255.254:{p}/"),
    ("192.168/16", "https://192.168.1.1:{p}/"),
    ("carrier NAT", "https://100.64.0.1:{p}/"),
    ("benchmarking", "https://198.18.0.1:{p}/"),
    ("documentation", "https://203.0.113.7:{p}/"),
    ("multicast", "https://224.0.0.1:{p}/"),
    ("reserved", "https://240.0.0.1:{p}/"),
    ("broadcast", "https://255.255.255.255:{p}/"),
    ("metadata", "https://169.254.169.254/computeMetadata/v1/"),
    ("metadata, decimal", "https://2852039166/"),
    ("metadata, hex", "https://0xa9fea9fe/"),
    ("metadata, octal", "https://0251.0376.0251.0376/"),
    ("metadata, mapped", "https://[::ffff:a9fe:a9fe]/"),
    ("metadata, IPv6", "https://[fd00:ec2::254]/"),
    ("metadata, container", "https://169.254.170.2/"),
    ("metadata, name", "https://metadata.google.internal/"),
    ("metadata, dotted name", "https://metadata.google.internal./"),
    ("metadata, capitals", "https://METADATA.GOOGLE.INTERNAL/"),
    ("metadata, bare name", "https://metadata:{p}/"),
    ("localhost", "https://localhost:{p}/"),
    ("localhost, dotted", "https://localhost.:{p}/"),
    ("localhost, capitals", "https://LOCALHOST:{p}/"),
    ("localhost, below", "https://a.localhost:{p}/"),
    ("localdomain", "https://localhost.localdomain:{p}/"),
    ("mDNS", "https://printer.local:{p}/"),
    ("home network", "https://nas.home.arpa:{p}/"),
    ("circled digits", "https://①②⑦.⓪.⓪.①:{p}/"),
    ("fullwidth digits", f"https://{FULL}.\uff10.\uff10.\uff11:{{p}}/"),
    ("ideographic dots", "https://127。0。0。1:{p}/"),
    ("fullwidth letters", f"https://{WIDE}:{{p}}/"),
    ("% in the host", "https://127%2e0%2e0%2e1:{p}/"),
    ("user name", "https://example.com@127.0.0.1:{p}/"),
    ("user and password", "https://a:b@127.0.0.1:{p}/"),
    ("empty user", "https://@127.0.0.1:{p}/"),
    ("# before @", "https://127.0.0.1:{p}#@example.com/"),
    ("two @", "https://a@b@127.0.0.1:{p}/"),
    ("backslash", "https://example.com\\@127.0.0.1:{p}/"),
    ("backslash, other", "https://127.0.0.1:{p}\\@example.com/"),
    ("blank", "https://127.0.0.1:{p} .example.com/"),
    ("tab", "https://127.0.0.\t1:{p}/"),
    ("line break", "https://127.0.0.1:{p}/\r\nHost: example.com"),
    ("null byte", "https://127.0.0.1:{p}\x00.example.com/"),
    ("unclosed bracket", "https://[::1:{p}/"),
    ("label too long", "https://" + "a" * 64 + ".example.com:{p}/"),
    ("no host", "https:///127.0.0.1:{p}/"),
    ("no scheme", "//127.0.0.1:{p}/"),
    ("http", "http://127.0.0.1:{p}/"),
    ("http, name", "http://inside.example.com:{p}/"),
    ("scheme in capitals", "HTTP://127.0.0.1:{p}/"),
    ("ftp", "ftp://127.0.0.1:{p}/"),
    ("gopher", "gopher://127.0.0.1:{p}/_GET"),
    ("file", "file:///etc/passwd"),
    ("wrapped scheme", "url:https://127.0.0.1:{p}/"),
    ("ssh's port", "https://public.example.com:22/"),
    ("http's port", "https://public.example.com:80/"),
    ("port 0", "https://public.example.com:0/"),
    ("port too large", "https://public.example.com:99999/"),
    # Names; who answers for them stands in NAMES.
    ("DNS to loopback", "https://inside.example.com:{p}/"),
    ("DNS to IPv6 loopback", "https://inside6.example.com:{p}/"),
    ("DNS to mapped", "https://mapped.example.com:{p}/"),
    ("DNS to metadata", "https://meta.example.com:{p}/"),
    ("DNS to private", "https://private.example.com:{p}/"),
    ("DNS to a zone", "https://zone.example.com:{p}/"),
    ("DNS, one of two", "https://mixed.example.com:{p}/"),
    ("DNS, dotted name", "https://inside.example.com.:{p}/"),
    ("DNS that changes", "https://rebind.example.com:{p}/"),
)  # fmt: skip

NAMES = {
    "inside.example.com": ["127.0.0.1"],
    "inside6.example.com": ["::1"],
    "mapped.example.com": ["::ffff:127.0.0.1"],
    "meta.example.com": ["169.254.169.254"],
    "private.example.com": ["10.1.2.3"],
    "zone.example.com": ["fe80::1%lo"],
    "mixed.example.com": [PUBLIC, "127.0.0.1"],
    "public.example.com": [PUBLIC],
    "localhost": ["127.0.0.1"],
    "metadata": ["169.254.169.254"],
    "metadata.google.internal": ["169.254.169.254"],
}


class Resolver:
    """Answers as DNS would, for names; addresses as the system reads them."""

    def __init__(self):
        self.asked = 0

    def __call__(self, host, port, **_more):
        name = host.rstrip(".").lower()
        if name == "rebind.example.com":
            self.asked += 1  # public when it is judged, at home a moment later
            found = [PUBLIC] if self.asked == 1 else ["127.0.0.1"]
        elif name in NAMES:
            found = NAMES[name]
        else:
            return socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
        return [_answer(ip, port) for ip in found]


def _answer(ip, port):
    if ":" in ip:
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (ip, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))


class Watch:
    """Records every connection that the process tries to make while it watches."""

    def __init__(self):
        self.on, self.seen = False, []
        sys.addaudithook(self._hook)

    def _hook(self, name, arguments):
        if not self.on or name != "socket.connect":
            return
        place = arguments[1][0]
        self.seen.append(place)
        if place not in {"127.0.0.1", "::1", "0.0.0.0", "::ffff:127.0.0.1"}:
            raise OSError("the test lets nothing leave this machine")


WATCH = Watch()


class Listener:
    """Listens on one port of this machine, IPv4 and IPv6, and counts who comes."""

    def __init__(self):
        self.came = 0
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port = self._sockets[0].getsockname()[1]
        with contextlib.suppress(OSError):  # a machine without IPv6
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        self._threads = [threading.Thread(target=self._accept, args=[s]) for s in self._sockets]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc):
        for listening in self._sockets:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for listening in self._sockets:
            listening.close()

    def _accept(self, listening):
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self.came += 1
            connection.close()


@dataclass
class Row:
    """One try.

    Attributes:
        name: what is special about the spelling.
        way: `link`, `redirect` (a public picture host sends us there) or `webhook`.
        url: the spelling.
        reason: of the refusal; empty when it was not refused.
        connected: addresses that were connected to.
        came: connections that arrived at the listener.
    """

    name: str
    way: str
    url: str
    reason: str = ""
    connected: list[str] = field(default_factory=list)
    came: int = 0

    @property
    def held(self):
        """Refused, and nobody but the address that was judged public was even dialled."""
        dialled = set(self.connected) - ({PUBLIC} if "changes" in self.name else set())
        return bool(self.reason) and not dialled and not self.came


def tries(listener):
    for name, spelling in SPELLINGS:
        url = spelling.replace("{p}", str(listener.port))
        for way in ("link", "redirect", "webhook"):
            yield Row(name, way, url)


def run(listener, row):
    """Try one row and note what happened."""
    session = sessions.guarded_session(allow_loopback_http=False, resolve=Resolver())
    target = row.url

    def hop(_environ, start_response):
        # As raw as a hostile server would say it; no header can carry a line break.
        raw = re.sub("[\x00\r\n]", "", target).encode().decode("latin-1")
        start_response("302 Found", [("Location", raw), ("Content-Length", "0")])
        return [b""]

    session.mount(START, InProcess(hop))
    fetcher = fetch.Fetcher(
        session,
        allow_loopback_http=False,
        now=lambda: 0.0,
        sleep=lambda _: None,
        ports=url_policy.PORTS | {listener.port},
    )
    before, WATCH.seen, WATCH.on = listener.came, [], True
    try:
        row.reason = _refusal(fetcher, row)
    finally:
        WATCH.on = False
        session.close()
    row.connected, row.came = WATCH.seen, listener.came - before
    return row


def _refusal(fetcher, row):
    try:
        if row.way == "webhook":
            fetcher.post(row.url, b"{}", {"Content-Type": "application/json"}, total_s=3.0)
        else:
            url = f"{START}/a.png" if row.way == "redirect" else row.url
            fetcher.get(url, limit_bytes=10, param="first_frame")
    except (ApiError, fetch.FetchFailed) as error:
        found = re.search(r"used: (.*?)\. Allowed", str(error))
        return found[1] if found else str(error)
    return ""


def matrix():
    with Listener() as listener:
        return [run(listener, row) for row in tries(listener)]


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    rows = matrix()
    by_name = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    for name, several in by_name.items():
        shown = re.sub("[\x00-\x1f]", "?", dict(SPELLINGS)[name].replace("{p}", "PORT"))[:58]
        verdict = "refused" if all(row.held for row in several) else "LEAKED"
        print(f"{name:24} {shown:58} {verdict:8} {several[0].reason}")
    bad = [row for row in rows if not row.held]
    dialled = {place for row in rows for place in row.connected}
    print(
        f"{len(SPELLINGS)} spellings x 3 ways (link, redirect, webhook) = {len(rows)} tries: "
        f"{len(rows) - len(bad)} refused, {sum(row.came for row in rows)} connections at the "
        f"listeners, dialled: {', '.join(sorted(dialled)) or 'nobody'}"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
