"""One client's conversation, without its socket (QMP specification, "Server Greeting" and on).

Bytes come in; requests that the daemon must execute and replies that are already complete come out,
in the order in which the client must see them answered.  The session is in one of two modes::

    NEGOTIATION --qmp_capabilities--> COMMAND

What is wrong with a message is told in QEMU's order: JSON, members of the message in the order of
their names, existence of the command, its being out of band, and last its arguments.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any, Final, TypeGuard

import msgspec

from protocol import arguments, encode
from protocol.command import Command, CommandTable
from protocol.encode import ABSENT
from protocol.errors import CommandNotFoundError, QmpError
from protocol.greeting import Greeting
from protocol.qapi.control import QMPCapability
from protocol.stream import DEFAULT_LIMITS, JsonStream, Limits, ParseError
from protocol.value import Value

NEGOTIATE: Final = "qmp_capabilities"


class Request(msgspec.Struct, frozen=True, eq=False):
    """A command to execute: ``command.call(context, arguments)``.

    Attributes:
        command: the declaration.
        arguments: keyword arguments, or the raw members where ``command.gen`` is False.
        id: to echo; ``ABSENT`` if the client gave none.
        oob: the client asked for execution out of band.
    """

    command: Command
    arguments: dict[str, Any]
    id: Value
    oob: bool

    def execute(self, context: Any) -> Any:
        """Call the handler."""
        return self.command.call(context, self.arguments)


class Negotiated(Request, frozen=True, eq=False):
    """``qmp_capabilities``, which the session itself has executed; what is left is the answer."""

    def execute(self, context: Any) -> None:
        """Do nothing: what was asked next has been read by what is in force now."""
        del context


class Reply(msgspec.Struct, frozen=True):
    """A complete answer, ready to be written once all earlier requests are answered.

    Attributes:
        data: the bytes.
        oob: what it answers was to be executed out of band.
    """

    data: bytes
    oob: bool = False


class Mode(Enum):
    """Which commands there are."""

    NEGOTIATION = auto()
    COMMAND = auto()


_TRANSITIONS: Mapping[tuple[Mode, str], Mode] = {(Mode.NEGOTIATION, NEGOTIATE): Mode.COMMAND}
_PLAIN_MEMBERS = frozenset({"execute", "arguments", "id"})
_POLLED, _SHORT = 64, 128  # lines that are remembered at most, and bytes of each
_Call = tuple[str, dict[str, Value], bool]


class Session:
    """The server's side of one connection.

    Args:
        commands: all commands, ``qmp_capabilities`` (``protocol.capabilities``) among them.
        greeting: what to say first, and which capabilities may be enabled.
        pretty: write indented replies.
        limits: of one message.
        require: raises where a command may not be executed now; who gives such a one wrong
            arguments is told that, and not what is wrong with them.
    """

    def __init__(
        self,
        commands: CommandTable,
        greeting: Greeting,
        *,
        pretty: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        require: Callable[[Command], None] | None = None,
    ) -> None:
        if NEGOTIATE not in commands:
            raise ValueError(f"the command table lacks {NEGOTIATE}: collect protocol.capabilities")
        self._commands = commands
        self._greeting = greeting
        self._pretty = pretty
        self._require = require
        self._stream = JsonStream(limits)
        self._known: dict[bytes, Request] = {}
        self._mode = Mode.NEGOTIATION
        self._oob = False

    def greeting(self) -> bytes:
        """Return the line that opens the conversation."""
        return self.formatted(self._greeting.encode())

    def negotiated(self) -> bool:
        """Tell whether the client may receive events."""
        return self._mode is Mode.COMMAND

    def oob_enabled(self) -> bool:
        """Tell whether requests may ask for execution out of band."""
        return self._oob

    def receive_data(self, data: bytes) -> list[Request | Reply]:
        """Take input; return what it asks for, in order.  Never raises for what a client sends."""
        items: list[Request | Reply] = []
        for line in data.splitlines(keepends=True):
            item = self._known.get(line)
            if item is not None and self._stream.idle:
                items.append(item)
            elif (message := self._stream.whole(line)) is not None:
                items.append(self._receive_line(line, message))
            else:
                items += map(self._receive, self._stream.by_tokens(line))
        return items

    def encode_return(self, request: Request, value: Any) -> bytes:
        """Return the reply to a request that succeeded with ``value``."""
        return self.formatted(encode.encode_success(request.command.encode(value), request.id))

    def encode_error(self, request: Request, error: QmpError) -> bytes:
        """Return the reply to a request that failed."""
        return self.formatted(encode.encode_failure(error, request.id))

    def formatted(self, line: bytes) -> bytes:
        """Return a complete reply in the form that this client gets."""
        return encode.prettify(line) if self._pretty else line

    def complete(self, enabled: frozenset[QMPCapability]) -> None:
        """Enter command mode; called by ``qmp_capabilities`` itself.

        Raises:
            QmpError: not in this mode, or a capability that the greeting does not offer.
        """
        if (self._mode, NEGOTIATE) not in _TRANSITIONS:
            raise CommandNotFoundError(
                "Capabilities negotiation is already complete, command ignored"
            )
        for capability in sorted(enabled.difference(self._greeting.capabilities)):
            raise QmpError(f"Capability '{capability}' not available")
        self._mode = _TRANSITIONS[self._mode, NEGOTIATE]
        self._oob = QMPCapability.OOB in enabled

    def _receive_line(self, line: bytes, message: dict[str, Value]) -> Request | Reply:
        """Take a line that is a message; a client that polls says the same again and again."""
        item = self._receive(message)
        if len(self._known) < _POLLED and len(line) <= _SHORT and _repeats(item):
            self._known[line] = item
        return item

    def _receive(self, message: Value | ParseError) -> Request | Reply:
        request_id = message.get("id", ABSENT) if type(message) is dict else ABSENT
        try:
            request = self._request(message, request_id)
            if request.command.name == NEGOTIATE:
                request.execute(self)
                return Negotiated(request.command, request.arguments, request.id, request.oob)
        except QmpError as error:
            data = self.formatted(encode.encode_failure(error, request_id))
            return Reply(data, oob=self._oob and _is_oob(message))
        return request

    def _request(self, message: Value | ParseError, request_id: Value) -> Request:
        name, given, oob = self._call(message)
        command = self._find(name)
        if oob and not command.allow_oob:
            raise QmpError(f"The command {name} does not support OOB")
        if command.gen:
            given = self._arguments(command, given)
        return Request(command, given, request_id, oob)

    def _arguments(self, command: Command, given: dict[str, Value]) -> dict[str, Any]:
        try:
            return arguments.validate(command.arguments, given, command.boxed)
        except QmpError:
            if self._require is not None:
                self._require(command)
            raise

    def _call(self, message: Value | ParseError) -> _Call:
        if type(message) is dict and message.keys() <= _PLAIN_MEMBERS:
            name, given = message.get("execute"), message.get("arguments", {})
            if type(name) is str and type(given) is dict:
                return name, given, False
        return _unusual_call(message, oob_enabled=self._oob)

    def _find(self, name: str) -> Command:
        if self._mode is Mode.NEGOTIATION and name != NEGOTIATE:
            raise CommandNotFoundError(f"Expecting capabilities negotiation with '{NEGOTIATE}'")
        command = self._commands.get(name)
        if command is None:
            raise CommandNotFoundError(f"The command {name} has not been found")
        return command


def _repeats(item: Request | Reply) -> TypeGuard[Request]:
    """Tell whether this very object may stand for the same words said again."""
    return type(item) is Request and item.id is ABSENT and item.command.gen and not item.arguments


def _unusual_call(message: Value | ParseError, *, oob_enabled: bool) -> _Call:
    """Take apart a message that is wrong, or is out of band."""
    if isinstance(message, ParseError):
        raise QmpError(message.desc)
    if not isinstance(message, dict):
        raise QmpError("QMP input must be a JSON object")
    verbs: list[str] = []
    for member in sorted(message):
        if member == "execute" or (member == "exec-oob" and oob_enabled):
            verbs.append(_verb(message, member, verbs))
        elif member == "arguments":
            if not isinstance(message[member], dict):
                raise QmpError("QMP input member 'arguments' must be an object")
        elif member != "id":
            raise QmpError(f"QMP input member '{member}' is unexpected")
    if not verbs:
        raise QmpError("QMP input lacks member 'execute'")
    return message[verbs[0]], message.get("arguments", {}), verbs == ["exec-oob"]


def _is_oob(message: Value | ParseError) -> bool:
    """Tell whether a message, which may be wrong otherwise, is out of band."""
    return isinstance(message, dict) and "exec-oob" in message and "execute" not in message


def _verb(message: dict[str, Value], member: str, verbs: list[str]) -> str:
    if not isinstance(message[member], str):
        raise QmpError(f"QMP input member '{member}' must be a string")
    if verbs:
        raise QmpError(f"QMP input member '{member}' clashes with '{verbs[0]}'")
    return member
