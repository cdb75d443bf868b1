"""One DashScope account: its key, region and models, by calls that cost nothing.

Asks for the list of tasks, the list of models and, on hosts of workspaces, their limits; it never
makes a task. Sources: Alibaba Cloud Model Studio, "Asynchronous task management", "List models",
"List quotas" and "Error codes". What a free call cannot show is said as such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from infra.doctor import clock
from infra.doctor.calls import Answer, Unreached, call
from lib.config.accounts import HOSTS
from lib.core import catalogue

if TYPE_CHECKING:
    from infra.doctor.report import Report
    from lib.config.accounts import Account

CONSOLE = "https://modelstudio.console.alibabacloud.com"
BILLING = (
    "https://usercenter2-intl.aliyun.com (Singapore), https://usercenter2.aliyun.com (Beijing)"
)
OK, UNAUTHORIZED, NOT_FOUND, TOO_MANY = 200, 401, 404, 429
ARREARS = ("Arrearage", "PrepaidBillOverdue", "PostpaidBillOverdue", "CommodityNotPurchased")
PAGE_SIZE = 100


def examine(report: Report, account: Account) -> None:
    """The lines about one account.

    Args:
        report: takes them.
        account: whose key; it goes to the account's own host only.
    """
    host = urlsplit(account.base_url).netloc
    answer = _ask(account, "/tasks", page_no=1, page_size=1)
    if isinstance(answer, Unreached):
        report.fault(
            "host",
            f"{host}: {answer.why}",
            f"curl -v {account.base_url}/tasks; if DASHSCOPE_BASE_URL is wrong: "
            "unset DASHSCOPE_BASE_URL",
        )
        return
    report.fine("host", f"{host}, region {account.region}")
    clock.compare(report, answer, "the upstream")
    if not _key(report, account, answer):
        return
    _models(report, account)
    _limits(report, account)
    report.left_out("balance", "no free call shows it; arrears are seen when a call says so")


def _ask(account: Account, path: str, **query: Any) -> Answer | Unreached:
    headers = {"Authorization": f"Bearer {account.api_key}", "Accept": "application/json"}
    return call("GET", f"{account.base_url}{path}?{urlencode(query)}", headers=headers)


def _key(report: Report, account: Account, answer: Answer) -> bool:
    """Whether the key counts; one line."""
    if answer.status == OK:
        report.fine("key", f"accepted by {account.region} (the list of tasks)")
        return True
    code = str(answer.data.get("code") or f"HTTP {answer.status}")
    if code in ARREARS:
        found = f"the account is in arrears: {answer.said}"
        report.fault("account", found, f"pay the bill: {BILLING}")
    elif answer.status == UNAUTHORIZED:
        other = next(region for region in HOSTS if region != account.region)
        report.fault(
            "key",
            f"refused by {account.region} ({code}): it is wrong, or a key of the other region",
            f"DASHSCOPE_REGION={other} infra/dev doctor: accepted there, it is a key of {other}; "
            f"refused there too, it is wrong: make a new one at {CONSOLE}",
        )
    elif answer.status == TOO_MANY:
        report.left_out("key", f"too many calls right now ({code}); try again in a minute")
    else:
        report.fault("key", f"HTTP {answer.status}: {answer.said}", f"look at {CONSOLE}")
    return False


def _models(report: Report, account: Account) -> None:
    for model in catalogue.models(account.region):
        subject, row = f"model {model.name}", _listed(account, model.name)
        if isinstance(row, str):
            report.left_out(subject, row)
        elif not row and model.name != catalogue.FLASH:
            report.left_out(subject, "not granted; only a request that names it needs it")
        elif not row:
            report.fault(
                subject,
                f"not among the models of this key in {account.region}, and it is the usual one",
                f"grant it to the key's workspace at {CONSOLE}, or name another in each request",
            )
        elif end := _end(row):
            report.fault(
                subject,
                f"goes out of service at {end}",
                "name another model in requests: GET /v1/models lists them",
            )
        else:
            report.fine(subject, "granted, no end announced")


def _listed(account: Account, name: str) -> dict[str, Any] | str:
    """The list's row of a model, empty without one; or why that cannot be told."""
    answer = _ask(account, "/models", model=name, page_no=1, page_size=PAGE_SIZE)
    if isinstance(answer, Unreached):
        return f"the list of models does not answer: {answer.why}"
    if answer.status == NOT_FOUND:
        return "this host has no list of models; a refusal is seen at a create only"
    output = answer.data.get("output")
    rows = output.get("models") if isinstance(output, dict) else None
    if answer.status != OK or not isinstance(rows, list):
        return f"the list of models answered HTTP {answer.status}: {answer.said}"
    return next((row for row in rows if isinstance(row, dict) and row.get("model") == name), {})


def _end(row: dict[str, Any]) -> str:
    offline = row.get("inference_offline_info")
    return str(offline.get("offline_time") or "") if isinstance(offline, dict) else ""


def _limits(report: Report, account: Account) -> None:
    if not (urlsplit(account.base_url).hostname or "").endswith(".maas.aliyuncs.com"):
        report.left_out("limits", "only hosts of workspaces (….maas.aliyuncs.com) tell them")
        return
    for model in catalogue.models(account.region):
        subject = f"limits {model.name}"
        answer = _ask(account, "/models/limits", model=model.name)
        output = answer.data.get("output") if isinstance(answer, Answer) else None
        quotas = output.get("quotas") if isinstance(output, dict) else None
        limit = quotas[0].get("model_limit") if isinstance(quotas, list) and quotas else None
        if not isinstance(limit, dict):
            report.left_out(subject, "not told by this host")
            continue
        running, waiting = (
            limit.get(f"async_user_{name}_limit") for name in ("concurrency", "queue")
        )
        report.fine(subject, f"{running} at once, {waiting} waiting")
