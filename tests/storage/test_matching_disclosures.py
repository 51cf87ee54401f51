"""The search for disclosed values: it finds all of them, or fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from storage.disclosures import DisclosedValue, insert_disclosures, matching_commitments
from storage.engine import Engine, EngineWrapper, Pieces
from storage.errors import StorageError
from storage.rowbinary import read_one, uint64

NOW = 1_800_000_000 * 10**9
ALICES = [DisclosedValue(NOW, bytes([n]) * 32, b"value %d" % n, "card", (b"alice", b"bob")) for n in range(70)]
HERSELF = DisclosedValue(NOW, bytes(32), b"alice", "card")
BOBS = DisclosedValue(NOW, bytes(32), b"value 7", "card", (b"bob",))
EMPTY = DisclosedValue(NOW, b"s" * 32, b"", "card")
ALL = [*ALICES, HERSELF, BOBS, EMPTY]


class CutEngine(EngineWrapper):
    """An engine whose answers come in pieces of one size, and may end too early."""

    def __init__(self, engine: Engine, size: int, end: int | None = None) -> None:
        super().__init__(engine)
        self.size = size
        self.end = end

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        answer = b"".join(super().query_in_pieces(select, parameters, settings=settings))[: self.end]
        yield from (answer[at : at + self.size] for at in range(0, len(answer), self.size))


def commitments(*values: DisclosedValue) -> list[str]:
    return sorted(value.commitment for value in values)


@pytest.mark.parametrize("size", [1, 63, 64, 1 << 20])
def test_values_are_found_by_actor_and_by_value_wherever_an_answer_is_cut(engine: Engine, size: int) -> None:
    for value in ALL:
        insert_disclosures(engine, [value])
    cut = CutEngine(engine, size)
    assert matching_commitments(cut, actor="alice") == commitments(*ALICES, HERSELF)
    assert matching_commitments(cut, value="alice") == commitments(HERSELF)
    assert matching_commitments(cut, value="value 7") == commitments(ALICES[7], BOBS)
    assert matching_commitments(cut, actor="lic") == []


@pytest.mark.parametrize("missing", [1, 64, 70 * 64])
def test_an_answer_that_ends_too_early_is_an_error(engine: Engine, missing: int) -> None:
    insert_disclosures(engine, ALICES)
    with pytest.raises(StorageError, match="did not send the hashes of all"):
        matching_commitments(CutEngine(engine, 100, -missing), value="value 69")


def test_an_answer_that_is_no_block_is_an_error(engine: Engine) -> None:
    class Failing(CutEngine):
        def query_in_pieces(self, *_: Any, **__: Any) -> Pieces:
            yield b"Code: 241. DB::Exception: memory limit exceeded" * 10

    with pytest.raises(StorageError, match="did not send the hashes of all"):
        matching_commitments(Failing(engine, 1), value="value 69")


def test_a_long_actor_is_found_and_not_stored_with_each_value(engine: Engine) -> None:
    actor = "a" * 1_000_000
    values = [DisclosedValue(NOW, bytes([n]) * 32, b"x", "card", (actor.encode(), b"alice")) for n in range(200)]
    insert_disclosures(engine, values)
    assert matching_commitments(engine, actor=actor) == commitments(*values)
    assert matching_commitments(engine, actor=actor[1:]) == []
    assert read_one(engine.query("SELECT max(length(arrayJoin(ActorIds))) FROM disclosures"), uint64) < 200
