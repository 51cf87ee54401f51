"""``check.py`` accepts an opened value only if the signed record has a commitment to exactly this value."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from harness.bundles import MemoryLog, encode_record
from server import check, cli
from server.commands.bundles import save_bundle
from server.notary.canonical import Value
from server.notary.commitment import commitment_mark
from server.notary.disclosure import OpenedValue
from server.notary.origin import Stream
from tests.checked_bundles import BUNDLE, FIRST, failed, key, says
from tests.saved_again import marked, utf_16

NAME = OpenedValue("key.custom", b"\1" * 32, "Zoë\n".encode())
SECRET = OpenedValue("key.password", b"\2" * 32, b"\xff\x00")
EMPTY = OpenedValue("key.password", b"\3" * 32, b"")
OTHER = OpenedValue("key.custom", b"\4" * 32, b"bob")  # not in the record


def listed(*values: OpenedValue) -> bytes:
    """Return the details of a record in which the server has made the commitments to some values."""
    return json.dumps({"log": {"x": ["int"]}, "commitments": [value.digest for value in values]}).encode()


MARKS = {value: commitment_mark(value.rule, value.digest) for value in (NAME, SECRET, EMPTY)}
RECORD = {"Body": b" ".join(MARKS.values()), "ActorId": MARKS[NAME]}
LISTED = listed(NAME, SECRET, EMPTY)
LOG = MemoryLog([encode_record(Stream.AUDIT, {**RECORD, "OtlpDetails": LISTED})])
NOTE = LOG.checkpoint(1, FIRST)
KEYS = [key(FIRST)]


def bundle(*opened: OpenedValue) -> dict[str, bytes]:
    return LOG.bundle(0, NOTE, opened=opened)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    """Return a bundle in which one value is open, after a change of its ``disclosures.json``."""
    files = bundle(NAME)
    content = json.loads(files["disclosures.json"])
    change(content)
    return {**files, "disclosures.json": json.dumps(content).encode()}


def of_value(**new: object) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["disclosures"][0].update(new)


@pytest.mark.parametrize(
    ("opened", "words"),
    [
        ((), "0 are open and have their commitments, and 3 remain closed"),
        ((NAME,), "1 is open and has its commitment, and 2 remain closed"),
        ((NAME, SECRET), "2 are open and have their commitments, and 1 remains closed"),
        ((NAME, SECRET, EMPTY), "3 are open and have their commitments, and 0 remain closed"),
    ],
)
def test_it_counts_what_is_open_and_what_is_closed(opened: tuple[OpenedValue, ...], words: str) -> None:
    report = check.check(bundle(*opened), KEYS)
    assert failed(report) == {}
    assert says(report, "disclosures").endswith(words)
    assert report.proved is not None
    values = {NAME: "Zoë\n", SECRET: {"base64": "/wA="}, EMPTY: ""}
    assert report.proved.get("Disclosed", {}) == {MARKS[value].decode(): values[value] for value in opened}
    assert report.not_checked == ("README.txt", "verifier-keys.txt")


def checked(opened: tuple[OpenedValue, ...], columns: dict[str, Value]) -> check.Report:
    log = MemoryLog([encode_record(Stream.AUDIT, columns)])
    files = log.bundle(0, log.checkpoint(1, FIRST))
    if opened:  # as a forger writes them
        files["disclosures.json"] = bundle(*opened)["disclosures.json"]
    return check.check(files, KEYS)


@pytest.mark.parametrize(
    "details",
    [
        *(b"", b"{}", b'{"commitments":[]}', listed(SECRET, EMPTY), b"{", b"\xff", b"[]", b"[" * 100_000),
        *(b'{"commitments":7}', b'{"commitments":[[]]}', b'{"log":' + listed(NAME) + b"}"),
    ],
)
def test_a_commitment_that_the_record_does_not_list_is_its_senders_and_opens_nothing(details: bytes) -> None:
    # However many values the server has replaced: a sender can have it replace any number of his own.
    columns: dict[str, Value] = {**RECORD, "OtlpDetails": details, "Redactions": b'{"key.custom":9}'}
    report = checked((NAME,), columns)
    assert f"the record does not list {NAME.digest}" in failed(report)["disclosures"]
    assert "is Zoë" not in str(report)
    report = checked((), columns)
    assert failed(report) == {}
    count = 1 if details == listed(SECRET, EMPTY) else 3
    assert f"its sender wrote {count} text{'s' * (count > 1)} like a commitment" in says(report, "disclosures")


def test_marks_of_the_sender_beside_those_of_the_server_do_no_harm() -> None:
    copied = [(key, MARKS[EMPTY]) for key in (b"a", b"b")]
    report = checked((NAME,), {"Body": MARKS[NAME], "LogAttributes": copied, "OtlpDetails": listed(NAME)})
    assert failed(report) == {}
    assert says(report, "disclosures").endswith(
        "1 is open and has its commitment, and 0 remain closed; its sender wrote 1 text like a commitment, which opens "
        "nothing"
    )
    assert report.proved is not None
    assert report.proved["Disclosed"] == {MARKS[NAME].decode(): "Zoë\n"}


@pytest.mark.parametrize("padding", [b"", b" ", b"  "])
def test_a_value_in_bytes_is_opened(padding: bytes) -> None:
    encoded = b64encode(padding + MARKS[NAME] + b" ")
    places: tuple[dict[str, Value], ...] = (
        {"Body": encoded},
        {"LogAttributes": [(b"a", b""), (b"a", b'{"k":["' + encoded + b'"]}')]},
        {"Body": b"\xff" + MARKS[NAME]},
    )
    for columns in places:
        report = checked((NAME,), {**columns, "OtlpDetails": listed(NAME)})
        assert failed(report) == {}
        assert says(report, "disclosures").endswith("1 is open and has its commitment, and 0 remain closed")


def test_a_text_that_is_as_long_as_base64_but_is_none_has_no_commitments() -> None:
    encoded = b64encode(MARKS[NAME]).rstrip(b"=")
    report = checked((NAME,), {"Body": encoded[: len(encoded) // 4 * 4] + b"A", "OtlpDetails": listed(NAME)})
    assert "the record has no commitment" in failed(report)["disclosures"]


def test_a_bundle_of_a_record_without_commitments_says_so() -> None:
    assert says(check.check(BUNDLE, KEYS), "disclosures") == "the record has no commitments to values"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (of_value(salt=b64encode(b"\2" * 32).decode()), "SHA-256 of its salt and value is not the commitment"),
        (of_value(value=b64encode(b"bob").decode()), "SHA-256 of its salt and value is not the commitment"),
        (of_value(value=""), "SHA-256 of its salt and value is not the commitment"),
        (of_value(salt=b64encode(NAME.salt[:-1]).decode()), "its salt has 31 bytes instead of 32"),
        (of_value(salt=""), "the salt of value 1 in disclosures.json is not canonical base64"),
        (of_value(value="é"), "value 1 in disclosures.json is not base64"),
        (of_value(value="Zh=="), "value 1 in disclosures.json is not canonical base64"),
        (of_value(rule="card"), f"the record has no commitment {NAME.digest} by the rule card"),
        (of_value(commitment=OTHER.digest), f"the record has no commitment {OTHER.digest} by the rule key.custom"),
        (of_value(commitment=NAME.digest.upper()), "the record has no commitment"),
        (of_value(commitment="\ud800"), "the record has no commitment"),
        (of_value(note="true"), "does not have exactly the texts commitment, rule, salt, value"),
        (of_value(salt=None), "does not have exactly the texts"),
        (of_value(commitment=[]), "does not have exactly the texts"),
        (lambda content: content["disclosures"][0].pop("rule"), "does not have exactly the texts"),
        (lambda content: content["disclosures"].append(7), "value 2 in disclosures.json does not have exactly"),
        (lambda content: content["disclosures"].extend(content["disclosures"]), f"{NAME.digest} is there twice"),
        (lambda content: content.update(disclosures={}), "exactly its format and a list of disclosures"),
        (lambda content: content.pop("disclosures"), "exactly its format and a list of disclosures"),
        (lambda content: content.update(more=1), "exactly its format and a list of disclosures"),
        (lambda content: content.update(format="lognotary/disclosures/v2"), "use the check.py of a newer Lognotary"),
        (lambda content: content.pop("format"), "does not have the format lognotary/disclosures/v1"),
        (lambda content: content.update(disclosures=[{}] * 2000), "more than values of the record's 3 commitments"),
    ],
)
def test_a_value_that_is_not_the_one_of_the_record_is_refused(
    change: Callable[[dict[str, Any]], object], words: str
) -> None:
    why = failed(check.check(changed(change), KEYS))
    assert set(why) == {"disclosures"}
    assert words in why["disclosures"]


def test_no_byte_can_be_moved_from_a_value_to_its_salt() -> None:
    moved = b64encode(NAME.salt + NAME.value[:1]).decode(), b64encode(NAME.value[1:]).decode()
    assert sha256(NAME.salt + NAME.value[:1] + NAME.value[1:]).hexdigest() == NAME.digest
    why = failed(check.check(changed(of_value(salt=moved[0], value=moved[1])), KEYS))
    assert "its salt has 33 bytes instead of 32" in why["disclosures"]


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"format": 1, "format": 2}'])
def test_a_file_that_cannot_be_read_is_refused(content: bytes) -> None:
    why = failed(check.check({**bundle(), "disclosures.json": content}, KEYS))
    assert set(why) == {"disclosures"}
    assert "disclosures.json" in why["disclosures"]


def test_no_bit_of_an_opened_value_can_be_changed() -> None:
    files = bundle(NAME)
    parsed, whole = json.loads(files["disclosures.json"]), check.check(files, KEYS).proved
    for at in range(len(files["disclosures.json"])):
        content = bytearray(files["disclosures.json"])
        content[at] ^= 1
        report = check.check({**files, "disclosures.json": bytes(content)}, KEYS)
        if report.holds:
            assert (json.loads(content), report.proved) == (parsed, whole)  # one kind of blank became another


def test_large_disclosures_are_not_read_before_the_record_is_proved() -> None:
    content = b'{"format": "lognotary/disclosures/v1", "disclosures": []}' + b" " * (1 << 20)
    files = {**bundle(), "disclosures.json": content}
    assert failed(check.check(files, KEYS)) == {}
    unproved = {"checkpoint": BUNDLE["checkpoint"]}
    assert "they are not read" in failed(check.check({**files, **unproved}, KEYS))["disclosures"]
    large = MemoryLog([encode_record(Stream.AUDIT, {"Body": b" " * (1 << 20)})])
    files = large.bundle(0, large.checkpoint(1, FIRST))
    assert "they are not read" in failed(check.check({**files, **unproved}, KEYS))["disclosures"]


@pytest.mark.parametrize("saved", [marked, utf_16])
@pytest.mark.parametrize("name", ["disclosures.json", "disclosures (1).json.txt"])
def test_a_file_that_was_saved_again_or_renamed_still_opens_its_values(
    name: str, saved: Callable[[bytes], bytes]
) -> None:
    files = bundle(SECRET)
    files[name] = saved(files.pop("disclosures.json"))
    report = check.check(files, KEYS)
    assert failed(report) == {}
    assert report.proved is not None
    assert report.proved["Disclosed"] == {MARKS[SECRET].decode(): {"base64": "/wA="}}


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_opened_values_are_shown_on_lines_of_their_own(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_bundle(bundle(NAME, SECRET), tmp_path / name)
    assert cli.main(["check", str(tmp_path / name), "--public-key", str(FIRST.verifier_key(LOG.origin))]) == 0
    printed = capsys.readouterr().out
    assert f"  {MARKS[NAME].decode()} is Zoë\\n\n" in printed
    assert f'  {MARKS[SECRET].decode()} is {{"base64": "/wA="}}\n' in printed
