"""Logging out: a form is sent on to the provider, a script of the page is told where to go."""

from __future__ import annotations

import httpx
import pytest

from tests.login.browsing import URL, Answers, log_in
from tests.login.issuing import ISSUER


@pytest.mark.parametrize("accept", ["*/*", "text/html", ""])
async def test_a_browser_that_logs_out_with_a_form_is_sent_to_the_provider(
    browser: httpx.AsyncClient, answers: Answers, accept: str
) -> None:
    await log_in(browser, answers)
    answer = await browser.post("/logout", headers={"Origin": URL, "Accept": accept})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{ISSUER}/logout?")


async def test_a_script_that_logs_out_is_told_where_the_provider_is(
    browser: httpx.AsyncClient, answers: Answers
) -> None:
    await log_in(browser, answers)
    answer = await browser.post("/logout", headers={"Origin": URL, "Accept": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["location"].startswith(f"{ISSUER}/logout?")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await browser.get("/login/whoami")).status_code == 401


async def test_a_login_leads_back_to_the_page_with_its_query(browser: httpx.AsyncClient, answers: Answers) -> None:
    page = "/actor/%2Fx%0Ay?from=2026-11-30T00%3A00%3A00Z&q=a%3Ab+OR+%22c%22"
    answer = await log_in(browser, answers, page)
    assert answer.headers["location"] == f"{URL}{page}"
