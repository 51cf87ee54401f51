from __future__ import annotations

import pytest

from storage.engine import Engine
from storage.errors import StorageConfigError
from storage.writers import WriterName, claim, release, renew


def test_a_second_server_of_one_name_elsewhere_is_refused(engine: Engine) -> None:
    claim(engine, WriterName("shop", "writer-1", "host-a:/data"))
    with pytest.raises(StorageConfigError, match=r"host-a:/data writes under the same name, shop/writer-1"):
        claim(engine, WriterName("shop", "writer-1", "host-b:/data"))


def test_a_server_that_was_refused_does_not_keep_the_first_from_starting_again(engine: Engine) -> None:
    claim(engine, WriterName("shop", "writer-1", "host-a:/data"))
    with pytest.raises(StorageConfigError):
        claim(engine, WriterName("shop", "writer-1", "host-b:/data"))
    claim(engine, WriterName("shop", "writer-1", "host-a:/data"))


def test_a_server_that_crashed_starts_again_at_once_in_its_place(engine: Engine) -> None:
    for _ in range(2):
        claim(engine, WriterName("shop", "writer-1", "host-a:/data"))


def test_a_server_that_stopped_can_be_moved_at_once(engine: Engine) -> None:
    before = WriterName("shop", "writer-1", "host-a:/data")
    claim(engine, before)
    renew(engine, before)
    release(engine, before)
    claim(engine, WriterName("shop", "writer-1", "host-b:/data"))


def test_a_server_that_has_been_silent_for_long_can_be_moved(engine: Engine) -> None:
    engine.execute(
        "INSERT INTO log_writers (Deployment, Writer, Place, Instance, Writing, SeenAt) SETTINGS async_insert = 0 "
        "VALUES ('shop', 'writer-1', 'host-a:/data', generateUUIDv4(), 1, now64(3) - 60)"
    )
    claim(engine, WriterName("shop", "writer-1", "host-b:/data"))


def test_other_names_and_deployments_do_not_matter(engine: Engine) -> None:
    claim(engine, WriterName("shop", "writer-1", "host-a:/data"))
    claim(engine, WriterName("shop", "writer-2", "host-b:/data"))
    claim(engine, WriterName("bank", "writer-1", "host-c:/it's \\ odd"))
