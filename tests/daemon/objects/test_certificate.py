from __future__ import annotations

import ssl
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.objects.certificate import Certificate, CertificateError, certificates
from tests.daemon.objects.pki import DATA

ALICE = ssl.PEM_cert_to_DER_cert((DATA / "alice.pem").read_text())


def read(name: str) -> list[Certificate]:
    return certificates((DATA / name).read_bytes())


def test_subjects_are_spelled_as_gnutls_spells_them() -> None:
    recorded = (DATA / "names.txt").read_text(encoding="utf-8").splitlines()
    assert [certificate.subject for certificate in read("names.pem")] == recorded


def test_a_certificate_tells_whose_it_is_and_for_how_long() -> None:
    assert read("alice.pem") == [
        Certificate(
            "C=GB,ST=London,L=London,O=Example,CN=alice",
            datetime(2000, 1, 1, tzinfo=UTC),
            datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC),
            is_ca=False,
        )
    ]
    assert read("expired.pem")[0].not_before == datetime(1999, 1, 1, tzinfo=UTC)
    assert read("nameless.pem")[0].subject == ""


def test_authorities_are_told_from_others() -> None:
    assert [read(f"{name}.pem")[0].is_ca for name in ("ca", "authority-as-server", "server")] == [
        True,
        True,
        False,
    ]


def test_what_is_not_a_certificate_is_left_out_of_a_pem_file() -> None:
    assert read("key.pem") == []
    assert certificates(b"") == []


def test_a_certificate_that_is_damaged_is_refused() -> None:
    with pytest.raises(CertificateError):
        certificates(b"-----BEGIN CERTIFICATE-----\nMAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(CertificateError):
        certificates(b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")


@given(st.integers(0, len(ALICE) - 1), st.integers(0, 255), st.integers(0, len(ALICE)))
def test_whatever_is_broken_in_it_a_certificate_is_read_or_refused(
    at: int, byte: int, end: int
) -> None:
    broken = bytearray(ALICE)
    broken[at] = byte
    try:
        Certificate.from_der(bytes(broken[:end]))
    except CertificateError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
