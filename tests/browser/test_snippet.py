"""The page for the browser of the papers, in a browser: two files in, over CORS, a film that plays."""

import json
import os
import queue
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests
from werkzeug.wrappers import Request, Response

from lib.cli import service as services
from lib.cli.processes import Processes
from lib.emulator.samples import monster
from lib.emulator.server import Server
from tests.clients.targets import OWNERS
from tests.web.test_cors import SDKS
from tests.world import picture

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
PAPER = HERE.parents[1] / "infra/docs/openai.md"
HTML, SCRIPT = (HERE / f"snippet.{kind}" for kind in ("html", "js"))
# What a person does: choose files, press the button, watch; then the refusals.
PERSON = """
const said = () => form.querySelector('output').value;
const event = (place, names) => new Promise(done =>
  names.forEach(name => place.addEventListener(name, () => done(name), {once: true})));
async function choose(name, path) {
  const chosen = new DataTransfer();
  chosen.items.add(new File([await (await fetch(path)).blob()], path, {type: 'image/png'}));
  form.elements[name].files = chosen.files;
}
const tried = asked => asked.then(answer => answer.status, error => error.name);
async function refused(origin) {
  const frame = document.createElement('iframe');
  frame.sandbox = 'allow-scripts';
  frame.srcdoc = `<script>fetch('${origin}/health').then(
    answer => parent.postMessage(answer.status, '*'),
    error => parent.postMessage(error.name, '*'))</` + 'script>';
  const told = new Promise(done => addEventListener('message', m => done(m.data), {once: true}));
  document.body.append(frame);
  return told;
}
(async () => {
  const seen = {};
  try {
    const video = document.querySelector('video');
    await choose('first_frame', 'first.png');
    await choose('last_frame', 'last.png');
    form.requestSubmit();
    seen.loaded = await event(video, ['loadeddata', 'error']);
    seen.size = said();
    seen.film = [video.videoWidth, video.videoHeight, video.duration];
    seen.link = video.src;
    await video.play();
    while (video.currentTime < 0.3) await event(video, ['timeupdate']);
    seen.played = video.currentTime;
    video.pause();
    video.currentTime = 4.9;
    await event(video, ['seeked']);
    const job = (await (await fetch(form.action, {headers})).json()).data[0];
    const one = `${form.action}/${job.id}`, first = await fetch(one, {headers});
    const known = {...headers, 'If-None-Match': first.headers.get('ETag')};
    seen.unchanged = await fetch(one, {headers: known}).then(answer => answer.status);
    seen.link_fetched = await tried(fetch(video.src));
    seen.content_fetched = await tried(fetch(`${one}/content`, {headers}));
    const sdk = Object.fromEntries(SDKS.map(name => [name, '1']));
    seen.sdk = await tried(fetch(form.action, {headers: {...headers, ...sdk}}));
    seen.odd_header = await tried(fetch(form.action, {headers: {...headers, 'x-odd': '1'}}));
    await choose('last_frame', 'small.png');
    form.requestSubmit();
    while (!said().includes('frame')) await pause(50);
    seen.small = said();
    seen.stranger = await refused(new URL(form.action).origin);
  } catch (error) { seen.crash = String(error); }
  await fetch('/seen', {method: 'POST', body: JSON.stringify(seen)});
})();
"""


class Stage:
    """A page on an origin of its own, and what happened on it."""

    def __init__(self):
        self.seen, self.action = queue.Queue(), ""
        self.web = Server(Request.application(self.answer)).start()
        self.pictures = {
            "/first.png": monster.first(),
            "/last.png": monster.last(),
            "/small.png": picture(100, 100),
        }

    def answer(self, request):
        if request.path == "/seen":
            self.seen.put(json.loads(request.get_data()))
            return Response(status=204)
        if request.path in self.pictures:
            return Response(self.pictures[request.path], content_type="image/png")
        form = re.sub(r'action="[^"]*" data-key="[^"]*"', self.action, HTML.read_text(), count=1)
        page = (
            f"<!doctype html>{form}<script>{SCRIPT.read_text()}</script>"
            f"<script>const SDKS = {json.dumps(SDKS)};{PERSON}</script>"
        )
        return Response(page, content_type="text/html; charset=utf-8")


@pytest.fixture
def stage():
    one = Stage()
    yield one
    one.web.stop()


@pytest.fixture
def service(stage, tmp_path):
    """`api` under functions-framework, open to the page's origin and to alice's key."""
    with Processes(tmp_path / "logs", os.environ) as processes:
        running = services.start(processes, draft=True)
        processes.kill(running.api)
        running.environ |= {
            "AUTH": "on",
            "OWNER_KEYS": json.dumps(OWNERS),
            "ALLOWED_ORIGINS": stage.web.url,
        }
        services.restart_api(processes, running)
        cors = {"origin": [stage.web.url], "method": ["GET"], "responseHeader": ["Content-Type"]}
        bucket = f"{running.emulator['STORAGE_EMULATOR_HOST']}/storage/v1/b/inbetween"
        requests.patch(bucket, json={"cors": [cors]}, timeout=5).raise_for_status()
        stage.action = f'action="{running.url}/v1/videos" data-key="key-a"'
        yield running


def browse(url, folder):
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    assert program, "this test needs Chromium: apt-get install chromium"
    words = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
    more = ["--autoplay-policy=no-user-gesture-required", f"--user-data-dir={folder}", url]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([program, *words.split(), *more], **quiet)


def test_two_files_become_a_film_that_plays(stage, service, tmp_path):
    browser = browse(stage.web.url, tmp_path / "profile")
    try:
        seen = stage.seen.get(timeout=200)
    finally:
        browser.terminate()
        browser.wait(20)
    assert "crash" not in seen, seen
    assert (seen["loaded"], seen["size"]) == ("loadeddata", "1280x720")
    assert seen["film"] == [1280, 720, pytest.approx(5.0, abs=0.1)]
    assert seen["played"] > 0.2
    assert "X-Goog-Signature=" in seen["link"]
    assert "key-a" not in seen["link"]
    assert seen["unchanged"] == 304
    # The bucket knows the page's origin; behind a redirect of ours a browser says "null" instead
    # (Fetch standard, HTTP-redirect fetch).
    assert (seen["link_fetched"], seen["content_fetched"]) == (200, "TypeError")
    assert (seen["sdk"], seen["odd_header"]) == (200, "TypeError")
    assert seen["small"].startswith("last_frame: ")  # our words, read through CORS
    assert seen["stranger"] == "TypeError"  # an origin that is not in ALLOWED_ORIGINS
    upstream = f"http://127.0.0.1:{service.ports.storage + 1}/emulator/tasks"
    assert len(requests.get(upstream, timeout=5).json()["tasks"]) == 1


@pytest.mark.parametrize("path", [HTML, SCRIPT], ids=["html", "js"])
def test_the_paper_shows_what_was_tested(path):
    assert f"```{path.suffix[1:]}\n{path.read_text()}```\n" in PAPER.read_text("utf-8")
