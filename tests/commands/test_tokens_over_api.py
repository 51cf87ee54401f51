"""``lognotary tokens --api``: what it asks the API of a server for, and shows, is as with the file of tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
from google.protobuf.message import Message

from lognotary.v1.tokens_pb2_grpc import TokenServiceServicer, add_TokenServiceServicer_to_server
from server.access.callers import Grant, Role
from server.access.token_file import read_tokens
from server.access.token_text import digest_of, is_token
from server.access.token_uses import TokenUses, read_uses
from server.access.tokens import Token
from server.api.statuses import status_of
from server.api.tokens import TokenAdministration
from server.cli import main
from server.errors.base import LognotaryError
from server.notary.origin import Stream

_Answer = TypeVar("_Answer", bound=Message)
HERE = "127.0.0.1"


class Service(TokenServiceServicer):
    """The calls of a server on this machine that needs no credentials."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.file = data_dir / "access" / "tokens.json"
        self._tokens = TokenAdministration(self.file, lambda: read_uses(data_dir), "local")

    @property
    def all(self) -> tuple[Token, ...]:
        return read_tokens(self.file).all

    def ListTokens(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name is the API's
        return self._answer(context, self._tokens.list_tokens, request)

    def CreateToken(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name is the API's
        return self._answer(context, self._tokens.create, request)

    def RotateToken(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name is the API's
        return self._answer(context, self._tokens.rotate, request)

    def RevokeToken(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name is the API's
        return self._answer(context, self._tokens.revoke, request)

    def _answer(self, context: Any, work: Callable[[Any, str], _Answer], request: Any) -> _Answer:
        try:
            return work(request, HERE)
        except LognotaryError as error:
            status = status_of(error)
            context.abort(status.code, status.message)
            raise


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[Service, str]]:
    """A service, and its address."""
    server, found = grpc.server(ThreadPoolExecutor(1)), Service(tmp_path / "data")
    add_TokenServiceServicer_to_server(found, server)
    address = f"{HERE}:{server.add_insecure_port(f'{HERE}:0')}"
    server.start()
    yield found, address
    server.stop(None)


class Commands:
    """The commands, with the address of the service."""

    def __init__(self, service: tuple[Service, str], capsys: pytest.CaptureFixture[str]) -> None:
        self.server, self._address = service
        self._capsys = capsys

    def __call__(self, action: str, *arguments: str, status: int = 0) -> tuple[str, str]:
        """Run an action; returns standard output and standard error."""
        try:
            done = main(["tokens", action, "--api", self._address, *arguments])
        except SystemExit as ended:
            done = ended.code  # type: ignore[assignment]
        output = self._capsys.readouterr()
        assert done == status, output.err
        return output.out, output.err


@pytest.fixture
def tokens(service: tuple[Service, str], capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(service, capsys)


def test_a_token_is_created_with_all_of_its_limits(tokens: Commands) -> None:
    options = ("--role", "sender", "--role", "auditor", "--tenant", "acme", "--stream", "spans", "--expires", "90d")
    out, err = tokens("create", "one", *options, "--service", "shop", "--environment", "test")
    assert is_token(out.removesuffix("\n"))
    assert out.strip() not in err
    assert "it is not shown again" in err
    (token,) = tokens.server.all
    acme = frozenset({"acme"})
    assert token.digest == digest_of(out.strip())
    assert token.grants == (
        Grant(Role.SENDER, acme),
        Grant(Role.AUDITOR, acme, frozenset({"shop"}), frozenset({"test"})),
    )
    assert (token.tenant, token.streams) == ("acme", frozenset({Stream.SPANS}))
    assert token.expires == token.created + 90 * 86_400
    assert token.created_by.startswith(f"somebody without credentials from {HERE}, who claims to act for ")
    assert "this is the first token for the API" in err


def test_all_tenants_may_be_read_and_what_a_token_cannot_do_is_told(tokens: Commands) -> None:
    _, err = tokens("create", "all", "--role", "viewer", "--all-tenants")
    assert "default tenant" not in err
    _, err = tokens("create", "one", "--role", "viewer")
    assert "as viewer, it reads the default tenant only" in err
    assert [grant.tenants for token in tokens.server.all for grant in token.grants] == [None, frozenset({""})]


def test_a_rotated_token_is_written_to_a_file_that_keeps_its_token_if_there_is_no_new_one(
    tokens: Commands, tmp_path: Path
) -> None:
    file = tmp_path / "checkout.token"
    tokens("create", "checkout", "-o", str(file))
    first = file.read_text()
    _, err = tokens("rotate", "checkout", "-o", str(file), "--overlap", "7d", "--expires", "30d")
    old, new = tokens.server.all
    assert (digest_of(first.strip()), digest_of(file.read_text().strip())) == (old.digest, new.digest)
    assert new.expires == new.created + 30 * 86_400
    assert old.expires == new.created + 7 * 86_400
    assert f"the old token, {old.id}, stays valid until 20" in err
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    _, err = tokens("rotate", "checkout", "-o", str(file), status=2)
    assert "two tokens 'checkout' are valid already" in err
    assert file.read_text() == before
    assert sorted(tmp_path.iterdir()) == [file, tokens.server.data_dir]


def test_an_old_token_without_an_end_is_valid_until_it_is_revoked(tokens: Commands) -> None:
    tokens("create", "checkout")
    _, err = tokens("rotate", "checkout")
    old = tokens.server.all[0]
    assert f"the old token, {old.id}, stays valid until it is revoked with 'lognotary tokens revoke {old.id}'" in err


def test_a_token_is_revoked_by_its_name_and_who_has_none_is_told(tokens: Commands) -> None:
    tokens("create", "checkout")
    (token,) = tokens.server.all
    out, _ = tokens("revoke", "checkout")
    assert out == f"token checkout, {token.id}, is revoked: the server refuses it within a second\n"
    assert tokens.server.all[0].revoked is not None
    assert "there is no valid token with the name or ID 'checkout'" in tokens("revoke", "checkout", status=1)[1]


def test_the_list_and_json_are_as_those_of_the_file(tokens: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there are no tokens at this server" in tokens("list")[1]
    tokens("create", "used", "--tenant", "acme", "--stream", "audit")
    tokens("create", "lost", "--role", "viewer", "--service", "shop", "--all-tenants", "--expires", "90d")
    tokens("create", "read", "--role", "viewer", "--role", "operator", "--environment", "test")
    tokens("revoke", "lost")
    uses = TokenUses(tokens.server.data_dir, "worker-1")
    uses.note(tokens.server.all[0].id, 1_800_000_000)
    uses.write()
    for arguments in ((), ("--json",)):
        assert main(["tokens", "list", "--data-dir", str(tokens.server.data_dir), *arguments]) == 0
        of_file = capsys.readouterr().out
        assert tokens("list", *arguments)[0] == of_file
    listed = json.loads(of_file)
    assert [(one["name"], one["state"], one.get("last_used")) for one in listed] == [
        ("used", "valid", "2027-01-15T08:00:00Z"),
        ("lost", "revoked", None),
        ("read", "valid", None),
    ]


def test_json_has_the_new_token(tokens: Commands) -> None:
    made = json.loads(tokens("create", "a", "--json")[0])
    assert is_token(made["token"])
    assert made["id"] == tokens.server.all[0].id
    turned = json.loads(tokens("rotate", "a", "--json")[0])
    assert digest_of(turned["token"]) == tokens.server.all[1].digest


@pytest.mark.parametrize("other", ["--data-dir", "--tokens-file", "--config"])
def test_the_file_and_the_api_are_not_given_together(tokens: Commands, tmp_path: Path, other: str) -> None:
    _, err = tokens("create", "a", other, str(tmp_path / "x"), status=2)
    assert f"--api and {other} are given: give one of them" in err
    assert tokens.server.all == ()


def test_a_token_for_the_api_without_the_api_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):  # the file of tokens may have been meant
        main(["tokens", "list", "--token-file", str(tmp_path / "tokens.json")])
    assert "are for the server's API: give --api too" in capsys.readouterr().err
