"""Runs programs that use one DashScope SDK, each in a fork that has what the SDK needs loaded.

The SDK itself is loaded anew by every program: it reads the environment while it is imported. Lines
of JSON in (`argv`, `cwd`, `env`), lines of JSON out (`code`, `out`, `err`).
"""

import json
import os
import runpy
import sys
import tempfile
import traceback
from pathlib import Path


def play(order):
    """In the fork: the program as `python PROGRAM ...` would run it; returns its exit status."""
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    sys.argv = order["argv"]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:  # noqa: BLE001 - told as the interpreter would
        traceback.print_exc()
        return 1
    return 0


def fork(order):
    """Exit status, standard output and standard error of a program."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code = play(order)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode("utf-8", "replace"))
    return {"code": os.waitstatus_to_exitcode(status), "out": said[0], "err": said[1]}


if __name__ == "__main__":
    import dashscope

    for name in [name for name in sys.modules if name.partition(".")[0] == dashscope.__name__]:
        del sys.modules[name]
    for line in sys.stdin:
        print(json.dumps(fork(json.loads(line))), flush=True)
