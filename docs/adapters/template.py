"""A program for claimcheck to start from, in Python: `claimcheck replay --against 'python3 template.py' FILE`.

Fill in `Host`. Each method gets the fields of a request and returns the fields that a trace records for it; after each,
`state` says what your code counts. Conversations of every operation: docs/adapter-conversations.md. Licence: Apache-2.0
"""

import json
import sys

NAME, SEMANTICS = "my allocator", "claim-sets"


class Host:
    """Your implementation. A method for each operation that it has; others are not offered."""

    def __init__(self, node_span, nodes, last_alloc_node=None, **unsupported):
        """Boot: node n owns the frames from n * node_span. A ValueError refuses the host."""
        if unsupported:
            raise ValueError(f"not supported: {', '.join(unsupported)}")
        self.node_span, self.free, self.domains = node_span, list(nodes), {}
        self.last_alloc_node = last_alloc_node

    def boot(self):
        return {}

    def create_domain(self, domid, max_pages, node_affinity):
        del node_affinity
        self.domains[domid] = {"max_pages": max_pages, "tot_pages": 0, "claims": [0] * len(self.free)}
        return {}

    def set_max_pages(self, domid, max_pages):
        self.domains[domid]["max_pages"] = max_pages
        return {}

    def state(self):
        """The counters: of claim sets, every domain has these five."""
        return {
            "total_avail_pages": sum(self.free),
            "outstanding_claims": 0,
            "node_avail_pages": self.free,
            "node_outstanding_claims": [0] * len(self.free),
            "domains": {
                str(domid): {**domain, "global_claims": 0, "node_claims": 0} for domid, domain in self.domains.items()
            },
        }


def answer(request, host):
    """The answer to a line, and the host after it."""
    if "hello" in request:
        offered = [name for name in vars(Host) if not name.startswith("_") and name != "state"]
        formats = ["claim-trace/1"]
        hello = {"hello": "claim-adapter/1", "name": NAME, "formats": formats, "semantics": [SEMANTICS]}
        return {**hello, "operations": offered}, host
    if "format" in request:
        return {"ready": True}, Host(**request["host"])
    operation = request.pop("op")
    return {**getattr(host, operation)(**request), "state": host.state()}, host


def main():
    host = None
    for line in sys.stdin:
        try:
            said, host = answer(json.loads(line), host)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
