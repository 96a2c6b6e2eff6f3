"""SVT: starts the built file as a process of its own, sends it a bounded load and measures the answers.

Prints one JSON object; ends with 1 when an answer was wrong or the slowest 1 % took longer than allowed.
"""

import argparse
import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

EXPECTED = {"greeting": "Hello, load!"}


@contextlib.contextmanager
def running(artifact):
    """The artifact as a process; yields its port. Its stdin is a pipe of ours, so it can't outlive us."""
    command = [sys.executable, artifact, "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline().split()
            if line[:1] != ["ready"]:
                raise SystemExit(f"{artifact} did not start")
            yield urlsplit(line[1]).port
        finally:
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()


def ask(port, count):
    """Sends `count` requests on one connection; returns their times in ms and how many were answered wrongly."""
    connection, times, wrong = http.client.HTTPConnection("127.0.0.1", port, timeout=5), [], 0
    with contextlib.closing(connection):
        while len(times) < count:
            began = time.perf_counter()
            connection.request("GET", "/hello?name=load")
            response = connection.getresponse()
            wrong += (response.status, json.load(response)) != (200, EXPECTED)
            times.append((time.perf_counter() - began) * 1000)
    return times, wrong


def measure(port, requests, connections):
    """The load as a whole; times in ms."""
    began = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        parts = list(pool.map(ask, [port] * connections, [requests // connections] * connections))
    took = time.perf_counter() - began
    times = sorted(each for part in parts for each in part[0])
    return {
        "requests": len(times),
        "wrong": sum(part[1] for part in parts),
        "requests_per_second": round(len(times) / took),
        "median_ms": round(statistics.median(times), 2),
        "p99_ms": round(times[int(len(times) * 0.99)], 2),
    }


def main():
    """Runs the load against the artifact that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", help="the built file")
    parser.add_argument("--requests", type=int, default=400, help="how many in all")
    parser.add_argument("--connections", type=int, default=4, help="how many at a time")
    parser.add_argument("--max-p99-ms", type=float, default=1000, help="longest time for 99 of 100 answers")
    options = parser.parse_args()
    with running(options.artifact) as port:
        found = measure(port, options.requests, options.connections)
    print(json.dumps(found))
    if found["wrong"]:
        sys.exit(f"{found['wrong']} of {found['requests']} answers were wrong")
    if found["p99_ms"] > options.max_p99_ms:
        sys.exit(f"p99 is {found['p99_ms']} ms; at most {options.max_p99_ms:g} ms are allowed")


if __name__ == "__main__":
    main()
