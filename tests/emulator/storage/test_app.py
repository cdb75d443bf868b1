"""The emulated storage as an app: a crash is a 500 and is seen."""

OBJECT = "/storage/v1/b/home/o/object"


def test_a_crash_is_a_500_and_is_seen(emulated, capsys, monkeypatch):
    monkeypatch.setattr(emulated.app.store, "live", None)
    answer = emulated.call("GET", OBJECT)
    assert answer.status_code == 500
    assert "Traceback" in capsys.readouterr().err
