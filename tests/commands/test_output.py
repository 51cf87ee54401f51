from __future__ import annotations

import io
import sys

import pytest

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.commands.output import Style, UnprintableError, complain, say, say_json, say_signed, shown

EVIL = "\x1b[2J\u202e\n" + "x" * 10_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_all_texts_of_a_message_are_shown_as_escapes_however_deep_they_are() -> None:
    record = correlation_pb2.Record(body=EVIL, log_attributes={"key": EVIL}, severity_number=9)
    record.audit.actor_id = EVIL
    record.evidence.origin = EVIL
    found = correlation_pb2.SearchAuditEventsResponse(events=[record], next_page_token=EVIL)
    (event,) = shown(found).events
    for text in (event.body, event.log_attributes["key"], event.audit.actor_id, event.evidence.origin):
        assert text.startswith(r"\x1b[2J\u202e\nxxx")
        assert len(text) < 500
    assert event.severity_number == 9
    assert found.events[0].body == EVIL
    request = evidence_pb2.VerifyRequest(logs=[EVIL, "plain"])
    assert shown(request).logs[1] == "plain"
    assert shown(request).logs[0].isprintable()


def test_what_nobody_escaped_is_escaped_as_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"a {EVIL}", "second")
    complain(f"no {EVIL}")
    printed = capsys.readouterr()
    first, second = printed.out.splitlines()
    (complaint,) = printed.err.splitlines()
    assert first.startswith(r"a \x1b[2J\u202e\nxxx")
    assert second == "second"
    assert complaint.startswith(r"lognotary: no \x1b[2J")
    assert first.isprintable()
    assert len(first) < 5000


def test_only_the_colours_of_a_style_reach_a_terminal() -> None:
    terminal, plain = Terminal(), io.StringIO()
    line = Style(colour=True).paint("good", "32") + "\x1b[2J\x1b[5m"
    say(line, stream=terminal)
    say(line, stream=plain)
    assert terminal.getvalue() == "\x1b[32mgood\x1b[0m\\x1b[2J\\x1b[5m\n"
    assert "\x1b" not in plain.getvalue()


def test_json_is_ascii_or_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    say_json('"\\u202e"')
    assert capsys.readouterr().out == '"\\u202e"\n'
    with pytest.raises(UnicodeEncodeError):
        say_json('"\u202e"')
    assert capsys.readouterr().out == ""


def test_a_signed_text_is_printed_byte_for_byte_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="latin-1") as latin:
        monkeypatch.setattr(sys, "stdout", latin)
        say_signed("shop/audit/a\n— name\n")
        assert raw.getvalue() == "shop/audit/a\n— name\n".encode()
        with pytest.raises(UnprintableError, match="--json"):
            say_signed("shop/audit/a\n\x1b[2J\n")
        assert raw.getvalue() == "shop/audit/a\n— name\n".encode()
