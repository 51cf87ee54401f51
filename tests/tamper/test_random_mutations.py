"""Whatever SQL does to a store: verification finds it, or nobody who reads the store gets another answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding
from server.notary.statement import Statement
from server.notary.statement_check import learn_keys
from server.notary.trust import check_checkpoint
from server.verification.scope import Scope
from storage.errors import StorageError
from storage.statements import read_statements
from tests.effort import PROFILES, effort, profile
from tests.tamper import row_changes, table_changes
from tests.tamper.answers import read_answers
from tests.tamper.row_changes import ASIDE, Sql
from tests.tamper.stated import Stated
from tests.tamper.store import TABLES

# An example takes about a second, so only the patient profile shrinks what fails; others show it as it was drawn.
_PHASES = tuple(Phase) if profile() == PROFILES[0] else (Phase.explicit, Phase.generate)
CHANGES: dict[str, Callable[[Stated], SearchStrategy[Sql]]] = {
    "updates": lambda _: row_changes.updates(),
    "updates of computed columns": lambda _: row_changes.updates_of_computed(),
    "lightweight updates": lambda _: row_changes.lightweight_updates(),
    "deletions": lambda _: row_changes.deletions(),
    "copies": lambda _: row_changes.copies(),
    "junk": lambda _: row_changes.junk(),
    "swaps": lambda _: row_changes.swaps(),
    "types": lambda _: table_changes.types(),
    "columns": lambda _: table_changes.columns(),
    "indexes and projections": lambda _: table_changes.lookups(),
    "replaced tables": lambda _: table_changes.replacements(),
    "batch IDs computed anew": table_changes.rebatched,
}


@dataclass(frozen=True)
class Subject:
    """The store that is changed.

    Attributes:
        stated: the store.
        answers: answers to its readers while it is untouched.
        kept: checkpoints and statements that somebody kept elsewhere.
    """

    stated: Stated
    answers: dict[str, bytes] = field(repr=False)
    kept: tuple[Checkpoint | Statement, ...] = field(repr=False)

    def reset(self) -> None:
        """Have all tables as they were written, whatever was done to them."""
        engine = self.stated.engine
        for table in (*TABLES, ASIDE):
            engine.execute(f"DROP TABLE IF EXISTS {table} SYNC")
        for table in TABLES:
            engine.execute(f"CREATE TABLE {table} CLONE AS {self.stated.prefix}_{table}")

    def change(self, sql: Sequence[str]) -> bool:
        """Run SQL as far as ClickHouse accepts it; returns whether it accepted all."""
        for statement in sql:
            altered = statement.startswith("ALTER") and "MODIFY SETTING" not in statement
            synchronous = " SETTINGS mutations_sync = 2, alter_sync = 2" if altered else ""
            try:
                self.stated.engine.execute(statement + synchronous)
            except StorageError as error:
                note(f"refused: {statement}: {error}")
                return False
        return True

    def findings(self) -> list[Finding]:
        """Verify everything against what was kept."""
        steps = self.stated.steps(Scope(checkpoints=self.kept))
        return [step for step in steps if isinstance(step, Finding)]

    def check(self, sql: Sequence[str]) -> None:
        """Change the store; check that verification finds it, or that every answer is still the same."""
        self.reset()
        event("accepted" if self.change(sql) else "refused in part")
        found = self.findings()
        if found:
            event("found")
            return
        answers = read_answers(self.stated)
        other = [query for query, answer in self.answers.items() if answers[query] != answer]
        assert not other, f"no finding, although the answers to {other} changed, by:\n" + ";\n".join(sql)
        event("not found, and no answer changed")


@pytest.fixture(scope="module")
def subject(written_stated: Stated) -> Iterator[Subject]:
    """The store with statements; restored after the tests."""
    stated = written_stated
    stated.restore()
    keys = learn_keys(read_statements(stated.engine), stated.keys)
    notes = [
        note
        for name, rows in stated.statements.items()
        for note in (rows[-1].note, stated.batches[name][-1].checkpoint)
    ]
    subject = Subject(stated, {}, tuple(check_checkpoint(text, keys) for text in notes))
    subject.reset()
    subject.answers.update(read_answers(stated))
    try:
        yield subject
    finally:
        subject.reset()
        stated.touch(*TABLES)  # the next test that asks for a store gets it anew


def test_an_untouched_store_has_no_finding_and_always_the_same_answers(subject: Subject) -> None:
    for _ in range(3):
        subject.reset()
        assert subject.findings() == []
        assert read_answers(subject.stated) == subject.answers
    assert not any(answer.startswith((b"Storage", b"NotApplied", b"NotFound")) for answer in subject.answers.values())


@pytest.mark.parametrize("kind", CHANGES)
@settings(max_examples=effort(16), phases=_PHASES, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_random_change_is_found_or_changes_no_answer(subject: Subject, kind: str, data: st.DataObject) -> None:
    subject.check(data.draw(CHANGES[kind](subject.stated), label="SQL"))


@settings(max_examples=effort(40), phases=_PHASES, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_several_random_changes_are_found_or_change_no_answer(subject: Subject, data: st.DataObject) -> None:
    one = st.one_of(*(changes(subject.stated) for changes in CHANGES.values()))
    subject.check(
        [statement for sql in data.draw(st.lists(one, min_size=2, max_size=4), label="SQL") for statement in sql]
    )
