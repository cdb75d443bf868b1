"""Variables of this shell that would disturb: each named with what it does and how it goes away.

Reads the settings of the upstream with the service's own reader, so that what it refuses is refused
here in the same words. Never repeats a value that may hold a key.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from infra.doctor.calls import LOOPBACK, Unreached, call, host_of
from lib.config.accounts import HOSTS, parse_accounts
from lib.config.values import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.doctor.report import Report
    from lib.config.accounts import Account

SINGLE = ("DASHSCOPE_API_KEY", "DASHSCOPE_REGION", "DASHSCOPE_BASE_URL", "FRAME_DELIVERY")
PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
SEVERAL = "DASHSCOPE_ACCOUNTS"
CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
EMULATOR = "STORAGE_EMULATOR_HOST"


def examine(report: Report, environ: Mapping[str, str]) -> bool:
    """One line for each variable that disturbs, or one that none does.

    Args:
        report: takes them.
        environ: names to values.

    Returns:
        Whether the settings of the upstream are sound, so that its key may be sent where they say.
    """
    faults = list(_disturbing(environ))
    for name, found, remedy in faults:
        report.fault(name, found, remedy)
    if not faults:
        report.fine("environment", "no variable disturbs")
    return not any(name in {*SINGLE, SEVERAL} for name, _, _ in faults)


def accounts(environ: Mapping[str, str]) -> tuple[Account, ...]:
    """The upstream accounts of this shell; none where no key is set.

    Args:
        environ: names to values.

    Raises:
        ConfigError: the settings are refused, in the service's own words.
    """
    if not environ.get("DASHSCOPE_API_KEY") and not environ.get(SEVERAL):
        return ()
    return parse_accounts(environ, local=bool(environ.get(EMULATOR)))


def secrets(environ: Mapping[str, str]) -> list[str]:
    """Whatever in the upstream's settings may be a key, readable or not.

    Args:
        environ: names to values.
    """
    text = environ.get(SEVERAL, "")
    return [environ.get("DASHSCOPE_API_KEY", ""), *re.findall(r"\bsk-[\w-]+", text)]


def _disturbing(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    yield from _emulator(environ)
    yield from _proxy(environ)
    yield from _credentials(environ)
    yield from _upstream(environ)


def _emulator(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    host = environ.get(EMULATOR)
    if not host:
        return
    url = host if "://" in host else f"http://{host}"
    try:
        answer = call("GET", url)
    except ImportError:
        return
    if isinstance(answer, Unreached):
        found = f"{host}: {answer.why}; every client of Cloud Storage would be sent there"
        yield EMULATOR, found, f"unset {EMULATOR}"


def _proxy(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    name = next((name for name in PROXIES if environ.get(name)), None)
    spared = (environ.get("NO_PROXY") or environ.get("no_proxy") or "").replace(",", " ").split()
    if name and not {"127.0.0.1", "127.0.0.0/8", "*"} & set(spared):
        yield (
            name,
            "sends calls to 127.0.0.1 through a proxy, so that infra/dev run never sees its parts",
            "export NO_PROXY=127.0.0.1,localhost",
        )


def _credentials(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    path = environ.get(CREDENTIALS)
    if not path:
        return
    remedy = f"unset {CREDENTIALS}, then gcloud auth login --update-adc"
    try:
        held = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        yield CREDENTIALS, f"{path}: {error.strerror}", remedy
    except ValueError:
        yield CREDENTIALS, f"{path} is not JSON", remedy
    else:
        if not isinstance(held, dict) or "type" not in held:
            yield CREDENTIALS, f"{path} holds no credentials (no field type)", remedy


def _upstream(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    single = [name for name in SINGLE if environ.get(name)]
    if environ.get(SEVERAL) and single:
        found = f"is ignored, since DASHSCOPE_ACCOUNTS is set ({', '.join(single)})"
        yield single[0], found, f"unset {' '.join(single)}, or unset DASHSCOPE_ACCOUNTS"
    try:
        rows = accounts(environ)
    except ConfigError as error:
        name = SEVERAL if environ.get(SEVERAL) else "DASHSCOPE_REGION"
        name = next((one for one in SINGLE if str(error).startswith(one)), name)
        found = str(error).removeprefix(name).lstrip(": ")
        yield name, found, f"unset {name}, or set it as infra/docs/configuration.md says"
        return
    for account in rows:
        other = _other_region(account)
        if other:
            yield (
                "DASHSCOPE_BASE_URL",
                f"the host of {other}, while account {account.name} is of {account.region}",
                f"unset DASHSCOPE_BASE_URL, or export DASHSCOPE_REGION={other}",
            )


def _other_region(account: Account) -> str | None:
    host = host_of(account.base_url)
    if host in LOOPBACK:
        return None
    owners = {host_of(url): region for region, url in HOSTS.items()}
    # Hosts of workspaces: "{WorkspaceId}.{region}.maas.aliyuncs.com" (Model Studio, API reference).
    for mark, region in (("ap-southeast-1", "singapore"), ("cn-beijing", "beijing")):
        if host.endswith(f".{mark}.maas.aliyuncs.com"):
            owners[host] = region
    region = owners.get(host, account.region)
    return region if region != account.region else None
