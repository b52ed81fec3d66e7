"""The pidfile, in QEMU's manner: locked as long as the process lives, removed at its end.

The lock is a POSIX record lock on the whole file, so that a second process with the same file is
refused, while what a dead one left behind is taken over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os


class PidfileError(Exception):
    """The file cannot be had; the text is one line, for the operator."""


class Pidfile:
    """Holds the file from its making to `close`."""

    def __init__(self, path: str) -> None:
        """Lock the file and write the process id.

        Raises:
            PidfileError: it cannot be opened, or another process has it.
        """
        self._path = os.path.abspath(path)  # noqa: PTH100 - no symlink may be resolved
        try:
            self._fd = self._locked()
            os.ftruncate(self._fd, 0)
            os.write(self._fd, b"%d\n" % os.getpid())
        except OSError as error:
            raise PidfileError(f"cannot create PID file {path}: {error.strerror}") from None

    def close(self) -> None:
        """Remove the file, if it is still this one, and let go of it."""
        with contextlib.suppress(OSError):
            if _same_file(self._fd, self._path):
                os.unlink(self._path)  # noqa: PTH108 - a path as the user wrote it
        os.close(self._fd)

    def _locked(self) -> int:
        """Open and lock; again, if the one before removed the file between the two."""
        while True:
            fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _same_file(fd, self._path):
                    return fd
            except OSError:
                os.close(fd)
                raise
            os.close(fd)


def _same_file(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False
