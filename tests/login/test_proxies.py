"""People whom a trusted proxy logs in."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from server.login.build import open_login
from tests.login.browsing import URL, Answers, application, settings
from tests.login.issuing import token


@pytest.mark.parametrize(
    ("address", "headers", "who"),
    [
        ("10.0.0.7", [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "log-auditors")], ("ada", "auditor")),
        ("10.0.0.7", [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "other")], ("ada", None)),
        ("192.0.2.1", [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "log-auditors")], None),
        (
            "10.0.0.7",
            [("X-Forwarded-User", "eve"), ("X-Forwarded-Groups", "log-auditors"), ("X-Forwarded-Groups", "other")],
            None,
        ),
        ("10.0.0.7", [("X_Forwarded_User", "ada")], None),
        ("10.0.0.7", [], None),
    ],
)
async def test_a_trusted_proxy_logs_people_in_and_nobody_else_does(
    tmp_path: Path, answers: Answers, address: str, headers: list[tuple[str, str]], who: tuple[str, str | None] | None
) -> None:
    del answers
    with open_login(settings(tmp_path, 'trusted_proxies = "10.0.0.0/24"\n'), tmp_path) as login:
        transport = httpx.ASGITransport(application(login), client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as browser:
            answer = await browser.get("/login/whoami", headers=headers)
    if who is None:
        assert answer.status_code == 401
    else:
        told = answer.json()
        assert (told["name"], told["kind"]) == (who[0], "proxy")
        assert [role["role"] for role in told["roles"]] == ([who[1]] if who[1] else [])


async def test_a_valid_token_does_not_make_headers_of_a_foreign_address_acceptable(
    tmp_path: Path, answers: Answers
) -> None:
    del answers
    with open_login(settings(tmp_path, 'trusted_proxies = "10.0.0.0/24"\n'), tmp_path) as login:
        transport = httpx.ASGITransport(application(login), client=("192.0.2.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as program:
            bearer = {"Authorization": f"Bearer {token()}"}
            assert (await program.get("/login/whoami", headers=bearer)).status_code == 200
            spoofed = {**bearer, "X-Forwarded-User": "root"}
            assert (await program.get("/login/whoami", headers=spoofed)).status_code == 401
