"""The guard over real TLS: names are still verified, and a trickle is cut inside of it, too."""

import contextlib
import datetime as dt
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lib.adapters.outbound import fetch, url_policy
from lib.adapters.outbound import session as sessions
from lib.core.errors import ApiError
from tests.adapters.outbound.ssrf_matrix import _answer

NAME = "pictures.example.com"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return str(path)


@pytest.fixture
def host(certificate):
    """A TLS host of that name on this machine; its talk is set by the test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    talk, listening = [], socket.create_server(("127.0.0.1", 0))

    def serve(plain):
        with context.wrap_socket(plain, server_side=True) as line:
            line.recv(1 << 16)
            for piece in talk:
                time.sleep(piece) if isinstance(piece, float) else line.sendall(piece)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listening.accept()
                with plain, contextlib.suppress(OSError):
                    serve(plain)

    thread = threading.Thread(target=accept)
    thread.start()
    yield talk, listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    thread.join()
    listening.close()


@pytest.fixture
def fetcher(host, certificate, monkeypatch):
    """The guard as it is, but for this one address, which counts as public."""
    judged = url_policy.public
    monkeypatch.setattr(url_policy, "public", lambda ip: ip == "127.0.0.1" or judged(ip))
    session = sessions.guarded_session(
        allow_loopback_http=False, resolve=lambda _host, port, **_: [_answer("127.0.0.1", port)]
    )
    session.verify = certificate
    yield fetch.Fetcher(
        session,
        allow_loopback_http=False,
        now=time.monotonic,
        sleep=lambda _: None,
        ports=frozenset({host[1]}),
    )
    session.close()


def test_a_picture_comes_over_tls_by_its_name(host, fetcher):
    talk, port = host
    talk += [HEAD + b"Content-Length: 3\r\n\r\nabc"]
    assert fetcher.get(f"https://{NAME}:{port}/a.png", limit_bytes=9, param="p") == b"abc"


def test_a_host_of_another_name_is_refused(host, fetcher):
    talk, port = host
    talk += [HEAD + b"Content-Length: 3\r\n\r\nabc"]
    with pytest.raises(ApiError, match="does not answer"):
        fetcher.get(f"https://other.example.com:{port}/a.png", limit_bytes=9, param="p")


def test_a_trickle_inside_tls_is_cut(host, fetcher, monkeypatch):
    talk, port = host
    monkeypatch.setattr(fetch, "FRAME_S", 0.5)
    talk += [HEAD + b"Content-Length: 900\r\n\r\n", *[0.05, b"a"] * 60]
    began = time.monotonic()
    with pytest.raises(ApiError, match="too long"):
        fetcher.get(f"https://{NAME}:{port}/a.png", limit_bytes=999, param="p")
    assert time.monotonic() - began < 2
