"""Settings from the environment: what is read, what is refused by its name, before anything starts."""

import pytest

from lib.config import ConfigError, parse


def test_a_link_is_never_longer_than_iam_promises_its_key():
    environ = {"BUCKET": "b", "DASHSCOPE_API_KEY": "k", "SIGNED_URL_TTL_S": str(12 * 3600 + 1)}
    with pytest.raises(ConfigError, match="SIGNED_URL_TTL_S"):
        parse(environ)


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"ID_TOKEN_AUDIENCE": "a"}, "go together"),
        ({"ID_TOKEN_OWNERS": '{"a": ["b"]}'}, "go together"),
        ({"ID_TOKEN_AUDIENCE": "a", "ID_TOKEN_OWNERS": "{}"}, "go together"),
        ({"ID_TOKEN_AUDIENCE": "a", "ID_TOKEN_OWNERS": "[]"}, "JSON object"),
        ({"ID_TOKEN_AUDIENCE": "a", "ID_TOKEN_OWNERS": '{"a": "b"}'}, "JSON object"),
        ({"ID_TOKEN_AUDIENCE": "a", "ID_TOKEN_OWNERS": '{"a": [""]}'}, "JSON object"),
        ({"ID_TOKEN_AUDIENCE": "a", "ID_TOKEN_OWNERS": '{"a/b": ["c"]}'}, "letters, digits"),
        (
            {"ID_TOKEN_AUDIENCE": "a", "ID_TOKEN_OWNERS": '{"a": ["x@y"], "b": ["X@Y"]}'},
            "two owners",
        ),
        ({"ID_TOKEN_CERTS_URL": "https://evil.example/certs"}, "STORAGE_EMULATOR_HOST"),
        ({"POLL_BEHIND_IAM": "yes"}, "on, off"),
        ({"OWNER_LIMITS": '{"a/b": {}}'}, "letters, digits"),
    ],
)
def test_half_a_setting_or_a_wrong_one_stops_the_start(env, says):
    with pytest.raises(ConfigError, match=says):
        parse({"BUCKET": "b", "DASHSCOPE_API_KEY": "k", **env})


@pytest.mark.parametrize("variable", ["AUTH", "EMULATOR_CLOCK_URL"])
def test_open_settings_are_refused_without_the_storage_emulator(variable):
    environ = {
        "BUCKET": "b",
        "DASHSCOPE_API_KEY": "k",
        variable: "off" if variable == "AUTH" else "http://c",
    }
    with pytest.raises(ConfigError, match=variable):
        parse(environ)
