"""Who is allowed what, by a name that was proven elsewhere (QEMU: authz/simple, authz/list)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from machine.errors import MachineError
from machine.qom.node import Property
from protocol.qapi.authz import QAuthZListFormat, QAuthZListPolicy

if TYPE_CHECKING:
    from typing import Any

    from protocol.qapi.authz import AuthZListProperties, AuthZSimpleProperties, QAuthZListRule

_WILD = {"*": ".*", "?": "."}


class AuthZSimple:
    """Allows one name."""

    def __init__(self, properties: AuthZSimpleProperties) -> None:
        self._identity = properties.identity

    def allows(self, name: str) -> bool:
        """Whether this name is allowed."""
        return name == self._identity

    def properties(self) -> dict[str, Property]:
        """What QOM shows, and lets a client change."""
        return {"identity": Property("string", lambda: self._identity, self._set_identity)}

    def _set_identity(self, identity: str) -> None:
        self._identity = identity


class AuthZList:
    """Allows what the first rule that matches allows, or else what the policy does."""

    def __init__(self, properties: AuthZListProperties) -> None:
        self._policy = properties.policy or QAuthZListPolicy.DENY
        self._rules = tuple(properties.rules or ())

    def allows(self, name: str) -> bool:
        """Whether this name is allowed."""
        policies = (rule.policy for rule in self._rules if _matches(rule, name))
        return next(policies, self._policy) is QAuthZListPolicy.ALLOW

    def properties(self) -> dict[str, Property]:
        """What QOM shows, and lets a client change."""
        return {
            "policy": Property("QAuthZListPolicy", lambda: self._policy.value, self._set_policy),
            "rules": Property("QAuthZListRule", self._shown_rules),
        }

    def _set_policy(self, value: str) -> None:
        try:
            self._policy = QAuthZListPolicy(value)
        except ValueError:
            raise MachineError(f"Parameter 'policy' does not accept value '{value}'") from None

    def _shown_rules(self) -> list[dict[str, Any]]:
        return [rule.model_dump(mode="json", exclude_none=True) for rule in self._rules]


def _matches(rule: QAuthZListRule, name: str) -> bool:
    """Compare as GLib does: only * and ? are special, and nothing takes that from them."""
    if rule.format is not QAuthZListFormat.GLOB:
        return name == rule.match
    pattern = "".join(_WILD.get(sign) or re.escape(sign) for sign in rule.match)
    return re.fullmatch(pattern, name, re.DOTALL) is not None
