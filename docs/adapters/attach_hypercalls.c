/* How ledger_hypercalls.c is attached: attach_builders.c, and more operations. Licence: Apache-2.0 */
#ifndef WHOLE /* with -DWHOLE there are no builders, and a domain's memory may be freed in any order */
#define CLAIM_ADAPTER_BUILDERS
#endif
#define CLAIM_ADAPTER_MORE(table) add_hypercalls(table)
#include "claim_adapter.h"
#include "ledger_hypercalls.h"
static void add_hypercalls(struct claim_adapter *table);
#include "attach_builders.c"
#ifdef WHOLE
#undef CLAIM_ADAPTER_BUILDERS
#endif

static int boot_again(unsigned int nodes, const uint64_t pages[], uint64_t span) {
    return lives_end(), boot(nodes, pages, span);
}
static int begin(int domid, uint32_t max, uint64_t nodes) { return domain_begin(domid, max, nodes) ? 0 : -EINVAL; }
static int exists(int domid) { return !!at(domid); }
static int64_t relinquish(int domid) { return relinquish_memory(at(domid)); }
static int destroy(int domid) { return domain_destroy(at(domid)), 0; }
static int destroy_all(int domid) { return destroydomain(at(domid)); }
static int pause_domain(int domid) { return pausedomain(at(domid)); }
static int unpause_domain(int domid) { return unpausedomain(at(domid)); }
static int set_claims(int domid, const struct claim_entry entries[], unsigned int nr, uint32_t pad) {
    return claim_memory(at(domid), nr, (const struct claim *)entries, pad);
}
static int info(int domid, struct claim_domain_info *answer) {
    const struct domain *d = at(domid);
    if (d)
        *answer = (struct claim_domain_info){d->tot_pages, d->max_pages, d->global_claims + d->node_claims};
    return d ? 0 : -ESRCH;
}
static void totals(int64_t *free_pages, int64_t *claimed) {
    *free_pages = host.total_avail_pages, *claimed = host.outstanding_claims;
}
static void populated(void *call, uint64_t mfn) { claim_populated(call, mfn); }
static void exchanged(void *call, uint64_t mfn) { claim_exchanged(call, mfn); }
static void populate(int domid, struct claim_populate *call) {
    struct extents e = {call->order, call->node & 255u, call->memflags, populated, call};
    call->nr_done = call->start_extent;
    enum preemption how = populate_physmap(at(domid), &e, call->nr_extents, &call->nr_done, call->preempt_extent,
                                           call->preempt_scrub_index);
    call->preempted = how == SCRUBBING ? CLAIM_SCRUBBING : how ? CLAIM_BETWEEN_EXTENTS : CLAIM_NOT_PREEMPTED;
    call->scrub_index = (unsigned int)call->preempt_scrub_index;
}
static int exchange(int domid, struct claim_exchange *call) {
    struct extents e = {call->out_order, call->node & 255u, 0, exchanged, call};
    return memory_exchange(at(domid), &e, call->in_order, call->in_mfns, call->nr_in);
}
static void observe_all(int domid, struct claim_domain_state *state) {
    const struct life *life = life_of(at(domid));
    observe_domain(domid, state);
    state->has_pending_scrub = state->has_creation_finished = 1, state->creation_finished = life->creation_finished;
    state->pending_mfn = life->has_stash ? (int64_t)life->stash : CLAIM_NONE;
    state->pending_order = life->stash_order, state->pending_scrub_index = life->scrub_index;
}
static void add_hypercalls(struct claim_adapter *table) {
    table->name = "ledger with hypercalls", table->boot = boot_again, table->create_domain = begin;
    table->domain_exists = exists, table->domain_destroy = destroy, table->claim_memory = set_claims;
    table->pausedomain = pause_domain, table->unpausedomain = unpause_domain, table->getdomaininfo = info;
    table->get_outstanding_claims = totals, table->populate_physmap = populate, table->memory_exchange = exchange;
    table->observe_domain = observe_all;
#if defined(WHOLE) || defined(CLAIM_ADAPTER_IN_PROCESS)
    table->relinquish_memory = relinquish, table->destroydomain = destroy_all;
#else
    (void)relinquish, (void)destroy_all;
#endif
}
