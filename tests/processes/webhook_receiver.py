"""The receiver of infra/docs/webhooks.md, as it stands there: the secret, then the port."""

# ruff: noqa: I001
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from standardwebhooks import Webhook


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        event = Webhook(sys.argv[1]).verify(body, dict(self.headers))  # raises on any other sender
        print(self.headers["webhook-id"], event["type"], event["data"]["id"], flush=True)
        self.send_response(204)
        self.end_headers()


HTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver).serve_forever()
