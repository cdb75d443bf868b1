"""`/openapi.json` and `/docs`: the contract for machines, and the same as one page for people.

The page is made from the contract alone and is whole: no script, no font and no style from
elsewhere, so that it works offline and under the strictest policy.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.web import address
from lib.web.route import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from werkzeug.wrappers import Request

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#dfe4ea;--paper:#fff;
--tint:#f4f6f9;--blue:#1f5fbf;--green:#1b7f4b;--red:#b3382c;--code:#f4f6f9}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9f0;--soft:#98a4b3;--line:#2b3440;--paper:#12171e;
--tint:#1a212a;--blue:#7db0ff;--green:#6fce9b;--red:#ff9a8d;--code:#1a212a}}
*{box-sizing:border-box}html{scroll-behavior:smooth}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 6rem}
h1{font-size:2rem;margin:0;letter-spacing:-.02em}h2{font-size:1.3rem;margin:3.5rem 0 .5rem}
p{margin:.4rem 0}a{color:var(--blue);text-decoration:none}a:hover{text-decoration:underline}
.lead{color:var(--soft);font-size:1.1rem;margin-bottom:1.5rem}
code,pre{font:13.5px/1.5 ui-monospace,monospace}
code{background:var(--code);padding:.1em .35em;border-radius:4px}
pre{background:var(--code);padding:.9rem 1rem;border-radius:8px;overflow-x:auto;margin:.7rem 0}
pre code{background:none;padding:0}
nav ul{list-style:none;padding:0;margin:0;columns:2;column-gap:2rem}
nav li{break-inside:avoid;padding:.12rem 0}
article{border-top:1px solid var(--line);padding:1.6rem 0 .4rem;margin-top:1.2rem}
h3{margin:0 0 .3rem;font-size:1.05rem;font-weight:600;display:flex;flex-wrap:wrap;gap:.2rem .6rem}
.m{font:600 12px/1.9 ui-monospace,monospace;padding:0 .5em;border-radius:4px;background:var(--tint);
color:var(--blue);min-width:4.2em;text-align:center}.m.post{color:var(--green)}.m.delete{color:var(--red)}
.path{font:600 15px/1.6 ui-monospace,monospace;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:.7rem 0;font-size:.93rem}
td,th{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;
border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft);font-size:.82rem}td:first-child{white-space:nowrap}
.soft{color:var(--soft)}details{margin:.5rem 0}summary{cursor:pointer;color:var(--soft)}
@media(max-width:40rem){nav ul{columns:1}td:first-child{white-space:normal}main{padding-top:1.5rem}}
"""
LIFE_S = 300
POLICY = (
    "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class Docs:
    """Handlers of the contract.

    Args:
        calls: the rest of the table.

    Attributes:
        routes: the contract's own calls, which stand in it, too.
    """

    def __init__(self, calls: Iterable[Route]) -> None:
        self.routes = (
            Route("GET", "/openapi.json", self.json, public=True),
            Route("GET", "/docs", self.page, public=True),
        )
        self._table = (*calls, *self.routes)
        self._made: dict[tuple[str, str], str] = {}

    @cached_property
    def _contract(self) -> dict[str, Any]:
        from lib.web.contract.openapi import document  # no start pays for the contract

        return document(self._table)

    def _written(self, kind: str, request: Request) -> str:
        """The contract in one form, made once for each address of ours; there are few."""
        server = address.server(request)
        if (kind, server) not in self._made:
            contract = {**self._contract, "servers": [{"url": server}]}
            made = page(contract) if kind == "page" else json.dumps(contract, ensure_ascii=False)
            self._made[kind, server] = made
        return self._made[kind, server]

    def json(self, request: Request) -> Response:
        """`GET /openapi.json`."""
        text = self._written("json", request)
        return _cacheable(request, Response(text, content_type="application/json"))

    def page(self, request: Request) -> Response:
        """`GET /docs`."""
        digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
        text = self._written("page", request)
        response = Response(text, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = POLICY.format(hash=digest)
        response.headers["Referrer-Policy"] = "no-referrer"
        return _cacheable(request, response)


def _cacheable(request: Request, response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={LIFE_S}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.add_etag()
    return response.make_conditional(request)


def page(contract: dict[str, Any]) -> str:
    """The contract as one page.

    Args:
        contract: OpenAPI 3.1.
    """
    calls = [
        (method, path, operation)
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    ]
    body = "".join(_body(contract, calls))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Inbetween</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _body(contract: dict[str, Any], calls: list[tuple[str, str, dict[str, Any]]]) -> Iterator[str]:
    info = contract["info"]
    yield f'<h1>{escape(info["title"])}</h1><p class="lead">{escape(info["description"])} '
    # Relative: right under every prefix that stands in front of us.
    yield 'For machines: <a href="openapi.json">/openapi.json</a>.</p>'
    server = contract["servers"][0]["url"]
    if not server.startswith("/"):
        yield f"<pre><code>URL={escape(server)}</code></pre>"
    yield "<nav><ul>"
    for _, _, operation in calls:
        yield f'<li><a href="#{operation["operationId"]}">{escape(operation["summary"])}</a></li>'
    yield "</ul></nav>"
    for tag in contract["tags"]:
        yield f'<h2>{escape(tag["name"])}</h2><p class="soft">{escape(tag["description"])}</p>'
        for method, path, operation in calls:
            if tag["name"] in operation["tags"]:
                yield _call(contract, method, path, operation)
    yield '<h2 id="errors">Errors</h2><p class="soft">'
    yield _ticks(
        "Every refusal is `application/problem+json`: `detail` says which field, what was got, "
        "what is allowed; `error.code` is one of these."
    )
    yield "</p>"
    yield _table(("code", "status", "", "same request again"), _errors(contract))


def _call(contract: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    name, summary = operation["operationId"], escape(operation["summary"])
    text = operation.get("description", "")
    verb = f'<span class="m {method}">{method.upper()}</span>'
    parts = [
        f'<article id="{name}"><h3>{verb}<span class="path">{escape(path)}</span></h3>',
        f"<p>{summary}.",
        ' <span class="soft">No key needed.</span>' if operation.get("security") == [] else "",
        "</p>",
        f"<p class='soft'>{_ticks(text)}</p>" if text else "",
        f"<pre><code>{escape(_curl(method, path, operation))}</code></pre>",
    ]
    if given := [*_parameters(operation), *_fields(contract, operation)]:
        parts.append(_table(("takes", "", ""), given))
    answers = [
        (f"<code>{status}</code>", _ticks(answer["description"]))
        for status, answer in operation["responses"].items()
    ]
    parts.append(
        f"<details><summary>answers</summary>{_table(('', ''), answers)}</details></article>"
    )
    return "".join(parts)


def _ticks(text: str) -> str:
    """Plain text with `code` in it, as HTML."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{text}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _parameters(operation: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for one in operation["parameters"]:
        yield f"<code>{escape(one['name'])}</code>", one["in"], _ticks(one.get("description", ""))


def _fields(contract: dict[str, Any], operation: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    if not name:
        return
    for field, schema in contract["components"]["schemas"][name]["properties"].items():
        default = schema.get("default")
        tail = "" if default in (None, {}) else f" Without it: {json.dumps(default)}."
        text = schema.get("description") or " or ".join(map(str, schema.get("enum", ())))
        yield f"<code>{field}</code>", "body", _ticks(f"{text}.{tail}" if text else tail)


def _curl(method: str, path: str, operation: dict[str, Any]) -> str:
    verb = "" if method == "get" else f" -X {method.upper()}"
    lines = [f'curl{verb} "$URL{path.replace("{id}", "$ID")}"']
    if operation.get("security") != []:
        lines.append('-H "Authorization: Bearer $KEY"')
    if operation["operationId"] == "createVideo":
        lines += ["-F first_frame=@first.png -F last_frame=@last.png -F prompt='The cat looks up'"]
    elif operation["operationId"] == "downloadVideo":
        lines.append("-L -o film.mp4")
    elif "application/json" in operation.get("requestBody", {}).get("content", {}):
        example = operation["requestBody"]["content"]["application/json"].get("example", {})
        lines.append(f"-H 'Content-Type: application/json' -d '{json.dumps(example)}'")
    return " \\\n     ".join(lines)


def _errors(contract: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    seen: dict[str, dict[str, Any]] = {}
    for methods in contract["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                content = answer.get("content", {}).get("application/problem+json", {})
                for code, shown in content.get("examples", {}).items():
                    seen[code] = shown["value"]
    for code, problem in sorted(seen.items(), key=lambda row: (row[1]["status"], row[0])):
        again = "may succeed later" if problem["error"]["retryable"] else "no"
        yield f"<code>{code}</code>", str(problem["status"]), escape(problem["title"]), again
