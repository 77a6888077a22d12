"""What the tests of adapters share: the store of compiled C."""

from tests.adapters.c_store import c_store

__all__ = ["c_store"]
