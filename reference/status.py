"""Results of operations: expected failures are values; misuse of the reference raises an exception."""

from enum import StrEnum


class Status(StrEnum):
    """What an operation returned: ``OK`` or the name of the hypervisor's errno."""

    OK = "OK"
    E2BIG = "E2BIG"
    EBUSY = "EBUSY"
    EINVAL = "EINVAL"
    ENOBUFS = "ENOBUFS"
    ENOENT = "ENOENT"
    ENOMEM = "ENOMEM"
    EOPNOTSUPP = "EOPNOTSUPP"
    EOVERFLOW = "EOVERFLOW"
    EPERM = "EPERM"
    ERANGE = "ERANGE"
    ESRCH = "ESRCH"


class PageStatus(StrEnum):
    """Result of ``offline_page`` and ``online_page`` (``PG_OFFLINE_*``, ``PG_ONLINE_*`` in Xen)."""

    OFFLINED = "OFFLINED"  # out of the heap now
    OWNED_PENDING = "OFFLINE_OWNED_PENDING"  # a domain's page: leaves when freed
    ANONYMOUS_FAILED = "OFFLINE_ANONYMOUS_FAILED"  # in use without an owner: marked, leaves when freed
    ONLINED = "ONLINED"
    NOT_OFFLINE = "NOT_OFFLINE"  # ``online_page`` of a page that was neither offline nor marked


class MisuseError(Exception):
    """A call that the hypervisor never makes: unknown domain, page freed twice, ..."""


class HypervisorCrash(Exception):  # what it is called
    """The hypervisor would stop at one of its assertions (``BUG_ON``)."""
