"""A browser that logs in, and a provider whose answers the test makes; the real one is in tests/system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.login.build import Login
from server.login.fetching import Fetcher
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


def settings(directory: Path, more: str = "", after: str = "") -> LoginSettings:
    file = directory / "lognotary.toml"
    file.write_text(more + TOML + after)
    return load_settings({"config": str(file), "data_dir": str(directory)}, {}).login


def application(login: Login) -> Any:
    async def change(_: Request) -> Response:
        return JSONResponse({})

    return login.guard(Starlette(routes=[*login.routes, Route("/change", change, methods=["POST"])]))


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
