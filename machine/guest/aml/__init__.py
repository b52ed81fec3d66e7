"""The AML interpreter of the guest (ACPI 6.5 chapters 5, 19 and 20).

``Interpreter`` loads tables and evaluates what they define; all that it does to the world goes
through its ``Host``. From the bottom up: ``names`` and ``stream`` read bytes; ``values``,
``convert``, ``namespace``, ``objects`` and ``fields`` are the data; ``opcodes`` is the table of
operators; ``access``, ``if_chain`` and ``decode`` turn bytes into closures; ``tables`` are
executed; ``op_*`` say what operators do.
"""

from machine.guest.aml.errors import AmlError, BadTableError, FatalError, NotFoundError
from machine.guest.aml.host import Host, TableAt
from machine.guest.aml.interpreter import Interpreter
from machine.guest.aml.namespace import Node
from machine.guest.aml.values import ObjectType, Package, Reference, Value

__all__ = [
    "AmlError",
    "BadTableError",
    "FatalError",
    "Host",
    "Interpreter",
    "Node",
    "NotFoundError",
    "ObjectType",
    "Package",
    "Reference",
    "TableAt",
    "Value",
]
