"""The one call that spends money: a create, sent once, and what its answer means.

A fresh connection, no retry, no redirect. Refuses to guess: unless it is certain that no request
can have been read, whatever went wrong leaves open whether a task exists.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lib.adapters.dashscope.connection import CONNECT_S, retry_after
from lib.adapters.outbound.deadline import within
from lib.core import errors
from lib.core.upstream import reader
from lib.core.upstream.blocks import Blocks, TooSlow, in_blocks
from lib.core.upstream.create import create_headers
from lib.core.upstream.outcomes import Ambiguous, Refused

if TYPE_CHECKING:
    from lib.adapters.dashscope.connection import Connection
    from lib.core.upstream.create import Order
    from lib.core.upstream.outcomes import Outcome

PATH = "/services/aigc/image2video/video-synthesis"
CREATE_TOTAL_S = 20.0
# A large body goes out in blocks; this is the timeout of the connect and of each block.
BLOCK_TIMEOUT_S = 10.0


def create(connection: Connection, order: Order, until: float) -> Outcome:
    """Ask for one task, once.

    Args:
        connection: to the account.
        order: what for.
        until: when the sender's lease ends, Unix seconds: a large body whose last block is not out
            by then is broken off.

    Returns:
        `Accepted`, `Refused` (no task exists) or `Ambiguous` (one may exist).
    """
    import requests  # only a paid submit needs it

    body = json.dumps(order.body(), ensure_ascii=False).encode()
    data = in_blocks(body, until, connection.now)
    try:
        return _sent(connection, order, data)
    except TooSlow as reason:
        return _not_sent("TooSlow", str(reason))
    except requests.RequestException as error:
        if _before_the_body(error):
            return _not_sent(type(error).__name__, "no connection")
        if isinstance(data, Blocks) and data.ended_at is None:
            # Its length was declared and its end never left us: nobody can have read a whole
            # request, let alone have made a task of it.
            return _not_sent(type(error).__name__, "the body did not get out")
        return Ambiguous(type(error).__name__)
    except (OSError, ValueError) as error:  # an answer that the client trips over
        return Ambiguous(type(error).__name__)


def _sent(connection: Connection, order: Order, data: bytes | Blocks) -> Outcome:
    large, started = isinstance(data, Blocks), connection.now()
    with (
        within(CREATE_TOTAL_S + order.takes_s),
        connection.fresh() as session,
        session.post(
            connection.url(PATH),
            data=data,
            headers=connection.headers(create_headers(order)),
            timeout=(BLOCK_TIMEOUT_S if large else CONNECT_S, CREATE_TOTAL_S - CONNECT_S),
            allow_redirects=False,
            stream=True,
        ) as response,
    ):
        # A large body's time is its lease's; what follows has the usual time.
        begun = data.ended_at if isinstance(data, Blocks) else started
        body = connection.read(response, (begun or started) + CREATE_TOTAL_S)
        return reader.outcome(response.status_code, body, retry_after(response))


def _not_sent(code: str, message: str) -> Refused:
    return Refused(errors.UPSTREAM_UNAVAILABLE, code, message, waits=True)


def _before_the_body(error: Exception) -> bool:
    """Whether the request cannot have reached the service: no address, no connection, no TLS."""
    import requests  # as in create
    from urllib3 import exceptions as urllib3_errors  # as in create

    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(error, requests.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" in str(error)
    return isinstance(
        reason, urllib3_errors.NewConnectionError | urllib3_errors.NameResolutionError
    )
