"""From a path and a host to a region."""

import pytest

from lib.emulator.upstream.accounts import ApiKeys


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
