from __future__ import annotations

from typing import Any

import pytest

from daemon.options.table import Exit, UsageError, parse
from tests.daemon.objects.pki import DATA


def objects(*texts: str) -> tuple[Any, ...]:
    return parse([word for text in texts for word in ("-object", text)]).objects


def refusal(*texts: str) -> str:
    with pytest.raises(UsageError) as refused:
        objects(*texts)
    return str(refused.value).removeprefix(f"-object {texts[-1]}".rstrip() + ": ")


@pytest.mark.parametrize(
    ("text", "members"),
    [
        (
            "authz-simple,id=z,identity=CN=alice,,O=x",
            {"qom-type": "authz-simple", "id": "z", "identity": "CN=alice,O=x"},
        ),
        (
            "qom-type=authz-simple,id=z,identity=x,identity=y",
            {"qom-type": "authz-simple", "id": "z", "identity": "y"},
        ),
        (
            "tls-creds-x509,id=t,dir=pki,endpoint=server,verify-peer=no,sanity-check=on",
            {
                "qom-type": "tls-creds-x509",
                "id": "t",
                "dir": "pki",
                "endpoint": "server",
                "verify-peer": False,
                "sanity-check": True,
            },
        ),
        (
            (
                "authz-list,id=l,rules.1.match=b,rules.1.policy=deny,rules.0.match=a,"
                "rules.0.policy=allow,rules.0.format=glob"
            ),
            {
                "qom-type": "authz-list",
                "id": "l",
                "rules": [
                    {"match": "a", "policy": "allow", "format": "glob"},
                    {"match": "b", "policy": "deny"},
                ],
            },
        ),
        (
            '{"qom-type": "authz-list", "id": "l", "policy": "allow"}',
            {"qom-type": "authz-list", "id": "l", "policy": "allow"},
        ),
    ],
)
def test_keys_and_json_say_the_same(text: str, members: dict[str, Any]) -> None:
    assert objects(text) == (members,)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Parameter 'qom-type' is missing"),
        ("id=a", "Parameter 'qom-type' is missing"),
        ("nosuch,id=a", "Parameter 'qom-type' does not accept value 'nosuch'"),
        ("authz-simple", "Parameter 'id' is missing"),
        ("authz-simple,id=a", "Parameter 'identity' is missing"),
        ("authz-simple,id=a,identity=x,foo=1", "Invalid parameter 'foo'"),
        ("authz-simple,id=a,foo=1", "Parameter 'identity' is missing"),
        ("authz-simple,foo=1", "Parameter 'id' is missing"),
        ("authz-simple,id=1a,identity=x", "Parameter 'id' expects an identifier"),
        ("authz-simple,id=a,identity.x=x", "Parameters 'identity.*' are unexpected"),
        ("authz-list,id=l,policy=x", "Parameter 'policy' does not accept value 'x'"),
        ("authz-list,id=l,rules=x", "Invalid parameter type for 'rules', expected: array"),
        ("authz-list,id=l,rules.0=x", "Invalid parameter type for 'rules.0', expected: object"),
        ("authz-list,id=l,rules.x=1", "Parameter 'rules.0' missing"),
        (
            "authz-list,id=l,rules.0.match=x,rules.0.policy=deny,rules.0.foo=1",
            "Invalid parameter 'rules.0.foo'",
        ),
        ("authz-list,id=l,rules.0.match=x", "Parameter 'rules.0.policy' is missing"),
        ("authz-list,id=l,rules.1.match=x", "Parameter 'rules.0' missing"),
        ("authz-list,id=l,rules=x,rules.0.match=x", "Invalid parameter 'rules.0.match'"),
        ("authz-list,id=l,rules.0.match=x,rules=x", "Invalid parameter 'rules'"),
        ("tls-creds-x509,id=t,verify-peer=maybe", "Parameter 'verify-peer' expects 'on' or 'off'"),
        ("tls-creds-x509,id=t,priority=NORMAL", "Invalid parameter 'priority'"),
        ("{}", "Parameter 'qom-type' is missing"),
        ('{"qom-type": }', "JSON parse error, expecting value"),
        (
            '{"qom-type": "authz-simple", "id": "a", "identity": 5}',
            "Invalid parameter type for 'identity', expected: string",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_qemus_words(text: str, complaint: str) -> None:
    assert refusal(text) == complaint


def test_an_id_is_used_once() -> None:
    text = "authz-simple,id=a,identity=x"
    assert refusal(text, text) == "Duplicate ID 'a' for object"


def test_help_lists_the_types() -> None:
    with pytest.raises(Exit) as text:
        objects("help")
    assert str(text.value).splitlines()[1:] == [
        "  authz-list",
        "  authz-simple",
        "  memory-backend-ram",
        "  tls-creds-x509",
    ]


@pytest.mark.parametrize(
    "text", ["authz-list,help", "qom-type=authz-list,?", "authz-list,id=l,help"]
)
def test_help_on_a_type_lists_its_properties(text: str) -> None:
    with pytest.raises(Exit) as told:
        objects(text)
    assert str(told.value).splitlines() == [
        "authz-list options:",
        "  policy=<QAuthZListPolicy>",
        "  rules=<QAuthZListRule>",
    ]


def test_files_are_looked_for_at_start_only() -> None:
    assert objects(f"tls-creds-x509,id=t,dir={DATA}/nosuch")
