"""The paths of login over HTTP, with a provider whose answers the test makes; the real one is in tests/system."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.access.browsers import is_own_page
from server.access.presenting import DIRECT, cookie_in
from server.access_log.event import AccessEvent
from server.cli import main
from server.commands.changed_by import changed_by
from server.login.build import Login, open_login
from server.login.cookies import origin_of
from server.login.fetching import Fetcher
from server.login.pending import Pending, Seal, safe_path
from server.settings.login import LoginSettings
from server.settings.settings import load_settings
from tests.login.issuing import ISSUER, claims, documents, token

URL = "https://logs.example"
TOML = f"""
oidc_issuer = "{ISSUER}"
oidc_client_id = "lognotary"
public_url = "{URL}"

[[roles]]
group = "log-auditors"
role = "auditor"
"""
Redeem = Callable[[Mapping[str, str]], dict[str, Any]]


class Answers:
    """Answers of the provider.

    Attributes:
        redeem: function from the form of a code to the answer.
        groups: documents with groups, by URL.
        forms: forms that were sent.
    """

    def __init__(self) -> None:
        self.redeem: Redeem = lambda _: {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.forms: list[Mapping[str, str]] = []

    def get(self, _: Fetcher, url: str, bearer: str = "") -> dict[str, Any]:
        return self.groups[url] if bearer else documents()[url]

    def post(self, _: Fetcher, url: str, form: Mapping[str, str], basic: object = None) -> dict[str, Any]:
        assert (url, basic) == (f"{ISSUER}/token", None)
        self.forms.append(form)
        return self.redeem(form)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    made = Answers()
    monkeypatch.setattr(Fetcher, "get", lambda fetcher, *given: made.get(fetcher, *given))
    monkeypatch.setattr(Fetcher, "post", lambda fetcher, *given: made.post(fetcher, *given))
    return made


def settings(directory: Path, more: str = "") -> LoginSettings:
    file = directory / "lognotary.toml"
    file.write_text(more + TOML)
    return load_settings({"config": str(file), "data_dir": str(directory)}, {}).login


def application(login: Login) -> Any:
    async def change(_: Request) -> Response:
        return JSONResponse({})

    return login.guard(Starlette(routes=[*login.routes, Route("/change", change, methods=["POST"])]))


@pytest_asyncio.fixture
async def browser(tmp_path: Path, answers: Answers) -> AsyncIterator[httpx.AsyncClient]:
    del answers
    with open_login(settings(tmp_path), tmp_path) as login:
        async with client(login) as opened:
            yield opened


def client(login: Login) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application(login)), base_url=URL)


async def begin(browser: httpx.AsyncClient, path: str = "/") -> dict[str, str]:
    answer = await browser.get("/login", params={"next": path})
    assert answer.status_code == 303
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def log_in(browser: httpx.AsyncClient, answers: Answers, path: str = "/", **changed: object) -> httpx.Response:
    asked = await begin(browser, path)
    answers.redeem = lambda _: {"id_token": token(claims(nonce=asked["nonce"], **changed)), "access_token": "access"}
    return await browser.get("/login/callback", params={"code": "the-code", "state": asked["state"]})


async def test_a_login_ends_with_a_session_and_the_page_that_was_asked_for(
    browser: httpx.AsyncClient, answers: Answers
) -> None:
    answer = await log_in(browser, answers, "/trace/1?x=2")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{URL}/trace/1?x=2")
    assert answer.headers["cache-control"] == "no-store"
    who = await browser.get("/login/whoami")
    assert who.json() == {"name": "ada@example.com", "kind": "oidc", "roles": [{"role": "auditor"}]}


async def test_logins_failed_logins_and_logouts_are_on_record(tmp_path: Path, answers: Answers) -> None:
    events: list[AccessEvent] = []
    with open_login(settings(tmp_path), tmp_path, note=events.append) as login:
        async with client(login) as browser:
            await log_in(browser, answers)
            await browser.post("/logout", headers={"Origin": URL})
            await browser.get("/login/callback", params={"code": "c", "state": "s"})
            asked = await begin(browser)
            await browser.get("/login/callback", params={"error": "access_denied", "state": asked["state"]})
            asked = await begin(browser)
            answers.redeem = lambda _: {"id_token": token(claims(nonce="another"))}
            await browser.get("/login/callback", params={"code": "the-code", "state": asked["state"]})
            await browser.get("/login/whoami", headers={"Authorization": "Bearer nonsense.of.somebody"})
            await log_in(browser, answers)
            await browser.get("/login/whoami")
            await browser.post("/change", headers={"Origin": "https://attacker.example"})
    assert [(event.action, event.outcome.value, event.actor.name) for event in events] == [
        ("login", "success", "ada@example.com"),
        ("logout", "success", "ada@example.com"),
        ("login", "failed", ""),
        ("login", "failed", ""),
        ("login", "failed", ""),
        ("whoami", "denied", ""),
        ("login", "success", "ada@example.com"),
        ("whoami", "success", "ada@example.com"),
        ("call", "denied", ""),
    ]
    assert {(event.actor.address, event.category) for event in events} == {("127.0.0.1", "auth")}
    assert not any("the-code" in repr(event) for event in events)


async def test_a_session_that_is_revoked_from_the_command_line_ends_on_record(tmp_path: Path, answers: Answers) -> None:
    events: list[AccessEvent] = []

    with open_login(settings(tmp_path), tmp_path, note=events.append) as login:
        following = asyncio.create_task(login.follow())
        async with client(login) as browser:
            await log_in(browser, answers)
            assert (await browser.get("/login/whoami")).status_code == 200
            run = partial(main, ["sessions", "revoke", "ada@example.com", "--data-dir", str(tmp_path)])
            assert await asyncio.to_thread(run) == 0
            while (await browser.get("/login/whoami")).status_code == 200:  # noqa: ASYNC110 - the file is looked at
                await asyncio.sleep(0.05)
            await log_in(browser, answers)  # the person may log in again
            assert (await browser.get("/login/whoami")).status_code == 200
        following.cancel()
    (event,) = (event for event in events if event.action == "session.revoke")
    assert (event.target, event.actor.name, event.asked) == ("ada@example.com", "lognotary", '{"sessions": 1}')
    assert event.changed_by == changed_by()


async def test_sessions_that_are_revoked_while_no_server_runs_do_not_come_back(
    tmp_path: Path, answers: Answers
) -> None:
    with open_login(settings(tmp_path), tmp_path) as login:
        async with client(login) as browser:
            await log_in(browser, answers)
            cookies = browser.cookies
    assert await asyncio.to_thread(main, ["sessions", "revoke", "--all", "--data-dir", str(tmp_path)]) == 0
    with open_login(settings(tmp_path), tmp_path) as login:
        async with client(login) as browser:
            browser.cookies = cookies
            assert (await browser.get("/login/whoami")).status_code == 401


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


async def test_the_code_is_redeemed_with_the_verifier_of_the_challenge(
    browser: httpx.AsyncClient, answers: Answers
) -> None:
    asked = await begin(browser)
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == f"{URL}/login/callback"
    await browser.get("/login/callback", params={"code": "the-code", "state": asked["state"]})
    (form,) = answers.forms
    digest = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
    assert digest == asked["code_challenge"]
    assert (form["code"], form["redirect_uri"]) == ("the-code", f"{URL}/login/callback")


async def test_an_answer_without_the_state_of_this_browser_begins_no_session(
    browser: httpx.AsyncClient, answers: Answers
) -> None:
    asked = await begin(browser)
    for state in ("", "another", asked["state"][:-1]):
        assert (await browser.get("/login/callback", params={"code": "c", "state": state})).status_code == 400
    asked = await begin(browser)
    browser.cookies.clear()
    answer = await browser.get("/login/callback", params={"code": "c", "state": asked["state"]})
    assert answer.status_code == 400
    assert answers.forms == []


async def test_one_address_cannot_have_the_provider_asked_without_end(
    browser: httpx.AsyncClient, answers: Answers
) -> None:
    statuses = []
    for _ in range(61):
        asked = await begin(browser)
        answer = await browser.get("/login/callback", params={"code": "bogus", "state": asked["state"]})
        statuses.append(answer.status_code)
    assert statuses == [403] * 60 + [429]
    assert len(answers.forms) == 60


async def test_an_answer_of_another_provider_is_refused_without_sending_the_code(
    browser: httpx.AsyncClient, answers: Answers
) -> None:
    asked = await begin(browser)
    query = {"code": "c", "state": asked["state"], "iss": "https://attacker.example"}
    assert (await browser.get("/login/callback", params=query)).status_code == 403
    assert answers.forms == []


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce_": "another"},
        {"aud": "another-client"},
        {"azp": "another-client"},
        {"aud": ["lognotary", "another-client"]},
        {"iss": "https://other.example"},
        {"exp": 1},
    ],
)
async def test_an_id_token_that_is_not_of_this_login_begins_no_session(
    browser: httpx.AsyncClient, answers: Answers, changed: dict[str, object]
) -> None:
    asked = await begin(browser)
    nonce = changed.get("nonce_", asked["nonce"])
    others = {name: value for name, value in changed.items() if name != "nonce_"}
    answers.redeem = lambda _: {"id_token": token(claims(nonce=nonce, **others))}
    answer = await browser.get("/login/callback", params={"code": "c", "state": asked["state"]})
    assert answer.status_code == 403
    assert "__Host-lognotary" not in browser.cookies


@pytest.mark.parametrize("answer", [{}, {"error": "invalid_grant"}, {"error": "\x1b[2J"}, {"id_token": 7}])
async def test_a_code_that_the_provider_does_not_accept_begins_no_session(
    browser: httpx.AsyncClient, answers: Answers, answer: dict[str, Any]
) -> None:
    asked = await begin(browser)
    answers.redeem = lambda _: answer
    given = await browser.get("/login/callback", params={"code": "c", "state": asked["state"]})
    assert given.status_code == 403
    assert "\x1b" not in given.text


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
    ("given", "path"),
    [
        ("/", "/"),
        ("/trace/1?a=b&c=%2F#x", "/trace/1?a=b&c=%2F#x"),
        ("//attacker.example", "/"),
        ("///attacker.example", "/"),
        ("/\\attacker.example", "/"),
        ("\\\\attacker.example", "/"),
        ("/\t/attacker.example", "/"),
        ("/\n/attacker.example", "/"),
        ("https://attacker.example", "/"),
        ("javascript:alert(1)", "/"),
        (" /x", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("attacker.example", "/"),
        ("", "/"),
        ("/" + "x" * 5000, "/"),
        ("/é", "/"),
    ],
)
def test_a_login_leads_to_a_path_of_this_server_only(given: str, path: str) -> None:
    assert safe_path(given) == path


def test_a_pending_login_is_readable_for_this_process_only() -> None:
    seal, pending = Seal(), Pending("/x")
    closed = seal.close(pending)
    assert pending.verifier not in closed
    assert seal.open(closed) == pending
    assert Seal().open(closed) is None
    assert seal.open("") is None
    assert seal.open("ä") is None
    assert repr(pending.verifier) != repr(Pending("/x").verifier)


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


async def test_the_command_line_learns_the_issuer_and_the_client(browser: httpx.AsyncClient) -> None:
    config = (await browser.get("/login/config")).json()
    assert config == {"issuer": ISSUER, "client_id": "lognotary", "scopes": ["openid", "email", "profile"]}


async def test_groups_that_a_token_leaves_out_are_fetched_page_by_page(tmp_path: Path, answers: Answers) -> None:
    graph = "https://graph.example/me/groups"
    answers.groups = {
        graph: {"value": [{"id": "g1"}, {"name": "x"}], "@odata.nextLink": f"{graph}?page=2"},
        f"{graph}?page=2": {"value": [{"id": "log-auditors"}]},
    }
    with open_login(settings(tmp_path, f'oidc_groups_url = "{graph}"\n'), tmp_path) as login:
        async with client(login) as browser:
            await log_in(browser, answers, groups=None, _claim_names={"groups": "src1"})
            who = (await browser.get("/login/whoami")).json()
            assert who["roles"] == [{"role": "auditor"}]
            answers.groups[graph]["@odata.nextLink"] = "https://attacker.example/?page=2"
            await log_in(browser, answers, groups=None, _claim_names={"groups": "src1"})
            refused = await browser.get("/login/whoami")
            assert refused.status_code == 401
            assert "app roles" in refused.json()["message"]


async def test_without_a_provider_only_the_question_who_calls_is_answered(tmp_path: Path) -> None:
    none = load_settings({"data_dir": str(tmp_path)}, {}).login
    with open_login(none, tmp_path) as login:
        assert login.presenting == DIRECT
        async with client(login) as browser:
            assert (await browser.get("/login")).status_code == 404
            assert (await browser.get("/login/whoami")).status_code == 401


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
