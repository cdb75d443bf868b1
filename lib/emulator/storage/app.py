"""The WSGI application: a request in, its handler's answer out, errors as JSON or XML by path.

It owns what every answer shares: the virtual `Date`, CORS, the traffic log. It knows no endpoint by
itself; the handlers bring their routes.
"""

from __future__ import annotations

import re
import sys
import traceback
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from lib.emulator.body import Dropped
from lib.emulator.storage import cors
from lib.emulator.storage.control import StorageControl
from lib.emulator.storage.errors import StorageError
from lib.emulator.storage.faults import StorageFaults
from lib.emulator.storage.json_buckets import JsonBuckets
from lib.emulator.storage.json_objects import JsonObjects
from lib.emulator.storage.json_uploads import JsonUploads
from lib.emulator.storage.model import buckets, lifecycle
from lib.emulator.storage.model.conditions import Conditions
from lib.emulator.storage.model.store import Store
from lib.emulator.storage.routing import JSON, Call, RouteTable
from lib.emulator.storage.signatures import RawRequest, Verifier
from lib.emulator.storage.traffic import Traffic
from lib.emulator.storage.uploads import ResumableUploads
from lib.emulator.storage.xml_api import XmlApi

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from lib.emulator.clock import Clock

JSON_PATHS = ("/storage/", "/upload/", "/download/", "/resumable/", "/batch/", "/emulator")
BUCKET_IN_PATH = re.compile(
    r"/(?:(?:(?:resumable/)?upload/|download/)?storage/v1/b/)?([^/]+)(?:/.*)?"
)


class StorageApp:
    """The emulated service.

    Args:
        clock: every time comes from here.
        data: where buckets and objects are kept over restarts; None keeps them in memory.
        signers: account e-mail to its public key (PEM); only their signatures count.
        base_url: scheme and host to put into links; None takes what the caller used.

    Raises:
        RuntimeError: another process uses the data folder.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        data: Path | None = None,
        signers: Mapping[str, str | bytes] | None = None,
        base_url: str | None = None,
    ) -> None:
        self.clock, self.faults, self.traffic = clock, StorageFaults(), Traffic()
        self.store = Store(clock, Path(data) if data else None)
        self._base_url = base_url
        self._verifier = Verifier(signers or {})
        self._uploads = ResumableUploads(self.store, clock)
        handlers = (
            JsonObjects(self.store, self.faults),
            JsonUploads(self.store, self._uploads, self.faults),
            JsonBuckets(self.store, clock),
            StorageControl(self.store, clock, self.faults, self.traffic, self.reset),
            XmlApi(self.store, self._uploads, self.faults, self._verifier, clock),
        )
        self._table = RouteTable(route for handler in handlers for route in handler.routes())
        clock.on_advance(self._run_lifecycle)

    def _run_lifecycle(self) -> None:
        lifecycle.run(self.store, self.clock.now())

    def add_signer(self, email: str, public_pem: str | bytes) -> None:
        """Let an account's signatures count.

        Raises:
            ValueError: the PEM holds no RSA public key.
        """
        self._verifier.add(email, public_pem)

    def create_bucket(self, name: str) -> None:
        """Make an empty bucket, if it is not there.

        Raises:
            StorageError: 400 for a bad name.
        """
        if name not in self.store.buckets:
            buckets.create(self.store, {"name": name}, self.clock.now())

    def seed(self, folder: Path) -> int:
        """Fill buckets from a folder: `<folder>/<bucket>/<object name>`.

        Args:
            folder: whose first level are buckets.

        Returns:
            How many objects were written.
        """
        files = sorted(path for path in folder.glob("*/**/*") if path.is_file())
        for path in sorted(path for path in folder.iterdir() if path.is_dir()):
            self.create_bucket(path.name)
        for path in files:
            bucket, *parts = path.relative_to(folder).parts
            self.store.put(bucket, "/".join(parts), path.read_bytes(), {}, Conditions({}))
        return len(files)

    def reset(self) -> None:
        """Empty all buckets, forget faults, uploads and traffic; the buckets stay."""
        with self.store.lock:
            for bucket in self.store.buckets.values():
                for name in list(bucket.objects):
                    self.store.delete(bucket.name, name, None, Conditions({}))
        self._uploads.clear()
        self.faults.clear()
        self.traffic.clear()

    def close(self) -> None:
        """Let go of the data folder."""
        self.store.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333).

        Raises:
            Dropped: a fault cuts the connection.
        """
        raw = _raw_request(environ)
        base = f"{environ['wsgi.url_scheme']}://{raw.headers.get('host', '')}"
        query = dict(raw.parameters)
        call = Call(raw, query, self._base_url or base, get_input_stream(environ))
        kind, response = self._answer(call)
        response.headers.setdefault("Date", formatdate(self.clock.now(), usegmt=True))
        response.headers.update(self._cors(raw))
        if kind != "emulator":
            at = self.clock.now()
            self.traffic.record(kind, raw.method, raw.path, response.status_code, at)
        return response(environ, start_response)

    def _answer(self, call: Call) -> tuple[str, Response]:
        raw, kind = call.raw, "unknown"
        if raw.method == "OPTIONS":
            return "preflight", self._preflight(raw)
        try:
            route, parts = self._table.find(call)
            kind = route.name
            return kind, route.answer(call, *parts)
        except StorageError as error:
            return kind, _refusal(error, raw)
        except Dropped:
            self.traffic.record(kind, raw.method, raw.path, 0, self.clock.now())
            raise
        except Exception:  # noqa: BLE001 - a crash must look like the service's 500, and be seen
            traceback.print_exc(file=sys.stderr)
            message = "The emulator crashed; its error output says where."
            crash = StorageError(
                HTTPStatus.INTERNAL_SERVER_ERROR, "backendError", message, "InternalError"
            )
            return kind, _refusal(crash, raw)

    def _rules(self, raw: RawRequest) -> list[Mapping[str, object]]:
        match = BUCKET_IN_PATH.fullmatch(raw.path)
        bucket = self.store.buckets.get(unquote(match[1])) if match else None
        return bucket.fields.get("cors", []) if bucket else []

    def _preflight(self, raw: RawRequest) -> Response:
        headers = raw.headers
        method = headers.get("access-control-request-method", "")
        asked = headers.get("access-control-request-headers", "")
        granted = cors.preflight_headers(self._rules(raw), headers.get("origin"), method, asked)
        return Response(status=200, headers=granted)

    def _cors(self, raw: RawRequest) -> dict[str, str]:
        if raw.method == "OPTIONS" or "origin" not in raw.headers:
            return {}
        return cors.answer_headers(self._rules(raw), raw.headers["origin"], raw.method)


def _raw_request(environ: WSGIEnvironment) -> RawRequest:
    path, _, query = environ["REQUEST_URI"].partition("?")
    headers = {
        key[5:].replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            headers[key.replace("_", "-").lower()] = environ[key]
    return RawRequest(environ["REQUEST_METHOD"], path, query, headers)


def _refusal(error: StorageError, raw: RawRequest) -> Response:
    headers = {name: value.encode().decode("latin-1") for name, value in error.headers.items()}
    if error.status == HTTPStatus.NOT_MODIFIED or raw.method == "HEAD":
        return Response(status=error.status, headers=headers)
    if raw.path.startswith(JSON_PATHS):
        return Response(error.json(), error.status, headers, content_type=JSON)
    kind = "application/xml; charset=UTF-8"
    return Response(error.xml(), error.status, headers, content_type=kind)
