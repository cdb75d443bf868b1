"""What may not be repeated: keys, signed links, prompts and names of owners, struck out of texts.

One table for everything that leaves us in words: log lines, and sentences of the upstream that a
job's record keeps for its owner. Imports nothing of the service. Refuses to guess: what has none of
these forms stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

STRUCK_OUT = "[struck out]"
KEY = "(a key)"
# Fields of a log line whose values are secrets, whatever they look like.
SECRET_FIELDS = frozenset(
    {"authorization", "key", "api_key", "prompt", "negative_prompt", "url", "token"}
)


@dataclass(frozen=True)
class Rule:
    """One form of what may not be repeated.

    Attributes:
        pattern: what it looks like.
        in_log: what a log says instead.
        for_owner: what a job's owner reads instead; None where the owner may read it, or where no
            sentence of the upstream can hold it.
    """

    pattern: re.Pattern[str]
    in_log: str
    for_owner: str | None = None

    def struck(self, text: str, instead: str) -> str:
        """The text without what has this form.

        Where a pattern has a group `rest`, only a match with it has the form: the pattern takes
        in whatever begins like one, so that no character is looked at from every beginning.

        Args:
            text: to be struck.
            instead: what stands there then.
        """
        if "rest" not in self.pattern.groupindex:
            return self.pattern.sub(instead, text)
        return self.pattern.sub(
            lambda found: found[0] if found["rest"] is None else found.expand(instead), text
        )


def _rule(pattern: str, in_log: str, for_owner: str | None = None, *, case: bool = True) -> Rule:
    return Rule(re.compile(pattern, 0 if case else re.IGNORECASE), in_log, for_owner)


# The query of a link (V4 signatures stand there), bearer keys, API keys, secrets of webhooks, ID
# tokens, pictures. Exceptions of HTTP clients quote the address that they failed at.
RULES = (
    _rule(r"\?(?:[^\s'\"<>]*(?P<rest>X-Goog-))?[^\s'\"<>]*", f"?{STRUCK_OUT}", "", case=False),
    _rule(r"((?:https?|oss)://[^\s'\"<>?]*)(?P<rest>\?[^\s'\"<>]+)?", rf"\1?{STRUCK_OUT}", r"\1"),
    _rule(r"\b(X-Goog-\w+|Signature)=[^\s&'\"<>]+", rf"\1={STRUCK_OUT}", case=False),
    _rule(r"\b(Bearer)\s+[^\s'\",]+", rf"\1 {STRUCK_OUT}", KEY, case=False),
    _rule(r"\bsk-[\w-]{4,}", STRUCK_OUT, KEY),
    _rule(r"\bib_[0-9a-f]{8,}_[A-Za-z0-9_-]{8,}", STRUCK_OUT),
    _rule(r"\bwhsec_[A-Za-z0-9+/=_-]{8,}", STRUCK_OUT),
    _rule(r"\beyJ[A-Za-z0-9_-]+(?P<rest>\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)?", STRUCK_OUT),
    # Names of owners: in names of objects, and as dataclasses print themselves.
    _rule(r"\b(pending|jobs|videos|frames|keys|outbox)/[^/\s'\"]+/", rf"\1/{STRUCK_OUT}/"),
    _rule(r"\bowner=(?:'[^']*'|\"[^\"]*\")", f"owner={STRUCK_OUT}"),
    _rule(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+", f"data:{STRUCK_OUT}"),
)
# What Python quotes in the message of an exception may be a caller's; a name of ours is a word.
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_WORD = re.compile(r".[A-Za-z_][A-Za-z0-9_.]{0,40}.")


def in_log(text: str) -> str:
    """A text as a log may say it."""
    for rule in RULES:
        text = rule.struck(text, rule.in_log)
    return text


def for_owner(text: str) -> str:
    """A sentence of the upstream as a job's owner may read it."""
    for rule in RULES:
        if rule.for_owner is not None:
            text = rule.struck(text, rule.for_owner)
    return text


def unquoted(text: str) -> str:
    """The message of an exception without what it quotes, unless that is a single word."""
    return _QUOTED.sub(lambda found: found[0] if _WORD.fullmatch(found[0]) else STRUCK_OUT, text)


def field(name: str, value: Any) -> Any:
    """The value of a log line's field without secrets, however deep they lie in it.

    Args:
        name: of the field; empty inside a list.
        value: anything; what is no JSON becomes a text.
    """
    if name.lower() in SECRET_FIELDS:
        return STRUCK_OUT
    if isinstance(value, dict):
        return {inner: field(str(inner), below) for inner, below in value.items()}
    if isinstance(value, list | tuple):
        return [field("", below) for below in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    if name == "reason":
        # A reason is a code or a word of ours; what follows a colon somebody else's service wrote.
        text = text.partition(": ")[0]
    return in_log(text)
