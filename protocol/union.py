"""Flat unions: structures whose other members depend on the value of one (QAPI: `union`).

::

    class ObjectOptions(
        FlatUnion,
        tag="qom_type",
        branches={ObjectType.MEMORY_BACKEND_RAM: MemoryBackendProperties},
    ):
        \"\"\"What object-add takes.\"\"\"

        qom_type: ObjectType
        id_: str

    @command("object-add", boxed=True)
    def object_add(context: Context, options: ObjectOptions) -> None:

The tag is a member of enumeration type; a value of it without a branch adds no members.  Validation
goes as QAPI's does: the common members in declared order, then the branch's, then what is too much.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self, cast

from pydantic import ConfigDict, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from protocol.model import QapiEnum, WireModel, wire_name

Branches = Mapping[Any, type[WireModel]]


class FlatUnion(WireModel):
    """Base of all flat unions; what validation returns is an instance of one of `forms`.

    Attributes:
        tag: the Python name of the member that decides.
        branches: what each of its values adds.
        forms: by value of the tag, the common members and the branch's as one model.
    """

    tag: ClassVar[str]
    branches: ClassVar[Branches]
    forms: ClassVar[Mapping[str, type[WireModel]]]
    _probe: ClassVar[type[WireModel]]
    _is_form: ClassVar[bool] = True

    def __init_subclass__(
        cls, *, tag: str | None = None, branches: Branches | None = None, **kwargs: Any
    ) -> None:
        """Keep the declaration; a subclass without one is a form of its base."""
        super().__init_subclass__(**kwargs)
        cls._is_form = tag is None
        if tag is not None:
            cls.tag, cls.branches = tag, MappingProxyType(dict(branches or {}))

    @classmethod
    def __pydantic_init_subclass__(cls, **_kwargs: Any) -> None:
        """Make the forms, now that the members are known."""
        if cls._is_form:
            return
        cls._probe = type(cls.__name__, (cls,), {"model_config": ConfigDict(extra="ignore")})
        cls.forms = MappingProxyType({value: cls._joined(value) for value in cls.values()})

    @classmethod
    def values(cls) -> list[str]:
        """The values of the tag, in their order."""
        enumeration = cast("type[QapiEnum]", cls.model_fields[cls.tag].annotation)
        return [member.value for member in enumeration]

    @classmethod
    def _joined(cls, value: str) -> type[WireModel]:
        branch = cls.branches.get(value, WireModel)
        fields: dict[str, Any] = {
            name: (field.annotation, field) for name, field in branch.model_fields.items()
        }
        return create_model(f"{cls.__name__} {value}", __base__=cls, **fields)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate a form as the structure that it is, the union itself by the tag's value."""
        if cls._is_form:
            return handler(source)
        return core_schema.no_info_plain_validator_function(cls._validated)

    @classmethod
    def _validated(cls, value: Any) -> WireModel:
        """Take the form that the tag names; without a good tag, say what is wrong first."""
        if isinstance(value, cls):
            return value
        tag = value.get(wire_name(cls.tag)) if isinstance(value, dict) else None
        form = cls.forms.get(tag, cls._probe) if isinstance(tag, str) else cls._probe
        return cast(
            "WireModel",
            form.__pydantic_validator__.validate_python(value, by_alias=True, by_name=False),
        )

    @property
    def variant(self) -> WireModel:
        """The members that the tag's value adds, as the branch's own model."""
        branch = self.branches.get(getattr(self, self.tag), WireModel)
        return branch.model_construct(**{name: getattr(self, name) for name in branch.model_fields})

    @classmethod
    def of(cls, tag: str, /, **members: Any) -> Self:
        """Build one, for a reply.

        Args:
            tag: the value that decides.
            members: the others, by their Python names.
        """
        return cast("Self", cls.forms[tag](**{cls.tag: tag}, **members))
