"""TLS of real servers: what is accepted, who the client is, reloads, and handshakes that never end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from harness.certificates import client_names, local_certificate, new_authority, put
from server.access.certificates import identities_of_auth_context, identities_of_scope
from server.commands.dev_certificates import Authority, Issued
from server.settings.certificates import TlsFiles
from server.settings.values import Address
from server.transport.certificates import PortCertificate
from server.transport.http_connections import ConnectionLimits
from server.transport.servers import serve_grpc, serve_http, serve_http_apart

ANY = Address("127.0.0.1", 0)
NAMES = client_names(
    uris=("spiffe://shop/checkout",), dns=("checkout.example", "URI:spiffe.shop"), emails=("a@b.example",)
)
IDENTITIES = ["URI:spiffe://shop/checkout", "DNS:checkout.example", "DNS:URI:spiffe.shop", "EMAIL:a@b.example"]
_METHOD = "/test/who"


async def _who(request: Request) -> JSONResponse:
    return JSONResponse([request.url.scheme, *identities_of_scope(request.scope)])


class Site:
    """A CA, and a server's certificate in files."""

    def __init__(self, directory: Path, *, client_ca: bool = False, required: bool = False) -> None:
        self.directory = directory
        self.ca = new_authority()
        self.clients_ca = new_authority("clients")
        self.renew(self.ca)
        self.ca_file = directory / "clients.pem"
        self.ca_file.write_bytes(self.clients_ca.issued.certificate)
        files = put(local_certificate(self.ca), directory, "server")
        self.served = PortCertificate(TlsFiles(files.cert, files.key, self.ca_file if client_ca else None, required))

    def renew(self, ca: Authority) -> None:
        put(local_certificate(ca), self.directory, "server")

    def client(self, names: list[object] | None = None) -> Issued:
        return self.clients_ca.issue("client", names or NAMES, client=True)  # type: ignore[arg-type]

    def context(self, client: Issued | None = None, ca: Authority | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=(ca or self.ca).issued.certificate.decode())
        if client is not None:
            files = put(client, self.directory, "client")
            context.load_cert_chain(files.cert, files.key)
        return context


async def _get(address: Address, context: ssl.SSLContext, path: str = "/") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port, ssl=context, server_hostname="localhost")
    with contextlib.closing(writer):
        writer.write(b"GET %s HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" % path.encode())
        return await reader.read()


async def _is_refused(address: Address, context: ssl.SSLContext) -> bool:
    """Return whether there is no answer; with TLS 1.3, a client learns only then that its certificate is refused."""
    try:
        return await _get(address, context) == b""
    except (ssl.SSLError, ConnectionError):
        return True


@contextlib.asynccontextmanager
async def _https(site: Site, limits: ConnectionLimits | None = None, *, apart: bool = False) -> AsyncIterator[Address]:
    app = Starlette(routes=[Route("/", _who)])
    serve = serve_http_apart if apart else serve_http
    async with serve(app, ANY, limits or ConnectionLimits(10), asyncio.Event(), site.served) as address:
        yield address


@contextlib.asynccontextmanager
async def _grpc(site: Site) -> AsyncIterator[Address]:
    async def who(_: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        return "\n".join(identities_of_auth_context(context.auth_context())).encode()

    async def echo(requests: AsyncIterator[bytes], _: object) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "who": grpc.unary_unary_rpc_method_handler(who),
        "echo": grpc.stream_stream_rpc_method_handler(echo),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", methods),))
    async with serve_grpc(server, ANY, asyncio.Event(), site.served) as address:
        yield address


def _channel(address: Address, ca: Authority, client: Issued | None = None) -> grpc.aio.Channel:
    credentials = grpc.ssl_channel_credentials(
        ca.issued.certificate, client.key if client else None, client.certificate if client else None
    )
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    return grpc.aio.secure_channel(f"localhost:{address.port}", credentials, options)


async def _ask(channel: grpc.aio.Channel) -> list[str]:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_METHOD)
    return (await call(b"", timeout=30)).decode().splitlines()


@pytest.mark.parametrize("apart", [False, True])
async def test_a_client_without_a_certificate_is_nobody(tmp_path: Path, apart: bool) -> None:
    site = Site(tmp_path)
    async with _https(site, apart=apart) as address:
        assert (await _get(address, site.context())).endswith(b'["https"]')
    async with _grpc(site) as address, _channel(address, site.ca) as channel:
        assert await _ask(channel) == []


async def test_names_of_a_client_certificate_have_the_kinds_that_the_certificate_gives_them(tmp_path: Path) -> None:
    site = Site(tmp_path, client_ca=True, required=True)
    async with _https(site) as address:
        answer = await _get(address, site.context(site.client()))
    assert answer.endswith(str(["https", *IDENTITIES]).replace("'", '"').replace(", ", ",").encode())
    async with _grpc(site) as address, _channel(address, site.ca, site.client()) as channel:
        assert await _ask(channel) == IDENTITIES


async def test_names_that_can_be_taken_for_others_are_left_out_on_both_transports(tmp_path: Path) -> None:
    site = Site(tmp_path, client_ca=True, required=True)
    uris = ("spiffe://shop/../other/b", "spiffe://shop/a\0.evil", "spiffe://shop/checkout")
    client = site.client(list(client_names(uris=uris, dns=(), emails=())))
    async with _https(site) as address:
        assert (await _get(address, site.context(client))).endswith(b'["https","URI:spiffe://shop/checkout"]')
    async with _grpc(site) as address, _channel(address, site.ca, client) as channel:
        assert await _ask(channel) == ["URI:spiffe://shop/checkout"]


async def test_an_optional_client_certificate_may_be_missing_but_not_of_another_ca(tmp_path: Path) -> None:
    site = Site(tmp_path, client_ca=True)
    async with _https(site) as address:
        assert (await _get(address, site.context())).endswith(b'["https"]')
        assert b"URI:spiffe://shop/checkout" in await _get(address, site.context(site.client()))
        assert await _is_refused(address, site.context(new_authority("clients").issue("other", NAMES, client=True)))


@pytest.mark.parametrize("foreign", [False, True])
async def test_a_required_client_certificate_must_be_of_the_client_ca(tmp_path: Path, foreign: bool) -> None:
    site = Site(tmp_path, client_ca=True, required=True)
    client = new_authority("clients").issue("other", NAMES, client=True) if foreign else None
    async with _https(site) as address:
        assert await _is_refused(address, site.context(client))
    async with _grpc(site) as address, _channel(address, site.ca, client) as channel:
        with pytest.raises(grpc.aio.AioRpcError, match="UNAVAILABLE"):
            await _ask(channel)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_tls_1_1_is_refused_and_1_2_is_not(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with _https(site) as https, _grpc(site) as rpc:
        for address in (https, rpc):
            for version, accepted in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
                context = site.context()
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.set_alpn_protocols(["h2", "http/1.1"])
                context.minimum_version = context.maximum_version = version
                if accepted:
                    await _connect(address, context)
                else:
                    with pytest.raises((ssl.SSLError, ConnectionError)):
                        await _connect(address, context)


async def _connect(address: Address, context: ssl.SSLContext) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", address.port, ssl=context, server_hostname="localhost")
    writer.close()


async def test_a_renewed_certificate_serves_new_connections_while_open_ones_go_on(tmp_path: Path) -> None:
    site, renewed_ca = Site(tmp_path), new_authority("renewed")
    sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def stream(_: Request) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            while (part := await sent.get()) != b"end":
                yield part

        return StreamingResponse(parts())

    app = Starlette(routes=[Route("/", _who), Route("/stream", stream)])
    async with (
        serve_http(app, ANY, ConnectionLimits(10), asyncio.Event(), site.served) as https,
        _grpc(site) as rpc,
        _channel(rpc, site.ca) as channel,
    ):
        call: Any = channel.stream_stream("/test/echo")()
        await call.write(b"before")
        assert await call.read() == b"before"
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", https.port, ssl=site.context(), server_hostname="localhost"
        )
        writer.write(b"GET /stream HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        await sent.put(b"before")
        await reader.readuntil(b"before")

        site.renew(renewed_ca)
        site.served.reload()
        assert (await _get(https, site.context(ca=renewed_ca))).endswith(b'["https"]')
        with pytest.raises(ssl.SSLCertVerificationError):
            await _get(https, site.context())
        async with _channel(rpc, renewed_ca) as fresh:
            assert await _ask(fresh) == []

        await call.write(b"after")
        assert await call.read() == b"after"
        await call.done_writing()
        await sent.put(b"after")
        await sent.put(b"end")
        assert b"after" in await reader.read()
        writer.close()


async def test_a_replaced_client_ca_no_longer_accepts_the_clients_of_the_one_before(tmp_path: Path) -> None:
    site = Site(tmp_path, client_ca=True, required=True)
    before = site.client()
    async with _https(site) as https, _grpc(site) as rpc:
        await _get(https, site.context(before))
        async with _channel(rpc, site.ca, before) as channel:
            await _ask(channel)
        site.clients_ca = new_authority("clients")
        site.ca_file.write_bytes(site.clients_ca.issued.certificate)
        site.served.reload()
        assert await _is_refused(https, site.context(before))
        assert b"URI:" in await _get(https, site.context(site.client()))
        async with _channel(rpc, site.ca, before) as channel:
            with pytest.raises(grpc.aio.AioRpcError, match="UNAVAILABLE"):
                await _ask(channel)
        async with _channel(rpc, site.ca, site.client()) as channel:
            assert await _ask(channel) == IDENTITIES


async def test_handshakes_that_never_end_do_not_keep_a_client_out(tmp_path: Path) -> None:
    site, most = Site(tmp_path), 50
    async with _https(site, ConnectionLimits(most)) as address, contextlib.AsyncExitStack() as stack:
        idle = [
            stack.enter_context(contextlib.closing(socket.create_connection((address.host, address.port))))
            for _ in range(10 * most)
        ]
        assert (await _get(address, site.context())).endswith(b'["https"]')
        refused = [connection for connection in idle if await _is_closed(connection)]
        assert len(refused) > 8 * most


async def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
    except BlockingIOError:
        return False


async def test_open_connections_are_never_closed_for_new_handshakes(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with _https(site, ConnectionLimits(2)) as address:
        kept = []
        for _ in range(2):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", address.port, ssl=site.context(), server_hostname="localhost"
            )
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            await reader.readuntil(b"]")
            kept.append((reader, writer))
        assert await _is_refused(address, site.context())
        for reader, writer in kept:
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            assert b'["https"]' in await reader.readuntil(b"]")
            writer.close()
