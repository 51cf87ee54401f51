"""Links of a trace to other systems."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.settings.settings import ConfigError
from tests.settings.loading import load


def test_links_of_a_trace_have_names_and_urls(tmp_path: Path) -> None:
    tempo, kibana = "https://tempo.example/{trace_id}", "http://[::1]:5601/app#/?q={trace_id}&c=a%2Cb&t={trace_id}"
    expected = (("Tempo", tempo), ("Kibana logs", kibana))
    assert load(tmp_path).trace_links == ()
    assert load(tmp_path, trace_links=f" Tempo = {tempo} ,,Kibana logs={kibana},").trace_links == expected
    assert load(tmp_path, f'trace_links = ["Tempo={tempo}", "Kibana logs={kibana}"]').trace_links == expected
    assert load(tmp_path, trace_links=f"{'ä' * 64}={tempo}").trace_links == (("ä" * 64, tempo),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://a/{trace_id}", "'https://a/{trace_id}' is not a link: give NAME=URL, such as Tempo=https://"),
        ("=https://a/{trace_id}", "is not a link: give NAME=URL"),
        ("A=", "'A=' is not a link: give NAME=URL"),
        (
            "A=https://a/{trace_id}?c=1,2",
            "'2' is not a link: give NAME=URL, such as Tempo=https://tempo.example/trace/",
        ),
        ("A=https://a/{trace_id}?c=1,d=2", "not '2': give NAME=URL, .*; a comma in a URL is written %2C"),
        ("A=https://a/?c=1,2&t={trace_id}", "the URL of 'A' has no {trace_id}, .*; a comma in a URL is written %2C"),
        ("A=https://a/{traceid}", "the URL of 'A' has no {trace_id}, which stands for the ID of the trace"),
        ("A=ftp://a/{trace_id}", "the URL of 'A' must begin with http://<host> or https://<host>, not 'ftp://a/"),
        ("A=javascript:x({trace_id})", "the URL of 'A' must begin with http://<host> or https://<host>"),
        ("A=https:///{trace_id}", "the URL of 'A' must begin with http://<host> or https://<host>"),
        ("A=https://a:{trace_id}/", "the URL of 'A' must begin with http://<host> or https://<host>"),
        ("A=https://me:pw@a/{trace_id}", "the URL of 'A' has a user name or password, which everybody .*: remove it"),
        ("A=https://a/${trace_id}", "the URL of 'A' has ${trace_id}: write {trace_id}, without the dollar sign"),
        ("A=https://a/%{trace_id}", "the URL of 'A' has a '%' that takes digits of {trace_id}: write %25"),
        ("A=https://a/%4{trace_id}", "the URL of 'A' has a '%' that takes digits of {trace_id}: write %25"),
        ("A=https://a/{{trace_id}}", "the URL of 'A' must not have '{' in it: write %7B"),
        ("A=https://a/b c/{trace_id}", "the URL of 'A' must not have ' ' in it: write %20"),
        ("A=https://a/ü/{trace_id}", "the URL of 'A' must not have 'ü' in it: write %C3%BC"),
        ("A=https://a/\udcff/{trace_id}", r"the URL of 'A' must not have '\udcff' in it: write %FF"),
        ('A=https://a/"/{trace_id}', "the URL of 'A' must not have '\"' in it: write %22"),
        ("A=https://a/100%/{trace_id}", "the URL of 'A' must not have '%' in it: write %25"),
        ("A=https://a/{trace_id},A=https://b/{trace_id}", "two links have the name 'A': give each link a name of its"),
        ("A\nB=https://a/{trace_id}", r"the name 'A\nB' has a character that cannot be printed: remove it"),
        (f"{'a' * 65}=https://a/{{trace_id}}", "has 65 characters: give at most 64"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused_with_what_to_write(tmp_path: Path, text: str, told: str) -> None:
    pattern = "--trace-links: .*" + ".*".join(map(re.escape, told.split(".*")))
    with pytest.raises(ConfigError, match=pattern):
        load(tmp_path, trace_links=text)
