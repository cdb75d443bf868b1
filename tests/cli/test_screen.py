"""What the command line shows where nobody looks at a terminal: plain lines, each state once."""

from lib.cli.screen import Screen


def test_into_a_pipe_go_plain_lines(capsys):
    screen = Screen({})
    screen.done("api", "http://127.0.0.1:1")
    screen.line()
    assert capsys.readouterr().out == "  ✓ api        http://127.0.0.1:1\n\n"


def test_progress_is_written_when_its_words_change_and_not_for_every_percent(capsys):
    screen = Screen({})
    for percent, text in ((1, "queued"), (2, "queued"), (50, "running"), (60, "running")):
        screen.progress(percent, text)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("%")[1].strip() for line in lines] == ["queued", "running"]
    assert lines[1].count("█") == lines[1].count("░") == 14


def test_a_new_beginning_says_the_same_words_again(capsys):
    screen = Screen({})
    screen.progress(1, "queued")
    screen.restart()
    screen.progress(1, "queued")
    assert len(capsys.readouterr().out.splitlines()) == 2
