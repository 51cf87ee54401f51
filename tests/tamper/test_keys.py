"""A change of keys in the middle of a log, and keys that others may have had."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.notary.batch import Batch, compute_batch_id
from server.notary.checkpoint import open_checkpoint, sign_checkpoint
from server.notary.findings import FindingKind as Kind
from server.notary.origin import LogName
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys, fingerprint
from storage.commit import insert_batches
from tests.tamper.stated import FIRST_OF_NEW_KEY, KEYS, LAST, Stated
from tests.tamper.store import AUDIT, SECOND, batch_row, statement_row

pytestmark = pytest.mark.parametrize("written", ["embedded"], indirect=True)  # on both engines: test_matrix
TRUSTED = pytest.mark.parametrize("trusted", [(0,), (1,), (0, 1)], ids=["the first", "the last", "both"])


def given(stated: Stated, trusted: tuple[int, ...], **compromised: int) -> TrustedKeys:
    """Believe some of the two keys; ``first`` and ``second`` are since when others may have had one."""
    times = {
        fingerprint(stated.signers[place].verifier_key("any").public_key): compromised[which]
        for place, which in enumerate(("first", "second"))
        if which in compromised
    }
    return replace(stated.keys_of(*(stated.signers[place] for place in trusted)), compromised=times)


def sign_again(stated: Stated, batch: Batch, signer: Signer) -> None:
    """Put a batch signed by another key in the place of its row."""
    note = str(sign_checkpoint(open_checkpoint(batch.checkpoint)[0], signer))
    forged = replace(batch, checkpoint=note)
    stated.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}")
    insert_batches(stated.engine, [replace(forged, batch_id=compute_batch_id(forged))])


@TRUSTED
@pytest.mark.parametrize(("place", "signer"), [(0, 1), (2, 1), (4, 0), (6, 0)])
def test_a_batch_signed_by_the_logs_key_of_another_time_is_foreign_signed(
    stated: Stated, name: LogName, trusted: tuple[int, ...], place: int, signer: int
) -> None:
    sign_again(stated, stated.batches[name][place], stated.signers[signer])
    finding = stated.only(keys=given(stated, trusted))
    assert (finding.kind, finding.log_id, finding.sequence) == (Kind.BATCH_FOREIGN_SIGNED, name.log_id, place + 1)
    assert "replaced" in finding.message


@TRUSTED
@pytest.mark.parametrize("what", ["deleted", "altered"])
def test_without_its_change_of_keys_a_log_is_verified_as_far_as_the_keys_are_known(
    stated: Stated, name: LogName, trusted: tuple[int, ...], what: str
) -> None:
    where = statement_row(name, KEYS)
    stated.tamper(
        f"ALTER TABLE log_statements DELETE WHERE {where}"
        if what == "deleted"
        else f"ALTER TABLE log_statements UPDATE Note = replaceOne(Note, 'after', 'AFTER') WHERE {where}"
    )
    gone = Kind.STATEMENT_MISSING if what == "deleted" else Kind.STATEMENT_ALTERED
    expected = [(gone, KEYS)]
    if trusted != (0, 1):
        batches, statements = (range(5, 9), range(6, LAST + 1)) if trusted == (0,) else (range(1, 5), range(1, 5))
        expected += [(Kind.BATCH_FOREIGN_SIGNED, number) for number in batches]
        expected += [(Kind.STATEMENT_FOREIGN_SIGNED, number) for number in statements]
    if (what, trusted) == ("deleted", (0,)):
        expected.remove((gone, KEYS))  # what comes after it is none of the log's, for all that can be told
    found = stated.findings(keys=given(stated, trusted))
    assert {finding.log_id for finding in found} == {name.log_id}
    assert sorted(((finding.kind, finding.sequence) for finding in found), key=str) == sorted(expected, key=str)


@TRUSTED
@pytest.mark.parametrize("place", [0, 2, 4, 7])
def test_all_that_a_key_signed_since_it_was_compromised_is_a_finding(
    stated: Stated, trusted: tuple[int, ...], place: int
) -> None:
    since = stated.batches[AUDIT][place].ingested_at
    early = place < FIRST_OF_NEW_KEY
    found = stated.findings(keys=given(stated, trusted, **{"first" if early else "second": since}))
    expected = set()
    for name in stated.batches:
        signed = range(1, KEYS) if early else range(KEYS + 1, LAST + 1)
        stolen = [number for number in signed if stated.statement(name, number).signed_at * SECOND >= since]
        expected |= {
            (Kind.SIGNED_BY_COMPROMISED_KEY, name, "batch", number)
            for number, batch in enumerate(stated.batches[name], 1)
            if batch.ingested_at >= since and early == (number <= FIRST_OF_NEW_KEY)
        }
        expected |= {(Kind.SIGNED_BY_COMPROMISED_KEY, name, "statement", number) for number in stolen}
        if early and trusted == (0,):  # who had the key may have stated the change: it leads nowhere
            expected.add((Kind.SIGNED_BY_COMPROMISED_KEY, name, "statement", KEYS))
            expected |= {(Kind.BATCH_FOREIGN_SIGNED, name, "batch", number) for number in range(5, 9)}
            expected |= {
                (Kind.STATEMENT_FOREIGN_SIGNED, name, "statement", number) for number in range(KEYS + 1, LAST + 1)
            }
    names = {name.log_id: name for name in stated.batches}
    got = [(f.kind, names[f.log_id], "batch" if f.batch_id else "statement", f.sequence) for f in found]
    assert len(got) == len(expected)
    assert set(got) == expected


@TRUSTED
def test_a_key_that_was_compromised_after_its_last_signature_leaves_no_finding(
    stated: Stated, trusted: tuple[int, ...]
) -> None:
    change = stated.statement(AUDIT, KEYS).signed_at * SECOND
    end = stated.batches[AUDIT][-1].ingested_at
    assert stated.findings(keys=given(stated, trusted, first=change + SECOND, second=end + SECOND)) == []
