"""Refusals of the emulated upstream: each name is a documented status and code, and says one sentence."""

import pytest

from lib.emulator.upstream.errors import NAMED, inaccessible, invalid, missing, named


@pytest.mark.parametrize("name", NAMED)
def test_a_named_refusal_is_one_that_a_client_can_meet(name):
    error = named(name)
    assert 400 <= error.status <= 599
    assert error.code.replace(".", "").isalnum()
    assert error.message


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("key", 401, "InvalidApiKey"),
        ("moderation", 400, "DataInspectionFailed"),
        ("rate", 429, "Throttling.RateQuota"),
        ("arrears", 400, "Arrearage"),
    ],
)
def test_the_codes_are_those_of_the_page_of_errors(name, status, code):
    assert (named(name).status, named(name).code) == (status, code)


def test_a_parameter_is_refused_by_its_name():
    assert missing("template").code == invalid("x").code == "InvalidParameter"
    assert "Required parameter(template) missing or invalid" in missing("template").message
    assert inaccessible().code == "InvalidParameter.DataInspection"
