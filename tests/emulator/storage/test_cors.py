"""CORS rules of a bucket: what an answer and a preflight get of them, and nothing without a rule that fits.

Source: Cloud Storage documentation, "Cross-origin resource sharing (CORS)".
"""

import pytest

from lib.emulator.storage.cors import answer_headers, preflight_headers

APP = "https://app.example"
RULES = [
    {"origin": [APP], "method": ["GET", "PUT"], "responseHeader": ["Content-Type"], "maxAgeSeconds": 60},
    {"origin": ["*"], "method": ["GET"]},
]  # fmt: skip


def test_an_answer_names_the_origin_and_what_it_may_read():
    assert answer_headers(RULES, APP, "GET") == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Expose-Headers": "Content-Type",
        "Vary": "Origin",
    }
    assert answer_headers(RULES, "https://b.example", "GET")["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("origin", "method"), [(None, "GET"), ("https://b.example", "PUT"), (APP, "DELETE")]
)
def test_without_a_rule_that_fits_nothing_is_added(origin, method):
    assert answer_headers(RULES, origin, method) == {}
    assert preflight_headers(RULES, origin, method, "") == {}
    assert answer_headers([], APP, "GET") == {}


def test_a_preflight_is_granted_for_the_headers_of_its_rule_and_for_no_others():
    granted = preflight_headers(RULES, APP, "PUT", "Content-Type")
    assert granted["Access-Control-Allow-Methods"] == "GET, PUT"
    assert granted["Access-Control-Allow-Headers"] == "content-type"
    assert granted["Access-Control-Max-Age"] == "60"
    assert preflight_headers(RULES, APP, "PUT", "Content-Type, X-Other") == {}
