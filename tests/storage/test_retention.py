from __future__ import annotations

import pytest

from harness.waiting import wait_for
from server.log.journal import Journal
from server.notary.batch import LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.engine import Engine
from storage.errors import StorageError
from storage.retention import read_retention_days, set_retention
from storage.retention_policy import Policy
from storage.rowbinary import read_rows, uint64
from storage.schema import RECORD_TABLES
from tests.codec.building import rows
from tests.log.writers import log_writer

AUDIT, OPERATIONAL = Stream.AUDIT, Stream.OPERATIONAL
DAY = 86_400 * 10**9
NEVER = dict.fromkeys(Stream)
LONG_AGO = 1_700_000_000 * 10**9


def count(engine: Engine, stream: Stream) -> int:
    [(number,)] = read_rows(engine.query(f"SELECT count() FROM {RECORD_TABLES[stream]}"), (uint64,))
    return int(number)


def write(engine: Engine, journal: Journal, stream: Stream, *ingested_at: int) -> None:
    """Write a batch of one record for each time that it was received at."""
    writer = log_writer(engine, journal, LogState(LogName("shop", stream, "node-1")), Signer.generate())
    for time in ingested_at:
        writer.commit([rows(stream, f"{time}", ingested_at=time)])


def now(engine: Engine) -> int:
    [(seconds,)] = read_rows(engine.query("SELECT toUInt64(toUnixTimestamp(now()))"), (uint64,))
    return int(seconds) * 10**9


def test_tables_keep_records_for_ever_until_they_are_told_otherwise(engine: Engine) -> None:
    assert read_retention_days(engine) == {**NEVER, AUDIT: None, OPERATIONAL: None}


def test_a_time_is_set_lengthened_shortened_and_removed(engine: Engine) -> None:
    for audit, operational in ((400, 30), (500, 20), (500, None), (None, 7), (None, None)):
        set_retention(engine, {AUDIT: Policy(audit), OPERATIONAL: Policy(operational)})
        assert read_retention_days(engine) == {**NEVER, AUDIT: audit, OPERATIONAL: operational}


def test_a_stream_that_is_not_named_is_left_alone(engine: Engine) -> None:
    set_retention(engine, {AUDIT: Policy(400), OPERATIONAL: Policy(30)})
    set_retention(engine, {OPERATIONAL: Policy(31)})
    assert read_retention_days(engine) == {**NEVER, AUDIT: 400, OPERATIONAL: 31}
    set_retention(engine, {})
    assert read_retention_days(engine) == {**NEVER, AUDIT: 400, OPERATIONAL: 31}


@pytest.mark.parametrize(
    "ttl",
    [
        "toDateTime(Timestamp) + toIntervalDay(3)",
        "toDateTime(IngestedAt) + toIntervalHour(30)",
        "toDateTime(IngestedAt) + toIntervalDay(30) DELETE WHERE ServiceName = 'shop'",
        "toDateTime(IngestedAt) + toIntervalDay(30), toDateTime(Timestamp) + toIntervalDay(1) DELETE WHERE Body = ''",
    ],
)
def test_a_ttl_that_others_made_is_refused_and_left_as_it_is(engine: Engine, ttl: str) -> None:
    engine.execute(f"ALTER TABLE otel_logs MODIFY TTL {ttl}")
    with pytest.raises(StorageError, match="the table otel_logs has a TTL that is not Lognotary's"):
        read_retention_days(engine)
    with pytest.raises(StorageError, match="not Lognotary's"):
        set_retention(engine, {AUDIT: Policy(400), OPERATIONAL: Policy(30)})
    engine.execute("ALTER TABLE otel_logs REMOVE TTL")
    assert read_retention_days(engine) == {**NEVER, AUDIT: None, OPERATIONAL: None}


@pytest.mark.parametrize("stream", Stream)
def test_days_of_records_that_are_too_old_are_dropped_and_others_kept(
    engine: Engine, journal: Journal, stream: Stream
) -> None:
    today = now(engine)
    write(engine, journal, stream, LONG_AGO, today - 12 * DAY, today - 9 * DAY, today)
    assert count(engine, stream) == 4
    set_retention(engine, {stream: Policy(10)})
    engine.execute(f"OPTIMIZE TABLE {RECORD_TABLES[stream]} FINAL")
    wait_for(lambda: count(engine, stream) <= 2)
    assert count(engine, stream) == 2
