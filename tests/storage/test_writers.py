"""Leases on writers' names, with ClickHouse's clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from storage.engine import Engine, EngineWrapper
from storage.errors import LeaseHeldError, LeaseLostError, NotAppliedError, StorageConfigError
from storage.rowbinary import read_rows, text, uint8
from storage.writers import LEASE, Held, WriterName, claim, release, renew
from tests.storage.lease_rows import write_lease_row

A = WriterName("shop", "writer-1", "host-a:/data")
B = WriterName("shop", "writer-1", "host-b:/data")
HELD, CLAIMED = 1, 2


def holders(engine: Engine) -> list[str]:
    """Return the places whose last word is that they hold the lease."""
    rows = engine.query("SELECT Place, argMax(Writing, SeenAt) FROM log_writers GROUP BY Place, Instance")
    return sorted(place for place, writing in read_rows(rows, (text, uint8)) if writing == HELD)


def claimed_ago(engine: Engine, name: WriterName, ago: float) -> Held:
    """Write down that a server claimed its name and got the lease some seconds ago; return the lease."""
    write_lease_row(engine, name, CLAIMED, ago)
    write_lease_row(engine, name, HELD, ago)
    rows = engine.query(
        f"SELECT toString(toUnixTimestamp64Milli(min(SeenAt))) FROM log_writers WHERE Instance = '{name.instance}'"
    )
    at = int(next(read_rows(rows, (text,)))[0])
    return Held(at, at)


def during(*words: Callable[[], object]) -> Callable[[float], None]:
    """Return a wait in which others do something, one after the other."""
    coming = iter(words)

    def wait(_: float) -> None:
        next(coming)()

    return wait


def test_a_second_server_of_one_name_elsewhere_is_refused(engine: Engine) -> None:
    claim(engine, A)
    with pytest.raises(StorageConfigError, match=r"host-a:/data is writing under the same name, shop/writer-1"):
        claim(engine, B)
    assert holders(engine) == [A.place]


def test_a_server_that_was_refused_does_not_keep_the_first_from_going_on(engine: Engine) -> None:
    held = claim(engine, A)
    with pytest.raises(StorageConfigError):
        claim(engine, B)
    renew(engine, A, held)
    claim(engine, replace(A, instance=uuid4()))
    assert set(holders(engine)) == {A.place}


def test_a_server_that_crashed_starts_again_at_once_in_its_place(engine: Engine) -> None:
    for _ in range(2):
        claim(engine, replace(A, instance=uuid4()))
    assert holders(engine) == [A.place, A.place]


def test_a_server_that_was_refused_leaves_no_row(engine: Engine) -> None:
    claim(engine, A)
    with pytest.raises(LeaseHeldError) as refused:
        claim(engine, B)
    assert not refused.value.same_location
    rows = engine.query(f"SELECT toString(count()) FROM log_writers WHERE Instance = '{B.instance}'")
    assert next(read_rows(rows, (text,))) == ("0",)


def test_a_server_of_the_same_host_name_and_path_on_another_machine_is_refused_while_the_lease_lasts(
    engine: Engine,
) -> None:
    here, there = (WriterName("shop", "writer-1", f"pod-0:/data [{machine}]") for machine in ("0a1b", "2c3d"))
    held = claim(engine, there)
    with pytest.raises(LeaseHeldError, match=r"pod-0:/data \[2c3d\] is writing") as refused:
        claim(engine, here)
    assert refused.value.same_location
    renew(engine, there, held)
    claim(engine, replace(there, instance=uuid4()))


def test_a_killed_server_in_a_container_that_was_made_anew_starts_at_once(engine: Engine) -> None:
    # The identifier is of the kernel and of the locked file: whoever has the lock is alone, whatever the host name.
    before, after = (WriterName("shop", "writer-1", f"{host}:/data [0a1b]") for host in ("1f2e3d", "4c5b6a"))
    claim(engine, before)
    claim(engine, after)
    with pytest.raises(LeaseHeldError):
        claim(engine, WriterName("shop", "writer-1", "4c5b6a:/data [0a1b2]"))


def test_a_claim_that_meets_an_error_is_withdrawn(engine: Engine) -> None:
    class Failing(EngineWrapper):
        """A storage that cannot be read once the name is held."""

        held = False

        def execute(self, statement: str, /) -> None:
            super().execute(statement)
            self.held = self.held or f", {HELD})" in statement

        def query(self, select: str, parameters: Mapping[str, Any] | None = None, /, **options: Any) -> bytes:
            if self.held:
                raise NotAppliedError("storage cannot be reached")
            return super().query(select, parameters, **options)

    with pytest.raises(NotAppliedError):
        claim(Failing(engine), A)
    claim(engine, B)


def test_a_server_of_the_same_host_name_and_path_starts_once_the_lease_has_run_out(engine: Engine) -> None:
    here, there = (WriterName("shop", "writer-1", f"pod-0:/data [{machine}]") for machine in ("0a1b", "2c3d"))
    held = claimed_ago(engine, there, LEASE + 30)
    claim(engine, here)
    with pytest.raises(LeaseLostError):
        renew(engine, there, held)


def test_a_server_that_stopped_can_be_moved_at_once(engine: Engine) -> None:
    held = claim(engine, A)
    renew(engine, A, held)
    release(engine, A)
    claim(engine, B)
    assert holders(engine) == [B.place]


def test_a_server_whose_lease_has_run_out_can_be_moved(engine: Engine) -> None:
    claimed_ago(engine, A, LEASE + 30)
    claim(engine, B)
    assert B.place in holders(engine)


def test_other_names_and_deployments_do_not_matter(engine: Engine) -> None:
    others = (A, WriterName("shop", "writer-2", "host-b:/data"), WriterName("bank", "writer-1", "host-c:/it's \\ odd"))
    for name in others:
        renew(engine, name, claim(engine, name))
    assert holders(engine) == sorted(name.place for name in others)


def test_a_renewal_finds_that_another_server_has_taken_the_name_over(engine: Engine) -> None:
    held = claimed_ago(engine, A, LEASE + 30)
    taken = claim(engine, B)
    for _ in range(2):
        with pytest.raises(LeaseLostError, match=r"host-b:/data has taken over the name shop/writer-1"):
            renew(engine, A, held)
    renew(engine, B, taken)


def test_a_name_that_was_taken_over_is_lost_also_when_the_other_server_has_stopped(engine: Engine) -> None:
    held = claimed_ago(engine, A, LEASE + 30)
    claim(engine, B)
    release(engine, B)
    with pytest.raises(LeaseLostError):
        renew(engine, A, held)


def test_a_server_that_was_away_for_so_long_that_its_rows_are_gone_has_lost_the_name(engine: Engine) -> None:
    held = claimed_ago(engine, A, 1000)
    engine.execute("TRUNCATE TABLE log_writers")
    taken = claim(engine, B)
    with pytest.raises(LeaseLostError):
        renew(engine, A, held)
    renew(engine, B, taken)


def test_a_lease_is_lost_when_the_rows_of_a_server_that_held_it_meanwhile_may_be_gone_too(engine: Engine) -> None:
    held = claimed_ago(engine, A, LEASE + 30)
    engine.execute("TRUNCATE TABLE log_writers")  # the rows of both
    with pytest.raises(LeaseLostError, match="does not show any more whether another server has held it"):
        renew(engine, A, held)
    assert holders(engine) == []


def test_a_lease_is_lost_after_half_a_day_even_if_old_rows_are_still_there(engine: Engine) -> None:
    held = claimed_ago(engine, A, 13 * 3600)
    with pytest.raises(LeaseLostError, match="does not show any more"):
        renew(engine, A, held)
    assert holders(engine) == [A.place]


def test_a_row_of_a_renewal_without_an_answer_does_not_hide_that_the_last_one_was_long_ago(engine: Engine) -> None:
    held = claimed_ago(engine, A, 13 * 3600)
    write_lease_row(engine, A, HELD, 0)
    with pytest.raises(LeaseLostError, match="does not show any more"):
        renew(engine, A, held)


def test_a_suspension_in_the_middle_of_a_renewal_counts_too(engine: Engine) -> None:
    held = claimed_ago(engine, A, LEASE + 30)
    write_lease_row(engine, B, CLAIMED, 0)

    def pass_days() -> None:
        engine.execute("TRUNCATE TABLE log_writers")

    with pytest.raises(LeaseLostError, match="does not show any more"):
        renew(engine, A, held, during(pass_days))


def test_each_renewal_continues_from_the_one_before(engine: Engine) -> None:
    held = claimed_ago(engine, A, 11 * 3600)
    renewed = renew(engine, A, held)
    assert renewed.claimed == held.claimed
    assert renewed.renewed >= held.renewed + 11 * 3600 * 1000


def test_a_lease_that_ran_out_is_renewed_where_nobody_has_taken_the_name(engine: Engine) -> None:
    held = claimed_ago(engine, A, LEASE + 30)
    renew(engine, A, held)
    with pytest.raises(StorageConfigError):
        claim(engine, B)


def test_of_two_servers_that_claim_at_once_the_older_one_waits_until_the_younger_one_has_gone(engine: Engine) -> None:
    write_lease_row(engine, B, CLAIMED, -5)  # it came later, and has not looked yet
    claim(engine, A, during(lambda: release(engine, B)))
    assert holders(engine) == [A.place]


def test_a_younger_claim_that_was_not_seen_in_time_holds_the_name(engine: Engine) -> None:
    write_lease_row(engine, B, CLAIMED, -5)
    with pytest.raises(StorageConfigError, match="host-b"):
        claim(engine, A, during(lambda: write_lease_row(engine, B, HELD, -5)))


def test_a_claim_that_is_never_decided_is_not_waited_for_without_end(engine: Engine) -> None:
    write_lease_row(engine, B, CLAIMED, -20)
    with pytest.raises(StorageConfigError, match="host-b"):
        claim(engine, A, lambda _: None)


def test_a_renewal_waits_until_a_claim_of_the_same_time_is_decided(engine: Engine) -> None:
    held = claimed_ago(engine, A, LEASE + 30)
    write_lease_row(engine, B, CLAIMED, 0)
    with pytest.raises(LeaseLostError, match="host-b"):
        renew(engine, A, held, during(lambda: write_lease_row(engine, B, HELD, 0)))


def test_a_renewal_goes_on_when_a_claim_of_the_same_time_has_given_up(engine: Engine) -> None:
    held = claimed_ago(engine, A, LEASE + 30)
    write_lease_row(engine, B, CLAIMED, 0)
    renew(engine, A, held, during(lambda: release(engine, B)))
    assert A.place in holders(engine)


def test_of_servers_that_claim_at_the_same_moment_exactly_one_holds_the_name(engine: Engine) -> None:
    for at in range(5):
        names = [WriterName("shop", f"writer-{at}", f"host-{n}:/data") for n in range(3)]
        together = threading.Barrier(len(names))

        def start(name: WriterName, together: threading.Barrier = together) -> bool:
            together.wait()
            try:
                claim(engine, name)
            except StorageConfigError:
                return False
            return True

        with ThreadPoolExecutor(len(names)) as pool:
            assert sum(pool.map(start, names)) == 1
