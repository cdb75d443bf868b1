"""An answer's body as a client reads it: every byte once, a cut where the app cut, and closed at the end."""

import pytest

from lib.emulator.body import Body, Dropped


class Answer:
    """What an app gives, and whether it was closed."""

    closed = False

    def __init__(self, *chunks):
        self.chunks = chunks

    def __iter__(self):
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self):
        self.closed = True


def body(*chunks):
    answer = Answer(*chunks)
    return Body(iter(answer), answer), answer


def test_every_byte_comes_once_whatever_the_chunks_are():
    read, _ = body(b"abc", b"", b"defg")
    assert [read.read(2), read.read(2), read.read(2)] == [b"ab", b"c", b""]
    read, _ = body(b"abc", b"defg")
    assert read.read() == b"abcdefg"
    assert read.read(1) == b""


def test_a_cut_is_a_reset_after_what_came_before_it():
    read, _ = body(b"abc", Dropped("cut"))
    assert read.read1(9) == b"abc"
    with pytest.raises(ConnectionResetError, match="cut"):
        read.read1(9)


def test_closing_closes_what_the_app_gave():
    read, answer = body(b"abc")
    read.close()
    assert answer.closed
    assert read.closed
