"""The settings that infra/terraform gives to each function, and what the service's reader makes of them.

Each setting's expression is compared with a list; beside it stands what it comes to for given variables.
Refuses an expression that is not in the list. That Terraform comes to the same is tested where it is.
"""

import json
import re

from lib import config
from tests.deploy.configuration import UnreadableError, expression

PROJECT = "demo-project"
NUMBER = 123456789012
FILMS = f"{PROJECT}-inbetween"
FUNCTIONS = ("api", "poll")
# What each function's settings are put together from.
PARTS = {
    "api": ("environment", "api_environment"),
    "poll": ("environment", "poll_environment"),
}
EMPTY_ARE_LEFT_OUT = re.compile(
    r"\$\{\{for name, value in (\{.*\}) : name => value if value != \"\"\}\}"
)
COMES_TO = {
    "${google_storage_bucket.films.name}": lambda _given: FILMS,
    "${var.project}": lambda _given: PROJECT,
    '${var.several_accounts ? "" : var.dashscope_region}': lambda given: (
        "" if given["several_accounts"] else given["dashscope_region"]
    ),
    "${var.frame_delivery}": lambda given: given["frame_delivery"],
    '${join(" ", var.allowed_origins)}': lambda given: " ".join(given["allowed_origins"]),
    "${tostring(var.signed_url_ttl_s)}": lambda given: str(given["signed_url_ttl_s"]),
    "${tostring(var.implicit_dedupe_s)}": lambda given: str(given["implicit_dedupe_s"]),
    '${var.first_look_s == null ? "" : tostring(var.first_look_s)}': lambda given: (
        "" if given["first_look_s"] is None else str(given["first_look_s"])
    ),
    '${length(var.owner_limits) == 0 ? "" : jsonencode(var.owner_limits)}': lambda given: as_json(
        given["owner_limits"]
    ),
    '${join(" ", var.id_token_audience)}': lambda given: " ".join(given["id_token_audience"]),
    '${length(var.id_token_owners) == 0 ? "" : jsonencode(var.id_token_owners)}': lambda given: (
        as_json(given["id_token_owners"])
    ),
    "${tostring(var.api_concurrency)}": lambda given: str(given["api_concurrency"]),
    "${tostring(var.tick_budget_s)}": lambda given: str(given["tick_budget_s"]),
    "${tostring(local.poll_concurrency)}": lambda _given: "2",
    "${local.poll_url} ${local.poll_run_url}": lambda given: (
        f"https://{given['region']}-{PROJECT}.cloudfunctions.net/inbetween-poll "
        f"https://inbetween-poll-{NUMBER}.{given['region']}.run.app"
    ),
    '${var.public_url == null ? "" : var.public_url}': lambda given: given["public_url"] or "",
    '${google_service_account.identity["scheduler"].email}': lambda _given: (
        f"inbetween-scheduler@{PROJECT}.iam.gserviceaccount.com"
    ),
    '${var.several_accounts ? "DASHSCOPE_ACCOUNTS" : "DASHSCOPE_API_KEY"}': lambda given: (
        "DASHSCOPE_ACCOUNTS" if given["several_accounts"] else "DASHSCOPE_API_KEY"
    ),
}
# What a secret holds, for the service's reader.
SECRET = {
    "DASHSCOPE_API_KEY": "sk-x",
    "OWNER_KEYS": "{}",
    "WEBHOOK_SECRETS": "{}",
    "DASHSCOPE_ACCOUNTS": '[{"api_key": "x"}]',
}
# Read by the libraries below us, not by lib/config.
LIBRARIES = {
    "THREADS",
    "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA",
    "MALLOC_MMAP_THRESHOLD_",
}


class Asked(dict):
    """An environment that remembers which names were looked for."""

    def __init__(self, *of):
        super().__init__(*of)
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)


def as_json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True) if value else ""


def service_of(found, name):
    return found.resources["google_cloudfunctions2_function"][name]["service_config"][0]


def written(found, name):
    """A function's settings as they are written: name to expression."""
    merged = f"${{merge({', '.join(f'local.{part}' for part in PARTS[name])})}}"
    if (there := service_of(found, name)["environment_variables"]) != merged:
        raise UnreadableError(f"{name}: its settings are {there}")
    all_of_them = {}
    for part in PARTS[name]:
        there = found.locals[part]
        if isinstance(there, str):
            filtered = EMPTY_ARE_LEFT_OUT.fullmatch(there)
            if not filtered:
                raise UnreadableError(f"local.{part} is {there}")
            there = expression(filtered[1])
        all_of_them |= there
    return all_of_them


def environment(found, **variables):
    """Each function's settings without its secrets, for given variables."""
    given = {name: found.default(name) for name in found.variables} | variables
    told = {}
    for name in FUNCTIONS:
        values = {key: _comes_to(key, text, given) for key, text in written(found, name).items()}
        told[name] = {key: value for key, value in values.items() if value}
    return told


def secrets(found, **variables):
    """Each function's secrets by setting: in which secret, which version."""
    given = {name: found.default(name) for name in found.variables} | variables
    return {
        name: dict(_secret(found, one, given) for one in _given(found, name, given))
        for name in FUNCTIONS
    }


def complete(found, **variables):
    """Each function's settings with something in every secret."""
    named = secrets(found, **variables)
    return {
        name: {**told, **{key: SECRET[key] for key in named[name]}}
        for name, told in environment(found, **variables).items()
    }


def not_understood(name, told):
    """What the service's own reader has against the settings of a function."""
    asked = Asked(told)
    read = config.parse(asked)
    if unknown := sorted(set(told) - asked.names - LIBRARIES):
        yield f"{name}: nothing reads {', '.join(unknown)}"
    if read.bucket != FILMS or read.local or read.auth_off:
        yield f"{name}: works on {read.bucket}"
    if name == "poll" and not (read.poll_audience and read.poll_invoker and read.poll_behind_iam):
        yield "poll would let nobody tick: behind IAM the token arrives without its signature"


def _comes_to(name, text, given):
    if "${" not in text:
        return text
    if text not in COMES_TO:
        raise UnreadableError(f"{name} is {text}, which nobody thought of")
    return COMES_TO[text](given)


def _given(found, name, given):
    """The blocks of secrets that are there: the webhooks' only with a version."""
    asked = "${var.webhook_secret_version == null ? [] : [var.webhook_secret_version]}"
    for one in service_of(found, name)["secret_environment_variables"]:
        if one.get("for_each") not in {None, asked}:
            raise UnreadableError(f"{name}: a secret for each of {one['for_each']}")
        if "for_each" not in one or given["webhook_secret_version"] is not None:
            yield one


def _secret(found, one, given):
    key = _comes_to("a secret's name", found.plain(one["key"]), given)
    secret = re.fullmatch(
        r'\$\{google_secret_manager_secret\.secret\["([\w-]+)"\]\.secret_id\}', one["secret"]
    )
    of = "webhook_secret_version" if "for_each" in one else one["version"][len("${var.") : -1]
    return key, (f"inbetween-{secret[1]}", given[of])
