"""What comes beside the body: the query of a list, and preferences.

An unknown query parameter is refused by name; a preference that cannot be honoured is
ignored, as RFC 7240 wants it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.http import parse_dict_header

from lib.core.errors import invalid, out_of_bounds
from lib.core.jobs.job import Status
from lib.core.outside.numbers import digits
from lib.flows.read import valid_id

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

LIMIT, LIMIT_AT_MOST = 20, 100
WAIT_AT_MOST_S = 55
ORDERS = ("asc", "desc")
KNOWN = ("after", "limit", "order", "status")


@dataclass(frozen=True)
class ListQuery:
    """Which page of the list is asked for.

    Attributes:
        after: the last id of the page before; empty for the first page.
        limit: rows at most.
        statuses: only these; empty for all.
        ascending: oldest first.
    """

    after: str
    limit: int
    statuses: frozenset[Status]
    ascending: bool


def listing(args: MultiDict[str, str]) -> ListQuery:
    """The page that a query asks for.

    Raises:
        ApiError: `invalid_request`, naming the parameter.
    """
    for name in args:
        if name not in KNOWN:
            raise invalid(
                name[:64],
                f"unknown query parameter: {ascii(name[:64])[1:-1]}. Allowed: {', '.join(KNOWN)}.",
            )
        if name != "status" and len(args.getlist(name)) > 1:
            raise invalid(name, f"{name}: stands more than once; send it once.")
    order, after = args.get("order", "desc"), args.get("after")
    limit = digits(args.get("limit", str(LIMIT)), LIMIT_AT_MOST)
    if not limit:
        allowed = f"a whole number from 1 to {LIMIT_AT_MOST}; {LIMIT} without it"
        raise out_of_bounds("limit", args["limit"], allowed)
    if order not in ORDERS:
        raise out_of_bounds("order", order, '"desc" (newest first) or "asc"')
    if after is not None and not valid_id(after):
        raise out_of_bounds("after", after, "the id of a video, as the last page's last_id")
    return ListQuery(after or "", limit, _statuses(args.getlist("status")), order == "asc")


def _statuses(given: list[str]) -> frozenset[Status]:
    words = [word for text in given for word in text.split(",")]
    for word in words:
        if word not in set(Status):
            allowed = f"{', '.join(Status)}; several with commas, or repeated"
            raise out_of_bounds("status", word, allowed)
    return frozenset(Status(word) for word in words)


def wait_s(prefer: str) -> int:
    """Seconds that a caller wants to wait (RFC 7240, section 4.3); 0 without that preference.

    Args:
        prefer: the header field.

    Returns:
        At most 55: the platform in front of us ends a request after 60.
    """
    text = (parse_dict_header(prefer).get("wait") or "").partition(";")[0].strip()
    return digits(text, WAIT_AT_MOST_S, cut=True) or 0
