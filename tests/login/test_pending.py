"""Pending logins: sealed cookies, and the page that a login leads to."""

from __future__ import annotations

import pytest

from server.login.pending import Pending, Seal, safe_path


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
