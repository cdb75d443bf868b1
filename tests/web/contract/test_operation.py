"""Words about a parameter, in the form that OpenAPI 3.1 wants (section 4.8.12)."""

from lib.web.contract.operation import header, query


def test_a_header_is_a_text_unless_it_says_otherwise():
    assert header("Prefer", "how long", maxLength=9) == {
        "name": "Prefer", "in": "header", "description": "how long",
        "schema": {"type": "string", "maxLength": 9},
    }  # fmt: skip
    assert header("X", "x", type="integer")["schema"] == {"type": "integer"}


def test_a_query_parameter_has_the_schema_that_it_is_given():
    assert query("limit", "rows", type="integer", maximum=100) == {
        "name": "limit", "in": "query", "description": "rows",
        "schema": {"type": "integer", "maximum": 100},
    }  # fmt: skip
