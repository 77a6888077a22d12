/* How ledger_builders.c is attached to claimcheck: claim-trace/2, with builders. Licence: Apache-2.0 */
#define CLAIM_ADAPTER_BUILDERS
#include "claim_adapter.h"
#include "ledger_builders.h"
#ifndef OPTIONS
#define OPTIONS 0 /* CLAIM_MIRRORED, if blocks are the highest ones; CLAIM_ONE_ZONE */
#endif

static struct domain *at(int domid) { return domid == CLAIM_NONE ? NULL : domain_find(domid); }
static int boot(unsigned int nodes, const uint64_t pages[], uint64_t span) {
    const struct claim_host *h = claim_adapter_host();
    int status = host_boot_at(nodes, pages, span, h->first_mfn, h->first_frame);
    return host.last_alloc_node = h->last_alloc_node, status;
}
static int create(int domid, uint32_t max, uint64_t nodes) { return domain_create(domid, max, nodes) ? 0 : -EINVAL; }
static int set_max(int domid, uint32_t max) { return at(domid)->max_pages = max, 0; }
static int max_mem(int domid, uint64_t max) {
    return at(domid) ? set_max(domid, max < UINT32_MAX ? (uint32_t)max : UINT32_MAX) : -ESRCH;
}
static int install(int domid, const struct claim_entry entries[], unsigned int nr) {
    return install_claim_set(at(domid), nr, (const struct claim *)entries); /* the same layout */
}
static int legacy(int domid, uint64_t pages, int node) { (void)node; return set_outstanding_pages(at(domid), pages); }
static int claim(int domid, uint64_t nr, uint64_t order, uint64_t flags, int64_t start) {
    return claim_pages(at(domid), nr, order, flags, start != CLAIM_NONE);
}
static int64_t alloc(int domid, unsigned int order, int node, unsigned int memflags) {
    uint64_t mfn; /* CLAIM_NONE as a node is NUMA_NO_NODE in the low 8 bits */
    return alloc_domheap_pages(at(domid), order, node & 255u, memflags, &mfn) ? (int64_t)mfn : CLAIM_NONE;
}
static int64_t alloc_heap(int domid, unsigned int order, int node, unsigned int memflags) {
    uint64_t mfn;
    return alloc_heap_pages(at(domid), order, node & 255u, memflags, &mfn) ? (int64_t)mfn : CLAIM_NONE;
}
static int assign(uint64_t mfn, unsigned int order, int domid, unsigned int memflags) {
    return assign_pages(mfn, order, at(domid), memflags);
}
static const char *offline(uint64_t mfn) {
    return (const char *[]){"OFFLINED", "OFFLINE_OWNED_PENDING", "OFFLINE_ANONYMOUS_FAILED"}[offline_page(mfn)];
}
static const char *online(uint64_t mfn) { return online_page(mfn) ? "ONLINED" : "NOT_OFFLINE"; }
static int kill_domain(int domid) { return domain_kill(at(domid)), 0; }
static void observe_host(struct claim_host_state *state) {
    state->total_avail_pages = host.total_avail_pages, state->outstanding_claims = host.outstanding_claims;
    memcpy(state->node_avail_pages, host.node_avail_pages, sizeof(host.node_avail_pages));
    memcpy(state->node_outstanding_claims, host.node_outstanding_claims, sizeof(host.node_outstanding_claims));
}
static void observe_domain(int domid, struct claim_domain_state *state) {
    const struct domain *d = at(domid);
    state->max_pages = d->max_pages, state->tot_pages = d->tot_pages;
    state->global_claims = d->global_claims, state->node_claims = d->node_claims;
    memcpy(state->claims, d->claims, sizeof(d->claims));
}
CLAIM_ADAPTER_MAIN(lock_taken = claim_adapter_section, .name = "ledger with builders", .semantics = "claim-sets",
    .options = CLAIM_TRACE_2 | OPTIONS, .boot = boot, .create_domain = create, .set_max_pages = set_max,
    .max_mem = max_mem, .install_claim_set = install, .set_outstanding_pages = legacy, .claim_pages = claim,
    .alloc_domheap_pages = alloc, .alloc_heap_pages = alloc_heap, .assign_pages = assign, .offline_page = offline,
    .free_heap_pages = free_heap_pages, .free_domheap_pages = free_domheap_pages, .online_page = online,
    .domain_kill = kill_domain, .observe_host = observe_host, .observe_domain = observe_domain)
