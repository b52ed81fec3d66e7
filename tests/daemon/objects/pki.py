"""Folders as tls-creds-x509 wants them, from the certificates of tests/data/tls."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.objects.make import read_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from daemon.objects.store import Objects

DATA = Path(__file__).parent.parent.parent / "data/tls"

SERVER = {"ca-cert": "ca", "server-cert": "server", "server-key": "key"}
ALICE = {"ca-cert": "ca", "client-cert": "alice", "client-key": "key"}
BOB = ALICE | {"client-cert": "bob"}
STRANGER = ALICE | {"client-cert": "stranger"}


def folder(where: Path, files: Mapping[str, str]) -> str:
    """A new folder below `where`; files by name, from which of the data's each is a copy."""
    made = where / f"pki{len(list(where.iterdir()))}"
    made.mkdir()
    for name, source in files.items():
        shutil.copy(DATA / f"{source}.pem", made / f"{name}.pem")
    return str(made)


def create(objects: Objects, qom_type: str, id_: str, **members: Any) -> None:
    """Create an object; members by their Python names."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in members.items()}
    objects.create(read_options({"qom-type": qom_type, "id": id_} | named))
