"""Results that are kept in memory for one caller are not given to another."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from lognotary.v1.disclosures_pb2 import DiscloseRequest, EraseRequest
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.current import calling
from server.access.errors import ForbiddenError
from server.access.scopes import scope_of
from server.api.disclosures import Disclosures
from server.api.errors import InvalidArgumentError, NotFoundError, NotPermittedError
from server.api.export_download import KeptManifests
from server.api.local_callers import address_of_request, check_local
from server.api.proof_cache import ProofCache
from server.api.queries import parse_streams
from server.notary.origin import Stream
from server.verification.tree import TileNodes
from storage.bound import reading_as, unlimited
from storage.deferred import DeferredEngine

A, B = (scope_of([Grant(Role.AUDITOR, frozenset(name))]) for name in "ab")
ELSEWHERE = "192.0.2.1"


def test_a_tile_is_cached_for_the_scope_in_which_it_was_read() -> None:
    cache, tile = ProofCache(), TileNodes(b"\0" * 32)
    with reading_as(A):
        cache.keep_tile("log", 0, 0, tile)
    for other in (reading_as(B), unlimited()):
        with other:
            assert cache.tile("log", 0, 0, 1) is None
            cache.forget("log")
    with reading_as(A):
        assert cache.tile("log", 0, 0, 1) is tile
        cache.forget("log")
        assert cache.tile("log", 0, 0, 1) is None


def test_a_manifest_is_for_the_scope_in_which_the_export_was_made() -> None:
    manifests = KeptManifests()
    with reading_as(A):
        name = manifests.expect()
        manifests.keep(name, "manifest")
        assert manifests.get(name) == "manifest"
    with reading_as(B), pytest.raises(NotFoundError) as theirs:
        manifests.get(name)
    with reading_as(B), pytest.raises(NotFoundError) as unknown:
        manifests.get("0" * 32)
    assert str(theirs.value).replace(name, "0" * 32) == str(unknown.value)


def test_streams_that_a_caller_may_not_read_are_left_out_unless_they_are_named() -> None:
    with reading_as(A):
        assert parse_streams([]) == (Stream.AUDIT,)
        with pytest.raises(ForbiddenError, match="reading logs and spans"):
            parse_streams(["audit", "operational", "spans"])
    with reading_as(scope_of([Grant(Role.OPERATOR)])), pytest.raises(ForbiddenError):
        parse_streams([])
    with unlimited():
        assert parse_streams([]) == (Stream.AUDIT, Stream.OPERATIONAL)


@pytest.mark.parametrize("kind", CallerKind)
def test_callers_with_credentials_change_policies_from_anywhere_unless_nobody_may(kind: CallerKind) -> None:
    with calling(Caller("alice", kind, (Grant(Role.OPERATOR),))):
        if kind is CallerKind.LOCAL:
            with pytest.raises(NotPermittedError):
                check_local(ELSEWHERE, "local")
        else:
            check_local(ELSEWHERE, "local")
        with pytest.raises(NotPermittedError, match="off"):
            check_local("127.0.0.1", "off")


def test_disclosed_values_are_shown_though_nobody_may_change_policies() -> None:
    disclosures = Disclosures(DeferredEngine(), lambda _: None, "off")
    with pytest.raises(InvalidArgumentError):  # the request is looked at
        disclosures.disclose(DiscloseRequest(commitments=["?"]), "127.0.0.1")
    with pytest.raises(NotPermittedError):
        disclosures.disclose(DiscloseRequest(), ELSEWHERE)
    with pytest.raises(NotPermittedError, match="off"):
        disclosures.erase(EraseRequest(actor="alice", reason="x"), "127.0.0.1")


def test_callers_without_credentials_are_never_served_in_a_browser() -> None:
    request = Request({"type": "http", "headers": [(b"origin", b"http://a.example")], "client": (ELSEWHERE, 1)})
    with calling(Caller("alice", CallerKind.TOKEN, address=ELSEWHERE)):
        assert address_of_request(request) == ELSEWHERE
    with calling(Caller("local", CallerKind.LOCAL)), pytest.raises(InvalidArgumentError):
        address_of_request(request)
