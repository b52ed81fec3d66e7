"""The QMP error classes as an exception tree (QAPI ``QapiErrorClass``).

::

    QmpError                 GenericError, the class of nearly everything
    ├── CommandNotFoundError
    ├── DeviceNotActiveError
    ├── DeviceNotFoundError
    └── KVMMissingCapError

A client may match on the class; the description is for people, yet scripts do compare it, so its
words are QEMU's.
"""

from enum import StrEnum
from typing import ClassVar


class QapiErrorClass(StrEnum):
    """The closed set of names that the ``class`` member of an error may have."""

    GENERIC_ERROR = "GenericError"
    COMMAND_NOT_FOUND = "CommandNotFound"
    DEVICE_NOT_ACTIVE = "DeviceNotActive"
    DEVICE_NOT_FOUND = "DeviceNotFound"
    KVM_MISSING_CAP = "KVMMissingCap"


class QmpError(Exception):
    """A refusal as the client will read it.

    Attributes:
        desc: the text of the error's ``desc`` member.
    """

    error_class: ClassVar[QapiErrorClass] = QapiErrorClass.GENERIC_ERROR

    def __init__(self, desc: str) -> None:
        super().__init__(desc)
        self.desc = desc


class CommandNotFoundError(QmpError):
    """No such command, or not in this phase of the session."""

    error_class = QapiErrorClass.COMMAND_NOT_FOUND


class DeviceNotActiveError(QmpError):
    """The device exists but is not in use."""

    error_class = QapiErrorClass.DEVICE_NOT_ACTIVE


class DeviceNotFoundError(QmpError):
    """No device, object or type of that name."""

    error_class = QapiErrorClass.DEVICE_NOT_FOUND


class KVMMissingCapError(QmpError):
    """The host's KVM lacks a capability that the command needs."""

    error_class = QapiErrorClass.KVM_MISSING_CAP
