"""A request is looked at and nothing is done: what it would cost, how large the film would be.

The same checks as for a submit, but no object is written, no key is bound and nobody upstream is
asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.flows.requests.admit import admit

if TYPE_CHECKING:
    from lib.core.request import VideoRequest
    from lib.flows.context import Context
    from lib.flows.requests.admit import Admitted


def preview(context: Context, owner: str, request: VideoRequest) -> Admitted:
    """Check everything about a request.

    Args:
        context: what the flows work with.
        owner: whose job it would become.
        request: parsed and in bounds.

    Returns:
        What it would lead to.

    Raises:
        ApiError: what `submit` would refuse.
    """
    with admit(context, owner, request).checked() as admitted:
        return admitted
