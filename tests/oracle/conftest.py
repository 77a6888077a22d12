"""What the tests of the oracle share: the store of compiled C."""

from tests.adapters.c_store import c_store

__all__ = ["c_store"]
