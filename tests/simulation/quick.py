"""A session that does what ours ask for and nothing else: a third of a world's time is saved.

requests merges settings, cookies and hooks into every call and takes every address apart; a call
with a ready body to a plain address of the emulators needs none of it. Whatever else comes goes
the long way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import requests
from requests.structures import CaseInsensitiveDict

PLAIN = re.compile(r"http://127\.0\.0\.1:900\d/[!-~]*")


class Quick(requests.Session):
    """A session for the simulation."""

    def __init__(self):
        super().__init__()
        self.trust_env = False
        self._own = dict(self.headers)

    def send(self, request, **options):
        if not getattr(request, "quick", False):
            return super().send(request, **options)
        return self.get_adapter(request.url).send(request, **options)

    def request(self, method, url, data=None, headers=None, **options):
        odd = options.keys() - {"timeout", "stream", "allow_redirects"}
        if any(options[name] for name in odd) or isinstance(data, Mapping):
            return super().request(method, url, data=data, headers=headers, **options)
        if not isinstance(url, str) or not PLAIN.fullmatch(url):
            return super().request(method, url, data=data, headers=headers, **options)
        ready = requests.PreparedRequest()
        ready.method, ready.url, ready.body = method.upper(), url, data
        ready.hooks, ready.quick = {"response": []}, True
        given = {name: value for name, value in (headers or {}).items() if value is not None}
        ready.headers = CaseInsensitiveDict({**self._own, **given})
        stream = bool(options.get("stream"))
        # Through `send`, where the service listens for the date of every answer.
        answer = self.send(ready, stream=stream, timeout=options.get("timeout"))
        if answer.is_redirect and options.get("allow_redirects", True):
            answer.close()
            return super().request(method, url, data=data, headers=headers, **options)
        if not stream:
            _ = answer.content
        return answer
