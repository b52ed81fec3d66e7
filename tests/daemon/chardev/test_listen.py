import os
import socket
from pathlib import Path

import pytest

from daemon.chardev.errors import ChardevError
from daemon.chardev.listen import Listener, listen
from daemon.config import TcpAddress, UnixAddress
from tests.daemon.conftest import Run


def test_a_socket_file_is_the_owners_only_and_the_umask_is_left_as_it_was(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "s"
    before = os.umask(0)
    try:
        listener = run(listen(UnixAddress(path=str(path))))
        assert path.stat().st_mode & 0o777 == 0o600
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    listener.close()
    assert not path.exists()


def test_a_stale_socket_file_is_replaced(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    listener: Listener = run(listen(UnixAddress(path=str(path))))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    listener.close()


def test_a_live_socket_file_is_left_alone(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(path))
        alive.listen()
        with pytest.raises(ChardevError) as refused:
            run(listen(UnixAddress(path=str(path))))
    assert str(refused.value) == f"Failed to bind socket to {path}: Address already in use"
    assert path.exists()


def test_a_file_that_is_no_socket_is_left_alone(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(ChardevError, match="not a socket"):
        run(listen(UnixAddress(path=str(path))))
    assert path.read_text() == "precious"


def test_a_socket_file_that_someone_put_in_our_place_is_not_removed(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "s"
    listener: Listener = run(listen(UnixAddress(path=str(path))))
    path.rename(tmp_path / "ours")  # keeps the inode, so that it is not used again
    path.write_text("another's")
    listener.close()
    assert path.read_text() == "another's"


@pytest.mark.parametrize("path", ["/nonexistent/s", "/" + "x" * 107])
def test_a_socket_file_that_cannot_be_is_one_line(run: Run, path: str) -> None:
    with pytest.raises(ChardevError) as refused:
        run(listen(UnixAddress(path=path)))
    assert path in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", ""])
def test_a_tcp_port_of_0_becomes_a_real_one(run: Run, host: str) -> None:
    if host == "::1" and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    listener: Listener = run(listen(TcpAddress(host=host, port=0)))
    address = listener.address
    assert isinstance(address, TcpAddress)
    with socket.create_connection((host or "127.0.0.1", address.port)):
        pass
    with pytest.raises(ChardevError, match="Address already in use"):
        run(listen(TcpAddress(host=host, port=address.port)))
    listener.close()


def test_a_host_that_cannot_be_resolved_is_one_line(run: Run) -> None:
    with pytest.raises(ChardevError, match="address resolution failed"):
        run(listen(TcpAddress(host="host.invalid", port=1)))
