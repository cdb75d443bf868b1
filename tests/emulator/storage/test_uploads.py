"""Sessions of resumable uploads expire by the emulated clock."""

DAY_S = 24 * 3600


def test_an_upload_session_lives_a_week(emulated):
    answer = emulated.call("POST", "/upload/storage/v1/b/home/o?uploadType=resumable&name=x")
    uri = answer.headers["Location"]
    emulated.clock.advance(7 * DAY_S)
    assert emulated.web.put(uri, headers={"Content-Range": "bytes */*"}).status_code == 308
    emulated.clock.advance(1)
    assert emulated.web.put(uri, data=b"late").status_code == 410
