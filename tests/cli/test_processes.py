"""Processes of the command line: watched while they run, told about when they die, gone at the end."""

import os
import socket

import pytest

from lib.cli.processes import Died, Processes, consecutive_ports, python


@pytest.fixture
def processes(tmp_path):
    with Processes(tmp_path / "logs", os.environ) as running:
        yield running


def script(processes, code, **options):
    return processes.start("script", [python(), "-c", code], {"GIVEN": "7"}, **options)


def test_the_lines_of_a_process_are_read_until_it_is_ready(processes):
    code = "import os, time; print('A=b=c'); print('G=' + os.environ['GIVEN']); print('ready', flush=True); time.sleep(600)"
    process = script(processes, code, read=True)
    assert processes.lines_until_ready(process) == {"A": "b=c", "G": "7"}
    processes.check()


def test_a_process_that_dies_is_told_about_with_its_last_words(processes):
    process = script(processes, "import sys; sys.exit('no key')", read=True)
    with pytest.raises(Died, match=r"script ended before it was ready:\n.*no key"):
        processes.lines_until_ready(process)
    process.popen.wait()
    with pytest.raises(Died, match=r"script ended with status 1:\n.*no key"):
        processes.check()


def test_at_the_end_nothing_runs_any_more_whatever_it_does_with_signals(tmp_path, monkeypatch):
    monkeypatch.setattr("lib.cli.processes.STOP_S", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
    with Processes(tmp_path, os.environ) as processes:
        process = script(processes, deaf, read=True)
        processes.lines_until_ready(process)
    assert process.popen.returncode == -9


def test_ports_are_free_and_follow_each_other():
    first = consecutive_ports(3)
    for port in range(first, first + 3):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
