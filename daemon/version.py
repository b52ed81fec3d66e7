"""Who we are, and the version of QEMU that we speak for."""

from importlib.metadata import PackageNotFoundError, version

from protocol.qapi.control import VersionInfo, VersionTriple

DISTRIBUTION = "armvirtd"
QEMU = VersionTriple(major=9, minor=1, micro=50)
"""What clients may expect to be there: the version that the reference gives itself."""


def own_version() -> str:
    """Our own, as installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


VERSION = VersionInfo(qemu=QEMU, package=f"{DISTRIBUTION}-{own_version()}")
