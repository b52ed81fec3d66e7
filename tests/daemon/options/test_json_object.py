import pytest

from daemon.options.json_object import parse_object
from daemon.options.usage import UsageError


def test_an_object_is_read_as_qmp_reads_it() -> None:
    assert parse_object("{\"a\": 1, 'b': [true, null]} ") == {"a": 1, "b": [True, None]}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "JSON parse error, premature EOI"),
        ('{"a": [', "JSON parse error, premature EOI"),
        ("", "JSON parse error, premature EOI"),
        ('{"a": }', "JSON parse error, expecting value"),
        ('{"a": 1, x}', "JSON parse error, invalid keyword 'x'"),
        ("{x}", "JSON parse error, invalid keyword 'x'"),
        ("{a-t:1}", "JSON parse error, stray '-t'"),
        ("{} 5", "Expecting at most one JSON value"),
        ("{}}", "Expecting at most one JSON value"),
        ("{}x", "Expecting at most one JSON value"),
        ("{} {", "Expecting at most one JSON value"),
        ("[]", "Invalid parameter type, expected: object"),
    ],
)
def test_what_is_not_one_object_is_refused_in_qemus_words(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_object(text)
    assert str(refused.value) == complaint
