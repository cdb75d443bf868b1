"""One DashScope account: its key, region and models, by calls that cost nothing.

Asks for the list of tasks, the list of models and, where the host tells them, grants and limits,
which are three calls: a model that is listed need not be granted. Never makes a task; what no free
call can show is said as such. Sources: Alibaba Cloud Model Studio, "Asynchronous task management",
"Error codes", and https://help.aliyun.com/en/model-studio/ list-models, list-model-permissions and
list-quotas.
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

CONSOLES = {
    "singapore": "https://modelstudio.console.alibabacloud.com",
    "beijing": "https://bailian.console.aliyun.com",
}
OK, UNAUTHORIZED, NOT_FOUND, TOO_MANY = 200, 401, 404, 429
ARREARS = ("Arrearage", "PrepaidBillOverdue", "PostpaidBillOverdue", "CommodityNotPurchased")
AUTHORIZED = {"authorization_scope": "AUTHORIZED", "action": "INFERENCE"}


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
        report.fault(
            "account", found, f"pay the bill in the account's console ({CONSOLES[account.region]})"
        )
    elif answer.status == UNAUTHORIZED:
        other = next(region for region in HOSTS if region != account.region)
        report.fault(
            "key",
            f"refused by {account.region} ({code}): it is wrong, or a key of the other region",
            f"DASHSCOPE_REGION={other} infra/dev doctor: accepted there, it is a key of {other}; "
            f"refused there too, it is wrong: make a new one ({CONSOLES[account.region]})",
        )
    elif answer.status == TOO_MANY:
        report.left_out("key", f"too many calls right now ({code}); try again in a minute")
    else:
        report.fault(
            "key", f"HTTP {answer.status}: {answer.said}", f"look there: {CONSOLES[account.region]}"
        )
    return False


def _models(report: Report, account: Account) -> None:
    """Of each model whether its region still offers it, and whether this key may use it."""
    for model in catalogue.models(account.region):
        name = model.name
        offered = _row(account, "/models", "models", model=name)
        granted = _row(account, "/models/permissions", "permissions", **AUTHORIZED, model=name)
        if offered == {} or granted == {}:
            said = "in the list of models of" if offered == {} else "granted to this key in"
            grant = f"grant it to the key's workspace ({CONSOLES[account.region]}), or "
            remedy = f"{grant if offered else ''}name another model in each request"
            _lacking(report, name, f"{name} is not {said} {account.region}", remedy)
        elif isinstance(offered, dict) and (end := _end(offered)):
            report.fault(
                "model",
                f"{name} goes out of service at {end}",
                "name another model in requests: GET /v1/models lists them",
            )
        elif isinstance(offered, str):
            report.left_out("model", f"{name}: {offered}")
        else:
            more = "" if isinstance(granted, dict) else "; grants are not told by this host"
            report.fine("model", f"{name} is offered, no end announced{more}")


def _lacking(report: Report, name: str, found: str, remedy: str) -> None:
    if name != catalogue.FLASH:
        report.left_out("model", f"{found}; a request that names it would fail")
        return
    report.fault("model", f"{found}, and it is the usual one", remedy)


def _row(account: Account, path: str, key: str, **query: Any) -> dict[str, Any] | str:
    """The row of a model in an answer's list, empty without one; or why that cannot be told."""
    answer = _ask(account, path, **query)
    if isinstance(answer, Unreached):
        return f"the list does not answer: {answer.why}"
    if answer.status == NOT_FOUND:
        return "not told by this host; a refusal is seen at a create only"
    output = answer.data.get("output")
    rows = output.get(key) if isinstance(output, dict) else None
    if answer.status != OK or not isinstance(rows, list):
        return f"the list answered HTTP {answer.status}: {answer.said}"
    name = query["model"]
    return next((row for row in rows if isinstance(row, dict) and row.get("model") == name), {})


def _end(row: dict[str, Any]) -> str:
    offline = row.get("inference_offline_info")
    return str(offline.get("offline_time") or "") if isinstance(offline, dict) else ""


def _limits(report: Report, account: Account) -> None:
    for model in catalogue.models(account.region):
        # The Chinese and the English page name two paths for the same call.
        rows = (
            _row(account, path, "quotas", model=model.name)
            for path in ("/models/limits", "/quotas")
        )
        row = next((row for row in rows if row and not isinstance(row, str)), {})
        limit = row.get("model_limit")
        if not isinstance(limit, dict):
            report.left_out("limits", f"{model.name}: only hosts of workspaces tell them")
            continue
        running, waiting = (
            limit.get(f"async_user_{name}_limit") for name in ("concurrency", "queue")
        )
        report.fine("limits", f"{model.name}: {running} at once, {waiting} waiting")
