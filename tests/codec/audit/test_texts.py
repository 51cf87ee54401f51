"""Values within texts: where paths lead in JSON and in key=value texts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.codec.audit.pairs import pairs
from server.codec.audit.paths import ALL, BYTES, HEX, parse_path
from server.codec.audit.texts import elements_of, events_of, find, members, plain

EVENT = {
    "user": {"username": 'jane "x" é', "groups": ["devs", "ops"], "extra": {"a.b": {"c": 1}}},
    "sourceIPs": ["203.0.113.40", "10.0.0.7"],
    "annotations": {"authorization.k8s.io/decision": "forbid"},
    "targets": [{"id": "t1"}, {"id": "t2", "n": None}, {"other": 1}],
    "text": '{"log":"{\\"verb\\":\\"get\\"}"}',
    "pairs": 'op=login acct="root"',
    "empty": [],
    "none": None,
    "number": 403.0,
    "truth": True,
}


def at(text: Any, path: str) -> str | None:
    found = find((text if isinstance(text, str) else json.dumps(text)).encode(), parse_path(path).segments)
    return None if found is None else found.decode()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("user.username", 'jane "x" é'),
        ("user.groups", "devs,ops"),
        ("user.groups[0]", "devs"),
        ("user.groups[1]", "ops"),
        ("user.groups[-1]", "ops"),
        ("user.groups[2]", None),
        ("user.groups[*]", "devs,ops"),
        ("user.extra.a.b.c", "1"),
        ("user.extra.a", None),
        ("sourceIPs[0]", "203.0.113.40"),
        ("annotations.authorization.k8s.io/decision", "forbid"),
        ("targets[0].id", "t1"),
        ("targets[-1].id", None),
        ("targets[*].id", "t1,t2"),
        ("targets[*].n", None),
        ("targets.id", None),
        ("text.log.verb", "get"),
        ("pairs.acct", None),
        ("empty", ""),
        ("empty[0]", None),
        ("none", None),
        ("none.x", None),
        ("number", "403.0"),
        ("truth", "true"),
        ("number[0]", "403.0"),
        ("nothing", None),
    ],
)
def test_a_path_leads_through_maps_lists_and_texts(path: str, found: str | None) -> None:
    assert at(EVENT, path) == found


def test_the_longest_key_that_is_there_is_taken() -> None:
    assert at({"a.b": "long", "a": {"b": "short"}}, "a.b") == "long"
    assert at({"a.b": None, "a": {"b": "short"}}, "a.b") is None
    assert at({"a": {"b.c": {"d": "x"}, "b": {"c.d": "y"}}}, "a.b.c.d") == "x"


def test_of_members_with_one_key_the_last_counts_and_of_pairs_the_first() -> None:
    assert at('{"a":1,"a":2}', "a") == "2"
    assert find(b"a=1 a=2", (b"a",), pairs_too=True) == b"1"


def test_pairs_are_only_read_from_a_whole_body_or_group() -> None:
    assert find(b"a=1", (b"a",)) is None
    assert find(b'{"a":"b=1"}', (b"a", b"b"), pairs_too=True) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a":"x","b":', "x"),
        ('{"a":"x","b":"unfinished', "x"),
        ('{"a":"x" "b":1}', "x"),
        (' \t\r\n{ "a" : "x" } rest', "x"),
        ('{"b":{"a":"y"}]},"a":"x"}', None),
        ('{"b":truth,"a":"x"}', None),
        ('{"b":[1,{"c":"]"}],"a":"x"}', "x"),
        ('{"a":"x', None),
        ("{a:1}", None),
        ('{"\\u0061":"\\u00e9\\ud83d\\ude00\\n\\/\\q"}', "é\U0001f600\n/q"),
        ('{"a":"\\ud83d-\\ude00\\ude00\\u12"}', "\ufffd-\ufffd\ufffdu12"),
        ('\ufeff{"a":"x"}', "x"),
        ('\ufeff\ufeff{"a":"x"}', None),
        ("[1,2]", None),
        ("", None),
    ],
)
def test_texts_that_are_broken_are_read_up_to_there(text: str, found: str | None) -> None:
    assert at(text, "a") == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('type="LOGIN", realmId=a, userId="null"', {"type": "LOGIN", "realmId": "a", "userId": "null"}),
        (
            'type=USER_LOGIN msg=audit(1.2:3): pid=1 msg=\'op=login acct="ro\\"ot" res=success\'',
            {
                "type": "USER_LOGIN",
                "msg": "audit(1.2:3):",
                "pid": "1",
                "op": "login",
                "acct": 'ro"ot',
                "res": "success",
            },
        ),
        (
            "alice : TTY=pts/0 ; PWD=/home ; USER=root ; COMMAND=/bin/ls -l x=1",
            {"TTY": "pts/0", "PWD": "/home", "USER": "root", "COMMAND": "/bin/ls", "x": "1"},
        ),
        ("level=info msg='a b' empty= last=", {"level": "info", "msg": "a b", "empty": "", "last": ""}),
        ('a="unfinished b=1', {"b": "1"}),
        ("a='unfinished b=1", {"b": "1"}),
        ("http://x/?a=1&b=2 c=3", {"c": "3"}),
        ("(a=1) [b=2] {c=3", {"a": "1)", "b": "2]", "c": "3"}),
        ("==a==b", {}),
        ("a=\"x\\\\\" b=''", {"a": "x\\", "b": ""}),
        ("no pairs at all", {}),
    ],
)
def test_pairs_are_read_from_texts(text: str, found: dict[str, str]) -> None:
    assert {key.decode(): value.decode() for key, value in pairs(text.encode())} == found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("[]", ""),
        ("[ ]", ""),
        ('["a"]', "a"),
        ('["a",1,null,true,""]', "a,1,true"),
        ('["a",["b"]]', '["a",["b"]]'),
        ('["a",{"b":1}]', '["a",{"b":1}]'),
        ('["a"] ', '["a"] '),
        ("[redacted]", "[redacted]"),
        ("[::1]:80", "[::1]:80"),
        ('["a",]', '["a",]'),
        ('["a"', '["a"'),
        ("text", "text"),
    ],
)
def test_a_list_of_scalars_is_written_with_commas(text: str, written: str) -> None:
    assert plain(text.encode()) == written.encode()


def test_the_events_of_a_list_are_its_elements() -> None:
    body = json.dumps({"a": {"items": [{"x": 1}, None, "t"]}}).encode()
    assert list(events_of(body, parse_path("a.items"))) == [b'{"x": 1}', b"", b"t"]
    assert list(events_of(body, parse_path("a"))) == []
    assert list(events_of(body, parse_path("b"))) == []
    inside = json.dumps({"a": [{"b": "x", "c": 1}, {"b": {"d": 1}}, {"b": None}, {}, "t"]}).encode()
    assert list(events_of(inside, parse_path("a[*].b"))) == [b"x", b'{"d": 1}', b"", b"", b""]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ('{"a":[{"b":1},{"b":2},{"b":3', "1,2"),
        ('{"a": [ {"b":1}, {"b":2}, ', "1,2"),
        ('{"a":[{"b":1}', "1"),
        ('{"a":[{"b":', None),
        ('{"a":[1,{"b":2},', None),
        ('{"a":[', None),
        ('{"c":{"a":[{"b":1},', None),
    ],
)
def test_of_a_list_of_objects_that_is_cut_off_those_before_the_cut_are_found(text: str, ids: str | None) -> None:
    assert at(text, "a[*].b") == ids
    assert at(text, "a[-1].b") == (ids and ids[-1])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([104, 105], "hi"),
        ([104.0, 195.0, 188.0, 255.0], "hü\ufffd"),
        ([226, 130, 65], "\ufffd\ufffdA"),
        ([237, 160, 128, 240, 159, 152, 128], "\ufffd\ufffd\ufffd\U0001f600"),
        ([104, 256], "104,256"),
        ([104, -1], "104,-1"),
        ([104, None], "104"),
        ([], ""),
        ("hi", "hi"),
        (104, "104"),
    ],
)
def test_the_text_of_a_list_of_bytes_is_read(value: Any, text: str) -> None:
    assert at({"a": value}, "a[bytes]") == text


@pytest.mark.parametrize(
    ("digits", "text"), [("626F62", "bob"), ("626f6220fF", "bob \ufffd"), ("626", "626"), ("bob", "bob"), ("", "")]
)
def test_the_text_of_hexadecimal_digits_is_read(digits: str, text: str) -> None:
    assert at({"a": digits}, "a[hex]") == text


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), _json, max_size=5), st.booleans())
def test_the_members_of_valid_json_are_all_read(document: dict[str, Any], spaced: bool) -> None:
    text = json.dumps(document, indent=1 if spaced else None).encode()
    read = {key.decode(): value for key, value in members(text)}
    assert read.keys() == document.keys()
    for key, value in document.items():
        if isinstance(value, str):
            assert read[key] == value.encode()
        elif value is None:
            assert read[key] is None
        else:
            assert json.loads(read[key] or b"") == value


@given(st.lists(_json, max_size=6))
def test_the_elements_of_valid_json_are_all_read(document: list[Any]) -> None:
    text = json.dumps(document).encode()
    assert len(list(elements_of(text))) == len(document)


@given(st.text(st.sampled_from("{}[]\":,\\u0041d8 ='ab1-."), max_size=60))
def test_no_text_is_refused(text: str) -> None:
    encoded = text.encode()
    assert isinstance(plain(encoded), bytes)
    assert all(isinstance(key, bytes) for key, _ in (*members(encoded), *pairs(encoded)))
    assert find(encoded, ()) == plain(encoded)


def test_a_path_has_keys_and_positions() -> None:
    assert parse_path("a.b[0].c").segments == (b"a", b"b", 0, b"c")
    assert parse_path("a[-1][*]").segments == (b"a", -1, ALL)
    assert parse_path("[0].a").segments == (0, b"a")
    assert parse_path("a[bytes].b").segments == (b"a", BYTES, b"b")
    assert parse_path("[hex]").segments == (HEX,)
    assert parse_path("a[x].b[1000]").segments == (b"a[x]", b"b[1000]")
    assert parse_path("a..b").segments == (b"a", b"", b"b")
