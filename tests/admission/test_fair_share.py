"""Fair share of clients: everything for any client, equal parts once a client has been refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.admission.fair_share import FairShare

ROOM, REQUESTS = 1000, 100


def asks(sharing: FairShare, client: str, size: int = 10, now: float = 0.0) -> bool:
    """Ask as a client does: take what is given, and come back later where it is not."""
    given = sharing.has_room(client, size, now, requests=REQUESTS, room=ROOM)
    if given:
        sharing.take(client, size)
    else:
        sharing.claim(client, now + 10)
    return given


def fill(sharing: FairShare, client: str, size: int = 10) -> int:
    count = 0
    while asks(sharing, client, size):
        count += 1
    return count


def test_while_nobody_else_was_refused_one_client_may_have_everything() -> None:
    assert fill(FairShare(), "greedy") == ROOM // 10


def test_there_are_no_more_requests_than_permitted_however_small() -> None:
    assert fill(FairShare(), "greedy", 1) == REQUESTS


def test_a_request_that_is_alone_is_taken_however_large() -> None:
    sharing = FairShare()
    assert asks(sharing, "a", 10 * ROOM)
    assert not asks(sharing, "b", 1)


def test_a_greedy_client_is_cut_down_to_its_part_while_the_others_come_back() -> None:
    sharing = FairShare()
    fill(sharing, "greedy")
    held = {"greedy": ROOM // 10, "a": 0, "b": 0}
    for _ in range(1000):  # each turn one request of whoever holds most is done, and all ask, the greedy one first
        largest = max(held, key=lambda client: held[client])
        sharing.give_back(largest, 10)
        held[largest] -= 1
        for client in held:
            held[client] += asks(sharing, client)
    assert all(30 <= count <= 37 for count in held.values()), held


def test_one_that_asks_for_little_gets_it_at_once_after_its_first_refusal() -> None:
    sharing = FairShare()
    fill(sharing, "greedy")
    assert not asks(sharing, "modest")
    for _ in range(26):
        sharing.give_back("greedy", 10)
    refused = 0
    for _ in range(50):
        refused += not asks(sharing, "greedy")
        assert asks(sharing, "modest")
        sharing.give_back("modest", 10)
        sharing.claim("modest", 10)  # it stays with it
    assert refused


def test_a_claim_is_forgotten_after_its_time() -> None:
    sharing = FairShare()
    fill(sharing, "greedy")
    assert not asks(sharing, "gone")
    assert sharing.clients == 2
    sharing.give_back("greedy", 10)
    assert not asks(sharing, "greedy", now=9.9)
    assert asks(sharing, "greedy", now=10.0)
    assert sharing.clients == 1


def test_clients_that_only_ask_are_not_remembered_without_bound() -> None:
    sharing = FairShare()
    sharing.take("one", ROOM)
    for number in range(10_000):
        assert not asks(sharing, f"client {number}")
    assert sharing.clients < 5000


class Books(RuleBasedStateMachine):
    """Whatever clients do, the books are right, and nobody is forgotten or kept for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.sharing = FairShare()
        self.held: list[tuple[str, int]] = []
        self.claims: set[str] = set()
        self.now = 0.0

    clients = st.sampled_from("abcd")

    @rule(client=clients, size=st.integers(0, 500))
    def ask(self, client: str, size: int) -> None:
        if asks(self.sharing, client, size, self.now):
            assert not self.held or sum(held for _, held in self.held) + size <= ROOM
            self.held.append((client, size))
            self.claims.discard(client)
        else:
            self.claims.add(client)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        self.sharing.give_back(*self.held.pop(data.draw(st.integers(0, len(self.held) - 1))))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), size=st.integers(0, 500))
    def resize(self, data: st.DataObject, size: int) -> None:
        place = data.draw(st.integers(0, len(self.held) - 1))
        client, before = self.held[place]
        self.sharing.resize(client, size - before)
        self.held[place] = client, size

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def the_books_are_right(self) -> None:
        assert self.sharing.requests == len(self.held)
        assert self.sharing.size == sum(size for _, size in self.held)
        holding = {client for client, _ in self.held}
        assert len(holding) <= self.sharing.clients <= len(holding | self.claims)

    @invariant()
    def one_that_holds_nothing_gets_something_where_there_is_room(self) -> None:
        if self.sharing.size < ROOM:
            assert self.sharing.has_room("new", 0, self.now, requests=REQUESTS, room=ROOM)


TestBooks = Books.TestCase


@given(st.lists(st.integers(1, 100), min_size=1, max_size=50))
def test_what_is_given_back_is_free_again(sizes: list[int]) -> None:
    sharing = FairShare()
    for size in sizes:
        sharing.take("a", size)
    for size in sizes:
        sharing.give_back("a", size)
    assert (sharing.requests, sharing.size, sharing.clients) == (0, 0, 0)
