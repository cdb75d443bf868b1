"""The body of a request: its files are memory once, its texts whole, and too much is refused unread."""

import contextlib
import io

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from lib.web import body
from tests.web.test_bad_input import refused

MB = 1 << 20


def test_a_forms_files_are_memory_once_and_its_texts_are_whole():
    data = {"first_frame": (io.BytesIO(b"a" * MB), "a.png"), "prompt": "rain" * 200_000}
    builder = EnvironBuilder(method="POST", data=data)
    environ = builder.get_environ()
    with contextlib.closing(environ["wsgi.input"]), contextlib.closing(Request(environ)) as asked:
        fields = body.read(asked, 32 * MB)
        assert fields["first_frame"] == b"a" * MB
        assert isinstance(asked.files["first_frame"].stream, io.BytesIO)
        assert fields["first_frame"] is asked.files["first_frame"].stream.getvalue()
        assert len(fields["prompt"]) == 800_000
    builder.close()


def test_a_body_above_the_platform_limit_is_refused_unread(world):
    class Counting(io.BytesIO):
        asked = 0

        def read(self, size=-1):
            Counting.asked += 1
            return super().read(size)

    answer = world.client.post(
        "/v1/videos",
        input_stream=Counting(b" " * 100),
        content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": str(33 << 20)},
    )
    refused(world, answer, 413, "payload_too_large", "https links")
    assert Counting.asked == 0
