"""QAPI machine: NUMA nodes, and the memory backends that their memory is in."""

from typing import TYPE_CHECKING, Any

from protocol.command import command
from protocol.qapi.memory import HostMemPolicy, Memdev

if TYPE_CHECKING:
    from daemon.context import Context
    from machine.memory_backend import MemoryBackend
    from protocol.qapi.numa import NumaOptions


def __getattr__(name: str) -> Any:
    """Import the model once somebody asks for it, which at a start nobody does."""
    if name != "NumaOptions":
        raise AttributeError(name)
    from protocol.qapi.numa import NumaOptions  # noqa: PLC0415 - see above

    return NumaOptions


@command("query-memdev", allow_preconfig=True)
def query_memdev(context: "Context") -> list[Memdev]:
    """List the memory backends, those first that users have created."""
    return [_memdev(id_, backend) for id_, backend in context.memory_backends().items()]


def _memdev(id_: str, backend: "MemoryBackend") -> Memdev:
    return Memdev(
        id_=id_,
        size=backend.size,
        merge=backend.merge,
        dump=backend.dump,
        prealloc=backend.prealloc,
        share=backend.share,
        reserve=backend.reserve,
        host_nodes=list(backend.host_nodes),
        policy=HostMemPolicy(backend.policy),
    )


@command("set-numa-node", boxed=True, allow_preconfig=True)
def set_numa_node(context: "Context", options: "NumaOptions") -> None:
    """Say something of the NUMA nodes of a machine that has not been created yet."""
    from daemon.numa import numa_option  # noqa: PLC0415 - as above

    context.stage.set_numa(numa_option(options), context.objects.backend_sizes())
