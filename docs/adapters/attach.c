/* How ledger.c is attached to claimcheck. Licence: Apache-2.0 */
#include "claim_adapter.h"
#include "ledger.h"

static int create(int domid, uint32_t max_pages, uint64_t affinity) {
    return domain_create(domid, max_pages, affinity) ? 0 : -EINVAL;
}
static int set_max_pages(int domid, uint32_t max_pages) { return domain_find(domid)->max_pages = max_pages, 0; }
static int install(int domid, const struct claim_entry entries[], unsigned int nr) {
    struct claim *claims = calloc(nr + 1, sizeof(*claims));
    for (unsigned int i = 0; i < nr; i++)
        claims[i] = (struct claim){entries[i].pages, entries[i].target, entries[i].pad};
    int status = install_claim_set(domain_find(domid), nr, claims);
    free(claims);
    return status;
}
static int claim_legacy(int domid, uint64_t pages, int node) {
    return node == CLAIM_NONE ? set_outstanding_pages(domain_find(domid), pages) : -EINVAL;
}
static int64_t alloc(int domid, unsigned int order, int node, unsigned int memflags) {
    struct domain *d = domid == CLAIM_NONE ? NULL : domain_find(domid);
    uint64_t mfn;
    unsigned int wanted = node == CLAIM_NONE ? NUMA_NO_NODE : (unsigned int)node;
    return alloc_domheap_pages(d, order, wanted, memflags, &mfn) ? (int64_t)mfn : CLAIM_NONE;
}
static const char *take_offline(uint64_t mfn) {
    return (const char *[]){"OFFLINED", "OFFLINE_OWNED_PENDING", "OFFLINE_ANONYMOUS_FAILED"}[offline_page(mfn)];
}
static int kill_domain(int domid) { return domain_kill(domain_find(domid)), 0; }
static void observe_host(struct claim_host_state *state) {
    state->total_avail_pages = host.total_avail_pages;
    state->outstanding_claims = host.outstanding_claims;
    memcpy(state->node_avail_pages, host.node_avail_pages, sizeof(host.node_avail_pages));
    memcpy(state->node_outstanding_claims, host.node_outstanding_claims, sizeof(host.node_outstanding_claims));
}
static void observe_domain(int domid, struct claim_domain_state *state) {
    const struct domain *d = domain_find(domid);
    *state = (struct claim_domain_state){.max_pages = d->max_pages, .tot_pages = d->tot_pages};
    state->global_claims = d->global_claims, state->node_claims = d->node_claims;
    memcpy(state->claims, d->claims, sizeof(d->claims));
}
CLAIM_ADAPTER_MAIN((void)0, .name = "tiny ledger in C", .semantics = "claim-sets", .boot = host_boot,
    .create_domain = create, .set_max_pages = set_max_pages, .install_claim_set = install,
    .set_outstanding_pages = claim_legacy, .alloc_domheap_pages = alloc, .free_domheap_pages = free_domheap_pages,
    .offline_page = take_offline, .domain_kill = kill_domain, .observe_host = observe_host,
    .observe_domain = observe_domain)
