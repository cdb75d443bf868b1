"""A GET of somebody else's link: redirects judged one by one, failures tried again.

Three redirects at most, from https never to http; a connection that failed and an answer of 502,
503 or 504 are tried again. Reads no body; refuses with a reason that never repeats the link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

import requests

from lib.adapters.outbound.download import FetchFailed, LinkRefused
from lib.adapters.outbound.session import not_public
from lib.adapters.outbound.url_policy import PORTS, BadLink, judge, upgraded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.adapters.outbound.deadline import Alarm

TIMEOUT_S = (3.05, 20.0)  # connect, read
REDIRECTS_AT_MOST = 3
REDIRECTS, BUSY = frozenset({301, 302, 303, 307, 308}), frozenset({502, 503, 504})
PAUSES_S = (0.3, 1.0)


class Follower:
    """Asks for links over one session.

    Args:
        session: its transport, one that leaves redirects alone.
        allow_loopback_http: locally, http to this machine is allowed; nothing else is relaxed.
        sleep: waits between two tries.
        ports: that https links may name.
    """

    def __init__(
        self,
        session: requests.Session,
        *,
        allow_loopback_http: bool,
        sleep: Callable[[float], None],
        ports: frozenset[int] = PORTS,
    ) -> None:
        self._session, self._loopback = session, allow_loopback_http
        self._sleep, self._ports = sleep, ports

    @property
    def allowed(self) -> str:
        """Which links are followed, as the end of a sentence."""
        ports = " or ".join(str(port) for port in sorted(self._ports))
        local = "; and http to this machine, because the service runs locally"
        return f"https links to public hosts, port {ports}{local if self._loopback else ''}"

    def judged(self, url: str) -> str:
        """A link as it may be asked for; nobody is asked, not even DNS.

        Raises:
            LinkRefused: it may not be used at all, with the reason.
        """
        try:
            return judge(url, allow_loopback_http=self._loopback, ports=self._ports)
        except BadLink as reason:
            raise LinkRefused(str(reason)) from None

    def follow(
        self,
        url: str,
        alarm: Alarm,
        more: Mapping[str, str] | None = None,
        *,
        pauses_s: tuple[float, ...] = PAUSES_S,
        upgrade: bool = False,
    ) -> requests.Response:
        """The first answer that is no redirect, its body unread.

        Args:
            url: somebody else's.
            alarm: what ends it.
            more: further headers.
            pauses_s: seconds between the tries of each link.
            upgrade: whether http links are asked for by https.

        Raises:
            LinkRefused: a link on the way is not allowed.
            FetchFailed: nobody answered.
        """
        for _ in range(REDIRECTS_AT_MOST + 1):
            if upgrade:
                url = upgraded(url, allow_loopback_http=self._loopback)
            response = self._ask(self.judged(url), alarm, more or {}, pauses_s)
            target = response.headers.get("Location")
            if response.status_code not in REDIRECTS or not target:
                return response
            response.close()
            try:
                # A header's bytes arrive as Latin-1 text; those of a link are UTF-8 (RFC 3986).
                further = urljoin(url, target.encode("latin-1").decode())
            except ValueError:
                raise LinkRefused("it redirects to something that is no link") from None
            if not upgrade and url[:6].lower() == "https:" and further[:5].lower() == "http:":
                raise LinkRefused("it redirects from https to http")
            url = further
        raise LinkRefused(f"it redirects more than {REDIRECTS_AT_MOST} times")

    def _ask(
        self, url: str, alarm: Alarm, more: Mapping[str, str], pauses_s: tuple[float, ...]
    ) -> requests.Response:
        for pause_s in pauses_s:
            response = self._once(url, alarm, more)
            if response is not None and response.status_code not in BUSY:
                return response
            # Retried: a connection that failed, and an answer of 502, 503 or 504 to a GET.
            if response is not None:
                response.close()
            if alarm.over:
                raise FetchFailed("it took too long")
            self._sleep(pause_s)
        response = self._once(url, alarm, more)
        if response is None:
            raise FetchFailed("its host does not answer")
        return response

    def _once(self, url: str, alarm: Alarm, more: Mapping[str, str]) -> requests.Response | None:
        try:
            return self._session.get(
                url,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
                headers={"Accept-Encoding": "identity", **more},
            )
        except (requests.exceptions.InvalidURL, UnicodeError):
            raise LinkRefused("it is not a valid link") from None
        except requests.RequestException as error:
            if alarm.over or not_public(error):
                raise failure(error, alarm) from error
            return None


def failure(error: BaseException, alarm: Alarm) -> FetchFailed:
    """What an error of the transport means for whoever asked for a link."""
    if not_public(error):
        return LinkRefused("its host is not a public address")
    if alarm.over:
        return FetchFailed("it took too long")
    return FetchFailed(f"its host does not answer ({type(error).__name__})")
