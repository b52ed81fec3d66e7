"""What TLS credentials need to know of an X.509 certificate (RFC 5280), read from its DER form.

Python's `ssl` shows a certificate only once it has been verified, and the names of attributes in
OpenSSL's spelling. An access list compares with GnuTLS's spelling, as QEMU's users write it
(`C=GB,O=Example,CN=alice`): attributes in the certificate's own order, values escaped as in RFC
4514, unknown attributes by their numbers and encodings.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ATTRIBUTES: Mapping[str, str] = {
    "2.5.4.3": "CN",
    "2.5.4.4": "surName",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.20": "telephoneNumber",
    "2.5.4.41": "name",
    "2.5.4.42": "givenName",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "EMAIL",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionOfIncorporationLocalityName",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionOfIncorporationStateOrProvinceName",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionOfIncorporationCountryName",
    "1.3.6.1.5.5.7.8.5": "XmppAddr",
    "1.3.6.1.5.5.7.9.2": "placeOfBirth",
    "1.3.6.1.5.5.7.9.3": "gender",
    "1.3.6.1.5.5.7.9.4": "countryOfCitizenship",
    "1.3.6.1.5.5.7.9.5": "countryOfResidence",
}
"""Attributes by object identifier, as GnuTLS names them."""

BASIC_CONSTRAINTS = "2.5.29.19"

BOOLEAN, UTC_TIME = 0x01, 0x17
VERSION, EXTENSIONS = 0xA0, 0xA3
ENCODINGS: Mapping[int, str] = {
    0x0C: "utf-8",  # UTF8String
    0x12: "ascii",  # NumericString
    0x13: "ascii",  # PrintableString
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
"""Kinds of strings by tag, with their encodings."""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([\w+/=\s]+)-----END CERTIFICATE-----", re.ASCII)
_SPECIAL = re.compile(r'[\\,+"<>;]|^[# ]| $')


class CertificateError(ValueError):
    """These bytes are not a certificate."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate.

    Attributes:
        subject: whose it is, as an access list spells it; empty where it does not say.
        not_before: when it begins to hold.
        not_after: when it has expired.
        is_ca: whether it may sign other certificates.
    """

    subject: str
    not_before: datetime
    not_after: datetime
    is_ca: bool

    @classmethod
    def from_der(cls, der: bytes) -> Certificate:
        """Read one.

        Raises:
            CertificateError: it is not one, or is cut off.
        """
        try:
            return _certificate(der)
        except (IndexError, ValueError) as error:
            raise CertificateError(f"not a certificate: {error}") from None


def certificates(pem: bytes) -> list[Certificate]:
    """Read all certificates of a PEM file, what else is in it left out.

    Raises:
        CertificateError: one of them is none.
    """
    try:
        found = [base64.b64decode(body) for body in _PEM.findall(pem)]
    except ValueError as error:
        raise CertificateError(str(error)) from None
    return [Certificate.from_der(der) for der in found]


@dataclass(frozen=True, slots=True)
class _Element:
    """A piece of DER (X.690): its tag, its content, and both as they are encoded."""

    tag: int
    content: bytes
    encoded: bytes

    def parts(self) -> list[_Element]:
        """What is in it."""
        return list(_elements(self.content))


def _elements(data: bytes) -> Iterator[_Element]:
    at = 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, start = int.from_bytes(data[start : start + size]), start + size
        end = start + length
        if end > len(data):
            raise CertificateError("cut off")
        yield _Element(tag, data[start:end], data[at:end])
        at = end


def _certificate(der: bytes) -> Certificate:
    (whole,) = _elements(der)
    fields = whole.parts()[0].parts()
    if fields[0].tag == VERSION:
        fields = fields[1:]
    _serial, _algorithm, _issuer, validity, subject, *rest = fields
    not_before, not_after = map(_time, validity.parts())
    return Certificate(_name(subject), not_before, not_after, is_ca=_is_ca(rest))


def _time(element: _Element) -> datetime:
    text = element.content.decode("ascii")
    if element.tag == UTC_TIME:  # RFC 5280 §4.1.2.5.1: two digits of the year
        text = ("19" if text >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _is_ca(fields: list[_Element]) -> bool:
    """Whether the basic constraints say so (RFC 5280 §4.2.1.9)."""
    for field in fields:
        if field.tag != EXTENSIONS:
            continue
        for extension in field.parts()[0].parts():
            parts = extension.parts()
            if _oid(parts[0].content) == BASIC_CONSTRAINTS:
                (constraints,) = _elements(parts[-1].content)
                return any(
                    part.tag == BOOLEAN and part.content != b"\0" for part in constraints.parts()
                )
    return False


def _name(name: _Element) -> str:
    return ",".join(
        "+".join(_attribute(*pair.parts()) for pair in relative.parts())
        for relative in name.parts()
    )


def _attribute(type_: _Element, value: _Element) -> str:
    oid = _oid(type_.content)
    if oid not in ATTRIBUTES:
        return f"{oid}=#{value.encoded.hex()}"
    return f"{ATTRIBUTES[oid]}={_escaped(_text(value))}"


def _text(value: _Element) -> str:
    """A value's text; T.61's letters are told as numbers, because nobody agrees on them."""
    if value.tag in ENCODINGS:
        return value.content.decode(ENCODINGS[value.tag])
    return f"#{value.content.hex()}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", text)


def _oid(content: bytes) -> str:
    first, *rest = _arcs(content)
    top = min(first // 40, 2)
    return ".".join(map(str, (top, first - 40 * top, *rest)))


def _arcs(content: bytes) -> Iterator[int]:
    arc = 0
    for byte in content:
        arc = arc << 7 | byte & 0x7F
        if not byte & 0x80:
            yield arc
            arc = 0
