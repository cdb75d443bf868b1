"""The page of what the emulated upstream decided and left out."""

import re
from pathlib import Path

from lib.emulator import upstream

URL = "http://upstream.test/emulator"


SHEET = Path(upstream.__file__).parents[1] / "PROTOCOL.md"


def items(title):
    part = SHEET.read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [" ".join(text.split()) for text in part.replace("`", "").split("\n- ")[1:]]


def test_the_page_lists_every_choice_and_everything_missing(emulated):
    emulated.create()
    answer = emulated.web.get(URL)
    assert answer.headers["Content-Type"].startswith("text/html")
    choices, missing = items("Where the documents are silent"), items("What is not implemented")
    assert len(choices) >= 25
    assert len(missing) >= 5
    for text in choices + missing:
        assert text.replace("'", "&#x27;") in answer.text, text
    for word in ("UNCONFIRMED", "#lost-submit", "moderation", "wan2.2-kf2v-flash<td>PENDING"):
        assert word in answer.text


def test_the_sheet_names_a_source_for_every_row():
    text = SHEET.read_text("utf-8")
    marks = text.partition("| mark | source |")[2].partition("\n\n")[0]
    known = set(re.findall(r"^\| (\w+) \|", marks, re.MULTILINE))
    assert len(known) == 11
    fields = text.partition("## Create")[2].partition("Frames:")[0]
    rows = [row.split("|")[-2].strip() for row in re.findall(r"^\| `.*\|$", fields, re.MULTILINE)]
    assert rows
    for source in rows:
        assert set(source.split(", ")) <= known, source
