"""Orders to drop data, as files that processes of a server read and answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.data_dir.drop_orders import DropAnswer, DropOrders
from server.data_dir.errors import DataDirectoryError


def test_an_order_is_open_for_each_writer_until_it_has_answered(tmp_path: Path) -> None:
    given, seen = DropOrders(tmp_path), DropOrders(tmp_path)
    assert seen.open("vm-1") == []
    order = given.give("shop")
    assert seen.open("vm-1") == [order] == seen.open("vm-2")
    seen.answer(order, "vm-1", DropAnswer({"lognotary/shop/audit/vm-1": 3}))
    seen.answer(order, "order", DropAnswer(problem="storage is full"))
    assert (seen.open("vm-1"), seen.open("vm-2"), seen.open("order")) == ([], [order], [])
    assert given.answers(order) == {
        "vm-1": DropAnswer({"lognotary/shop/audit/vm-1": 3}),
        "order": DropAnswer(problem="storage is full"),
    }


def test_nobody_has_an_order_that_was_taken_back(tmp_path: Path) -> None:
    orders = DropOrders(tmp_path)
    first, second = orders.give("shop"), orders.give("garage")
    orders.end(first)
    orders.answer(first, "vm", DropAnswer())
    assert (orders.open("vm"), orders.answers(first)) == ([second], {})
    orders.end_all()
    assert orders.open("vm") == []
    orders.end_all()


def test_files_that_cannot_be_used_are_errors(tmp_path: Path) -> None:
    orders = DropOrders(tmp_path)
    order = orders.give("shop")
    directory = tmp_path / "drops" / order.number
    (directory / "answer-vm").write_text("[]")
    with pytest.raises(DataDirectoryError, match="answer-vm"):
        orders.answers(order)
    (directory / "order").write_text("{}")
    with pytest.raises(DataDirectoryError, match="order"):
        orders.open("other")
    (directory / "answer-new").mkdir()
    with pytest.raises(DataDirectoryError, match="answer-new"):
        orders.answer(order, "new", DropAnswer())
    orders.end_all()
    (tmp_path / "drops").write_text("a file")
    with pytest.raises(DataDirectoryError, match="drops"):
        orders.give("shop")
