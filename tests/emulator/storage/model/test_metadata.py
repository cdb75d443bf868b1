"""What may be written about an object: a field that would have an effect and has none here is refused."""

import pytest

OBJECT = "/storage/v1/b/home/o/object"


@pytest.mark.parametrize(
    "field", ["temporaryHold", "eventBasedHold", "retention", "contexts", "acl", "kmsKeyName"]
)
def test_an_object_field_that_is_not_implemented_is_501(emulated, field):
    emulated.write()
    for method in ("PATCH", "PUT"):
        answer = emulated.call(method, OBJECT, json={field: {"x": 1}})
        assert answer.status_code == 501
        assert field in answer.text
