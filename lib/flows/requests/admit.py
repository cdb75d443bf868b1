"""Whether a request may become a job: every check, in one order, for everybody who asks.

First what costs no call (the webhook's address); then, in `Admission.checked`, the model and its
resolution, the owner's limits, the frames. A submit binds its Idempotency-Key between the two, a
preview binds none, a retry is a submit. Writes nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.core import catalogue
from lib.core.errors import ApiError
from lib.core.media import frames
from lib.flows.requests import limits
from lib.flows.requests.frames import judged
from lib.flows.webhooks.announce import check_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lib.core.catalogue import VideoModel
    from lib.core.media.decode import Frame
    from lib.core.quota import Made
    from lib.core.request import VideoRequest
    from lib.flows.context import Context


@dataclass(frozen=True)
class Admitted:
    """A request that may become a job.

    Attributes:
        accounts: of the upstream, those that may run it, at least one.
        model: in the region of the first of them.
        limits: the `RateLimit` fields of the answer; empty for an owner without limits.
        first: the first frame as it was judged.
        last: the last one, None where a template needs none.
        size: width and height of the film, pixels.
        warnings: what the owner should know about the pair.
    """

    accounts: tuple[str, ...]
    model: VideoModel
    limits: Mapping[str, str]
    first: Frame
    last: Frame | None
    size: tuple[int, int]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Admission:
    """A request whose webhook may be sent; whoever made it by `admit` goes on with `checked`."""

    context: Context
    owner: str
    request: VideoRequest

    @contextmanager
    def checked(self, counted: Sequence[Made] | None = None) -> Iterator[Admitted]:
        """All the other checks; the memory of the frames is lent until the end.

        Call it for a new job only, never for a replay: a replay is not counted.

        Args:
            counted: what counts towards the owner's limits, as `limits.count` gave it a moment
                ago; None counts now.

        Raises:
            ApiError: no region offers the model or the resolution, a limit is reached, a frame is
                `invalid_frame` with the reason, there is no memory for them (`overloaded`), or the
                bucket does not answer.
        """
        context, owner, request = self.context, self.owner, self.request
        accounts = _accounts(context, request.model)
        region = context.upstreams[accounts[0]].region
        model = catalogue.resolve(region, request.model)
        catalogue.check_resolution(model, request.resolution)
        fields = limits.check(context, owner, request, region, counted)
        with judged(context, owner, request) as (first, last):
            yield Admitted(
                accounts,
                model,
                fields,
                first,
                last,
                catalogue.output_size(first.width, first.height, request.resolution),
                frames.warnings(first, last),
            )


def admit(context: Context, owner: str, request: VideoRequest) -> Admission:
    """Begin to judge a request, before anything is written for it.

    Args:
        context: what the flows work with.
        owner: whose job it would become.
        request: parsed and in bounds.

    Raises:
        ApiError: its webhook cannot be sent there.
    """
    check_address(context, owner, request.webhook_url)
    return Admission(context, owner, request)


def offering(context: Context, model: str) -> tuple[str, ...]:
    """The accounts whose region offers a model, in their order; none where no region does.

    Args:
        context: what the flows work with.
        model: its name, as asked for.
    """
    return tuple(
        name for name, upstream in context.upstreams.items() if _offers(upstream.region, model)
    )


def _offers(region: str, model: str) -> bool:
    try:
        catalogue.resolve(region, model)
    except ApiError:
        return False
    return True


def _accounts(context: Context, model: str) -> tuple[str, ...]:
    names = offering(context, model)
    if not names:
        # Raises the refusal, in the words for the first account's region.
        catalogue.resolve(next(iter(context.upstreams.values())).region, model)
    return names
