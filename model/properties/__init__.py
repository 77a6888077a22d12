"""The properties that must hold, each stated once. Their ids are the names used everywhere.

To add a property, write its function in the file of its subject, or in a new file that is imported here.
"""

from model.properties import (  # noqa: F401, I001  (imported to be stated; pages list properties in this order)
    counters,
    earlier,
    entitlement,
    redemption,
    protection,
    fulfilment,
    installing,
    dying,
    offlining,
    crashes,
    lock_order,
    ranges,
    legacy_compatible,
)
from model.properties.property import PROPERTIES, Kind, Property

__all__ = ["PROPERTIES", "Kind", "Property"]
