from __future__ import annotations

from typing import Any

import pytest

from daemon.objects.store import Objects
from tests.daemon.objects.pki import create


@pytest.fixture
def objects() -> Objects:
    """Nothing yet."""
    return Objects()


def rule(match: str, policy: str, format_: str | None = None) -> dict[str, str]:
    return {"match": match, "policy": policy} | ({"format": format_} if format_ else {})


def test_a_simple_one_allows_one_name(objects: Objects) -> None:
    create(objects, "authz-simple", "z", identity="CN=alice")
    assert objects.allows("z", "CN=alice")
    assert not objects.allows("z", "CN=alice,O=x")
    assert not objects.allows("z", "")


def test_an_empty_list_denies_unless_told_otherwise(objects: Objects) -> None:
    create(objects, "authz-list", "deny")
    create(objects, "authz-list", "allow", policy="allow")
    assert not objects.allows("deny", "CN=alice")
    assert objects.allows("allow", "CN=alice")


def test_the_first_rule_that_matches_decides(objects: Objects) -> None:
    rules = [rule("CN=bob", "deny"), rule("CN=*", "allow", "glob"), rule("CN=carol", "deny")]
    create(objects, "authz-list", "z", rules=rules)
    assert not objects.allows("z", "CN=bob")
    assert objects.allows("z", "CN=carol")
    assert not objects.allows("z", "O=Example")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("CN=*", "CN=alice", True),
        ("CN=*", "CN=", True),
        ("CN=*", "CN=a\nb", True),
        ("*,CN=alice", "O=x,CN=alice", True),
        ("CN=b?b", "CN=bob", True),
        ("CN=?", "CN=ü", True),
        ("CN=b?b", "CN=bb", False),
        ("CN=[b]ob", "CN=bob", False),
        ("CN=.*", "CN=bob", False),
        ("CN=bo", "CN=bob", False),
        ("CN=bob", "CN=bo", False),
        (r"CN=a\,b*", r"CN=a\,bc", True),
    ],
)
def test_a_glob_knows_stars_and_question_marks(
    objects: Objects, pattern: str, name: str, *, matches: bool
) -> None:
    create(objects, "authz-list", "z", rules=[rule(pattern, "allow", "glob")])
    assert objects.allows("z", name) is matches


def test_stars_mean_nothing_without_glob(objects: Objects) -> None:
    create(objects, "authz-list", "z", rules=[rule("*", "allow"), rule("CN=*", "allow", "exact")])
    assert not objects.allows("z", "CN=alice")


def test_nobody_is_allowed_by_what_is_not_there_or_no_list(objects: Objects, tmp_path: Any) -> None:
    from tests.daemon.objects.pki import SERVER, folder  # noqa: PLC0415

    create(objects, "tls-creds-x509", "t", dir=folder(tmp_path, SERVER), endpoint="server")
    assert not objects.allows("t", "CN=alice")
    assert not objects.allows("nosuch", "CN=alice")
