"""What an expression of Terraform's language comes to.

Knows the functions that infra/terraform uses and no others; an unknown name or function is an
error, never a guess. It reads no files but those that an expression names.
Documentation: Terraform, "Expressions" and "Functions".
"""

from __future__ import annotations

import json
import math
import operator
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.deploy import package

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.deploy.hcl import Expr


class Wrong(Exception):  # noqa: N818 - told to the person, then the end
    """The files or the variables do not work out; the message says what and where."""


@dataclass(frozen=True)
class Scope:
    """The names that an expression may use.

    Attributes:
        root: finds `var`, `local` and types of resources; raises Wrong for others.
        here: the names of the place, such as `each`.
        folder: what paths are relative to.
    """

    root: Callable[[str], Any]
    here: Mapping[str, Any]
    folder: Path

    def inside(self, names: Mapping[str, Any]) -> Scope:
        """The same place with more names."""
        return Scope(self.root, {**self.here, **names}, self.folder)


def value(node: Expr, scope: Scope) -> Any:
    """Work out one expression.

    Args:
        node: as `hcl.expression` gives it.
        scope: the names that it may use.

    Raises:
        Wrong: it cannot be worked out.
    """
    return KINDS[node[0]](node, scope)


def pairs(source: Any, *, indexed: bool = False) -> list[tuple[Any, Any]]:
    """Keys and values of what `for_each` or `for` goes over."""
    if isinstance(source, dict):
        return sorted(source.items())
    items = sorted(source) if isinstance(source, frozenset) else list(source)
    return list(enumerate(items)) if indexed else [(item, item) for item in items]


def _text(node: Expr, scope: Scope) -> str:
    return "".join(part if isinstance(part, str) else shown(value(part, scope)) for part in node[1])


def _root(node: Expr, scope: Scope) -> Any:
    return scope.here[node[1]] if node[1] in scope.here else scope.root(node[1])


def _get(node: Expr, scope: Scope) -> Any:
    of, key = value(node[1], scope), value(node[2], scope)
    try:
        return of[key]
    except (KeyError, IndexError, TypeError):
        raise Wrong(f"{_said(node[1])} has no {key!r}") from None


def _if(node: Expr, scope: Scope) -> Any:
    return value(node[2] if value(node[1], scope) else node[3], scope)


def _op(node: Expr, scope: Scope) -> Any:
    _, mark, left, right = node
    first = value(left, scope)
    if mark in {"&&", "||"}:
        return value(right, scope) if bool(first) is (mark == "&&") else first
    try:
        return OPERATIONS[mark](first, value(right, scope))
    except TypeError as error:
        raise Wrong(f"{mark}: {error}") from None


def _unary(node: Expr, scope: Scope) -> Any:
    found = value(node[2], scope)
    return not found if node[1] == "!" else -found


def _list(node: Expr, scope: Scope) -> list[Any]:
    return [value(item, scope) for item in node[1]]


def _object(node: Expr, scope: Scope) -> dict[Any, Any]:
    return {value(key, scope): value(item, scope) for key, item in node[1]}


def _for(node: Expr, scope: Scope) -> Any:
    _, names, source, first, second, only = node
    places = []
    for key, item in pairs(value(source, scope), indexed=True):
        named = {names[0]: item} if len(names) == 1 else {names[0]: key, names[1]: item}
        place = scope.inside(named)
        if only is None or value(only, place):
            places.append(place)
    if second is None:
        return [value(first, place) for place in places]
    return {value(first, place): value(second, place) for place in places}


def _call(node: Expr, scope: Scope) -> Any:
    _, name, arguments, spread = node
    if name == "can":
        try:
            value(arguments[0], scope)
        except (Wrong, TypeError, ValueError):
            return False
        return True
    if name not in FUNCTIONS:
        raise Wrong(f"the function {name} is not known here")
    found = [value(argument, scope) for argument in arguments]
    if name in {"fileexists", "filesha256"}:
        found = [scope.folder / found[0]]
    return FUNCTIONS[name](*found[:-1], *found[-1]) if spread else FUNCTIONS[name](*found)


def shown(found: Any) -> str:
    """A value inside a text.

    Raises:
        Wrong: it is a list, an object or null.
    """
    if isinstance(found, bool):
        return "true" if found else "false"
    if found is None or isinstance(found, list | dict | frozenset):
        raise Wrong(f"{found!r} cannot stand inside a text")
    return f"{found:g}" if isinstance(found, float) else str(found)


def _said(node: Expr) -> str:
    if node[0] == "root":
        return str(node[1])
    return f"{_said(node[1])}.{node[2][1]}" if node[0] == "get" else f"({node[0]})"


def _coalesce(*found: Any) -> Any:
    for one in found:
        if one not in {None, ""}:
            return one
    raise Wrong("coalesce: every value is empty")


def _regex(pattern: str, text: Any) -> str:
    found = re.search(pattern, text)
    if not found:
        raise Wrong(f"{text!r} does not match {pattern}")
    return found[0]


def _merge(*maps: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for one in maps for key, item in one.items()}


KINDS: dict[str, Callable[[Expr, Scope], Any]] = {
    "call": _call,
    "for": _for,
    "get": _get,
    "if": _if,
    "list": _list,
    "literal": lambda node, _scope: node[1],
    "object": _object,
    "op": _op,
    "root": _root,
    "text": _text,
    "unary": _unary,
}
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "alltrue": all,
    "coalesce": _coalesce,
    "contains": lambda items, item: item in items,
    "fileexists": Path.is_file,
    "filesha256": package.file_sha256,
    "floor": math.floor,
    "join": lambda mark, items: mark.join(shown(item) for item in items),
    "jsonencode": lambda item: json.dumps(item, separators=(",", ":"), sort_keys=True),
    "length": len,
    "merge": _merge,
    "regex": _regex,
    "toset": frozenset,
    "tostring": shown,
}
