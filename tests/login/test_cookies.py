"""Cookies of logins: their attributes, planted ones, pages of other sites, logout."""

from __future__ import annotations

import httpx
import pytest

from server.access.browsers import is_own_page
from server.access.presenting import cookie_in
from server.login.cookies import origin_of
from tests.login.browsing import URL, Answers, log_in
from tests.login.issuing import ISSUER


async def test_cookies_are_out_of_reach_of_scripts_other_hosts_and_plain_http(
    browser: httpx.AsyncClient, answers: Answers
) -> None:
    begun = await browser.get("/login")
    ended = await log_in(browser, answers)
    cookies = begun.headers.get_list("set-cookie") + ended.headers.get_list("set-cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-lognotary", "__Host-lognotary-login"}
    for cookie in cookies:
        parts = cookie.split("; ")[1:]
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax"} <= set(parts)
        assert "Domain" not in cookie


async def test_a_session_that_was_planted_before_the_login_is_not_the_one_of_the_login(
    browser: httpx.AsyncClient, answers: Answers
) -> None:
    await log_in(browser, answers)
    first = browser.cookies["__Host-lognotary"]
    await log_in(browser, answers)
    second = browser.cookies["__Host-lognotary"]
    assert first != second
    browser.cookies.clear()
    planted = await browser.get("/login/whoami", headers={"Cookie": f"__Host-lognotary={first}"})
    assert planted.status_code == 401
    twice = {"Cookie": f"__Host-lognotary={second}; __Host-lognotary={second}"}
    assert (await browser.get("/login/whoami", headers=twice)).status_code == 401


async def test_logout_ends_the_session_here_and_leads_to_the_end_of_it_at_the_provider(
    browser: httpx.AsyncClient, answers: Answers
) -> None:
    await log_in(browser, answers)
    session = browser.cookies["__Host-lognotary"]
    answer = await browser.post("/logout", headers={"Origin": URL})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{ISSUER}/logout?")
    assert "__Host-lognotary" not in browser.cookies
    again = await browser.get("/login/whoami", headers={"Cookie": f"__Host-lognotary={session}"})
    assert again.status_code == 401
    assert (await browser.get("/logout")).status_code == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": URL}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": URL, "Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 403),
        ({"Origin": "https://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"{URL}.attacker.example"}, 403),
        ({"Origin": "http://logs.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": URL, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://attacker.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "https://attacker.example", "Authorization": "Bearer x"}, 403),
    ],
)
async def test_a_page_of_another_site_changes_nothing_with_a_session(
    browser: httpx.AsyncClient, answers: Answers, headers: dict[str, str], status: int
) -> None:
    await log_in(browser, answers)
    assert (await browser.post("/change", headers=headers)).status_code == status


async def test_programs_without_a_session_need_no_origin(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/change")).status_code == 200


@pytest.mark.parametrize(
    ("header", "value"),
    [("a=1; b=2", "2"), ("b=2; b=3", ""), ("ab=1", ""), ("", ""), ("b", ""), ('b="2"', "2"), (";;b=2;", "2")],
)
def test_a_cookie_that_is_there_twice_is_not_believed(header: str, value: str) -> None:
    assert cookie_in([header], "b") == value


def test_the_origin_of_a_url_has_its_port_only_if_it_is_not_the_usual_one() -> None:
    assert origin_of("https://logs.example:443/x") == "https://logs.example"
    assert origin_of("http://[::1]:7318") == "http://[::1]:7318"
    assert is_own_page({"origin": "http://[::1]:7318"}, origin_of("http://[::1]:7318"))
