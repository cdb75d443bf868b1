"""What is kept of somebody else's text or tree: so much of it, and nothing that cannot be written."""

from lib.core.outside.bounded import members, text


def test_a_text_is_cut_and_can_always_be_written():
    assert text("abcdef", 3) == "abc"
    assert text("a\ud800b", 9).encode() == b"a?b"
    assert text(7, 9) == text(None, 9) == ""


def test_a_tree_is_kept_four_levels_deep():
    kept = members({"a": {"b": {"c": {"d": 1, "e": {"f": 1}}}}})
    assert kept == {"a": {"b": {"c": {"d": 1}}}}
    assert members([1]) == members("a") == {}


def test_a_tree_is_kept_to_64_values_and_names_to_64_characters():
    assert len(members({str(n): n for n in range(1000)})) == 64
    assert len(members({"a": list(range(1000))})["a"]) <= 64
    assert list(members({"n" * 1000: 1})) == ["n" * 64]


def test_a_number_that_json_readers_disagree_about_is_left_out():
    assert members({"a": 2**60, "b": 2**53, "c": True, "d": None}) == {
        "b": 2**53,
        "c": True,
        "d": None,
    }
