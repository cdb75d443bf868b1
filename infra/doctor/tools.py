"""The tools around the project, each with its version; all but git are optional.

What is missing is said with what it is for, and is no fault. A tool that is there and does not
work, or is too old, is one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.doctor.report import Report

ASK_S = 60.0  # gcloud is a Python program, and may be cold
VERSION = re.compile(r"\d+(?:\.\d+)+")
TERRAFORM = "https://developer.hashicorp.com/terraform/install"


@dataclass(frozen=True)
class Tool:
    """One program.

    Attributes:
        name: as it is called.
        needed_for: what does not work without it.
        mend: how it is installed.
        ask: the arguments that make it say its version.
        least: the oldest version that works.
        required: whether its absence is a fault.
    """

    name: str
    needed_for: str
    mend: str
    ask: tuple[str, ...] = ("--version",)
    least: tuple[int, ...] = ()
    required: bool = False


TOOLS = (
    Tool("git", "infra/dev check", "apt install git", required=True),
    Tool("curl", "the lines of the README", "apt install curl"),
    Tool("chromium", "infra/dev test --all", "apt install chromium"),
    Tool("node", "infra/dev test --all", "apt install nodejs"),
    Tool("npm", "infra/dev test --all", "apt install npm"),
    Tool("terraform", "infra/dev deploy", f"install it from {TERRAFORM}", ("version",), (1, 9)),
    Tool(
        "gcloud",
        "secrets and credentials of a deployment",
        "install it from https://cloud.google.com/sdk/docs/install",
    ),
)


def examine(report: Report) -> None:
    """One line for each tool.

    Args:
        report: takes them.
    """
    with ThreadPoolExecutor() as pool:
        for tool, said in zip(TOOLS, pool.map(_version, TOOLS), strict=True):
            _judge(report, tool, said)


def _judge(report: Report, tool: Tool, said: str | None) -> None:
    if said is None and tool.required:
        report.fault(tool.name, f"not installed; {tool.needed_for} needs it", tool.mend)
    elif said is None:
        report.left_out(tool.name, f"not installed; {tool.needed_for} needs it")
    elif not VERSION.fullmatch(said):
        report.fault(tool.name, said, tool.mend)
    elif tool.least and tuple(map(int, said.split("."))) < tool.least:
        least = ".".join(map(str, tool.least))
        report.fault(tool.name, f"{said}; {tool.needed_for} needs {least} or newer", tool.mend)
    else:
        report.fine(tool.name, said)


def _version(tool: Tool) -> str | None:
    """Its version, or a sentence about why it said none; None where it is not installed."""
    path = shutil.which(tool.name)
    if path is None:
        return None
    command = [path, *tool.ask]
    try:
        ran = subprocess.run(  # noqa: S603 - a tool of the table above, asked for its version
            command, capture_output=True, text=True, timeout=ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"is there and does not run ({type(error).__name__})"
    found = VERSION.search(ran.stdout)
    if ran.returncode or not found:
        asked = " ".join([tool.name, *tool.ask])
        return f"`{asked}` ended with status {ran.returncode} and told no version"
    return found[0]
