"""Requests with records that a page in a browser may have sent, which are told from those of programs."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from server.access.browsers import SenderRules
from server.access.errors import ForbiddenError
from server.access.senders import ANONYMOUS, PROXY, Sender

RULES = SenderRules("https://logs.example/lognotary", is_on_loopback=True)
LOCAL = {"host": "127.0.0.1:4318"}
REBOUND = {"host": "evil.example:4318", "origin": "http://evil.example:4318", "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    "host",
    [
        "localhost:4318",
        "LOCALHOST",
        "127.0.0.1:4318",
        "127.0.0.1",
        "[::1]:4318",
        "[::1]",
        "0.0.0.0:4318",
        "172.17.0.1:4318",
        "[fd00::1]:4318",
        "logs.example",
        "otel-collector:4318",
        "host.docker.internal:4318",
        "logs.example.com",
        "",
    ],
)
def test_programs_on_this_machine_are_not_concerned(host: str) -> None:
    RULES.check({"host": host, "content-type": "application/json"}, ANONYMOUS, "127.0.0.1")


@pytest.mark.parametrize(
    "headers",
    [
        REBOUND,
        LOCAL | {"origin": "https://evil.example"},
        LOCAL | {"origin": "null"},
        LOCAL | {"origin": "http://localhost.evil.example"},
        LOCAL | {"origin": "http://evil.example", "sec-fetch-site": "none"},
        LOCAL | {"sec-fetch-site": "cross-site"},
        LOCAL | {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example:4318"},
    ],
)
def test_a_page_of_another_site_is_refused_without_credentials(headers: dict[str, str]) -> None:
    with pytest.raises(ForbiddenError, match="was sent by a page of another site"):
        RULES.check(headers, ANONYMOUS, "127.0.0.1")


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]", "https://logs.example"]
)
def test_a_page_of_this_machine_may_send_through_a_proxy_that_serves_it(origin: str) -> None:
    RULES.check(LOCAL | {"origin": origin, "sec-fetch-site": "same-origin"}, ANONYMOUS, "127.0.0.1")


@pytest.mark.parametrize("sender", [Sender("token:checkout", "shop"), Sender("certificate:checkout"), PROXY])
@pytest.mark.parametrize("headers", [REBOUND, {"host": "logs.other.example"}])
def test_senders_with_credentials_are_not_concerned(sender: Sender, headers: dict[str, str]) -> None:
    RULES.check(headers, sender, "127.0.0.1")


def test_ports_beyond_this_machine_and_trusted_proxies_have_rules_of_their_own() -> None:
    replace(RULES, is_on_loopback=False).check(REBOUND, ANONYMOUS, "127.0.0.1")
    proxied = replace(RULES, proxies=(ip_network("127.0.0.1/32"),))
    proxied.check(REBOUND, ANONYMOUS, "127.0.0.1")
    with pytest.raises(ForbiddenError):
        proxied.check(REBOUND, ANONYMOUS, "127.0.0.2")
