"""Whether a caller has been answered, as far as a server can know.

After an answer the same request without a key makes a new job. A slow answer and one to a
connection that is gone count as none: whoever waited may have given up. The note in the bucket is
written when the answer is out, by the server's own thread.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from lib.flows.requests import implicit_key
from lib.web import connection

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from lib.flows.context import Context
    from lib.flows.requests.submit import Submission

BEGAN = "inbetween.began"
LATE_S = 5.0  # clients give up after ten at the earliest


def begin(request: Request, now: float) -> None:
    """Remember when a request came.

    Args:
        request: as it came.
        now: Unix seconds.
    """
    request.environ[BEGAN] = now


def note_answer(
    context: Context, request: Request, made: Submission, response: Response
) -> Response:
    """The answer to a create, which counts as one if it comes in time and somebody is there.

    Args:
        context: what the flows work with.
        request: what is answered.
        made: what it led to.
        response: the answer.
    """
    began, begun = float(request.environ.get(BEGAN, 0.0)), made.begun
    if begun is None or context.now() - began > LATE_S or _gone(request):
        return response
    # Known in this process at once: the next request may come before this thread goes on.
    implicit_key.remember_answered(context, begun.entry.id)
    owner = made.job.intent.owner
    response.call_on_close(lambda: implicit_key.answered(context, owner, begun))
    return response


def _gone(request: Request) -> bool:
    """Whether the peer has closed its end; False where the server does not show its socket."""
    found = connection.of(request.environ)
    if found is None:
        return False
    try:
        return found.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except (BlockingIOError, InterruptedError, ValueError):
        return False  # nothing to read, or a socket under TLS, which cannot be asked so
    except OSError:
        return True
