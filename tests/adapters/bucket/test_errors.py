"""What the storage client raises, in our words: a conflict, a missing object, or no answer."""

import pytest

from lib.adapters.bucket.errors import map_errors
from lib.core.errors import ApiError


def test_whatever_goes_wrong_inside_the_client_is_no_answer():
    from google.auth.exceptions import MalformedError, RefreshError  # beside its use

    for kind in (RefreshError, MalformedError, KeyError, ValueError, TypeError, AttributeError):

        def call(kind=kind):
            raise kind("odd")

        with pytest.raises(ApiError) as caught:
            map_errors(call)
        assert caught.value.kind.code == "storage_unavailable"
