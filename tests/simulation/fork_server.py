"""A process that has everybody else's packages loaded and forks itself for each copy of the project.

A scenario takes half a second and a fresh interpreter two; thirty of them are a minute. It reads lines
of `FOLDER<tab>SCENARIO` and answers with one line of JSON each; it knows no module of ours, so that
every fork imports the copy that it is sent to.
"""

import contextlib
import importlib
import json
import os
import runpy
import sys
import tempfile
import traceback

# What the project imports from others, down to the modules that cost time.
PACKAGES = (
    "PIL.Image",
    "av",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "google.cloud.storage",
    "numpy",
    "pydantic",
    "pytest",
    "requests",
    "standardwebhooks",
    "werkzeug.test",
)


def runner(folder, scenario, out):
    """In a fork: the scenario in this copy of the project, everything printed into `out`."""
    os.chdir(folder)
    sys.path[0] = folder
    sys.argv = ["all_scenarios", scenario]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            runpy.run_module("tests.simulation.all_scenarios", run_name="__main__")
        except SystemExit:
            pass  # it has said how it ended
        except BaseException:  # noqa: BLE001 - told to the one who asked
            traceback.print_exc()
    out.flush()


def main():
    """Serve until nobody asks any more."""
    for name in PACKAGES:
        importlib.import_module(name)
    for line in sys.stdin:
        folder, _, scenario = line.strip().partition("\t")
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
            child = os.fork()
            if not child:
                runner(folder, scenario, out)
                os._exit(0)
            os.waitpid(child, 0)
            out.seek(0)
            print(json.dumps(out.read()), flush=True)


if __name__ == "__main__":
    main()
