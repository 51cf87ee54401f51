"""Headers of clients are read by the rules of RFC 9110."""

from __future__ import annotations

import pytest

from server.explorer.negotiation import accepts_gzip, has_current, prefers_html

CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", W/"abc" ,"y"', True),
        ('"x,y","abc"', True),
        ("*", True),
        (" * ", True),
        ("", False),
        ('"ab"', False),
        ('"abcd"', False),
        ('"xabc"', False),
        ("abc", False),
        ('"x*"', False),
        ('"abc', False),
    ],
)
def test_a_client_has_the_current_content_if_it_names_its_tag(value: str, expected: bool) -> None:
    assert has_current(value, 'W/"abc"') is expected
    assert has_current(value, '"abc"') is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*, gzip;q=0", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=nonsense", False),
        ("notgzip, gzipped", False),
    ],
)
def test_content_is_compressed_only_for_clients_that_accept_it(value: str, expected: bool) -> None:
    assert accepts_gzip(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (CHROMIUM, True),
        (FIREFOX, True),
        ("text/html", True),
        ("TEXT/HTML;level=1", True),
        ("text/*, application/json;q=0.9", True),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html, application/json", False),
        ("text/html;q=0", False),
        ("text/html;q=0.5, */*;q=0.8", False),
        ("application/json, text/plain, */*", False),
        ("text/htmlx", False),
        (";;,=,q=1", False),
    ],
)
def test_only_a_client_that_wants_html_rather_than_json_gets_a_page(value: str, expected: bool) -> None:
    assert prefers_html(value) is expected
