from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from daemon.objects.store import Objects
from protocol.errors import QmpError
from tests.daemon.objects.pki import ALICE, BOB, SERVER, STRANGER, create, folder

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def objects() -> Objects:
    """Nothing yet."""
    return Objects()


def creds(objects: Objects, id_: str, where: str, endpoint: str, **members: Any) -> None:
    create(objects, "tls-creds-x509", id_, dir=where, endpoint=endpoint, **members)


def refusal(where: str, endpoint: str = "server", **members: Any) -> str:
    with pytest.raises(QmpError) as refused:
        creds(Objects(), "t", where, endpoint, **members)
    return refused.value.desc.replace(where, "DIR")


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str | None) -> ssl.SSLObject:
    """Let both meet in memory; what the server has then."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(down, up, server_hostname=host)
    other = server.wrap_bio(up, down, server_side=True)
    waiting = [one, other]
    while waiting:
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)
    return other


def meet(
    tmp_path: Path,
    server: Mapping[str, str] = SERVER,
    client: Mapping[str, str] = ALICE,
    host: str = "localhost",
    **members: Any,
) -> ssl.SSLObject:
    objects = Objects()
    creds(objects, "s", folder(tmp_path, server), "server", **members)
    creds(objects, "c", folder(tmp_path, client), "client")
    return shake_hands(objects.server_context("s"), objects.client_context("c"), host)


def test_ends_with_certificates_of_one_authority_meet(tmp_path: Path) -> None:
    session = meet(tmp_path)
    assert session.version() in {"TLSv1.2", "TLSv1.3"}
    assert session.getpeercert()


@pytest.mark.parametrize(
    ("server", "client", "host", "reason"),
    [
        (SERVER, {"ca-cert": "ca"}, "localhost", "peer did not return a certificate|PEER_DID_NOT"),
        (SERVER, BOB, "elsewhere", "Hostname mismatch"),
        (SERVER | {"ca-crl": "crl"}, BOB, "localhost", "certificate revoked"),
        (
            SERVER | {"server-cert": "expired"},
            ALICE,
            "localhost",
            "certificate has expired",
        ),
    ],
)
def test_ends_do_not_meet(
    tmp_path: Path, server: Mapping[str, str], client: Mapping[str, str], host: str, reason: str
) -> None:
    with pytest.raises(ssl.SSLError, match=reason):
        meet(tmp_path, server, client, host, sanity_check=False)


def test_a_stranger_is_not_let_in(tmp_path: Path) -> None:
    objects = Objects()
    creds(objects, "s", folder(tmp_path, SERVER), "server")
    creds(objects, "c", folder(tmp_path, STRANGER), "client", sanity_check=False)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(objects.server_context("s"), objects.client_context("c"), "localhost")


def test_those_that_are_not_revoked_are_let_in(tmp_path: Path) -> None:
    assert meet(tmp_path, SERVER | {"ca-crl": "crl"}).getpeercert()


def test_without_verify_peer_nobody_is_asked_for_a_certificate(tmp_path: Path) -> None:
    assert meet(tmp_path, client={"ca-cert": "ca"}, verify_peer=False).getpeercert(True) is None


@pytest.mark.parametrize(
    ("identity", "client", "members"),
    [
        ("C=GB,ST=London,L=London,O=Example,CN=alice", "alice", {}),
        ("", "nameless", {}),
        ("C=GB,ST=London,L=London,O=Example,CN=alice", "alice", {"verify_peer": False}),
        ("CN=alice", "alice", {}),
    ],
)
def test_only_a_verified_name_that_is_listed_is_let_in(
    tmp_path: Path, identity: str, client: str, members: dict[str, Any]
) -> None:
    peer = meet(tmp_path, client=ALICE | {"client-cert": client}, **members)
    objects = Objects()
    create(objects, "authz-simple", "z", identity=identity)
    expected = client == "alice" and identity.startswith("C=GB") and not members
    assert objects.authorize("z", peer) is expected
    assert not objects.authorize("nosuch", peer)


def test_old_versions_are_not_spoken(tmp_path: Path) -> None:
    objects = Objects()
    creds(objects, "s", folder(tmp_path, SERVER), "server")
    assert objects.server_context("s").minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "Unable to access credentials DIR/ca-cert.pem: No such file or directory"),
        (
            {"ca-cert": "ca"},
            "Unable to access credentials DIR/server-cert.pem: No such file or directory",
        ),
        (
            {"ca-cert": "ca", "server-cert": "server"},
            "Unable to access credentials DIR/server-key.pem: No such file or directory",
        ),
        (
            SERVER | {"server-cert": "key"},
            (
                "Unable to import server certificate DIR/server-cert.pem: "
                "there is no certificate in it"
            ),
        ),
        (
            SERVER | {"ca-cert": "key"},
            "Unable to import CA certificate list DIR/ca-cert.pem: there is no certificate in it",
        ),
        (
            SERVER | {"server-key": "other-key"},
            (
                "Cannot load certificate 'DIR/server-cert.pem' & key 'DIR/server-key.pem': "
                "The certificate and the given key do not match."
            ),
        ),
        (
            SERVER | {"server-key": "encrypted-key"},
            (
                "Cannot load certificate 'DIR/server-cert.pem' & key 'DIR/server-key.pem': "
                "it is damaged, or encrypted"
            ),
        ),
        (
            SERVER | {"ca-crl": "key"},
            "Cannot load CRL 'DIR/ca-crl.pem': there is none in it",
        ),
        (
            SERVER | {"ca-cert": "other-ca"},
            (
                "Our own certificate DIR/server-cert.pem failed validation against "
                "DIR/ca-cert.pem: The certificate hasn't got a known issuer"
            ),
        ),
        (
            SERVER | {"server-cert": "expired"},
            "The server certificate DIR/server-cert.pem has expired",
        ),
        (
            SERVER | {"server-cert": "future"},
            "The server certificate DIR/server-cert.pem is not yet active",
        ),
        (
            SERVER | {"server-cert": "authority-as-server"},
            (
                "The certificate DIR/server-cert.pem basic constraints show a CA, "
                "but we need one for a server"
            ),
        ),
        (
            SERVER | {"ca-cert": "alice"},
            "The certificate DIR/ca-cert.pem basic constraints do not show a CA",
        ),
    ],
)
def test_files_that_are_missing_or_wrong_are_refused_in_qemus_words(
    tmp_path: Path, files: Mapping[str, str], complaint: str
) -> None:
    assert refusal(folder(tmp_path, files)) == complaint


def test_a_clients_own_certificate_is_checked_too(tmp_path: Path) -> None:
    assert refusal(folder(tmp_path, STRANGER), "client").startswith("Our own certificate")
    creds(Objects(), "t", folder(tmp_path, ALICE), "client")


def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    where = folder(tmp_path, {"server-cert": "server", "server-key": "key"})
    Path(where, "ca-cert.pem").mkdir()
    assert refusal(where) == "Unable to import CA certificate list DIR/ca-cert.pem: Is a directory"
    assert "NUL" in refusal("a\0b") or "null" in refusal("a\0b")


def test_without_sanity_check_only_what_is_needed_is_read(tmp_path: Path) -> None:
    where = folder(tmp_path, SERVER | {"server-cert": "expired"})
    creds(Objects(), "t", where, "server", sanity_check=False)
    complaint = refusal(folder(tmp_path, SERVER | {"ca-cert": "key"}), sanity_check=False)
    assert complaint == "Cannot load CA certificate 'DIR/ca-cert.pem': there is none in it"


def test_the_end_of_the_connection_must_be_the_one_that_they_are_for(
    objects: Objects, tmp_path: Path
) -> None:
    creds(objects, "s", folder(tmp_path, SERVER), "server")
    creds(objects, "c", folder(tmp_path, ALICE), "client")
    create(objects, "authz-simple", "z", identity="x")
    for ask, id_, complaint in (
        (objects.client_context, "s", "Expected TLS credentials for a client endpoint"),
        (objects.server_context, "c", "Expected TLS credentials for a server endpoint"),
        (objects.server_context, "z", "Object with id 'z' is not TLS credentials"),
        (objects.server_context, "no", "No TLS credentials with id 'no'"),
    ):
        with pytest.raises(QmpError) as refused:
            ask(id_)
        assert refused.value.desc == complaint
