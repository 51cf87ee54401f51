from __future__ import annotations

import pytest

from server.codec.hidden_actors import hides_actor_names, hides_actors
from server.codec.redaction_rules import NO_REDACTION, Mode, Redaction


@pytest.mark.parametrize("mode", [Mode.REMOVE, Mode.HASH, Mode.DISCLOSE])
def test_actors_are_hidden_if_their_ids_are_secret_by_the_settings(mode: Mode) -> None:
    assert hides_actors(Redaction(mode, keys=("actor id",)))
    assert not hides_actors(Redaction(mode, keys=("actor id",), keep=("audit.actor.id",)))
    assert not hides_actors(Redaction(mode, keys=("actor name",)))
    assert not hides_actor_names(Redaction(mode, keys=("actor id",)))


@pytest.mark.parametrize("key", ["actor name", "effective id"])
def test_names_are_hidden_if_they_or_who_is_acted_for_are_secret_by_the_settings(key: str) -> None:
    assert hides_actor_names(Redaction(Mode.HASH, keys=(key,)))


def test_actors_are_not_hidden_by_default_or_without_redaction() -> None:
    assert not hides_actors(Redaction())
    assert not hides_actors(NO_REDACTION)
    assert not hides_actor_names(Redaction())
