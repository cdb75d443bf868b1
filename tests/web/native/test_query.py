"""What comes beside a body: the query of a list, refused by name where it is wrong."""

import pytest


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("order=up", "order"),
        ("after=4711", "after"),
        ("after=", "after"),
        ("status=done", "status"),
        ("status=completed,,failed", "status"),
        ("page=2", "page"),
        ("before=x", "before"),
    ],
)
def test_a_wrong_query_is_refused_by_name(world, query, param):
    answer = world.client.get(f"/v1/videos?{query}")
    assert answer.status_code == 400
    assert answer.get_json()["error"]["param"] == param
    detail = answer.get_json()["detail"]
    assert "llowed" in detail or "once" in detail
    if query.count("=") == 1 and param in query and param not in {"page", "before"}:
        wrong = query.partition("=")[2].split(",")
        assert any(f'got "{word}"; allowed' in detail for word in wrong)
