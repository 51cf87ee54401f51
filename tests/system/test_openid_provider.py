"""Logins of people and programs with a real OpenID provider."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from harness.bound_process import BoundProcess
from harness.free_port import free_port
from harness.keycloak import CLIENT_SECRET, PASSWORD, Keycloak, keycloak, submit_form
from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.waiting import PATIENCE, wait_for

ROLES = """
[[roles]]
group = "log-auditors"
role = "auditor"

[[roles]]
email = "root@example.com"
role = "admin"

[[roles]]
claim = "azp"
value = "lognotary"
role = "viewer"
services = ["shop"]
"""
AUDITOR, VIEWER = {"role": "auditor"}, {"role": "viewer", "services": ["shop"]}
COOKIE = "lognotary"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    with keycloak(tmp_path_factory.mktemp("keycloak")) as running:
        yield running


@pytest.fixture(scope="module")
def server(provider: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LognotaryServer]:
    directory = tmp_path_factory.mktemp("server")
    secret, settings = directory / "secret", directory / "lognotary.toml"
    secret.write_text(f"{CLIENT_SECRET}\n")
    secret.chmod(0o600)
    settings.write_text(
        f'oidc_issuer = "{provider.issuer}"\n'
        'oidc_client_id = "lognotary"\n'
        f'oidc_client_secret_file = "{secret}"\n'
        'oidc_cli_client_id = "lognotary-cli"\n'
        f"{ROLES}"
    )
    http = f"127.0.0.1:{free_port()}"  # the provider sends people back to it
    storage, data = f"chdb://{directory / 'chdb'}", directory / "data"
    with LognotaryServer(storage, data, http=http, config=str(settings)) as running:
        yield running


@pytest.fixture
def browsers(server: LognotaryServer) -> Iterator[Callable[[], httpx.Client]]:
    """Yield a function that opens a browser, in which secure cookies work on this machine without TLS."""
    with ExitStack() as stack:

        def opened() -> httpx.Client:
            browser = stack.enter_context(httpx.Client(base_url=server.http, timeout=PATIENCE))

            def relax(_: httpx.Response) -> None:
                for cookie in browser.cookies.jar:
                    cookie.secure = False

            browser.event_hooks["response"] = [relax]
            return browser

        yield opened


@pytest.fixture
def browser(browsers: Callable[[], httpx.Client]) -> httpx.Client:
    return browsers()


def log_in(browser: httpx.Client, name: str, path: str = "/") -> httpx.Response:
    """Log in on the pages of the provider; return the first answer of the server after that."""
    page = browser.get("/login", params={"next": path})
    assert page.status_code == 303
    page = browser.get(page.headers["location"])
    answer = submit_form(browser, page, username=name, password=PASSWORD)
    assert answer.status_code == 302, answer.text
    return browser.get(answer.headers["location"])


def roles(answer: httpx.Response) -> object:
    assert answer.status_code == 200, answer.text
    return answer.json()["roles"]


def test_a_person_logs_in_on_the_pages_of_the_provider_and_out_again(
    server: LognotaryServer, browser: httpx.Client
) -> None:
    answer = log_in(browser, "ada", "/trace/0123?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{server.http}/trace/0123?x=1")
    who = browser.get("/login/whoami")
    assert who.json() == {"name": "ada@example.com", "kind": "oidc", "roles": [AUDITOR, VIEWER]}
    session = browser.cookies[COOKIE]
    assert browser.post("/logout", headers={"Origin": "https://attacker.example"}).status_code == 403
    out = browser.post("/logout", headers={"Origin": server.http})
    assert out.status_code == 303
    assert browser.get(out.headers["location"]).status_code == 200  # the provider knows the page to return to
    assert httpx.get(f"{server.http}/login/whoami", cookies={COOKIE: session}).status_code == 401


def test_an_address_that_the_provider_has_not_verified_grants_nothing(browser: httpx.Client) -> None:
    log_in(browser, "eve")
    assert roles(browser.get("/login/whoami")) == [VIEWER]


def test_a_code_counts_once_and_in_the_browser_that_asked_for_it(browsers: Callable[[], httpx.Client]) -> None:
    mine, theirs = browsers(), browsers()
    page = mine.get(mine.get("/login").headers["location"])
    callback = submit_form(mine, page, username="ada", password=PASSWORD).headers["location"]
    theirs.get("/login")
    assert theirs.get(callback).status_code == 400
    cookies = dict(mine.cookies)
    assert mine.get(callback).status_code == 303
    again = httpx.get(callback, cookies={f"{COOKIE}-login": cookies[f"{COOKIE}-login"]})
    assert again.status_code == 403


def test_a_person_who_refuses_at_the_provider_is_told_so(browser: httpx.Client) -> None:
    state = parse_qs(urlsplit(browser.get("/login").headers["location"]).query)["state"][0]
    answer = browser.get("/login/callback", params={"error": "access_denied", "state": state})
    assert (answer.status_code, COOKIE in browser.cookies) == (403, False)


def test_a_program_presents_a_token_of_the_provider(server: LognotaryServer, provider: Keycloak) -> None:
    basic = {"client_id": "lognotary", "client_secret": CLIENT_SECRET}
    given = provider.token(grant_type="client_credentials", scope="openid", **basic)
    whoami = f"{server.http}/login/whoami"
    # Keycloak's access tokens have the audience of this server only if a mapper adds it; its ID tokens always do.
    refused = httpx.get(whoami, headers={"Authorization": f"Bearer {given['access_token']}"})
    assert refused.status_code == 401
    answer = httpx.get(whoami, headers={"Authorization": f"Bearer {given['id_token']}"})
    assert roles(answer) == [VIEWER]
    changed = given["id_token"][:-8] + "AAAAAAAA"
    assert httpx.get(whoami, headers={"Authorization": f"Bearer {changed}"}).status_code == 401


def test_the_secret_of_the_client_is_in_no_log_and_no_answer(server: LognotaryServer, browser: httpx.Client) -> None:
    log_in(browser, "ada")
    assert "ada@example.com logged in" in server.log_text()
    for text in (server.log_text(), httpx.get(f"{server.http}/metrics").text):
        assert CLIENT_SECRET not in text
        assert PASSWORD not in text


def test_the_command_line_logs_in_with_a_code_and_stays_logged_in(
    server: LognotaryServer, browser: httpx.Client, tmp_path: Path
) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    log = tmp_path / "login.log"
    command = [sys.executable, "-m", "server", "login", "--url", server.http]
    login = BoundProcess(command, log=log, env=env)
    login.start()
    wait_for(lambda: "confirm the code" in login.log_text() or not login.running)
    page = browser.get(login.log_text().split()[1], follow_redirects=True)
    page = submit_form(browser, page, username="ada", password=PASSWORD)
    page = browser.get(page.headers["location"], follow_redirects=True)
    submit_form(browser, page, accept="Yes")
    wait_for(lambda: not login.running)
    assert login.returncode == 0
    assert "logged in as ada@example.com: auditor" in login.log_text()
    file = tmp_path / "lognotary" / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    logins = json.loads(file.read_text())
    logins[server.http]["id_token"] = "expired"  # noqa: S105 - so it has to be renewed
    file.write_text(json.dumps(logins))
    shown = run_lognotary("whoami", "--url", server.http, "--json", env=env)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["roles"] == [AUDITOR]
    assert run_lognotary("logout", "--url", server.http, env=env).returncode == 0
    assert run_lognotary("whoami", "--url", server.http, env=env).returncode == 1
    assert json.loads(file.read_text()) == {}
