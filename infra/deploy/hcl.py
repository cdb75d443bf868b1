"""Reads Terraform's files into blocks and expressions; standard library only.

Covers the part of HCL that infra/terraform is written in and refuses the rest (heredocs, template
directives, splats) by line, so that nothing is read wrongly in silence. Grammar: HashiCorp, "HCL
Native Syntax Specification". It judges no meaning: that is `model`'s work and Terraform's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Expr = tuple[Any, ...]  # ("literal", value), ("get", of, name), ("call", name, arguments), ...

TOKENS = re.compile(
    r"(?P<blank>[ \t\r]+|#[^\n]*|//[^\n]*)|(?P<line>\n)|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<string>\")|(?P<mark>\.\.\.|=>|==|!=|<=|>=|&&|\|\||[{}()\[\],.:?=<>!+*/%-])"
)
BINARY = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}
BINARY |= {"+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


class Unreadable(Exception):  # noqa: N818 - told to the person, then the end
    """A file says something that this reader does not know; the message has file and line."""


@dataclass(frozen=True)
class Token:
    """One word of a file; `kind` is a group of TOKENS, or `end`."""

    kind: str
    text: str
    line: int
    parts: tuple[Any, ...] = ()


@dataclass
class Block:
    """`kind "label" … { … }`.

    Attributes:
        kind: the word in front.
        labels: what stands between it and the brace.
        values: arguments by name.
        blocks: what is nested, in order.
        line: where it starts.
    """

    kind: str
    labels: tuple[str, ...]
    line: int
    values: dict[str, Expr] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


def parse(text: str, name: str = "expression") -> Block:
    """A whole file as one block without a name.

    Args:
        text: the file.
        name: what to call it in errors.

    Raises:
        Unreadable: it says something unknown, or says a thing twice.
    """
    reader = _Reader(_tokens(text, name), name)
    return reader.body(Block("file", (), 1), until="end")


def expression(text: str, name: str = "expression") -> Expr:
    """One expression.

    Raises:
        Unreadable: it is none, or something follows it.
    """
    reader = _Reader([token for token in _tokens(text, name) if token.kind != "line"], name)
    found = reader.expression()
    reader.take("end")
    return found


def _tokens(text: str, name: str) -> list[Token]:
    found: list[Token] = []
    at, line = 0, 1
    while at < len(text):
        match = TOKENS.match(text, at)
        if not match:
            raise Unreadable(f"{name}:{line}: cannot read {text[at : at + 20]!r}")
        kind = str(match.lastgroup)
        at = match.end()
        if kind == "string":
            parts, at = _string(text, at, f"{name}:{line}")
            found.append(Token("string", "string", line, parts))
        elif kind != "blank":
            found.append(Token(kind, match[0], line))
        line += match[0].count("\n")
    return [*found, Token("line", "\n", line), Token("end", "end", line)]


def _string(text: str, at: int, where: str) -> tuple[tuple[Any, ...], int]:
    """The parts of a quoted text from behind its first quote: texts and expressions."""
    parts: list[Any] = [""]
    while at < len(text) and text[at] not in '"\n':
        if text.startswith("${", at):
            ends = _closing(text, at + 2, where)
            parts += [expression(text[at + 2 : ends], where), ""]
            at = ends + 1
        elif text.startswith("%{", at):
            raise Unreadable(f"{where}: template directives are not read here")
        elif text[at] == "\\":
            parts[-1] += ESCAPES[text[at + 1]]
            at += 2
        elif text.startswith("$${", at):
            parts[-1] += "${"
            at += 3
        else:
            parts[-1] += text[at]
            at += 1
    if not text.startswith('"', at):
        raise Unreadable(f"{where}: a text does not end")
    return tuple(parts), at + 1


def _closing(text: str, at: int, where: str) -> int:
    """Where the brace that ends an interpolation stands."""
    depth = 0
    while at < len(text):
        if text[at] == '"':
            at = _string(text, at + 1, where)[1]
            continue
        if text[at] == "}" and depth == 0:
            return at
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    raise Unreadable(f"{where}: an interpolation does not end")


class _Reader:
    """Recursive descent over the tokens of one file."""

    def __init__(self, tokens: list[Token], name: str) -> None:
        self._tokens, self._name, self._at = tokens, name, 0

    def peek(self, *texts: str) -> bool:
        token = self._tokens[self._at]
        return token.kind != "string" and token.text in texts

    def take(self, *texts: str) -> Token:
        token = self._tokens[self._at]
        if texts and not self.peek(*texts):
            wanted = " or ".join(repr(text) for text in texts)
            raise Unreadable(f"{self._name}:{token.line}: {token.text!r}, where {wanted} belongs")
        self._at += 1
        return token

    def lines(self) -> None:
        while self.peek("\n"):
            self.take()

    def word(self) -> str:
        token = self.take()
        if token.kind == "string" and len(token.parts) == 1:
            return str(token.parts[0])
        if token.kind != "name":
            raise Unreadable(f"{self._name}:{token.line}: {token.text!r}, where a name belongs")
        return token.text

    def body(self, block: Block, until: str) -> Block:
        self.lines()
        while not self.peek(until):
            line = self._tokens[self._at].line
            name = self.word()
            if self.peek("="):
                self.take()
                if name in block.values:
                    raise Unreadable(f"{self._name}:{line}: {name} is set twice")
                block.values[name] = self.expression()
            else:
                labels = []
                while not self.peek("{"):
                    labels.append(self.word())
                self.take("{")
                block.blocks.append(self.body(Block(name, tuple(labels), line), "}"))
            if not self.peek(until):
                self.take("\n")
            self.lines()
        self.take(until)
        return block

    def expression(self) -> Expr:
        condition = self._binary(1)
        if not self.peek("?"):
            return condition
        self.take()
        self.lines()
        chosen = self.expression()
        self.lines()
        self.take(":")
        self.lines()
        return ("if", condition, chosen, self.expression())

    def _binary(self, level: int) -> Expr:
        left = self._unary()
        while (mark := self._tokens[self._at]).kind == "mark" and BINARY.get(mark.text, 0) >= level:
            self.take()
            self.lines()
            left = ("op", mark.text, left, self._binary(BINARY[mark.text] + 1))
        return left

    def _unary(self) -> Expr:
        if self.peek("!", "-"):
            return ("unary", self.take().text, self._unary())
        found = self._primary()
        while self.peek(".", "["):
            if self.take().text == ".":
                found = ("get", found, ("literal", self.word()))
            else:
                self.lines()
                found = ("get", found, self.expression())
                self.lines()
                self.take("]")
        return found

    def _primary(self) -> Expr:
        token = self.take()
        if token.kind == "number":
            return ("literal", float(token.text) if "." in token.text else int(token.text))
        if token.kind == "string":
            return ("text", token.parts)
        if token.kind == "name":
            return self._named(token.text)
        if token.text not in {"(", "[", "{"}:
            raise Unreadable(f"{self._name}:{token.line}: {token.text!r}, where a value belongs")
        self.lines()
        if token.text == "(":
            found = self.expression()
            self.lines()
            self.take(")")
            return found
        return self._collection({"[": "]", "{": "}"}[token.text])

    def _named(self, name: str) -> Expr:
        if self.peek("("):
            return self._call(name)
        known = {"true": True, "false": False, "null": None}
        return ("literal", known[name]) if name in known else ("root", name)

    def _collection(self, ends: str) -> Expr:
        if self.peek("for"):
            return self._for(ends)
        return self._list() if ends == "]" else self._object()

    def _call(self, name: str) -> Expr:
        self.take("(")
        self.lines()
        arguments: list[Expr] = []
        spread = False
        while not self.peek(")"):
            arguments.append(self.expression())
            if self.peek("..."):
                self.take()
                spread = True
            self.lines()
            if not self.peek(")"):
                self.take(",")
                self.lines()
        self.take(")")
        return ("call", name, tuple(arguments), spread)

    def _list(self) -> Expr:
        items: list[Expr] = []
        while not self.peek("]"):
            items.append(self.expression())
            self.lines()
            if not self.peek("]"):
                self.take(",")
                self.lines()
        self.take("]")
        return ("list", tuple(items))

    def _object(self) -> Expr:
        items: list[tuple[Expr, Expr]] = []
        while not self.peek("}"):
            token = self._tokens[self._at]
            bare = token.kind == "name" and self._tokens[self._at + 1].text == "="
            key = ("literal", self.word()) if bare else self.expression()
            self.take("=", ":")
            items.append((key, self.expression()))
            if not self.peek("}"):
                self.take(",", "\n")
            self.lines()
        self.take("}")
        return ("object", tuple(items))

    def _for(self, ends: str) -> Expr:
        self.take("for")
        names = [self.word()]
        if self.peek(","):
            self.take()
            names.append(self.word())
        self.take("in")
        source = self.expression()
        self.lines()
        self.take(":")
        self.lines()
        first, second, only = self.expression(), None, None
        if ends == "}":
            self.take("=>")
            self.lines()
            second = self.expression()
        self.lines()
        if self.peek("if"):
            self.take()
            only = self.expression()
            self.lines()
        self.take(ends)
        return ("for", tuple(names), source, first, second, only)
