import os

import pytest

from daemon.chardev.pty import PtyBackend
from tests.daemon.chardev.test_sockets import Echo
from tests.daemon.chardev.test_stdio import arrived
from tests.daemon.conftest import Run
from tests.daemon.descriptors import open_fds


def test_whoever_opens_the_terminal_is_there(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        before = open_fds()
        device = PtyBackend("x")
        device.attach(Echo)
        assert device.filename == "pty"
        await device.start()
        assert device.connected
        name = device.filename.removeprefix("pty:")
        assert caplog.messages == [f"char device redirected to {name} (label x)"]
        for expected in (b"hellome\r\x03", b"me\r\x03"):
            terminal = os.open(name, os.O_RDWR | os.O_NOCTTY)
            os.write(terminal, b"me\r\x03")
            assert await arrived(terminal, len(expected)) == expected
            os.close(terminal)
        assert device.connected
        await device.close(1)
        assert open_fds() == before

    run(story())
