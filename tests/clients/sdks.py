"""The real DashScope SDKs, each release in a folder of its own, installed when first asked for."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / ".inbetween" / "clients"
DRIVER = Path(__file__).with_name("driver.py")
# The release that the guide asks for, the last of 1.27, and the last of all.
VERSIONS = ("1.25.8", "1.27.8", "2.0.2")


def folder(version):
    """Where a release lies; installs it if nobody has yet."""
    place = STORE / f"dashscope-{version}"
    STORE.mkdir(parents=True, exist_ok=True)
    with (STORE / f"lock-{version}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            half = STORE / f"half-{version}"
            shutil.rmtree(half, ignore_errors=True)
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-conflicts"]
            command += ["--no-compile"]
            ran = subprocess.run(
                [*command, "--target", str(half), f"dashscope=={version}"],
                capture_output=True,
                text=True,
            )
            if ran.returncode:
                raise RuntimeError(f"dashscope {version} could not be installed: {ran.stderr}")
            half.rename(place)
    return place


def environ(version, target, **more):
    """What a process sees that uses a release against a target."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **keep,
        "PYTHONPATH": str(folder(version)),
        "PYTHONUTF8": "1",
        "NO_PROXY": "*",
        "COLUMNS": "400",
        "DASHSCOPE_API_KEY": target.key,
        "DASHSCOPE_HTTP_BASE_URL": target.url,
        **more,
    }


class Launchers:
    """Runs programs with any release; one process of `launcher.py` for each."""

    def __init__(self):
        self._running = {}

    def run(self, version, argv, *, cwd, env):
        """What `python ARGV` does in a folder and an environment.

        Returns:
            Its exit status, standard output and standard error.
        """
        if version not in self._running:
            self._running[version] = subprocess.Popen(
                [sys.executable, str(DRIVER.with_name("launcher.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={"PYTHONPATH": str(folder(version)), "PYTHONUTF8": "1"},
                cwd=STORE,
            )
        process = self._running[version]
        order = {"argv": [str(word) for word in argv], "cwd": str(cwd), "env": env}
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        return answer["code"], answer["out"], answer["err"]

    def close(self):
        """End the processes."""
        for process in self._running.values():
            process.communicate()


class Sdk:
    """A process that has one release imported and runs what it is told to.

    Args:
        version: of the release.
    """

    def __init__(self, version):
        self.version = version
        path = {"PYTHONPATH": str(folder(version)), "PYTHONUTF8": "1", "NO_PROXY": "*"}
        self._process = subprocess.Popen(
            [sys.executable, str(DRIVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**path, "PATH": os.environ["PATH"], "HOME": str(STORE)},
            cwd=STORE,
        )

    def run(self, code, target, *, cwd=STORE, **names):
        """What the code prints, and the exception that it ends with.

        Args:
            code: Python; `KEY`, `FIRST`, `LAST` and `names` are known to it.
            target: whom it talks to.
            cwd: where it runs.
            names: further values.
        """
        known = {"KEY": target.key, "FIRST": target.first, "LAST": target.last, **names}
        order = {"code": code, "url": target.url, "cwd": str(cwd), "names": known}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["out"] + answer["error"]

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


if __name__ == "__main__":
    with ThreadPoolExecutor() as pool:
        list(pool.map(folder, VERSIONS))
