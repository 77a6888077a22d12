"""The values of pages going offline and coming back, and of recalling claims."""

from model.c_code.evaluation import Evaluation
from model.logic import Term, minimum
from model.rules import Rules, recall_nothing


def _recall(c: Evaluation, rules: Rules, node: Term, node_avail: Term, total_avail: Term) -> None:
    """Both recalls, in an arbitrary iteration of their loops over domains."""
    if rules.recall is recall_nothing:
        return
    s, domid = c.s, c.some_domain("recalled")
    node_claimed, claimed = c.unsigned("node_outstanding_claims[n] so far"), c.unsigned("outstanding_claims so far")
    held = s.claims[domid, node]
    c.loop(held <= node_claimed, "claims of domains not yet visited are still counted")
    c.loop(node_claimed <= s.node_outstanding_claims[node], "node_outstanding_claims[n] only goes down")
    c.loop(claimed <= s.outstanding_claims, "outstanding_claims only goes down")
    with c.where(node_claimed > node_avail):
        c.loop(node_claimed <= claimed, "what is claimed on the node is claimed on the host")
        shortage = c.value("node_outstanding_claims[n] - node_avail_pages[n]", c.counter, node_claimed - node_avail)
        recalled = minimum(shortage, held)
        c.value("claims[n] - recalled", "uint32", held - recalled)
        c.value("node_claims - recalled", "uint32", s.node_claims[domid] - recalled)
        c.value("node_outstanding_claims[n] - recalled", c.counter, node_claimed - recalled)
        c.value("outstanding_claims - recalled", c.counter, claimed - recalled)
    with c.where(claimed > total_avail):
        c.loop(s.global_claims[domid] <= claimed, "host-wide claims of domains not yet visited are still counted")
        shortage = c.value("outstanding_claims - total_avail_pages", c.counter, claimed - total_avail)
        recalled = minimum(shortage, s.global_claims[domid])
        c.value("global_claims - recalled", "uint32", s.global_claims[domid] - recalled)
        c.value("outstanding_claims - recalled host-wide", c.counter, claimed - recalled)


def offline_page(c: Evaluation, rules: Rules) -> None:
    """A free page goes offline: both counters go down by one."""
    s, node = c.s, c.argument("node")
    c.loop(s.node_avail_pages[node] >= 1, "a page on a free list is counted")
    c.value("node_avail_pages[n] - 1", c.counter, s.node_avail_pages[node] - 1)
    c.value("total_avail_pages - 1", c.counter, s.total_avail_pages - 1)
    _recall(c, rules, node, s.node_avail_pages[node] - 1, s.total_avail_pages - 1)


def free_marked_page(c: Evaluation, rules: Rules) -> None:
    """A marked page is freed and goes offline at once: both counters go up by one, then down."""
    online_page(c, rules)
    s, node = c.s, c.argument("node")
    _recall(c, rules, node, s.node_avail_pages[node], s.total_avail_pages)


def online_page(c: Evaluation, rules: Rules) -> None:  # noqa: ARG001
    """A page comes back online: both counters go up by one."""
    s, node = c.s, c.argument("node")
    c.value("node_avail_pages[n] + 1", c.counter, s.node_avail_pages[node] + 1)
    c.value("total_avail_pages + 1", c.counter, s.total_avail_pages + 1)
