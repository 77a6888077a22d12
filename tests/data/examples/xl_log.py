"""Reads the log of a script that notes what it does, and the counters that `xl` prints after it.

Sizes are MiB; a page of the model is one MiB here, so that every size is a whole number of pages.
"""

import re

HEADER = {"semantics": "legacy-redeem-at-alloc", "host": {"nodes": [4096]}}

DOING = re.compile(
    r"\S+ \+ (?P<what>create|claim|populate|destroy) (?P<name>\S+) ?(?P<mib>\d*)(?: => (?P<result>\w+))?$"
)
INFO = re.compile(r"\S+ (?P<name>free_memory|outstanding_claims) +: (?P<mib>\d+)$")
CLAIM = re.compile(r"\S+ \S+ +(?P<domid>\d+) +(?P<mem>\d+) +\d+ +\S+ +\S+ +(?P<claimed>\d+)$")
COUNTERS = {"free_memory": "total_avail_pages", "outstanding_claims": "outstanding_claims"}
domids = {}


def parse(line):
    """An operation, what `xl info` or `xl claims` shows after it, or None for other lines."""
    if found := DOING.match(line):
        what, name, mib = found["what"], found["name"], int(found["mib"] or 0)
        result = {"result": found["result"]} if found["result"] else {}
        domid = domids.setdefault(name, len(domids) + 1)
        if what == "create":
            return {"op": "create_domain", "domid": domid, "max_pages": mib, "node_affinity": [0]}
        if what == "claim":
            return {"op": "claim_pages", "domid": domid, "nr_extents": mib, **result}
        if what == "populate":
            return {"op": "populate_physmap", "domid": domid, "nr_extents": mib, "extent_order": 0}
        return {"op": "destroydomain", "domid": domid, **result}
    if found := INFO.match(line):
        return {"state": {COUNTERS[found["name"]]: int(found["mib"])}}
    if found := CLAIM.match(line):
        held, claimed = int(found["mem"]), int(found["claimed"])
        return {"state": {"domains": {found["domid"]: {"tot_pages": held - claimed, "outstanding_pages": claimed}}}}
    return None
