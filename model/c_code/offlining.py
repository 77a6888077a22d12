"""The values of pages going offline and coming back, and of recalling claims."""

from model.c_code.evaluation import Evaluation
from model.logic import Term, minimum, positive_part
from model.rules import Rules, recall_nothing


def _recall(c: Evaluation, rules: Rules, node: Term, node_avail: Term, total_avail: Term) -> None:
    """Both recalls, at some domain of their loops."""
    if rules.recall is recall_nothing:
        return
    s, domid = c.s, c.some_domain("recalled")
    node_claimed, claimed = c.unsigned("node_outstanding_claims[n] so far"), c.unsigned("outstanding_claims so far")
    held = s.claims[domid, node]
    c.loop(held <= node_claimed, "claims of domains not yet visited are still counted")
    c.loop(node_claimed <= s.node_outstanding_claims[node], "node_outstanding_claims[n] only goes down")
    c.loop(claimed <= s.outstanding_claims, "outstanding_claims only goes down")
    shortage = c.value("node_outstanding_claims[n] - node_avail_pages[n]", "int64", node_claimed - node_avail)
    recalled = minimum(positive_part(shortage), held)
    c.value("claims[n] - recalled", "uint32", held - recalled)
    c.value("node_claims - recalled", "uint32", s.node_claims[domid] - recalled)
    c.value("node_outstanding_claims[n] - recalled", "int64", node_claimed - recalled)
    c.value("outstanding_claims - recalled", "int64", claimed - recalled)
    shortage = c.value("outstanding_claims - total_avail_pages", "int64", claimed - total_avail)
    recalled = minimum(positive_part(shortage), s.global_claims[domid])
    c.value("global_claims - recalled", "uint32", s.global_claims[domid] - recalled)


def offline_page(c: Evaluation, rules: Rules) -> None:
    """A free page leaves both counters."""
    s, node = c.s, c.argument("node")
    c.loop(s.node_avail_pages[node] >= 1, "a page on a free list is counted")
    c.value("node_avail_pages[n] - 1", "int64", s.node_avail_pages[node] - 1)
    c.value("total_avail_pages - 1", "int64", s.total_avail_pages - 1)
    _recall(c, rules, node, s.node_avail_pages[node] - 1, s.total_avail_pages - 1)


def free_marked_page(c: Evaluation, rules: Rules) -> None:
    """A page that is freed and leaves at once: up by one, and down."""
    online_page(c, rules)
    s, node = c.s, c.argument("node")
    _recall(c, rules, node, s.node_avail_pages[node], s.total_avail_pages)


def online_page(c: Evaluation, rules: Rules) -> None:  # noqa: ARG001
    """A page comes back to both counters."""
    s, node = c.s, c.argument("node")
    c.value("node_avail_pages[n] + 1", "int64", s.node_avail_pages[node] + 1)
    c.value("total_avail_pages + 1", "int64", s.total_avail_pages + 1)
