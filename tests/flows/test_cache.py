"""What a process remembers: as long as it was told to, so many things at most, the oldest gone first."""

from lib.flows.cache import Cache


def test_something_is_remembered_until_its_time():
    cache = Cache()
    cache.put("a", "x", until=10.0)
    assert cache.get("a", now=9.9) == "x"
    assert cache.get("a", now=10.0) is None
    assert cache.get("b", now=0.0) is None


def test_the_oldest_goes_first_and_what_is_put_again_is_new():
    cache = Cache(size=2)
    for name in ("a", "b", "a", "c"):
        cache.put(name, name, until=10.0)
    assert [cache.get(name, now=0.0) for name in "abc"] == ["a", None, "c"]


def test_the_last_word_counts():
    cache = Cache()
    cache.put("a", value=True, until=10.0)
    cache.put("a", value=False, until=5.0)
    assert cache.get("a", now=4.0) is False
    assert cache.get("a", now=7.0) is None
