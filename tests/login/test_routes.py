"""The paths of login over HTTP, with a provider whose answers the test makes; the real one is in tests/system."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.access.presenting import DIRECT
from server.access_log.access_log import AccessLog
from server.access_log.event import AccessEvent, Outcome
from server.cli import main
from server.commands.changed_by import changed_by
from server.login.build import open_login
from server.login.code_flow import CodeFlow
from server.login.errors import ProviderError
from server.own_records.sender import NotRecordedError
from server.process.background import background
from server.settings.settings import load_settings
from tests.login.browsing import URL, Answers, begin, client, log_in, settings
from tests.login.issuing import ISSUER, claims, token


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

    async def keep(event: AccessEvent) -> None:
        events.append(event)

    with open_login(settings(tmp_path), tmp_path, keep=keep) as login:
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
            browser.cookies.clear()
            await browser.post("/logout", headers={"Origin": "https://attacker.example"})
            await browser.get("/login/config")
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
        ("logout", "denied", ""),
    ]
    assert {(event.actor.address, event.category) for event in events} == {("127.0.0.1", "auth")}
    assert not any("the-code" in repr(event) for event in events)


async def test_each_refusal_is_counted_with_its_reason(tmp_path: Path, answers: Answers) -> None:
    counted: list[str] = []
    with open_login(settings(tmp_path), tmp_path, on_denied=counted.append) as login:
        async with client(login) as browser:
            await browser.get("/login/whoami")
            await browser.get("/login/whoami", headers={"Authorization": "Bearer nonsense.of.somebody"})
            await browser.post("/logout", headers={"Origin": "https://attacker.example"})
            assert counted == ["missing", "unknown", "forbidden"]
            await log_in(browser, answers)
            await browser.get("/login/whoami")
            await browser.post("/change", headers={"Origin": "https://attacker.example"})
    assert counted == ["missing", "unknown", "forbidden", "forbidden"]


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
    (event,) = events
    assert (event.target, event.actor.name, event.asked) == ("ada@example.com", "lognotary", '{"sessions": 1}')
    assert event.changed_by == changed_by()


async def test_sessions_have_ended_on_record_even_if_the_record_is_late(tmp_path: Path, answers: Answers) -> None:
    is_away, events = False, list[dict[str, str]]()

    def send(_: str, records: Sequence[LogRecord]) -> None:
        if is_away:
            raise NotRecordedError("the access log is away")
        events.extend({pair.key: pair.value.string_value for pair in record.attributes} for record in records)

    revoke = partial(main, ["sessions", "revoke", "ada@example.com", "--data-dir", str(tmp_path)])
    with (
        AccessLog(send, required=True).running() as log,
        open_login(settings(tmp_path), tmp_path, keep=log.keep, note=log.note) as login,
        background("revoked sessions", login.follow(), asyncio.Event()),
    ):
        async with client(login) as browser:
            await log_in(browser, answers)
            is_away = True
            assert (await browser.post("/logout", headers={"Origin": URL})).status_code == 503
            is_away = False
            await log_in(browser, answers)
            is_away = True
            assert await asyncio.to_thread(revoke) == 0
            while log.waiting < 1:  # noqa: ASYNC110 - another task adds to it
                await asyncio.sleep(0.05)
            with pytest.raises(NotRecordedError):
                await log.keep(AccessEvent("search", Outcome.SUCCESS))
            is_away = False
            assert await asyncio.to_thread(log.flush, 60)
    assert [(each["audit.action"], each["audit.outcome"]) for each in events if each["audit.action"] != "search"] == [
        ("login", "success"),
        ("logout", "success"),
        ("login", "success"),
        ("session.revoke", "success"),
    ]


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


async def test_nobody_logs_in_or_learns_anything_without_a_record_if_records_are_required(
    tmp_path: Path, answers: Answers
) -> None:
    is_away, events = False, list[AccessEvent]()

    async def keep(event: AccessEvent) -> None:
        if is_away:
            raise NotRecordedError("the access log is away")
        events.append(event)

    with open_login(settings(tmp_path), tmp_path, keep=keep) as login:
        async with client(login) as browser:
            is_away = True
            refused = await log_in(browser, answers)
            assert (refused.status_code, refused.json()["message"]) == (503, "the access log is away")
            assert "__Host-lognotary" not in browser.cookies
            assert (await browser.get("/login/whoami")).status_code == 503
            is_away = False
            await log_in(browser, answers)
            is_away = True
            assert (await browser.get("/login/whoami")).status_code == 503
            assert (await browser.post("/change", headers={"Origin": "https://attacker.example"})).status_code == 503
            assert (await browser.post("/logout", headers={"Origin": URL})).status_code == 503
            is_away = False
            assert (await browser.get("/login/whoami")).status_code == 401  # whoever wants to leave has left
    assert [(event.action, event.outcome.value) for event in events] == [("login", "success"), ("whoami", "denied")]


async def test_a_login_that_cannot_begin_is_on_record(
    tmp_path: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[AccessEvent] = []

    async def keep(event: AccessEvent) -> None:
        events.append(event)

    async def begin(*_: object) -> str:
        raise ProviderError("the provider cannot be reached")

    del answers
    monkeypatch.setattr(CodeFlow, "begin", begin)
    with open_login(settings(tmp_path), tmp_path, keep=keep) as login:
        async with client(login) as browser:
            assert (await browser.get("/login")).status_code == 502
    assert [(event.action, event.outcome.value, event.reason) for event in events] == [
        ("login", "failed", "the provider cannot be reached")
    ]


@pytest.mark.parametrize(("tenants", "tenant"), [('["acme"]', "acme"), ('["acme", "shop"]', ""), (None, "")])
async def test_logins_of_people_of_one_tenant_are_in_its_access_log(
    tmp_path: Path, answers: Answers, tenants: str | None, tenant: str
) -> None:
    events: list[AccessEvent] = []

    async def keep(event: AccessEvent) -> None:
        events.append(event)

    limited = settings(tmp_path, after=f"tenants = {tenants}\n" if tenants else "")
    with open_login(limited, tmp_path, keep=keep) as login:
        async with client(login) as browser:
            await log_in(browser, answers)
            await browser.post("/logout", headers={"Origin": URL})
            await browser.get("/login/callback", params={"code": "c", "state": "s"})
    assert [(event.action, event.actor.tenant, event.actor.roles) for event in events] == [
        ("login", tenant, ("auditor",)),
        ("logout", tenant, ("auditor",)),
        ("login", "", ()),  # nobody knows of which tenant somebody is who could not log in
    ]


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


REBOUND = {"Host": "evil.example:7318", "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:7318", "Sec-Fetch-Site": "same-origin"}, 200),
        (REBOUND, 403),  # a page of another site, under its own name that it has lead to this machine
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
    ],
)
async def test_a_page_of_another_site_does_not_learn_who_calls_without_credentials(
    headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    counted: list[str] = []
    none = load_settings({"data_dir": str(tmp_path)}, {}).login
    opened = open_login(none, tmp_path, on_denied=counted.append, required=lambda: False, host="127.0.0.1")
    with opened as login:
        async with client(login) as browser:
            answer = await browser.get("/login/whoami", headers={"Host": "127.0.0.1:7318"} | headers)
    assert answer.status_code == status
    assert counted == ([] if status == 200 else ["forbidden"])
    assert ("name" in answer.json()) is (status == 200)


async def test_without_a_provider_only_the_question_who_calls_is_answered(tmp_path: Path) -> None:
    none = load_settings({"data_dir": str(tmp_path)}, {}).login
    with open_login(none, tmp_path) as login:
        assert login.presenting == DIRECT
        async with client(login) as browser:
            assert (await browser.get("/login")).status_code == 404
            assert (await browser.get("/login/whoami")).status_code == 401
