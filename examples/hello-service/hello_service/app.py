"""The service: `/hello?name=NAME` greets, `/healthz` tells its health and version."""

import argparse
import http.client
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from hello_service import COMMIT, VERSION

LONGEST_NAME = 100


class Refused(Exception):
    """The request can't be answered as it is; the text says why."""


def greet(query):
    """The greeting for `name`, or for the world."""
    name = parse_qs(query).get("name", ["world"])[0].strip()
    if not name or len(name) > LONGEST_NAME:
        raise Refused(f"name must have 1 to {LONGEST_NAME} characters")
    return {"greeting": f"Hello, {name}!"}


def health(_query):
    """What a load balancer, or a deployment, wants to know."""
    return {"status": "ok", "version": VERSION, "commit": COMMIT}


ROUTES = {"/hello": greet, "/healthz": health}


def answer(target):
    """Status and JSON object for one request's target."""
    url = urlsplit(target)
    route = ROUTES.get(url.path)
    if route is None:
        return 404, {"error": f"{url.path} is not here; try {' or '.join(ROUTES)}"}
    try:
        return 200, route(url.query)
    except Refused as reason:
        return 400, {"error": str(reason)}


class Handler(BaseHTTPRequestHandler):
    """One connection; it stays open between requests."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet per answer
    disable_nagle_algorithm = True

    def do_GET(self):
        status, body = answer(self.path)
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Quiet."""


class Server(ThreadingHTTPServer):
    """Loopback only: this is a sample."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self):
        """As the parent's, but without asking DNS for this machine's name."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address


def check_self():
    """Serves on a free port, asks for its health and greets once; raises when an answer is wrong."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
        for target, field in (("/healthz", "status"), ("/hello?name=deploy", "greeting")):
            connection.request("GET", target)
            response = connection.getresponse()
            if response.status != 200 or field not in json.load(response):
                raise SystemExit(f"{target} answered {response.status}")
        connection.close()
        server.shutdown()


def main(arguments=None):
    """Serves until it is stopped, or until stdin closes: then nobody is left who could stop it."""
    parser = argparse.ArgumentParser(prog="hello-service", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when stdin ends")
    parser.add_argument("--check", action="store_true", help="try yourself out and end")
    options = parser.parse_args(arguments)
    if options.check:
        check_self()
        print(f"hello-service {VERSION} ({COMMIT[:12]}) answers")
        return 0
    with Server(options.port) as server:
        if options.until_stdin_closes:
            threading.Thread(target=lambda: (sys.stdin.buffer.read(), server.shutdown()), daemon=True).start()
        print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever(poll_interval=0.05)
    return 0
