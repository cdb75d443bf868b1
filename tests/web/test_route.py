"""Which call a path and a method mean, for odd paths and odd methods: recorded answers, word for word."""

import pytest
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Request

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get", "")
RECORDED = [
    (
        {"*": "404 There is no such path here. Vide", "HEAD": "404"},
        [
            "/",
            "",
            "//",
            "/v1",
            "/v1/",
            "/v1/videos/",
            "/v1/videos//",
            "///v1//videos",
            "/v1//videos",
            "/V1/videos",
            "/v1/Videos",
            "/v1/videos/x/",
            "/v1/videos//x",
            "/v1/videos/x//",
            "/v1/videos/x/content/",
            "/v1/videos/x//content",
            "/v1/videos//content",
            "/v1/videos/x/y",
            "/v1/videos/x/content/y",
            "/v1/videos\n",
            "\n/v1/videos",
            "/v1/videos ",
            " /v1/videos",
            "/v1/videos/../models",
            "/v1/./videos",
            "/v1/videos%2Fx",
            "|/v1/videos",
            "/v1/videos|",
            "/v1/vid\xc3\xa9os",
            "/v1/videos;x",
            "*",
            "/v1/uploads/",
            "/v1/uploads/x",
            "/v1/models/",
            "/v1/models/x",
            "/health/",
            "/healthz",
            "/ready/",
            "/openapi.json/",
            "/openapi/json",
            "/openapixjson",
            "/docs/",
            "/docs/x",
            "/favicon.ico",
            "/robots.txt",
            "/api",
            "/api/",
            "/api/v1",
            "/api//v1/tasks",
            "/api/v2/tasks",
            "/api/v1\n/tasks",
            "/\xff/v1/videos",
        ],
    ),
    (
        {
            "*": "405 GET, HEAD, OPTIONS, POST",
            "GET": "200",
            "HEAD": "200",
            "POST": "415 Content-Type: got 'nothing'; all",
            "OPTIONS": "204 GET, HEAD, OPTIONS, POST",
            "get": "200",
        },
        [
            "/v1/videos",
            "//v1/videos",
        ],
    ),
    (
        {
            "*": "405 DELETE, GET, HEAD, OPTIONS",
            "GET": "404 There is no video of this id. Id",
            "HEAD": "404",
            "DELETE": "404 There is no video of this id. Id",
            "OPTIONS": "204 DELETE, GET, HEAD, OPTIONS",
            "get": "404 There is no video of this id. Id",
        },
        [
            "/v1/videos/x",
            "/v1/videos/content",
            "/v1/videos/\n",
            "/v1/videos/x\n",
            "/v1/videos/x\r\ny",
            "/v1/videos/ ",
            "/v1/videos/..",
            "/v1/videos/%2F",
            "/v1/videos/%",
            "/v1/videos/a|b",
            "/v1/videos/<id>",
            "/v1/videos/{id}",
            "/v1/videos/\xc3\xa9",
            "/v1/videos/\xe2\x80\xa8",
            "/v1/videos/\xf0\x9f\x8e\xac",
            "/v1/videos/\x00",
            "/v1/videos/x;y",
            "/v1/videos/x:y",
            "/v1/videos/" + "y" * 3000,
            "/v1/videos/*",
            "/v1/videos/\xff",
            "/v1/videos/\xc3",
        ],
    ),
    (
        {
            "*": "405 GET, HEAD, OPTIONS",
            "GET": "404 There is no video of this id. Id",
            "HEAD": "404",
            "OPTIONS": "204 GET, HEAD, OPTIONS",
            "get": "404 There is no video of this id. Id",
        },
        [
            "/v1/videos/x/content",
            "/v1/videos/x\n/content",
        ],
    ),
    (
        {
            "*": "405 OPTIONS, POST",
            "POST": "404 There is no video of this id. Id",
            "OPTIONS": "204 OPTIONS, POST",
        },
        [
            "/v1/videos/x/cancel",
            "/v1/videos/x/retry",
        ],
    ),
    (
        {
            "*": "405 GET, HEAD, OPTIONS, POST",
            "GET": "404 There is no video of this id. Id",
            "HEAD": "404",
            "POST": "404 There is no video of this id. Id",
            "OPTIONS": "204 GET, HEAD, OPTIONS, POST",
            "get": "404 There is no video of this id. Id",
        },
        [
            "/v1/videos/x/webhook-deliveries",
        ],
    ),
    (
        {
            "*": "405 OPTIONS, POST",
            "POST": "415 Content-Type: got 'nothing'; all",
            "OPTIONS": "204 OPTIONS, POST",
        },
        [
            "/v1/uploads",
        ],
    ),
    (
        {
            "*": "405 GET, HEAD, OPTIONS",
            "GET": "200",
            "HEAD": "200",
            "OPTIONS": "204 GET, HEAD, OPTIONS",
            "get": "200",
        },
        [
            "/v1/models",
            "/health",
            "/ready",
            "/openapi.json",
            "/docs",
        ],
    ),
    (
        {"*": "404 Not found!", "HEAD": "404"},
        [
            "/api/v1/",
            "/api/v1//",
            "/api/v1//tasks",
            "/api/v1/tasks//x",
            "/api/v1/tasks/x//cancel",
            "/api/v1/tasks//cancel",
            "/api/v1/tasks\n",
            "/api/v1/tasks/x/y",
            "/api/v1/Tasks",
            "/api/v1/uploads/x",
            "/api/v1/uploads\n",
            "/api/v1/services/aigc/image2video//video-synthesis",
            "/api/v1/services/aigc/other/video-synthesis",
            "/api/v1/services",
            "/api/v1/apps",
        ],
    ),
    (
        {"*": "404 Not found!", "GET": "200", "HEAD": "404", "get": "200"},
        [
            "//api/v1/tasks",
            "/api/v1/tasks",
            "/api/v1/tasks/",
            "/api/v1/tasks//",
            "/api/v1/tasks/x",
            "/api/v1/tasks/x/",
            "/api/v1/tasks/x//",
            "/api/v1/tasks/cancel",
            "/api/v1/tasks/x\n",
            "/api/v1/tasks/\n",
            "/api/v1/tasks/a|b",
            "/api/v1/tasks/\xc3\xa9",
            "/api/v1/tasks/%2F",
            "/api/v1/tasks/ ",
            "/api/v1/tasks/\xf0\x9f\x8e\xac",
            "/api/v1/tasks/\x00",
            "/api/v1/tasks/" + "z" * 3000,
            "/api/v1/tasks/\xff",
        ],
    ),
    (
        {"*": "404 Not found!", "HEAD": "404", "POST": "400 Failed to cancel the task, pleas"},
        [
            "/api/v1/tasks/x/cancel",
            "/api/v1/tasks/x/cancel/",
        ],
    ),
    (
        {
            "*": "404 Not found!",
            "GET": "400 Required parameter(action) missi",
            "HEAD": "404",
            "POST": '400 <?xml version="1.0" encoding="UT',
            "get": "400 Required parameter(action) missi",
        },
        [
            "/api/v1/uploads",
            "/api/v1/uploads/",
            "/api/v1/uploads//",
        ],
    ),
    (
        {"*": "404 Not found!", "HEAD": "404", "POST": "403 current user api does not suppor"},
        [
            "/api/v1/services/aigc/image2video/video-synthesis",
            "/api/v1/services/aigc/image2video/video-synthesis/",
            "/api/v1/services/aigc/video-generation/video-synthesis",
            "/api/v1/services/aigc/video-generation/video-synthesis/",
        ],
    ),
]

CASES = [(path, answers) for answers, paths in RECORDED for path in paths]


def ask(world, method, path):
    """The answer to a path as a server hands it over: unquoted, in latin-1."""
    environ = EnvironBuilder().get_environ()
    environ |= {"REQUEST_METHOD": method, "PATH_INFO": path}
    return Client(Request.application(world.service.api)).open(Request(environ))


def word(answer):
    """Status, and what tells one answer of this status from another."""
    if answer.status_code in {204, 405}:
        return f"{answer.status_code} {answer.headers['Allow']}"
    if not answer.data or answer.status_code == 200:
        return str(answer.status_code)
    body = answer.get_json(force=True, silent=True) or {}
    problem = body.get("error", body)
    return f"{answer.status_code} {problem.get('message', answer.text)[:32]}"


@pytest.mark.parametrize(("path", "answers"), CASES, ids=[ascii(path)[1:40] for path, _ in CASES])
def test_a_path_means_what_it_always_meant(world, path, answers):
    other = answers["*"]
    found = {method: word(ask(world, method, path)) for method in METHODS}
    assert found == {method: answers.get(method, other) for method in METHODS}


@pytest.mark.parametrize(
    "segment",
    ["x", "x\n", "\n", " ", "a|b", "%2F", "<id>", "{id}", "\x00", "a;b", "..", "z" * 3000],
)
def test_a_segment_comes_to_its_handler_as_it_is(world, segment):
    answer = ask(world, "GET", f"/api/v1/tasks/{segment}")
    assert answer.get_json()["output"] == {"task_id": segment, "task_status": "UNKNOWN"}


@pytest.mark.parametrize(
    ("raw", "read"),
    [("\xc3\xa9", "é"), ("\xf0\x9f\x8e\xac", "\U0001f3ac"), ("\xff", "\ufffd"), ("\xc3", "\ufffd")],
)
def test_a_segment_is_read_as_utf_8(world, raw, read):
    assert ask(world, "GET", f"/api/v1/tasks/{raw}").get_json()["output"]["task_id"] == read
