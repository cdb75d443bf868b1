"""Distorts an answer on its way, by its shape: whatever JSON, headers, status and bytes it has.

The call itself took effect; only what is told about it becomes odd. The rules below say which odd
answers are left out: well-formed lies (another valid id, another known status, a list that is
short and says so), which nobody can tell from the truth. Everything else is fair: null, missing,
of another type, huge, negative, repeated, dropped, cut, garbled.
"""

from __future__ import annotations

import copy
import gzip
import json
import re
from dataclasses import dataclass, field, replace

HTML = b"<html><head><title>Sign in</title></head><body>Please sign in to continue.</body></html>"
GARBLED = "\u0000²/../%zz"
LONG = 6000  # characters; Python refuses to read an integer of more than 4,300 digits
NUMBERS = {  # raw JSON text of numbers that a reader has to expect
    "huge": ("1e400", "-1e400", f"1{'0' * 30}", "9" * 5000, "1e308"),
    "negative": ("-1", "-9223372036854775808", "-0.5"),
    "zero": ("0", "0.0"),
    "bound": ("2147483647", "2147483648", "9007199254740993", "9223372036854775807"),
}
NUMBER_TEXTS = ("²", "1e400", "nan", "inf", "9" * 5000, "0x10", "1 000", "٣")
HEADERS = ("", "²", "-1", "99999999999999999999", "1e400", "yesterday", "x" * 5000, "\x7f")
TARGETS = ("Content-Length", "Date", "ETag", "Content-Type", "Location", "x-goog-hash")
WAITS = (
    "31536000",
    "-5",
    "²",
    "1e400",
    "9" * 5000,
    "soon",
    "Wed, 21 Oct 2099 07:28:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
)
TYPES = (7, True, "²", 0.5, [7], {"a": 1}, [], {})
_RAW = re.compile(r'"raw ([^"]*) raw"')

ANY = frozenset(
    {"null", "missing", "type", "empty", "garbled", "huge", "negative", "zero", "bound"}
    | {"number_text", "repeated", "item_null", "dropped", "reordered", "off_by_one"}
)
NOTHING_SAID = frozenset({"null", "missing", "type", "empty"})
# What may become of a field, by operation and name; of all others anything may.
FAIR = {
    "get": {
        "task_status": NOTHING_SAID | {"garbled"},
        # Another text is another prompt, as far as anybody can know.
        "orig_prompt": frozenset({"null", "missing", "type"}),
    },
    "list": {
        # Another key's row and another model's row are somebody else's.
        "api_key_id": NOTHING_SAID,
        "model_name": NOTHING_SAID,
    },
    "storage": {
        # A list without items is how an empty folder looks; a shorter one is a shorter folder.
        "items": frozenset({"null", "type", "repeated", "item_null", "reordered"}),
        "metadata": ANY,
        "nextPageToken": frozenset(),
        "timeCreated": NOTHING_SAID | {"garbled"},
    },
}
STATUSES = {
    # An accepted create is never told as a documented refusal: that would mean that no task is.
    "create made": (500, 502, 503, 504, 520, 301, 302, 307, 308, 408, 201, 202, 204, 404, 403, 400),
    "create refused": (500, 502, 503, 504, 302, 408, 200),
    "get": (204, 301, 302, 400, 401, 403, 404, 408, 409, 410, 418, 429, 500, 502, 503, 504, 520),
    "cancel": (200, 204, 302, 400, 401, 404, 408, 409, 429, 500, 502, 503, 504),
    "film": (204, 206, 301, 302, 403, 404, 410, 416, 429, 500, 502, 503, 504),
    "read": (302, 400, 401, 403, 408, 418, 429, 500, 502, 503, 504),
    "write": (302, 408, 412, 500, 502, 503, 504),
}
BODILESS = (400, 403, 404)  # of an accepted create: its own body has no `code`, or a page stands in


@dataclass(frozen=True)
class Answer:
    """An answer as it goes over the wire.

    Attributes:
        status: of HTTP.
        headers: name to value.
        body: as sent.
        cut: whether the connection breaks after the body.
    """

    status: int
    headers: dict
    body: bytes = field(repr=False)
    cut: bool = False


class Distorter:
    """Distorts answers.

    Args:
        random: decides what and how.
    """

    def __init__(self, random):
        self._random = random

    def distort(self, operation, answer, *, made=False):
        """An odd form of an answer, and the name of what was done to it.

        Args:
            operation: create, get, list, cancel, policy, upload, film, hook, or of the bucket:
                read (content), look (JSON of objects and lists), write.
            answer: the true one.
            made: of a create: whether there is a task.
        """
        answer = _unpacked(answer)
        ways = ["header"] * 3 + ["cut", "shortened", "content_type", "retry_after"]
        if operation != "hook":
            ways += ["html", "status", "status"]
        data = _parsed(answer.body)
        if data is not None and operation != "hook":
            ways += ["json"] * 8
        way = self._random.choice(ways)
        if way == "json":
            return self._json(operation, answer, data)
        if way == "status":
            return self._status(operation, answer, made=made)
        return getattr(self, f"_{way}")(answer)

    # Around the body

    def _header(self, answer):
        pick, headers = self._random, dict(answer.headers)
        name = pick.choice([*sorted(headers), *(name for name in TARGETS if name in headers)])
        if pick.random() < 0.4:
            del headers[name]
            return replace(answer, headers=headers), "header_gone"
        headers[name] = pick.choice(HEADERS)
        return replace(answer, headers=headers), "header_garbled"

    def _retry_after(self, answer):
        headers = {**answer.headers, "Retry-After": self._random.choice(WAITS)}
        return replace(answer, headers=headers), "retry_after"

    def _content_type(self, answer):
        kind = self._random.choice(["text/html", "application/octet-stream", "²", "", "image/png"])
        return replace(answer, headers={**answer.headers, "Content-Type": kind}), "content_type"

    def _html(self, _answer):
        headers = {"Content-Type": "text/html", "Content-Length": str(len(HTML))}
        return Answer(200, headers, HTML), "html"

    def _cut(self, answer):
        """The connection breaks at any byte."""
        at = self._random.randrange(max(len(answer.body), 1))
        return replace(answer, body=answer.body[:at], cut=True), "body_cut"

    def _shortened(self, answer):
        """As a proxy would: cut, and the length says so."""
        # In its first half: at the end of a film lies what no player needs.
        at = self._random.randrange(max(len(answer.body) // 2, 1))
        headers = {**answer.headers, "Content-Length": str(at)}
        return replace(answer, headers=headers, body=answer.body[:at]), "body_shortened"

    def _status(self, operation, answer, *, made):
        names = {"list": "get", "policy": "get", "upload": "get", "look": "read"}
        name = names.get(operation, operation)
        if operation == "create":
            name = "create made" if made else "create refused"
        status = self._random.choice(STATUSES[name])
        if name == "create made" and status in BODILESS and self._random.random() < 0.5:
            return replace(self._html(answer)[0], status=status), "status"
        return replace(answer, status=status), "status"

    # Inside the body

    def _json(self, operation, answer, data):
        data, pick = copy.deepcopy(data), self._random
        places = {}
        for path in _paths(data):
            for way in self._fair(operation, path, _at(data, path)):
                places.setdefault(way, []).append(path)
        if not places:
            return self._cut(answer)
        # The way first, then the place: a rare place is not a rare way.
        way = pick.choice(sorted(places))
        top = [path for path in places[way] if len(path) == 1]
        path = pick.choice(top if top and pick.random() < 0.3 else places[way])
        self._change(_at(data, path[:-1]), path[-1], way)
        body = _dumped(data)
        headers = {**answer.headers, "Content-Length": str(len(body))}
        return replace(answer, headers=headers, body=body), f"json_{way}"

    def _fair(self, operation, path, value):
        """What may become of a field without being a well-formed lie."""
        name = path[-1]
        storage = operation in {"look", "read", "write"}
        rules = FAIR.get("storage" if storage else operation, {})
        ways = ANY if isinstance(name, int) else rules.get(name, ANY)
        if storage and len(path) > 1 and path[-2] == "metadata":
            # An absent key is a state at its default, and any text is a valid one.
            ways = frozenset({"null", "number_text"} if _numeric(value) else {"null"})
        if storage and name == "items" and len(path) == 1:
            ways = rules["items"]
        return ways & _possible(path, value)

    def _change(self, holder, name, way):
        pick, value = self._random, holder[name]
        if way == "missing":
            del holder[name]
        elif way in NUMBERS:
            plain = isinstance(value, str) and way == "huge" and not _numeric(value)
            text = pick.choice(NUMBERS[way])
            holder[name] = (value or "x") * LONG if plain else f"raw {text} raw"
            if isinstance(value, str) and not plain:
                holder[name] = text  # a number that goes as a text goes on as a text
        elif way in {"dropped", "item_null", "repeated", "reordered"}:
            holder[name] = self._list(value, way)
        elif way == "off_by_one":
            holder[name] = value + pick.choice([-1, 1])
        else:
            holder[name] = {
                "null": lambda: None,
                "empty": type(value),
                "garbled": lambda: GARBLED,
                "number_text": lambda: pick.choice(NUMBER_TEXTS),
                "type": lambda: pick.choice(_others(name, value)),
            }[way]()

    def _list(self, value, way):
        at = self._random.randrange(len(value))
        if way == "repeated":
            return [*value, copy.deepcopy(value[at])]
        if way == "reordered":
            return value[::-1]
        return [*value[:at], *([None] if way == "item_null" else []), *value[at + 1 :]]


def _possible(path, value):
    ways = {"null", "type"}
    if isinstance(path[-1], str):
        ways |= {"missing"}
    if isinstance(value, str | list | dict) and value:
        ways |= {"empty"}
    if isinstance(value, str):
        ways |= {"garbled", "huge"}
    if isinstance(value, int | float) and not isinstance(value, bool):
        ways |= {*NUMBERS, "number_text"}
    if _numeric(value):
        ways |= {*NUMBERS, "number_text"}
    if isinstance(value, int) and path[-1] in {"total", "total_page", "page_no", "page_size"}:
        ways |= {"off_by_one"}
    if isinstance(value, list) and value:
        ways |= {"repeated", "item_null", "dropped", "reordered"}
    return ways


def _others(name, value):
    """Values of other types; a list of objects never becomes an empty thing."""
    kinds = (int, float) if isinstance(value, int | float) else (type(value),)
    found = [one for one in TYPES if isinstance(one, bool) or not isinstance(one, kinds)]
    if name in {"api_key_id", "model_name"}:
        found = [one for one in found if not isinstance(one, str)]
    return [one for one in found if one or name != "items"]


def _numeric(value):
    return isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) is not None


def _paths(value, above=()):
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        # One of many rows stands for all: a long list is no likelier to be hit in its rows.
        inside = enumerate(value[:20])
    else:
        return
    for key, one in inside:
        yield (*above, key)
        yield from _paths(one, (*above, key))


def _at(value, path):
    for key in path:
        value = value[key]
    return value


def _parsed(body):
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) and data else None


def _dumped(data):
    return _RAW.sub(r"\1", json.dumps(data, ensure_ascii=False)).encode("utf-8", "replace")


def _unpacked(answer):
    names = {name.lower(): name for name in answer.headers}
    if answer.headers.get(names.get("content-encoding", ""), "") != "gzip":
        return answer
    body = gzip.decompress(answer.body)
    headers = {
        name: value for name, value in answer.headers.items() if name.lower() != "content-encoding"
    }
    return replace(answer, headers={**headers, "Content-Length": str(len(body))}, body=body)
