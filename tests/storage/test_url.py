"""Storage URLs: which are understood, which are refused, and that none shows its password."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import StorageConfigError
from storage.url import EmbeddedUrl, ServerUrl, StorageUrl, parse_storage_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("chdb:///var/lib/lognotary", EmbeddedUrl(Path("/var/lib/lognotary"))),
        ("chdb:///with%20space/é", EmbeddedUrl(Path("/with space/é"))),
        ("http://localhost", ServerUrl("localhost", 8123, secure=False)),
        ("http://localhost/", ServerUrl("localhost", 8123, secure=False)),
        ("https://ch.example.org", ServerUrl("ch.example.org", 8443, secure=True)),
        ("http://ch:9000/logs", ServerUrl("ch", 9000, secure=False, database="logs")),
        ("http://ch/logs/", ServerUrl("ch", 8123, secure=False, database="logs")),
        (
            "https://me:p%40ss%2Fw%3Aord@ch:1/_logs_2",
            ServerUrl("ch", 1, True, "_logs_2", "me", "p@ss/w:ord"),
        ),
        ("http://me@ch", ServerUrl("ch", 8123, secure=False, username="me")),
    ],
)
def test_a_storage_url_is_understood(text: str, url: StorageUrl) -> None:
    assert parse_storage_url(text) == url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a storage URL"),
        ("/var/lib/lognotary", "not a storage URL"),
        ("clickhouse://localhost", "not a storage URL"),
        ("file:///tmp", "not a storage URL"),
        ("http://", "not a storage URL"),
        ("http:///logs", "not a storage URL"),
        ("http://ch:port/", "not a storage URL"),
        ("http://ch:99999/", "not a storage URL"),
        ("http://[::1/", "not a storage URL"),
        ("chdb://", "absolute/path"),
        ("chdb:///", "absolute/path"),
        ("chdb:relative", "absolute/path"),
        ("chdb://relative/path", "absolute/path"),
        ("http://ch/a-b", "database name"),
        ("http://ch/1a", "database name"),
        ("http://ch/a/b", "database name"),
        ("http://ch/a%60b", "database name"),
        ("http://ch/é", "database name"),
    ],
)
def test_what_is_no_storage_url_says_why(text: str, why: str) -> None:
    with pytest.raises(StorageConfigError, match=why):
        parse_storage_url(text)


def test_a_url_with_tls_may_name_files() -> None:
    text = "https://me@ch/logs?ca_cert=/etc/ca.pem&client_cert=/etc/a%20b.pem&client_key=c.pem"
    files = {"ca_cert": "/etc/ca.pem", "client_cert": "/etc/a b.pem", "client_key": "c.pem"}
    assert parse_storage_url(text) == ServerUrl("ch", 8443, True, "logs", "me", **files)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://ch/logs?ca_cert=a.pem", "ca_cert of the storage URL need TLS: write https://"),
        ("https://ch/logs?client_cert=a.pem", "belong together: give both"),
        ("https://ch/logs?client_key=a.pem", "belong together: give both"),
        ("https://ch/logs?ca_cert=", "ca_cert of the storage URL is empty"),
        ("https://ch/logs?ca_cert=a&ca_cert=b", "has ca_cert twice"),
        ("https://ch/logs?verify=false", "'verify' is not a parameter of a storage URL.*client_key"),
    ],
)
def test_files_that_make_no_sense_say_why(text: str, why: str) -> None:
    with pytest.raises(StorageConfigError, match=why):
        parse_storage_url(text)


def test_a_url_is_shown_without_its_password() -> None:
    assert str(parse_storage_url("http://me:secret@ch:9000/logs")) == "http://me@ch:9000/logs"
    assert str(parse_storage_url("https://:secret@ch")) == "https://default@ch:8443/lognotary"
    assert str(parse_storage_url("chdb:///var/lib")) == "chdb:///var/lib"


@pytest.mark.parametrize(
    "text",
    [
        "http://me:secret@ch/a-b",
        "clickhouse://me:secret@ch",
        "http://me:secret@ch:port/",
        "chdb://me:secret@/x",
        "http:/me:secret@ch/logs",
        "me:secret@ch:8123/logs",
        "me:se//cret:secret@ch:8123/logs",
        "http://me:\nsecret@ch:port/",
        "http://me:se@secret@ch:port/",
        "http://me:12/secret@ch/logs",
        "http://me:12/secret@ch?database=logs",
        "http://me:12?secret@ch/logs",
        "http://me:12?secret=a@ch/logs",
        "http://me:12?a=secret@ch/logs",
        "http://me:12?database=secret@ch/logs",
        "http://me:12#secret@ch/logs",
        "chdb:///secret@ch?x",
    ],
)
def test_the_message_about_a_wrong_url_does_not_show_its_password(text: str) -> None:
    with pytest.raises(StorageConfigError) as refusal:
        parse_storage_url(text)
    assert "secret" not in str(refusal.value)


def test_an_ipv6_host_stays_in_brackets() -> None:
    url = parse_storage_url("http://[::1]:8123/db")
    assert str(url) == "http://default@[::1]:8123/db"
    assert parse_storage_url(str(url)) == url


def test_no_representation_of_a_url_shows_its_password() -> None:
    assert "secret" not in repr(parse_storage_url("https://me:secret@ch"))
