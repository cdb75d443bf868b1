"""Pages of a listing."""


def test_a_page_of_a_listing_holds_1000_at_most(emulated):
    for number in range(1003):
        emulated.write(f"n{number:04}", b"")
    for asked in ("", "?maxResults=5000"):
        body = emulated.call("GET", f"/storage/v1/b/home/o{asked}").json()
        assert len(body["items"]) == 1000
        assert body["nextPageToken"]
    assert len(emulated.names()) == 1003
