"""What every wire structure shares: strict, frozen, spelled with dashes.

Python code builds a model by its member names (``core_id``); the wire knows only the dashed alias
(``core-id``), because ``arguments`` validates by alias alone.  An absent optional member is None in
Python and missing on the wire; an explicit null on the wire is an error, as in QAPI.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


def wire_name(name: str) -> str:
    """Return the QAPI spelling of a Python name: ``core_id`` is ``core-id``, ``id_`` is ``id``."""
    return name.rstrip("_").replace("_", "-")


def unstable(name: str) -> tuple[str, ...]:
    """Return the feature that QEMU gives to whatever it names ``x-``: it may change."""
    return ("unstable",) if name.startswith("x-") else ()


class WireModel(BaseModel):
    """Base of all QAPI structures."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=wire_name,
        validate_by_name=True,
        validate_by_alias=True,
        protected_namespaces=(),
        defer_build=True,  # most models are never met in the life of a process
    )


class QapiEnum(StrEnum):
    """Base of all QAPI enumerations; validates from its values even where models are strict."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Accept members and their values alone (pydantic's strict mode refuses plain strings)."""
        return core_schema.enum_schema(cls, list(cls), sub_type="str", strict=False)


class TellingEnum(QapiEnum):
    """Base of enumerations of our own: who gives another value is told which there are."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Refuse with a list of the values."""
        known = super().__get_pydantic_core_schema__(source, handler)
        listed = "it is one of: " + ", ".join(cls)
        return core_schema.custom_error_schema(known, CHOICE_ERROR, custom_error_message=listed)


@dataclass(frozen=True, slots=True)
class Alternate:
    """Marks a choice of types; `expected` is what who gives none of them is told."""

    expected: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Refuse as one value, and not once for each type."""
        text = f"expects {self.expected}"
        return core_schema.custom_error_schema(
            handler(source), ALTERNATE_ERROR, custom_error_message=text
        )


@dataclass(frozen=True, slots=True)
class IntegerRange:
    """A QAPI integer type: its C name, lowest value, and the value past its highest."""

    name: str
    low: int
    end: int

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check type, then range, so that each failure keeps its own words."""
        within = core_schema.int_schema(ge=self.low, lt=self.end)
        named = core_schema.custom_error_schema(within, RANGE_ERROR, custom_error_message=self.name)
        return core_schema.chain_schema([*self._reading(), named])

    def _reading(self) -> list[CoreSchema]:
        """How QAPI reads the number: unsigned ones as 64 bits of either sign, and so -1 as well."""
        if self.low < 0:
            return [core_schema.int_schema(strict=True)]
        wide = core_schema.int_schema(strict=True, ge=-(2**63), lt=2**64)
        named = core_schema.custom_error_schema(wide, RANGE_ERROR, custom_error_message="uint64")
        return [named, core_schema.no_info_plain_validator_function(_unsigned)]


@dataclass(frozen=True, slots=True)
class SizeRange(IntegerRange):
    """QAPI's ``size``: 64 bits that a command line may write with a unit, as ``512M``."""


def _unsigned(value: int) -> int:
    return value % 2**64


RANGE_ERROR = "qapi_range"
"""Pydantic error type of an integer out of range; its message is the type's name."""
ALTERNATE_ERROR = "alternate"
"""Pydantic error type of a value of none of the types of an `Alternate`."""
CHOICE_ERROR = "telling_enum"
"""Pydantic error type of a value that a `TellingEnum` has not; its message lists those it has."""

Int8 = Annotated[int, IntegerRange("int8_t", -(2**7), 2**7)]
Int16 = Annotated[int, IntegerRange("int16_t", -(2**15), 2**15)]
Int32 = Annotated[int, IntegerRange("int32_t", -(2**31), 2**31)]
Int64 = Annotated[int, IntegerRange("int64", -(2**63), 2**63)]
UInt8 = Annotated[int, IntegerRange("uint8_t", 0, 2**8)]
UInt16 = Annotated[int, IntegerRange("uint16_t", 0, 2**16)]
UInt32 = Annotated[int, IntegerRange("uint32_t", 0, 2**32)]
UInt64 = Annotated[int, IntegerRange("uint64", 0, 2**64)]
Size = Annotated[int, SizeRange("uint64", 0, 2**64)]
