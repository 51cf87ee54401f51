"""Values of commitments that are chosen on the command line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lognotary.v1 import disclosures_pb2 as messages
from server.commands.disclose import disclosed_lines
from server.commands.disclosing import NotDisclosedError, chosen, disclosed, opened_values, short
from server.notary.disclosure import Commitment, OpenedValue

NAME = OpenedValue("key.custom", b"\1" * 32, b"alice")
SECRET = OpenedValue("key.password", b"\2" * 32, b"hunter2")
A, B = (Commitment(value.rule, value.digest) for value in (NAME, SECRET))
C, D = Commitment("card", "ab" + "0" * 62), Commitment("card", "ab" + "1" * 62)
ALL = [A, B, C, D]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["all"], ALL),
        (["card"], [C, D]),
        (["card", "key.custom"], [A, C, D]),
        ([short(B)], [B]),
        (["ab0"], [C]),
        (["ab1", "card", "ab0"], [C, D]),
        ([D.digest], [D]),
        ([], []),
    ],
)
def test_commitments_are_chosen_by_rule_and_by_digits(words: list[str], found: list[Commitment]) -> None:
    assert chosen(ALL, words) == found


@pytest.mark.parametrize(
    ("commitments", "word", "told"),
    [
        (ALL, "ab", "ab begins 2 commitments of the record: give more digits"),
        (ALL, "key.passwort", "did you mean 'key.password'?"),
        (ALL, "jwt", "the record does not have this commitment: 'jwt' is not all, key.custom, key.password, card, "),
        ([], "all", "the record has no commitments to values"),
    ],
)
def test_a_choice_that_the_record_does_not_have_is_refused(commitments: list[Commitment], word: str, told: str) -> None:
    with pytest.raises(NotDisclosedError) as refused:
        chosen(commitments, [word])
    assert told in str(refused.value)


def test_a_value_that_does_not_have_its_commitment_is_not_disclosed() -> None:
    def lie(request: messages.DiscloseRequest) -> messages.DiscloseResponse:
        assert list(request.commitments) == [A.digest, B.digest]
        true = messages.DisclosedValue(commitment=A.digest, salt=NAME.salt, value=NAME.value, rule=NAME.rule)
        false = messages.DisclosedValue(commitment=B.digest, salt=SECRET.salt, value=b"other", rule=SECRET.rule)
        other = messages.DisclosedValue(commitment=C.digest, salt=NAME.salt, value=NAME.value, rule=NAME.rule)
        return messages.DiscloseResponse(values=[true, false, other])

    assert disclosed(lie, [A, B, A]) == {A.digest: NAME}


def test_many_commitments_are_asked_for_in_parts() -> None:
    asked: list[int] = []

    def nothing(request: messages.DiscloseRequest) -> messages.DiscloseResponse:
        asked.append(len(request.commitments))
        return messages.DiscloseResponse()

    assert disclosed(nothing, [Commitment("card", f"{number:064x}") for number in range(2001)]) == {}
    assert asked == [1000, 1000, 1]


def test_marks_of_the_sender_are_never_chosen() -> None:
    senders = [replace(each, is_senders=True) for each in (B, C)]
    assert chosen([A, *senders, D], ["all"]) == [A, D]
    assert chosen([A, *senders, D], ["card", "ab"]) == [D]
    for commitments, word in (([A, *senders, D], "key.password"), ([A, *senders, D], short(B)), (senders, "all")):
        with pytest.raises(NotDisclosedError, match="the sender of the record wrote this text"):
            chosen(commitments, [word])


def test_marks_of_the_sender_are_shown_without_a_value() -> None:
    commitments = [replace(each, places=("Body",), is_senders=each in (B, C)) for each in ALL]
    found = {B.digest: SECRET, D.digest: NAME}  # B is a copy of the mark in another record
    assert list(disclosed_lines(commitments, found)) == [
        f"key.custom    {short(A)}  erased or expired  in Body",
        f"key.password  {short(B)}  not a value: the sender wrote this text  in Body",
        f"card          {short(C)}  not a value: the sender wrote this text  in Body",
        f"card          {short(D)}  alice  in Body",
    ]


def test_values_that_are_gone_are_named_with_the_option_that_leaves_them_out() -> None:
    assert opened_values([A], {A.digest: NAME}) == [NAME]
    with pytest.raises(NotDisclosedError) as refused:
        opened_values([A, B, C], {A.digest: NAME})
    assert "2 values are erased or older than retention_disclosures" in str(refused.value)
    assert f"{short(B)} (key.password), {short(C)} (card)" in str(refused.value)
    assert f"without them, add --keep-closed {short(B)} --keep-closed {short(C)}" in str(refused.value)
