"""QAPI ``authz``: who may do what, by the name that they have proven to have."""

from protocol.model import QapiEnum, WireModel


class QAuthZListPolicy(QapiEnum):
    """What becomes of an identity."""

    DENY = "deny"
    ALLOW = "allow"


class QAuthZListFormat(QapiEnum):
    """How a rule is compared with an identity."""

    EXACT = "exact"
    GLOB = "glob"


class QAuthZListRule(WireModel):
    """A rule: the identities that it is about, and what becomes of them."""

    match: str
    policy: QAuthZListPolicy
    format: QAuthZListFormat | None = None


class AuthZSimpleProperties(WireModel):
    """One identity, which is allowed."""

    identity: str


class AuthZListProperties(WireModel):
    """Rules, the first that matches decides, and what becomes of those that none matches."""

    policy: QAuthZListPolicy | None = None
    rules: list[QAuthZListRule] | None = None
