"""Scan of the files of a commit for secrets: ``python -m release.leaks [FILE…]``.

The forms of tokens are those that the server redacts from records, so that a service that is added there is looked for
here too. A secret that lies in the tree on purpose, as an example or for a test, is named in ``known-secrets.toml`` by
its hash and with a reason: another secret in the same file is found.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from release.errors import ReleaseError
from release.source import ROOT
from server.codec.redaction_rules import PREFIXES, Characters

__all__ = ["Leak", "judge", "leaks", "main", "read_known"]

KNOWN = Path(__file__).with_name("known-secrets.toml")

_RUNS = {
    Characters.LETTERS: rb"[A-Za-z0-9]",
    Characters.WORD: rb"[A-Za-z0-9_]",
    Characters.NAME: rb"[A-Za-z0-9_-]",
    Characters.DOTTED: rb"[A-Za-z0-9_.-]",
    Characters.CAPITALS: rb"[A-Z0-9]",
}
_HASH_DIGITS = 16


def _forms() -> Iterator[tuple[str, bytes, bytes]]:
    """Yield rules, texts that stand in each match, and expressions."""
    yield "lognotary_token", b"lgn_", rb"lgn_[A-Za-z0-9_-]{40,}"
    # The body of a key, too: a header alone is no secret. Line breaks may be escaped, as in a string.
    body = rb"(?:\s|\\[nr]|[\"'])+[A-Za-z0-9+/=]{16,}"
    yield "private_key", b"PRIVATE KEY", rb"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----" + body
    yield "jwt", b"eyJ", rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"
    for prefix in PREFIXES:
        most = b"%d" % prefix.longest if prefix.longest else b""
        digit = rb"(?=[A-Za-z_.-]*[0-9])" if prefix.digit else b""
        run = _RUNS[prefix.characters] + b"{%d,%b}" % (prefix.shortest, most)
        yield prefix.rule, prefix.text, re.escape(prefix.text) + digit + run


_FORMS = tuple((rule, text, re.compile(rb"(?<![A-Za-z0-9_])" + form)) for rule, text, form in _forms())


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret in a file.

    Attributes:
        file: path of the file.
        line: number of the line in which it begins, from 1.
        rule: rule that found it.
        digest: start of the SHA-256 of the secret, in hexadecimal.
    """

    file: str
    line: int
    rule: str
    digest: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}, hash {self.digest}"


def leaks(file: str, content: bytes) -> Iterator[Leak]:
    """Yield the secrets in a file."""
    for rule, text, form in _FORMS:
        for match in form.finditer(content) if text in content else ():
            digest = sha256(match.group()).hexdigest()[:_HASH_DIGITS]
            yield Leak(file, content.count(b"\n", 0, match.start()) + 1, rule, digest)


def read_known(text: str) -> dict[str, str]:
    """Return the hashes of known secrets, and why each is in the tree.

    Raises:
        ReleaseError: a secret has no reason, or a hash that is none.
    """
    known: dict[str, str] = {}
    for entry in tomllib.loads(text).get("known", []):
        if not str(entry.get("reason", "")).strip():
            raise ReleaseError(f"known secrets need a reason: {entry}")
        for digest in entry["hashes"]:
            if not re.fullmatch(f"[0-9a-f]{{{_HASH_DIGITS}}}", digest):
                raise ReleaseError(f"{digest!r} is not a hash of {_HASH_DIGITS} hexadecimal digits")
            known[digest] = entry["reason"]
    return known


def judge(found: Collection[Leak], known: Mapping[str, str], *, complete: bool) -> list[str]:
    """Return a sentence for each secret that is not known, and each known one that is in no file any more.

    Args:
        found: secrets that were found.
        known: hash -> reason.
        complete: whether all files were scanned.
    """
    problems = [str(leak) for leak in found if leak.digest not in known]
    unused = sorted(known.keys() - {leak.digest for leak in found}) if complete else []
    return problems + [f"{KNOWN.name} names {digest}, which is in no file: remove it" for digest in unused]


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def _scan(files: Iterable[Path]) -> list[Leak]:
    return [leak for file in files if file.is_file() for leak in leaks(str(file), file.read_bytes())]


def main(arguments: list[str]) -> int:
    """Scan the given files, or all files that git knows; return 1 if there is a secret."""
    found = _scan(map(Path, arguments) if arguments else _tracked())
    problems = judge(found, read_known(KNOWN.read_text(encoding="utf-8")), complete=not arguments)
    for problem in problems:
        sys.stderr.write(f"{problem.removeprefix(f'{ROOT}/')}\n")
    if problems:
        sys.stderr.write(
            "A secret that was committed is known to others: replace it where it is used, then remove it here. If it "
            f"is an example, name its hash in release/{KNOWN.name}, with a reason\n"
        )
        return 1
    sys.stdout.write(f"no secrets: {len(found)} known ones, of which each has a reason\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
