"""The page at /emulator says what is missing."""


def test_the_page_says_what_is_missing(emulated):
    emulated.write()
    answer = emulated.call("GET", "/emulator")
    assert answer.headers["Content-Type"].startswith("text/html")
    for word in ("versioning", "IAM", "Compose", "bearer", "V2", "501", "1 objects"):
        assert word in answer.text, word
