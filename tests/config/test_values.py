"""Single settings: a default where nothing stands, and a refusal that names the variable."""

import pytest

from lib.config.values import (
    ConfigError,
    choice,
    emulators_only,
    json_value,
    number,
    required,
    table,
)


def test_nothing_and_blanks_are_the_default():
    for environ in ({}, {"A": "  "}):
        assert number(environ, "A", 5.0, 1, 9) == 5.0
        assert choice(environ, "A", ("on", "off"), "on") == "on"
        assert json_value(environ, "A") is None
        assert table(environ, "A", "owner to keys") == {}
        with pytest.raises(ConfigError, match="A is not set; it must hold a bucket"):
            required(environ, "A", "a bucket")


def test_what_fits_is_read():
    assert number({"A": " 9 "}, "A", 5.0, 1, 9) == 9.0
    assert choice({"A": " OFF "}, "A", ("on", "off"), "on") == "off"
    assert required({"A": " b "}, "A", "a bucket") == "b"
    assert table({"A": '{"a": 1}'}, "A", "") == {"a": 1}


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (lambda environ: number(environ, "A", 5.0, 1, 9), "nan", "allowed: 1 to 9"),
        (lambda environ: number(environ, "A", 5.0, 1, 9), "9.1", "allowed: 1 to 9"),
        (lambda environ: number(environ, "A", 5.0, 1, 9), "soon", "number of seconds"),
        (lambda environ: choice(environ, "A", ("on", "off"), "on"), "yes", "allowed: on, off"),
        (lambda environ: json_value(environ, "A"), "{", "not valid JSON"),
        (lambda environ: table(environ, "A", "owner to keys"), "[]", "object: owner to keys"),
    ],
    ids=["nan", "high", "word", "choice", "json", "table"],
)
def test_what_does_not_fit_stops_the_start_by_the_variables_name(read, text, says):
    with pytest.raises(ConfigError, match=f"^A .*{says}"):
        read({"A": text})


def test_what_only_emulators_may_do_is_refused_beside_the_real_storage():
    environ = {"CLOCK": "http://c"}
    emulators_only({**environ, "STORAGE_EMULATOR_HOST": "http://s"}, "CLOCK", "set our clock")
    emulators_only({}, "CLOCK", "set our clock")
    with pytest.raises(ConfigError, match="CLOCK would let somebody else set our clock"):
        emulators_only(environ, "CLOCK", "set our clock")
