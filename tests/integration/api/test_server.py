"""The server itself: addresses, TLS beside plain HTTP, bounds, routing, an orderly end."""

import asyncio
import socket
import ssl

import pytest
import urllib3
from kabanero.api.certificate import own_certificate
from kabanero.api.http import Replies, text_response
from kabanero.api.server import HttpServer, Listener, PathRouter, ServerLimits, split_address
from kabanero.api.webhook_connection import RequestLimits
from kabanero.model.errors import AddressError, InvalidError


def app(text: str):
    async def answer(scope, receive, send):
        await Replies().send(text_response(text), receive, send)

    return answer


class Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.asked.set()
        await self.go.wait()
        await Replies().send(text_response("late"), receive, send)


async def fetch(url: str, **options) -> str:
    def ask() -> str:
        with urllib3.PoolManager(**options) as pool:
            return pool.request("GET", url, retries=False, timeout=10).data.decode()

    return await asyncio.to_thread(ask)


@pytest.fixture
async def serve():
    servers = []

    async def start(*listeners: Listener, limits: ServerLimits | None = None) -> HttpServer:
        server = HttpServer(listeners, limits or ServerLimits())
        servers.append(server)
        await server.start()
        return server

    yield start
    for server in servers:
        await server.close()


async def test_several_addresses_serve_an_application_each(serve):
    server = await serve(Listener("127.0.0.1:0", app("api")), Listener("127.0.0.1:0", app("webhook")))
    assert [await fetch(url) for url in server.urls] == ["api", "webhook"]


async def test_an_address_with_a_certificate_speaks_tls_only(serve, certificate):
    listener = Listener("127.0.0.1:0", app("safe"), certificate.certificate, certificate.private_key)
    [url] = (await serve(listener)).urls
    assert url.startswith("https://")
    assert await fetch(url, ca_certs=str(certificate.certificate)) == "safe"
    with pytest.raises(urllib3.exceptions.HTTPError):
        await fetch(url.replace("https", "http"))


async def test_an_address_with_the_runners_own_certificate_speaks_both(serve, certificate):
    [url] = (await serve(Listener("127.0.0.1:0", app("both"), own=certificate))).urls
    secure = url.replace("http", "https")
    assert (await fetch(url), await fetch(secure, ca_certs=str(certificate.certificate))) == ("both", "both")


async def test_a_client_that_breaks_the_handshake_off_harms_nobody(serve, certificate):
    [url] = (await serve(Listener("127.0.0.1:0", app("both"), own=certificate))).urls
    host, port = split_address(url.removeprefix("http://"))
    for begin in (b"", b"\x16", b"\x16\x03\x01\x00\xffnonsense"):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(begin)
        writer.close()
    assert await fetch(url) == "both"


@pytest.mark.parametrize("own", [True, False])
async def test_a_client_that_says_nothing_is_dropped(serve, certificate, own):
    limits = ServerLimits(request=RequestLimits(seconds=0.05))
    server = await serve(Listener("127.0.0.1:0", app("x"), own=certificate if own else None), limits=limits)
    reader, writer = await asyncio.open_connection(*split_address(server.urls[0].removeprefix("http://")))
    async with asyncio.timeout(10):
        await reader.read()
    writer.close()


async def test_a_head_that_is_too_large_is_refused(serve):
    server = await serve(Listener("127.0.0.1:0", app("x")))
    reader, writer = await asyncio.open_connection(*split_address(server.urls[0].removeprefix("http://")))
    writer.write(b"GET / HTTP/1.1\r\nx: " + b"y" * 1_000_000)
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 431")
    writer.close()


async def test_a_request_under_way_is_answered_before_the_server_ends(serve):
    slow = Slow()
    server = await serve(Listener("127.0.0.1:0", slow))
    answer = asyncio.create_task(fetch(server.urls[0]))
    await slow.asked.wait()
    closing = asyncio.create_task(server.close())
    slow.go.set()
    assert await answer == "late"
    await closing


async def test_a_closed_server_takes_no_more_connections(serve):
    server = await serve(Listener("127.0.0.1:0", app("x")))
    await server.close()
    with pytest.raises(urllib3.exceptions.HTTPError):
        await fetch(server.urls[0])


async def test_the_server_leaves_signals_to_the_program(serve):
    import signal

    before = signal.getsignal(signal.SIGTERM)
    await serve(Listener("127.0.0.1:0", app("x")))
    assert signal.getsignal(signal.SIGTERM) is before


async def test_an_address_in_use_is_named(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AddressError, match=f"{address}: another program listens there"):
            await serve(Listener(address, app("x")))


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:http", "127.0.0.1:99999", ""])
async def test_what_is_no_address_is_refused_with_an_example(serve, address):
    with pytest.raises(InvalidError, match="for example"):
        await serve(Listener(address, app("x")))


async def test_a_certificate_that_cannot_be_used_is_named(serve, tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    with pytest.raises(InvalidError, match="certificate"):
        await serve(Listener("127.0.0.1:0", app("x"), broken, broken))


async def test_paths_are_routed_by_their_beginning(serve):
    router = PathRouter({"/webhook": app("webhook"), "/livez": app("health")}, app("api"))
    [url] = (await serve(Listener("127.0.0.1:0", router))).urls
    assert [await fetch(url + path) for path in ("/webhook", "/webhook/x", "/livez", "/apis")] == [
        "webhook",
        "webhook",
        "health",
        "api",
    ]


# --- the runner's own certificate ---


def names_in(certificate) -> set[str]:
    context = ssl.create_default_context(cafile=str(certificate.certificate))
    [found] = context.get_ca_certs()
    return {value for _, value in found["subjectAltName"]}


def test_the_certificate_is_for_this_machine_and_the_host_that_was_named(tmp_path):
    assert {"localhost", "127.0.0.1", "runner.example.org"} <= names_in(own_certificate(tmp_path, "runner.example.org"))


def test_the_certificate_is_kept_and_its_key_is_private(tmp_path):
    first = own_certificate(tmp_path, "127.0.0.1").certificate.read_text()
    again = own_certificate(tmp_path, "127.0.0.1")
    assert (again.certificate.read_text(), again.private_key.stat().st_mode & 0o777) == (first, 0o600)


def test_the_certificate_is_made_anew_for_a_new_host_or_when_it_is_old(tmp_path):
    import os

    first = own_certificate(tmp_path, "127.0.0.1").certificate
    before = first.read_text()
    os.utime(first, (0, 0))
    after = own_certificate(tmp_path, "127.0.0.1").certificate.read_text()
    other = own_certificate(tmp_path, "10.1.2.3").certificate.read_text()
    assert len({before, after, other}) == 3
