"""Explanations of classifications as JSON."""

from __future__ import annotations

from typing import Any

from server.codec.audit.digest import source_text
from server.codec.audit.explain import Checked, FieldOrigin, Trial, Unused
from server.commands.explained import Explained

__all__ = ["explained_json"]


def explained_json(one: Explained) -> dict[str, Any]:
    """Return an explanation as an object for JSON, without members that do not apply."""
    trial = one.explanation.trial
    return {
        "file": one.request.file,
        **({"line": one.request.line} if one.request.line else {}),
        "record": one.number,
        **({"event": [one.event, one.events]} if one.event else {}),
        "stream": one.stream.value if one.stream else None,
        "rule": trial.rule if trial else None,
        **({"conditions": [_checked(each) for each in trial.checked]} if trial else {}),
        **({"fields": {each.name: _field(each) for each in one.explanation.fields}} if one.explanation.fields else {}),
        "near": [_trial(each) for each in one.explanation.near],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    exception = {"unless": [_checked(each) for each in trial.exception]} if trial.exception else {}
    conditions = [_checked(each) for each in trial.checked]
    return {"rule": trial.rule, "matches": trial.matches, "conditions": conditions, **exception}


def _checked(checked: Checked) -> dict[str, Any]:
    return {
        "source": source_text(checked.source) if checked.source else "severity_number",
        "wanted": list(checked.wanted),
        "value": None if checked.value is None else _text(checked.value),
        "holds": checked.holds,
    }


def _field(field: FieldOrigin) -> dict[str, Any]:
    return {
        "value": _text(field.value),
        "way": field.way.value,
        **({"source": field.source, "sent": _text(field.sent)} if field.source else {}),
        **({"test": field.test} if field.test else {}),
        "unused": [_unused(unused) for unused in field.unused],
    }


def _unused(unused: Unused) -> dict[str, Any]:
    value = {"value": _text(unused.value)} if unused.value else {}
    return {"source": unused.source, "why": unused.why.value, **value}


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
