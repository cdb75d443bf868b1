"""CORS as browsers meet it: what a bucket's configuration adds to answers and preflights.

Source: Cloud Storage documentation, "Cross-origin resource sharing (CORS)" and "Configurations for
CORS". A bucket without a matching rule adds nothing, so the browser refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def answer_headers(
    rules: Iterable[Mapping[str, Any]], origin: str | None, method: str
) -> dict[str, str]:
    """What a bucket's rules add to an answer.

    Args:
        rules: the bucket's `cors`.
        origin: the request's `Origin`.
        method: the request's method.
    """
    rule = _rule(rules, origin, method)
    if rule is None:
        return {}
    headers = _origin(rule, str(origin))
    if exposed := rule.get("responseHeader"):
        headers["Access-Control-Expose-Headers"] = ", ".join(exposed)
    return headers


def preflight_headers(
    rules: Iterable[Mapping[str, Any]], origin: str | None, method: str, asked: str
) -> dict[str, str]:
    """What a bucket's rules answer to a preflight; nothing when it is refused.

    Args:
        rules: the bucket's `cors`.
        origin: the request's `Origin`.
        method: its `Access-Control-Request-Method`.
        asked: its `Access-Control-Request-Headers`.
    """
    wanted = {header.strip().lower() for header in asked.split(",") if header.strip()}
    rule = _rule(rules, origin, method, wanted)
    if rule is None:
        return {}
    headers = _origin(rule, str(origin))
    headers["Access-Control-Allow-Methods"] = ", ".join(rule.get("method", []))
    headers["Access-Control-Max-Age"] = str(rule.get("maxAgeSeconds", 3600))
    if wanted:
        headers["Access-Control-Allow-Headers"] = ", ".join(sorted(wanted))
    return headers


def _rule(
    rules: Iterable[Mapping[str, Any]],
    origin: str | None,
    method: str,
    wanted: Iterable[str] = (),
) -> Mapping[str, Any] | None:
    for rule in rules if origin else ():
        allowed = {header.lower() for header in rule.get("responseHeader", [])}
        fits = (
            {"*", origin} & set(rule.get("origin", []))
            and {"*", method} & set(rule.get("method", []))
            and ("*" in allowed or set(wanted) <= allowed)
        )
        if fits:
            return rule
    return None


def _origin(rule: Mapping[str, Any], origin: str) -> dict[str, str]:
    anybody = "*" in rule.get("origin", [])
    return {"Access-Control-Allow-Origin": "*" if anybody else origin, "Vary": "Origin"}
