import os
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.pidfile import Pidfile, PidfileError

OTHER = "import sys; from daemon.pidfile import Pidfile; Pidfile(sys.argv[1])"


def test_it_holds_the_process_id_and_is_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    pidfile = Pidfile(str(path))
    assert path.read_text() == f"{os.getpid()}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    pidfile.close()
    assert not path.exists()


def test_what_a_dead_process_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.write_text("a much longer text than a process id\n")
    pidfile = Pidfile(str(path))
    assert path.read_text() == f"{os.getpid()}\n"
    pidfile.close()


def test_a_live_one_is_refused_to_another_process(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    pidfile = Pidfile(str(path))
    other = subprocess.run(
        [sys.executable, "-c", OTHER, str(path)], capture_output=True, text=True, check=False
    )
    assert other.returncode == 1
    assert "cannot create PID file" in other.stderr
    assert path.read_text() == f"{os.getpid()}\n"
    pidfile.close()


def test_one_that_was_replaced_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    pidfile = Pidfile(str(path))
    path.unlink()
    path.write_text("another's")
    pidfile.close()
    assert path.read_text() == "another's"


def test_one_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PidfileError, match="No such file or directory"):
        Pidfile(str(tmp_path / "nowhere" / "pid"))
