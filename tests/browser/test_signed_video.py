"""A real browser plays a film from a signed link: seeks by ranges, obeys CORS, meets refusals.

The page reports what it saw to a small server beside the emulator, so no driver is needed: only
Chromium itself (Debian: `apt-get install chromium`).
"""

import json
import queue
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account
from werkzeug.wrappers import Request, Response

from lib.emulator.clock import Clock
from lib.emulator.server import Server
from lib.emulator.storage import StorageApp

pytestmark = pytest.mark.browser

EMAIL = "browser@local.iam.gserviceaccount.com"
PAGE = """<!doctype html><meta charset="utf-8"><video muted playsinline preload="auto"></video>
<script>
const links = LINKS;
const event = (video, names) => new Promise(done =>
  names.forEach(name => video.addEventListener(name, () => done(name), {once: true})));
async function watch(url) {
  const video = document.querySelector('video');
  video.src = url;
  if (await event(video, ['loadeddata', 'error']) === 'error') return {error: video.error.code};
  video.currentTime = 4.2;
  await event(video, ['seeked']);
  const late = video.currentTime;
  video.currentTime = 0;
  await event(video, ['seeked']);
  await video.play();
  await new Promise(done => setTimeout(done, 700));
  return {duration: video.duration, width: video.videoWidth, late, played: video.currentTime};
}
const tried = promise => promise.then(
  async answer => ({status: answer.status, text: (await answer.text()).length,
                    range: answer.headers.get('Content-Range')}),
  error => ({refused: error.name}));
(async () => {
  const seen = {};
  try {
    seen.film = await watch(links.film);
    seen.forged = await watch(links.forged);
    seen.head = await tried(fetch(links.film, {method: 'HEAD'}));
    seen.range = await tried(fetch(links.film, {headers: {Range: 'bytes=10-19'}}));
    seen.put = await tried(fetch(links.put, {method: 'PUT', body: 'frame',
                                             headers: {'Content-Type': 'image/png'}}));
    seen.closed = await tried(fetch(links.closed));
  } catch (error) { seen.crash = String(error); }
  await fetch('/seen', {method: 'POST', body: JSON.stringify(seen)});
})();
</script>"""


def new_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    info = {"client_email": EMAIL, "private_key": private.decode(), "token_uri": "https://unused"}
    return service_account.Credentials.from_service_account_info(info), public.decode()


class Stage:
    """The emulator, a page on another origin, and what the browser reported."""

    def __init__(self, film):
        self.seen = queue.Queue()
        self.signer, public = new_key()
        self.app = StorageApp(Clock(), signers={EMAIL: public})
        self.links = {}
        self.storage = Server(self.app).start()
        self.page = Server(Request.application(self.answer)).start()
        client = storage.Client(
            project="p",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.storage.url},
        )
        self.open, self.closed = client.create_bucket("open"), client.create_bucket("closed")
        self.open.cors = [
            {
                "origin": [self.page.url],
                "method": ["GET", "HEAD", "PUT"],
                "responseHeader": ["Content-Type", "Content-Range", "Range"],
            }
        ]
        self.open.patch()
        for bucket in (self.open, self.closed):
            bucket.blob("film.mp4").upload_from_string(film, content_type="video/mp4")
        self.links["film"] = self.sign(self.open.blob("film.mp4"))
        self.links["forged"] = self.links["film"].replace(
            "X-Goog-Expires=600", "X-Goog-Expires=900"
        )
        self.links["closed"] = self.sign(self.closed.blob("film.mp4"))
        put = self.open.blob("frame.png")
        self.links["put"] = self.sign(put, method="PUT", content_type="image/png")

    def sign(self, blob, **options):
        return blob.generate_signed_url(
            version="v4",
            expiration=600,
            credentials=self.signer,
            api_access_endpoint=self.storage.url,
            **options,
        )

    def answer(self, request):
        if request.path == "/seen":
            self.seen.put(json.loads(request.get_data()))
            return Response(status=204)
        page = PAGE.replace("LINKS", json.dumps(self.links))
        return Response(page, content_type="text/html; charset=utf-8")

    def close(self):
        self.page.stop()
        self.storage.stop()


@pytest.fixture
def stage(make_film):
    one = Stage(make_film())
    yield one
    one.close()


def browse(url, folder):
    program = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    assert program, "this test needs Chromium: apt-get install chromium"
    return subprocess.Popen(
        [
            program,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            "--autoplay-policy=no-user-gesture-required",
            f"--user-data-dir={folder}",
            url,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_browser_plays_a_signed_film(stage, tmp_path):
    browser = browse(stage.page.url, tmp_path)
    try:
        seen = stage.seen.get(timeout=90)
    finally:
        browser.terminate()
        browser.wait(20)
    assert "crash" not in seen, seen
    film = seen["film"]
    assert (film["duration"], film["width"]) == (pytest.approx(5.0, abs=0.1), 64)
    assert film["late"] == pytest.approx(4.2, abs=0.1)
    assert film["played"] > 0.2
    assert seen["forged"] == {"error": 4}  # MEDIA_ERR_SRC_NOT_SUPPORTED
    assert seen["head"]["status"] == 200
    size = stage.open.get_blob("film.mp4").size
    assert seen["range"] == {"status": 206, "text": 10, "range": f"bytes 10-19/{size}"}
    assert seen["put"]["status"] == 200
    assert stage.open.get_blob("frame.png").content_type == "image/png"
    assert seen["closed"] == {"refused": "TypeError"}  # the bucket has no CORS rule
    rows = stage.app.traffic.log()
    assert {row["status"] for row in rows if row["kind"] == "xml.get"} >= {206, 403}
    assert "preflight" in {row["kind"] for row in rows}
