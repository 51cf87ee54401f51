"""Requests in which another server could find another end, and hide one that nobody else has seen.

All are sent over raw connections to both HTTP ports, with and without TLS. What one of them hides is never done: it
is in no storage, and there is no record of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.system.attacks.raw import LAST, exchange, statuses
from tests.system.attacks.site import Site, read_kept

CHUNKED = b"Transfer-Encoding: chunked\r\n"
TWO = b"Content-Length: 2\r\n"
END = b"0\r\n\r\n"
WHOLE = b"2\r\n{}\r\n0\r\n\r\n"  # a body in chunks

REFUSED: dict[str, tuple[bytes, bytes]] = {
    "both lengths": (b"Content-Length: 5\r\n" + CHUNKED, END),
    "both lengths, the other way round": (CHUNKED + b"Content-Length: 5\r\n", END),
    "both lengths in an offer to upgrade": (
        b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n" + CHUNKED,
        END,
    ),
    "the same length twice": (TWO * 2, b"{}"),
    "two lengths": (TWO + b"Content-Length: 200\r\n", b"{}"),
    "two lengths in a list": (b"Content-Length: 2, 200\r\n", b"{}"),
    **{
        f"the length {value!r}": (b"Content-Length: %s\r\n" % value, b"{}")
        for value in (
            b"+2",
            b"-2",
            b"0x2",
            b"1_0",
            b"",
            b"2 2",
            b"2;",
            b"2.0",
            b"18446744073709551618",
            b"\xb2",
            b"\02",
        )
    },
    "a space before the colon": (b"Content-Length : 2\r\n", b"{}"),
    **{
        f"the coding {value!r}": (b"Transfer-Encoding:%s\r\n" % value, WHOLE)
        for value in (
            *(
                b" chunked, identity",
                b" identity, chunked",
                b" identity",
                b" xchunked",
                b' "chunked"',
                b" gzip, chunked",
            ),
            *(
                b"\x0bchunked",
                b"\r\n chunked",
                b"\n chunked",
                b" chunked\0",
                b" chunked, chunked",
                b" chunked;a=b",
                b"",
            ),
            *(b" chunked\r\nTransfer-Encoding: identity", b" chunked\r\nTransfer-Encoding: chunked", b" chun\tked"),
        )
    },
    "a space before the colon of a coding": (b"Transfer-Encoding : chunked\r\n", WHOLE),
    "a coding in a folded header": (b"X: y\r\n Transfer-Encoding: chunked\r\n" + TWO, b"{}"),
    "a coding in a line that begins with a space": (b" Transfer-Encoding: chunked\r\n" + TWO, b"{}"),
    "a bare LF between headers": (b"X: y\nTransfer-Encoding: chunked\r\n" + TWO, b"{}"),
    "a bare CR between headers": (b"X: y\rTransfer-Encoding: chunked\r\n" + TWO, b"{}"),
    "a bare LF behind the headers": (b"Content-Length: 2\n", b"{}"),
    **{
        f"the chunk {chunk!r}": (CHUNKED, chunk + END)
        for chunk in (
            *(b"2\n{}\n", b"2\r\n{}\n", b'2;a="b\r\n{}\r\n', b"2;a\n{}\r\n", b"2;a\rx\r\n{}\r\n", b"2 \r\n{}\r\n"),
            *(b" 2\r\n{}\r\n", b"0x2\r\n{}\r\n", b"-2\r\n{}\r\n", b"+2\r\n{}\r\n", b"10000000000000002\r\n{}\r\n"),
            *(b"2\r\n{}xx\r\n", b"1\r\n{}\r\n", b"\r\n{}\r\n", b"2,2\r\n{}\r\n", b"2\0\r\n{}\r\n", b"2_\r\n{}\r\n"),
        )
    },
    "a length in a trailer": (CHUNKED, b"2\r\n{}\r\n0\r\nContent-Length: 200\r\n\r\n"),
    "a coding in a trailer": (CHUNKED, b"2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "two hosts": (b"Host: b\r\n" + TWO, b"{}"),
    "a name with NUL": (b"X\0-Forwarded-User: root\r\n" + TWO, b"{}"),
    "a name that is not ASCII": (b"X-\xff: root\r\n" + TWO, b"{}"),
    "no name": (b": root\r\n" + TWO, b"{}"),
    "no colon": (b"Content-Length\r\n" + TWO, b"{}"),
    "a value with NUL": (b"X: a\0b\r\n" + TWO, b"{}"),
}
"""Headers and bodies that are refused."""

REFUSED_STARTS = (
    *(b"%s /v1/logs HTTP/1.1\r\n\r\n", b"%s /v1/logs HTTP/1.1\r\nHost: a/b@c\r\n\r\n"),
    *(b"%s /v1/logs HTTP/1.1\nHost: a\n\n", b"%s /v1/logs HTTP/2.0\r\nHost: a\r\n\r\n", b"%s /v1/logs\r\n\r\n"),
    *(b"%s /v1/logs HTTP/0.9\r\nHost: a\r\n\r\n", b"%s /v1/logs HTTP/1.2\r\nHost: a\r\n\r\n"),
    b"%s /v1/logs HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n" + CHUNKED + b"\r\n" + WHOLE,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",  # prior knowledge of HTTP/2 (RFC 9113, section 3.3)
    *(b"%s a:80 HTTP/1.1\r\nHost: a\r\n\r\n", b"%s v1/logs HTTP/1.1\r\nHost: a\r\n\r\n"),
    *(b"%s http:///v1/logs HTTP/1.1\r\nHost: a\r\n\r\n", b"%s http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
    *(b"%s ?/v1/logs HTTP/1.1\r\nHost: a\r\n\r\n", b"%s /v1/logs#/healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
    *(b"%s /v1/logs /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"%s\t/v1/logs HTTP/1.1\r\nHost: a\r\n\r\n"),
    *(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
)
"""Starts of connections that are refused; POST and GET take the place of %s."""

OVERSIZE = (
    b"X: " + b"x" * 70_000 + b"\r\n",
    b"X: x\r\n" * 12_000,
    b"X: " + b"x" * 300_000 + b"\r\n",
)


@dataclass(frozen=True)
class Port:
    """A port, with two requests to it: one to begin with, and one to hide."""

    name: str
    address: str
    token: str

    def first(self, headers: bytes, *, token: bool = True) -> bytes:
        path = b"/v1/logs" if self.name == "otlp" else b"/api/v1/verify"
        credentials = b"Authorization: Bearer %s\r\n" % self.token.encode() if token else b""
        kind = b"Content-Type: application/json\r\n"
        return b"POST %s HTTP/1.1\r\nHost: a\r\n" % path + kind + credentials + headers + b"\r\n"

    def hidden(self, name: str) -> bytes:
        credentials = b"Host: a\r\nAuthorization: Bearer %s\r\n" % self.token.encode()
        if self.name == "api":
            return b"GET /api/v1/search?query=%s HTTP/1.1\r\n" % name.encode() + credentials + b"\r\n"
        record = {"timeUnixNano": "1750000000000000000", "body": {"stringValue": name}}
        body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
        kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        return b"POST /v1/logs HTTP/1.1\r\n" + credentials + kind + body


@pytest.fixture(scope="module", params=["plain", "tls"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server behind a proxy on this machine, which passes on whatever its clients send."""
    toml = 'trusted_proxies = "127.0.0.1"\n[[roles]]\nsubject = "root"\nrole = "admin"\n'
    with Site(tmp_path_factory.mktemp("site"), tls=request.param == "tls", toml=toml).running() as found:
        yield found


@pytest.fixture(scope="module")
def ports(site: Site) -> list[Port]:
    ports = [Port("otlp", site.otlp, site.sender), Port("api", site.api, site.admin)]
    for port in ports:  # the requests that are to be hidden are good ones
        assert statuses(exchange(port.address, port.hidden("open") + LAST, site.context))[0] == 200
    return ports


def test_a_request_that_could_end_elsewhere_is_refused_and_what_it_hides_is_never_done(
    site: Site, ports: list[Port]
) -> None:
    expected: dict[str, list[int]] = {}
    asked: dict[str, tuple[str, bytes]] = {}
    for port in ports:

        def add(name: str, sent: bytes, told: list[int], port: Port = port) -> None:
            number = f"hidden{len(asked)}x"
            key = f"{port.name}: {name} ({number})"
            asked[key], expected[key] = (port.address, sent.replace(b"HIDDEN", port.hidden(number)) + LAST), told

        for name, (headers, body) in REFUSED.items():
            add(name, port.first(headers) + body + b"HIDDEN", [400])
        for start in REFUSED_STARTS:
            add(repr(start), start.replace(b"%s", b"POST" if port.name == "otlp" else b"GET") + b"HIDDEN", [400])
        # These have one end, and the hidden request is in the body, or behind the end of the connection.
        size = len(port.hidden(f"hidden{len(asked)}x"))
        last = 404 if port.name == "otlp" else 401
        for end in (b"", b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Expect: 100-continue\r\n"):
            size = len(port.hidden(f"hidden{len(asked)}x"))
            add(f"in the body {end!r}", port.first(end + b"Content-Length: %d\r\n" % size) + b"HIDDEN", [400, last])
        for extension in (b"", b";a=b", b";a"):
            size = len(port.hidden(f"hidden{len(asked)}x"))
            chunk = b"%x%s\r\nHIDDEN\r\n0\r\n\r\n" % (size, extension)
            add(f"in a chunk {extension!r}", port.first(CHUNKED) + chunk, [400, last])
        add("behind the end", port.first(b"Connection: close\r\n" + TWO) + b"{}HIDDEN", [200])

    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda one: statuses(exchange(one[0], one[1], site.context)), asked.values())
        told = dict(zip(asked, answers, strict=True))
    assert {name: got for name, got in told.items() if got != expected[name]} == {}


@pytest.mark.parametrize("headers", OVERSIZE, ids=len)
def test_headers_that_are_too_large_are_refused_also_if_they_come_at_once(
    site: Site, ports: list[Port], headers: bytes
) -> None:
    for port in ports:
        sent = port.first(headers + TWO) + b"{}" + port.hidden("oversize") + LAST
        assert statuses(exchange(port.address, sent, site.context)) in ([431], [])  # a reset may overtake the answer


def test_a_target_may_have_any_host_and_means_its_path(site: Site, ports: list[Port]) -> None:
    for port in ports:
        one = port.first(TWO).replace(b"POST /", b"POST http://elsewhere.example/")
        last = 404 if port.name == "otlp" else 401
        assert statuses(exchange(port.address, one + b"{}" + LAST, site.context)) == [200, last]


SPOOFED: dict[str, tuple[bytes, int]] = {
    "the name with underscores": (b"X_Forwarded_User: root\r\n", 401),
    "the name with a dot": (b"X.Forwarded.User: root\r\n", 401),
    "twice": (b"X-Forwarded-User: root\r\nX-Forwarded-User: bob\r\n", 401),
    "twice, with other letters": (b"X-Forwarded-User: bob\r\nx-FORWARDED-user: root\r\n", 401),
    "a space before the colon": (b"X-Forwarded-User : root\r\n", 400),
    "folded": (b"X: y\r\n\tX-Forwarded-User: root\r\n", 400),
    "NUL in the value": (b"X-Forwarded-User: root\0\r\n", 400),
    "a line break in the value": (b"X-Forwarded-User: bob\rX-Forwarded-User: root\r\n", 400),
    "named as hop-by-hop": (b"X-Forwarded-User: root\r\nConnection: close, X-Scope-OrgID\r\n", 401),
    "only groups": (b"X-Forwarded-Groups: root\r\n", 401),
    "a tenant that is a path": (b"X-Forwarded-User: root\r\nX-Scope-OrgID: a/../b\r\n", 401),
}


@pytest.mark.parametrize("case", SPOOFED)
def test_headers_of_a_proxy_in_other_spellings_are_nobody_s(site: Site, ports: list[Port], case: str) -> None:
    headers, status = SPOOFED[case]
    sent = b"GET /api/v1/status HTTP/1.1\r\nHost: a\r\n" + headers
    assert ports
    told = statuses(exchange(site.api, sent + b"\r\n" + LAST, site.context))
    assert told in ([status, 401], [status])
    # The proxy itself is believed, so the others fail for the right reason.
    honest = b"GET /api/v1/status HTTP/1.1\r\nHost: a\r\nX-Forwarded-User: root\r\n\r\n"
    assert statuses(exchange(site.api, honest + LAST, site.context)) == [200, 401]


@pytest.mark.parametrize("trailer", [b"Authorization: Bearer %s", b"X-Forwarded-User: root", b"Cookie: a=b"])
def test_credentials_in_a_trailer_are_none(site: Site, ports: list[Port], trailer: bytes) -> None:
    for port in ports:
        body = b"2\r\n{}\r\n0\r\n%s\r\n\r\n" % trailer.replace(b"%s", port.token.encode())
        last = 404 if port.name == "otlp" else 401
        sent = port.first(CHUNKED, token=False) + body + LAST
        assert statuses(exchange(port.address, sent, site.context)) == [401, last]


def test_a_port_of_grpc_answers_no_request_over_http_1(site: Site, ports: list[Port]) -> None:
    for address in (site.server.otlp_grpc, site.server.api_grpc):
        for port in ports:
            assert b"HTTP/1.1 200" not in exchange(address, port.hidden("misdirected"), site.context)


def test_nothing_that_was_hidden_is_on_record_or_stored(site: Site) -> None:
    """This one comes last, and ends the server."""
    assert site.server.stop() == 0
    log = site.server.log_text()
    assert "Traceback" not in log
    kept = read_kept(site.server)
    asked = [look.get("lognotary.access.request", "") for look in kept.looks]
    assert (kept.bodies.count("open"), sum('"open"' in text for text in asked)) == (1, 1)
    for name in ("hidden", "oversize", "misdirected"):
        assert [text for text in (*kept.bodies, *asked, log) if name in text] == []
