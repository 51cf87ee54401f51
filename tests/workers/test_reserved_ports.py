from __future__ import annotations

import socket
from contextlib import closing

import pytest

from server.errors.listening import AddressUnavailableError
from server.settings.values import Address
from server.workers.reserved_ports import reserve

ANY = Address("127.0.0.1", 0)


def test_a_reserved_port_is_for_those_who_share_it() -> None:
    with reserve(ANY) as address, listener(address, shared=True), listener(address, shared=True):
        assert address.port != 0
        with pytest.raises(OSError, match="in use"):
            listener(address, shared=False)


def test_a_reserved_port_is_not_reserved_twice_also_while_nobody_listens() -> None:
    with reserve(ANY) as address:
        with (
            pytest.raises(AddressUnavailableError, match=f"cannot listen on {address} .*another server runs there"),
            reserve(address),
        ):
            pass
        with pytest.raises(OSError, match="in use"):
            listener(address, shared=False)


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_that_somebody_listens_on_is_not_reserved(shared: bool) -> None:
    with listener(ANY, shared=shared) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(AddressUnavailableError, match=f"cannot listen on .*:{port} "),
            reserve(Address("127.0.0.1", port)),
        ):
            pass


def test_a_reserved_port_takes_no_connections_itself() -> None:
    with reserve(ANY) as address:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.host, address.port))
        with listener(address, shared=True) as own, closing(socket.create_connection(own.getsockname())):
            own.accept()[0].close()


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_is_free_again_at_once_whatever_connections_it_had(shared: bool) -> None:
    with listener(ANY, shared=shared) as before, closing(socket.create_connection(before.getsockname())):
        address = Address(*before.getsockname())
        before.accept()[0].close()  # the one who closes first keeps the connection for a while
    for _ in range(2):
        with reserve(address) as again, listener(again, shared=True):
            assert again == address
    with listener(address, shared=False):
        pass


def test_an_address_that_is_not_of_this_machine_is_refused() -> None:
    with (
        pytest.raises(AddressUnavailableError, match=r"cannot listen on 192\.0\.2\.1:0"),
        reserve(Address("192.0.2.1", 0)),
    ):
        pass


def listener(address: Address, *, shared: bool) -> socket.socket:
    return socket.create_server((address.host, address.port), reuse_port=shared)
