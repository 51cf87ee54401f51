"""The explorer over HTTP: one page at many paths, assets that are cached, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.explorer.pages import SECURITY_HEADERS, Explorer
from tests.explorer.built import SCRIPT, built_explorer, client


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client(built_explorer(tmp_path)) as opened:
        yield opened


PAGES = [
    "/",
    "/?q=actor%3Aalice",
    "/traces",
    "/actor/alice",
    "/actor/urn%3Aa%2Fb",
    "/actor//x//y/",
    "/actor/a%0Ab",
    "/actor/%0A",
    "/actor/%2e%2e%2fetc",
    "/actor/%ff%fe",
    "/target/order%2F7%0d%0aSet-Cookie:%20a=b",
    "/r/0123456789abcdef/18446744073709551615",
    "/logs",
    "/logs/0123456789abcdef",
    "/verify",
    "/trust",
]


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_the_same_document(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.text) == (200, "<!doctype html><title>Lognotary</title>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/r/x",
        "/r",
        "/traces/",
        "/logs/x/y",
        "/verify%0A",
        "/logs%0A",
        "/trust/x",
        "/%2F",
        "/assets/",
        "/assets/other.js",
        f"/assets/{SCRIPT}%0A",
        f"/assets/x/{SCRIPT}",
        "/assets/..%2Findex.html",
        "/assets/%2e%2e%2f%2e%2e%2fpages.py",
        "/assets/index.html",
        "/licences.txt%0A",
        "/not-built.txt",
    ],
)
async def test_other_paths_are_not_found(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nope", "/logs/lognotary/audit/vm-1", "/r/x", "/traces/", "/verify%0A", "/%2F"])
async def test_browsers_get_the_page_for_unknown_addresses_too(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path, headers=BROWSER)
    assert (answer.status_code, answer.text) == (404, "<!doctype html><title>Lognotary</title>")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept"
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize("path", ["/api/v1/nope", "/assets/other.js", "/assets/x/y", "/tlog/x", "/v1/logs"])
async def test_addresses_of_programs_have_no_page(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path, headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")


async def test_an_unknown_address_takes_no_other_method(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/nope", headers=BROWSER)).status_code == 404


async def test_a_hashed_asset_is_kept_for_ever_and_another_one_is_asked_for(browser: httpx.AsyncClient) -> None:
    script, icon, favicon = [
        await browser.get(path) for path in (f"/assets/{SCRIPT}", "/assets/icon.svg", "/favicon.ico")
    ]
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert icon.headers["cache-control"] == favicon.headers["cache-control"] == "no-cache"
    assert icon.content == favicon.content
    assert favicon.headers["content-type"] == "image/svg+xml"
    assert (await browser.get("/licences.txt")).headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/", f"/assets/{SCRIPT}"])
async def test_what_a_browser_has_is_not_sent_again(browser: httpx.AsyncClient, path: str) -> None:
    first = await browser.get(path)
    again = await browser.get(path, headers=[("If-None-Match", '"x"'), ("If-None-Match", first.headers["etag"])])
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary", "content-security-policy"):
        assert again.headers[name] == first.headers[name]
    assert "content-type" not in again.headers
    changed = await browser.get(path, headers={"If-None-Match": 'W/"x"'})
    assert (changed.status_code, changed.content) == (200, first.content)


async def test_assets_are_compressed_for_those_who_accept_it(browser: httpx.AsyncClient) -> None:
    path = f"/assets/{SCRIPT}"
    plain = await browser.get(path, headers={"Accept-Encoding": "gzip;q=0"})
    compressed = await browser.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert compressed.headers["content-encoding"] == "gzip"
    assert int(compressed.headers["content-length"]) < int(plain.headers["content-length"])
    assert compressed.content == plain.content
    assert plain.headers["vary"] == compressed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/", "/logs", f"/assets/{SCRIPT}", "/favicon.ico", "/licences.txt"])
async def test_pages_answer_get_and_head_only(browser: httpx.AsyncClient, path: str) -> None:
    got, head = await browser.get(path), await browser.head(path)
    assert (head.status_code, dict(head.headers)) == (200, dict(got.headers))
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = await browser.request(method, path)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_without_the_explorer_pages_say_how_to_get_it() -> None:
    async with client(Explorer(None, "npm said <script>alert(1)</script>")) as browser:
        page = await browser.get("/actor/x")
        assert page.status_code == 501
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["content-security-policy"] == SECURITY_HEADERS["Content-Security-Policy"]
        assert "npm said &lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert "<script>" not in page.text
        assert "make explorer" in page.text
        assert (await browser.get("/nope", headers=BROWSER)).status_code == 404
        for path in (f"/assets/{SCRIPT}", "/licences.txt", "/favicon.ico"):
            assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("why", "first"),
    [
        ("BUILD_EXPLORER was 'no'", "install Lognotary again without <code>BUILD_EXPLORER=no</code>"),
        ("Node.js 20.19 or newer with npm is missing", "install the wheel of a release"),
    ],
)
async def test_the_first_advice_fits_the_reason(why: str, first: str) -> None:
    async with client(Explorer(None, why)) as browser:
        assert f"To get it, {first}" in (await browser.get("/")).text


def test_the_policy_permits_no_other_site_and_no_markup_from_texts() -> None:
    policy = dict(part.strip().split(" ", 1) for part in SECURITY_HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    sources = {source for name, value in policy.items() if name.endswith("-src") for source in value.split()}
    assert sources == {"'none'", "'self'", "data:"}
    assert policy["img-src"] == "'self' data:"
