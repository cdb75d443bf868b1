"""Plain JSON answers: read back as they were made, with letters as letters."""

from lib.web.answer import as_json


def test_an_answer_is_the_json_of_its_data():
    answer = as_json({"prompt": "雨", "seed": None}, 202, {"Location": "/v1/videos/x"})
    assert (answer.status_code, answer.mimetype) == (202, "application/json")
    assert answer.headers["Location"] == "/v1/videos/x"
    assert answer.get_json() == {"prompt": "雨", "seed": None}
    assert "雨".encode() in answer.data
    assert as_json([]).status_code == 200
