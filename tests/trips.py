"""Dependent round trips: how many calls to the bucket a request waits for, one after the other.

Calls that run side by side count as the longest of them. Nothing is timed: the counter walks with
the calls, and `together` is the only way in which they can be side by side.
"""

from __future__ import annotations

from werkzeug.test import Client
from werkzeug.wrappers import Request

from tests import hooks


class Trips:
    """An instance of a world that counts.

    Args:
        world: whose bucket and upstream it works on.
    """

    def __init__(self, world):
        self.depth = self.calls = self.at_once = 0
        self.between = lambda request, send: send(request)
        self.service = hooks.instance(world, storage=self._call, together=self._together)
        self.client = Client(Request.application(self.service.api))

    def _call(self, request, send):
        self.depth += 1
        self.calls += 1
        return self.between(request, send)

    def _together(self, calls):
        began, deepest, results = self.depth, self.depth, []
        self.at_once = max(self.at_once, len(calls))
        for call in calls:
            self.depth = began
            results.append(call())
            deepest = max(deepest, self.depth)
        self.depth = deepest
        return results

    def of(self, method, path, **options):
        """One request: the answer and the trips that it waited for."""
        self.depth = self.calls = self.at_once = 0
        answer = self.client.open(path, method=method, **options)
        return answer, self.depth
