"""QAPI ``introspect``: how ``query-qmp-schema`` describes itself, and so everything else."""

from typing import Any

from protocol.model import QapiEnum, WireModel
from protocol.union import FlatUnion


class SchemaMetaType(QapiEnum):
    """The kinds of what a schema describes."""

    BUILTIN = "builtin"
    ENUM = "enum"
    ARRAY = "array"
    OBJECT = "object"
    ALTERNATE = "alternate"
    COMMAND = "command"
    EVENT = "event"


class JSONType(QapiEnum):
    """What a builtin type is in JSON; an integer is told from other numbers."""

    STRING = "string"
    NUMBER = "number"
    INT = "int"
    BOOLEAN = "boolean"
    NULL = "null"
    OBJECT = "object"
    ARRAY = "array"
    VALUE = "value"


class SchemaInfoBuiltin(WireModel):
    """A builtin type."""

    json_type: JSONType


class SchemaInfoEnumMember(WireModel):
    """A value of an enumeration."""

    name: str
    features: list[str] | None = None


class SchemaInfoEnum(WireModel):
    """An enumeration; ``values`` are the members' names again, for clients from before 6.2."""

    members: list[SchemaInfoEnumMember]
    values_: list[str]


class SchemaInfoArray(WireModel):
    """A list of values of one type."""

    element_type: str


class SchemaInfoObjectMember(WireModel):
    """A member of a structure, optional where there is a ``default``, which is null."""

    name: str
    type: str
    default: Any = None
    features: list[str] | None = None


class SchemaInfoObjectVariant(WireModel):
    """What one value of the tag adds to a union."""

    case: str
    type: str


class SchemaInfoObject(WireModel):
    """A structure, or, with a tag, a union."""

    members: list[SchemaInfoObjectMember]
    tag_: str | None = None
    variants: list[SchemaInfoObjectVariant] | None = None


class SchemaInfoAlternateMember(WireModel):
    """One of the types of which a value may be."""

    type: str


class SchemaInfoAlternate(WireModel):
    """A choice of types that JSON tells apart."""

    members: list[SchemaInfoAlternateMember]


class SchemaInfoCommand(WireModel):
    """A command: what it takes and what it returns."""

    arg_type: str
    ret_type: str
    allow_oob: bool | None = None


class SchemaInfoEvent(WireModel):
    """An event: what it tells."""

    arg_type: str


class SchemaInfo(
    FlatUnion,
    tag="meta_type",
    branches={
        SchemaMetaType.BUILTIN: SchemaInfoBuiltin,
        SchemaMetaType.ENUM: SchemaInfoEnum,
        SchemaMetaType.ARRAY: SchemaInfoArray,
        SchemaMetaType.OBJECT: SchemaInfoObject,
        SchemaMetaType.ALTERNATE: SchemaInfoAlternate,
        SchemaMetaType.COMMAND: SchemaInfoCommand,
        SchemaMetaType.EVENT: SchemaInfoEvent,
    },
):
    """An entry of a schema."""

    name: str
    meta_type: SchemaMetaType
    features: list[str] | None = None
