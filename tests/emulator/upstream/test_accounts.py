"""Regions, keys, accounts and paths: what belongs together, and what an unknown caller is answered."""

import pytest

from lib.emulator.upstream.accounts import ApiKeys

CREATE = "/services/aigc/image2video/video-synthesis"
OPERATIONS = [
    ("POST", CREATE),
    ("GET", "/tasks/x"),
    ("GET", "/tasks"),
    ("POST", "/tasks/x/cancel"),
    ("GET", "/uploads?action=getPolicy&model=wan2.2-kf2v-flash"),
]
KEYS = {
    # key, message, source
    "no key": (None, "No API-key provided.", "reference"),
    "empty key": ("", "No API-key provided.", "errors"),
    "invented key": ("sk-nobody", "Invalid API-key provided.", "errors"),
    "key of the other region": ("sk-beijing", "Invalid API-key provided.", "guide"),
}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("case", KEYS)
def test_an_unknown_caller_is_401_everywhere(emulated, method, path, case):
    key, message, _source = KEYS[case]
    answer = emulated.call(method, path, key=key)
    assert answer.status_code == 401
    said = answer.json()
    assert said == {"code": "InvalidApiKey", "message": message, "request_id": said["request_id"]}
    assert answer.headers["X-Request-ID"] == said["request_id"]  # exchanges


@pytest.mark.parametrize("header", ["sk-singapore", "Basic sk-singapore", "Bearer"])
def test_a_key_without_its_scheme_is_no_key(emulated, header):
    answer = emulated.call("GET", "/tasks", key=None, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["message"]) == (401, "No API-key provided.")


@pytest.mark.parametrize(
    ("model", "region", "code"),
    [
        ("wan2.1-kf2v-plus", "singapore", "ap-southeast-1"),
        ("wanx2.1-kf2v-plus", "beijing", "cn-beijing"),
    ],
)
def test_each_region_has_its_models_and_its_name(emulated, model, region, code):  # guide
    key = f"sk-{region}"
    emulated.create(model=model, region=region, key=key)
    rows = emulated.call("GET", "/tasks", region=region, key=key).json()["data"]
    assert [(row["model_name"], row["region"]) for row in rows] == [(model, code)]


def test_accounts_do_not_see_each_other(emulated):
    mine = emulated.create()
    theirs = emulated.create(key="sk-other")
    assert [task.account for task in emulated.app.tasks] == ["singapore", "guest"]
    for key, own, foreign in (("sk-singapore", mine, theirs), ("sk-other", theirs, mine)):
        rows = emulated.call("GET", "/tasks", key=key).json()["data"]
        assert [row["task_id"] for row in rows] == [own]
        assert emulated.status(foreign, key=key) == "UNKNOWN"


def test_keys_have_ids_of_their_own(emulated):  # exchanges: data[].api_key_id
    for key in ("sk-singapore", "sk-second", "sk-other"):
        emulated.create(key=key, pause_s=100)
    emulated.create(region="beijing", key="sk-beijing")
    assert [task.key_id for task in emulated.app.tasks] == ["40000", "40001", "40002", "41000"]
    assert [task.region for task in emulated.app.tasks] == ["singapore"] * 3 + ["beijing"]


@pytest.mark.parametrize("keys", [{"mars": ["k"]}, {"beijing": ["k", "k"]}, {"beijing": [""]}])
def test_keys_that_make_no_sense_are_refused_at_start(keys):
    with pytest.raises(ValueError, match=r"region|key"):
        ApiKeys(keys)


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("http://upstream.test", "sk-singapore"),
        ("https://dashscope-intl.aliyuncs.com", "sk-singapore"),
        ("https://dashscope.aliyuncs.com", "sk-beijing"),
    ],
)
def test_the_bare_path_takes_its_region_from_the_host(emulated, host, key):  # reference, python
    answer = emulated.web.get(f"{host}/api/v1/tasks", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("ws-1.ap-southeast-1.maas.aliyuncs.com", "singapore"),
        ("WS-1.cn-beijing.maas.aliyuncs.com:443", "beijing"),
        ("ws-1.eu-central-1.maas.aliyuncs.com", "singapore"),
    ],
)
def test_hosts_of_workspaces(host, region):  # python: env.py
    accounts = ApiKeys({"singapore": ["a"], "beijing": ["b"]})
    assert accounts.locate("/api/v1/tasks/", host) == (region, "/tasks")
