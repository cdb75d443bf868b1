"""The ports of a local service: free, one of ours, or somebody else's.

A service of ours is known by its contract and its health. Of a process that holds a port only the
name and the number are told: its command line may hold a key.
"""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from infra.doctor.calls import Answer, call

if TYPE_CHECKING:
    from infra.doctor.report import Report

# As `infra/dev run --port N` gives them out (lib/cli/service.py).
PARTS = ("api", "poll", "storage", "upstream")
LISTENS = "0A"  # TCP_LISTEN in /proc/net/tcp (proc(5))
PROC = Path("/proc")


def examine(report: Report, first: int) -> None:
    """One line for the four ports together where all are free, else one for each that is not.

    Args:
        report: takes them.
        first: of `api`; the others follow.
    """
    ports = dict(enumerate(PARTS, first))
    taken = {port: part for port, part in ports.items() if not _free(port)}
    if not taken:
        report.fine("ports", f"{first} to {first + len(PARTS) - 1} are free")
    ours = {port: said for port in taken if (said := _ours(port))}
    for port, part in taken.items():
        if port in ours:
            report.fine(f"port {port}", f"{ours[port]}, {_holder(port)}")
        else:
            report.fault(
                f"port {port}",
                f"not free for {part}: {_holder(port)}",
                "infra/dev run (takes free ports), or infra/dev run --port with another number",
            )


def _free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server binds: what only lingers in TIME_WAIT holds nothing.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


def _ours(port: int) -> str:
    """What a service of ours on this port says of itself; empty for anything else."""
    base = f"http://127.0.0.1:{port}"
    try:
        health = call("GET", f"{base}/health")
    except ImportError:  # the packages are missing, which another line says
        return ""
    if isinstance(health, Answer) and health.data.get("status") == "ok":
        contract = call("GET", f"{base}/openapi.json")
        if isinstance(contract, Answer) and title(contract):
            return f"a running service ({title(contract)})"
        return "poll of a running service" if _takes_ticks(base) else ""
    about = call("GET", f"{base}/emulator/clock")
    if isinstance(about, Answer) and "now" in about.data:
        return "an emulator of a running service"
    return ""


def _takes_ticks(base: str) -> bool:
    """Whether it is `poll`, which refuses a GET in our own form; a POST could be a tick."""
    answer = call("GET", f"{base}/")
    kind = answer.data.get("type") if isinstance(answer, Answer) else None
    return kind == "urn:inbetween:error:method_not_allowed"


def title(contract: Answer) -> str:
    """What a contract says whose it is: name and version; empty when it is not ours.

    Args:
        contract: the answer to `/openapi.json`.
    """
    info = contract.data.get("info")
    if not isinstance(info, dict) or info.get("title") != "Inbetween":
        return ""
    return f"Inbetween, contract {info.get('version')}"


def _holder(port: int) -> str:
    """Who listens, as far as this user may see it (Linux)."""
    sockets = _listening(port)
    for process in PROC.glob("[0-9]*") if sockets else ():
        try:
            links = {str(link.readlink()) for link in (process / "fd").iterdir()}
            if links & sockets:
                return f"process {process.name} ({(process / 'comm').read_text('utf-8').strip()})"
        except OSError:  # gone meanwhile, or another user's
            continue
    return "a process that this user cannot see"


def _listening(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == LISTENS and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{columns[9]}]")
    return found
