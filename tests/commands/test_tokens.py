"""``lognotary tokens``: tokens are created, listed, rotated and revoked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.lacking import lacking
from harness.lognotary_server import run_lognotary
from server.access.callers import Grant, Role
from server.access.token_file import change_tokens, read_tokens, tokens_path
from server.access.token_text import digest_of, is_token
from server.access.token_uses import TokenUses
from server.access.tokens import Token
from server.cli import main
from server.data_dir.directory import DataDirectory
from server.notary.origin import Stream

DAY = 86_400


class Commands:
    """``lognotary tokens`` on a data directory."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self.capsys = capsys

    def __call__(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        """Run an action; returns standard output and standard error."""
        action, *rest = arguments
        try:
            done = main(["tokens", action, "--data-dir", str(self.directory), *rest])
        except SystemExit as ended:
            done = ended.code  # type: ignore[assignment]
        output = self.capsys.readouterr()
        assert done == status, output.err
        return output.out, output.err

    def create(self, *arguments: str) -> tuple[str, Token]:
        text = self("create", *arguments)[0].removesuffix("\n")
        (token,) = (token for token in self.all() if token.digest == digest_of(text))
        return text, token

    def all(self) -> tuple[Token, ...]:
        return read_tokens(tokens_path(self.directory)).all


@pytest.fixture
def tokens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(tmp_path / "data", capsys)


def test_the_token_stands_alone_on_standard_output(tokens: Commands) -> None:
    out, err = tokens("create", "checkout")
    assert is_token(out.removesuffix("\n"))
    assert out.strip() not in err
    assert "it is not shown again" in err
    (token,) = tokens.all()
    assert (token.name, token.grants, token.expires) == ("checkout", (Grant(Role.SENDER),), None)
    assert token.digest == digest_of(out.strip())


def test_a_shell_can_keep_it_in_a_variable(tmp_path: Path) -> None:
    script = 'token=$("$0" -m server tokens create x 2>&-); printf "[%s]" "$token"'
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOGNOTARY_")}
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        ["sh", "-c", script, sys.executable],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": root},
    )
    assert is_token(done.stdout.strip("[]"))


def test_a_token_has_what_it_was_created_with(tokens: Commands) -> None:
    _, token = tokens.create("a", "--tenant", "acme", "--stream", "audit", "--stream", "spans", "--expires", "90d")
    assert (token.tenant, token.streams) == ("acme", frozenset({Stream.AUDIT, Stream.SPANS}))
    assert token.expires == token.created + 90 * DAY
    assert token.grants == (Grant(Role.SENDER, frozenset({"acme"})),)


@pytest.mark.parametrize(
    ("arguments", "grants"),
    [
        (("--role", "viewer"), {Grant(Role.VIEWER, frozenset({""}))}),
        (("--role", "auditor", "--all-tenants"), {Grant(Role.AUDITOR)}),
        (("--role", "viewer", "--tenant", "acme"), {Grant(Role.VIEWER, frozenset({"acme"}))}),
        (("--role", "operator", "--role", "sender"), {Grant(Role.OPERATOR), Grant(Role.SENDER)}),
        (
            ("--role", "viewer", "--service", "a", "--service", "b", "--environment", "prod"),
            {Grant(Role.VIEWER, frozenset({""}), frozenset({"a", "b"}), frozenset({"prod"}))},
        ),
    ],
)
def test_who_reads_reads_the_records_of_one_tenant_unless_all_are_named(
    tokens: Commands, arguments: tuple[str, ...], grants: set[Grant]
) -> None:
    assert set(tokens.create("a", *arguments)[1].grants) == grants


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--role", "root"), "'root' is not sender, viewer"),
        (("--service", "a"), "--service is about what may be read"),
        (("--all-tenants",), "--all-tenants is about what may be read"),
        (("--role", "viewer", "--stream", "audit"), "--stream is about what may be sent"),
        (("--tenant", "a", "--all-tenants"), "not allowed with"),
        (("--tenant", "audit"), "is the name of a stream"),
        (("--expires", "soon"), "is not a duration"),
        (("--expires", "10"), "'10' is not a duration with a unit, such as 12h or 90d"),
        (("--expires", "0d"), "0d is too short"),
        (("--stream", "traces"), "is not audit"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(tokens: Commands, arguments: tuple[str, ...], message: str) -> None:
    assert message in tokens("create", "a", *arguments, status=2)[1]
    assert not tokens.directory.exists()


@pytest.mark.parametrize("used", ["1e18", "-1", "1e999", "253402300800", "null", "[" * 100_000])
def test_a_time_of_use_that_no_calendar_has_is_left_out_of_the_list(tokens: Commands, used: str) -> None:
    _, token = tokens.create("a")
    (tokens.directory / "access" / "token-uses-server.json").write_text(f'{{"{token.id}": {used}}}')
    assert "never used" in tokens("list")[0]


def test_a_token_that_no_server_may_accept_is_told(tokens: Commands, tmp_path: Path) -> None:
    err = tokens("create", "a")[1]
    assert f"the token is added to {tokens_path(tokens.directory)}" in err
    assert f"no server has used the data directory {tokens.directory} yet" in err
    with DataDirectory(tokens.directory):
        assert "no server" not in tokens("create", "b")[1]
    shared = str(tmp_path / "shared.json")
    assert "no server" not in Commands(tmp_path / "other", tokens.capsys)("create", "c", "--tokens-file", shared)[1]


@pytest.mark.parametrize(
    ("arguments", "note", "listed"),
    [
        (("--role", "auditor"), "as auditor, it reads the default tenant only", "auditor (default tenant)"),
        (("--role", "auditor", "--tenant", "shop"), "", "auditor (tenant shop)"),
        (("--role", "auditor", "--all-tenants"), "", "auditor (all tenants)"),
        (("--role", "operator"), "", "operator"),
        (("--role", "operator", "--tenant", "shop"), "warning: as operator of a tenant, it", "operator (tenant shop)"),
        (("--role", "admin", "--tenant", "shop"), "", "admin (tenant shop)"),
        ((), "", "sender"),
    ],
)
def test_what_a_token_is_limited_to_is_told_when_it_is_created_and_in_the_list(
    tokens: Commands, arguments: tuple[str, ...], note: str, listed: str
) -> None:
    err = tokens("create", "a", *arguments)[1]
    assert note in err
    assert ("lognotary: as " in err or "warning" in err) is bool(note)
    assert tokens("list")[0].splitlines()[1].strip().startswith(f"{listed}; ")


def test_a_name_has_one_token(tokens: Commands) -> None:
    tokens.create("checkout")
    assert "lognotary tokens rotate checkout" in tokens("create", "checkout", status=2)[1]
    assert len(tokens.all()) == 1


def test_rotation_keeps_the_old_token_for_its_overlap(tokens: Commands) -> None:
    _, old = tokens.create("checkout", "--expires", "90d")
    out, err = tokens("rotate", "checkout", "--overlap", "7d")
    left, new = tokens.all()
    assert f"the old token, {old.id}, stays valid until 20" in err
    assert new.digest == digest_of(out.strip())
    assert left.expires == new.created + 7 * DAY
    assert new.expires == new.created + 90 * DAY


def test_a_revoked_token_is_not_valid(tokens: Commands) -> None:
    _, token = tokens.create("checkout")
    assert token.id in tokens("revoke", token.id)[0]
    assert tokens.all()[0].revoked is not None
    assert "there is no valid token" in tokens("revoke", "checkout", status=2)[1]


@pytest.mark.parametrize("action", ["rotate", "revoke"])
def test_a_wrong_data_directory_is_told_and_stays_as_it_is(tokens: Commands, action: str) -> None:
    assert "give the server's data directory" in tokens(action, "checkout", status=2)[1]
    assert not tokens.directory.exists()


def test_the_list_says_which_tokens_there_are_and_when_they_were_used(tokens: Commands) -> None:
    assert "there are no tokens" in tokens("list")[1]
    _, used = tokens.create("used", "--tenant", "acme", "--stream", "audit")
    text, lost = tokens.create("lost", "--role", "viewer", "--service", "shop", "--all-tenants")
    tokens("revoke", "lost")
    uses = TokenUses(tokens.directory, "worker-1")
    uses.note(used.id, 1_800_000_000)
    uses.write()
    lines = tokens("list")[0].splitlines()
    assert lines[0] == f"{used.id}  used  valid"
    assert "sender; tenant acme; streams audit; created" in lines[1]
    assert lines[1].endswith("last used 2027-01-15T08:00:00Z")
    assert lines[2] == f"{lost.id}  lost  revoked"
    assert "viewer (service shop, all tenants); created" in lines[3]
    assert lines[3].endswith("never used")
    listed = json.loads(tokens("list", "--json")[0])
    assert [(one["id"], one["state"], one.get("last_used")) for one in listed] == [
        (used.id, "valid", "2027-01-15T08:00:00Z"),
        (lost.id, "revoked", None),
    ]
    assert text not in json.dumps(listed)
    assert lost.digest.hex() not in json.dumps(listed)


def test_json_has_the_new_token(tokens: Commands) -> None:
    made = json.loads(tokens("create", "a", "--json")[0])
    assert is_token(made["token"])
    assert made["id"] == tokens.all()[0].id
    turned = json.loads(tokens("rotate", "a", "--json")[0])
    assert turned["token"] != made["token"]


def test_the_file_may_be_elsewhere(tokens: Commands, tmp_path: Path) -> None:
    file = tmp_path / "shared" / "tokens.json"
    tokens("create", "a", "--tokens-file", str(file))
    assert [token.name for token in read_tokens(file).all] == ["a"]
    assert tokens.all() == ()


def test_whoever_means_another_server_is_told_that_the_file_is_of_this_machine(
    tokens: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "LOGNOTARY_API" not in tokens("create", "a")[1]
    monkeypatch.setenv("LOGNOTARY_API", "https://logs.example:7317")
    assert "LOGNOTARY_API is set, but this command works on a file of this machine" in tokens("list")[1]


def test_a_new_token_is_written_to_a_file_that_only_its_owner_can_read(tokens: Commands, tmp_path: Path) -> None:
    file = tmp_path / "checkout.token"
    file.write_text("of before")
    file.chmod(0o644)
    out, err = tokens("create", "checkout", "-o", str(file))
    text = file.read_text()
    assert (out, file.stat().st_mode & 0o777) == ("", 0o600)
    assert f"is in {file} only" in err
    assert tokens.all()[0].digest == digest_of(text.removesuffix("\n"))
    tokens("rotate", "checkout", "--output", str(file), "--json")
    assert tokens.all()[1].digest == digest_of(json.loads(file.read_text())["token"])
    assert sorted(tmp_path.iterdir()) == [file, tokens.directory]


def test_a_file_keeps_its_token_if_there_is_no_new_one(tokens: Commands, tmp_path: Path) -> None:
    file = tmp_path / "checkout.token"
    tokens("create", "checkout", "-o", str(file))
    tokens("rotate", "checkout", "-o", str(file))
    text = file.read_text()
    assert "are valid already" in tokens("rotate", "checkout", "-o", str(file), status=2)[1]
    assert file.read_text() == text
    assert sorted(tmp_path.iterdir()) == [file, tokens.directory]


@pytest.mark.parametrize(("name", "message"), [("none/token", "there is no directory"), (".", "not a regular file")])
def test_a_file_that_cannot_be_written_makes_no_token(
    tokens: Commands, tmp_path: Path, name: str, message: str
) -> None:
    assert message in tokens("create", "checkout", "-o", str(tmp_path / name), status=2)[1]
    assert tokens.all() == ()


def given_to_user(tmp_path: Path) -> Path:
    """Return a data directory of another user, beside a directory ``of-root``; only root can make it."""
    if os.geteuid() != 0:
        lacking("only root can give a file to another user")
    directory = tmp_path / "data"
    directory.mkdir()
    os.chown(directory, 10_001, 10_001)
    for parent in tmp_path.parents:
        if not parent.stat().st_mode & 0o001:  # temporary directories are their owner's
            parent.chmod(0o755)
    tmp_path.chmod(0o755)
    (tmp_path / "of-root").mkdir(mode=0o700)
    return directory


def test_root_acts_as_the_owner_of_the_data_directory(tmp_path: Path) -> None:
    directory = given_to_user(tmp_path)
    done = run_lognotary("tokens", "create", "a", "--data-dir", str(directory))
    assert done.returncode == 0, done.stderr
    made = [directory / "access", *(directory / "access").iterdir()]
    assert {file.stat().st_uid for file in made} == {10_001}
    of_caller = tmp_path / "of-root" / "c.token"
    assert run_lognotary("tokens", "create", "c", "--data-dir", str(directory), "-o", str(of_caller)).returncode == 0
    assert (of_caller.stat().st_uid, is_token(of_caller.read_text().strip())) == (0, True)
    of_caller.unlink()
    (directory / "access" / "tokens.json").unlink()
    (directory / "access" / "tokens.json").symlink_to(tmp_path / "of-root" / "tokens.json")
    assert run_lognotary("tokens", "create", "b", "--data-dir", str(directory)).returncode == 2
    assert list((tmp_path / "of-root").iterdir()) == []
    roots = tmp_path / "of-root" / "tokens.json"
    change_tokens(roots, lambda tokens: (tokens, None))
    os.lchown(directory / "access" / "tokens.json", 10_001, 10_001)
    before = roots.read_bytes()
    assert run_lognotary("tokens", "create", "b", "--data-dir", str(directory)).returncode == 2
    assert roots.read_bytes() == before


def test_root_does_not_follow_a_link_to_a_directory_that_the_owner_of_the_data_directory_made(tmp_path: Path) -> None:
    directory = given_to_user(tmp_path)
    (directory / "access").symlink_to(tmp_path / "of-root")
    os.lchown(directory / "access", 10_001, 10_001)
    assert run_lognotary("tokens", "create", "b", "--data-dir", str(directory)).returncode == 2
    assert list((tmp_path / "of-root").iterdir()) == []


def test_root_acts_as_the_owner_of_a_link_in_the_way_and_as_itself_where_all_is_its_own(tmp_path: Path) -> None:
    directory = given_to_user(tmp_path)
    own = tmp_path / "of-root" / "data"
    directory.rmdir()
    own.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(own)
    assert run_lognotary("tokens", "create", "a", "--data-dir", str(tmp_path / "link")).returncode == 0
    assert (own / "access" / "tokens.json").stat().st_uid == 0
    os.lchown(tmp_path / "link", 10_001, 10_001)
    before = (own / "access" / "tokens.json").read_bytes()
    assert run_lognotary("tokens", "create", "b", "--data-dir", str(tmp_path / "link")).returncode == 2
    assert (own / "access" / "tokens.json").read_bytes() == before


def test_a_file_of_tokens_elsewhere_is_written_as_the_owner_of_its_directory(tmp_path: Path) -> None:
    directory = given_to_user(tmp_path)
    file = directory / "tokens.json"
    elsewhere = "--data-dir", str(tmp_path / "of-root"), "--tokens-file", str(file)
    assert run_lognotary("tokens", "create", "a", *elsewhere).returncode == 0
    assert file.stat().st_uid == 10_001
