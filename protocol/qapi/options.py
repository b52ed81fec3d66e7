"""QAPI ``misc``, the part about the command line."""

from protocol.model import QapiEnum, WireModel


class CommandLineParameterType(QapiEnum):
    """What the value of a parameter looks like."""

    STRING = "string"
    BOOLEAN = "boolean"
    NUMBER = "number"
    SIZE = "size"


class CommandLineParameterInfo(WireModel):
    """One parameter of an option."""

    name: str
    type: CommandLineParameterType
    help: str | None = None
    default: str | None = None


class CommandLineOptionInfo(WireModel):
    """An option, and its parameters: none where it takes any."""

    option: str
    parameters: list[CommandLineParameterInfo]
