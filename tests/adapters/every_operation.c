/* An implementation that only answers, to see that the kit reads and writes every operation of claim-trace/2. */
#include "claim_adapter.h"

static char given[256];

static int boot(unsigned int nodes, const uint64_t pages[], uint64_t span)
{
    const struct claim_host *h = claim_adapter_host();

    fprintf(stderr, "boot %u %d %d %d\n", nodes, h->last_alloc_node, h->llc_coloring, h->debug_build);
    return (pages[0] > span) * EINVAL;
}
static int create(int domid, uint32_t max_pages, uint64_t affinity)
{
    return snprintf(given, sizeof(given), "%d %u %d", domid, max_pages, (int)affinity) < 0;
}
static int set_max_pages(int domid, uint32_t max_pages) { return domid + (int)max_pages < 0; }
static int install(int domid, const struct claim_entry claims[], unsigned int nr)
{
    return nr && claims[nr - 1].target == CLAIM_TARGET_GLOBAL && domid == 1 ? -ERANGE : 0;
}
static int legacy(int domid, uint64_t pages, int node) { return domid == 1 && pages == 3 && node == 1 ? EBUSY : 0; }
static int64_t alloc(int domid, unsigned int order, int node, unsigned int memflags)
{
    return domid == CLAIM_NONE && order == 1 && node == CLAIM_NONE && memflags == CLAIM_NO_OWNER ? 6 : CLAIM_NONE;
}
static int free_pages(uint64_t mfn, unsigned int order) { return mfn == 6 && order == 1 ? 0 : EINVAL; }
static const char *offline(uint64_t mfn) { return mfn == 2 ? "OFFLINED" : "OFFLINE_ANONYMOUS_FAILED"; }
static const char *online(uint64_t mfn) { return mfn == 2 ? "ONLINED" : "NOT_OFFLINE"; }
static int is_one(int domid) { return domid == 1 ? 0 : ESRCH; }
static int64_t relinquish(int domid) { return 40 + domid; }
static int assign(uint64_t mfn, unsigned int order, int domid, unsigned int memflags)
{
    return mfn == 6 && order == 1 && domid == 1 && memflags == CLAIM_NO_REFCOUNT ? E2BIG : 0;
}
static int exists(int domid) { return domid < 8; }
static int max_mem(int domid, uint64_t max_pages) { return domid == 1 && max_pages == UINT64_MAX ? EOVERFLOW : 0; }
static int claim_memory(int domid, const struct claim_entry claims[], unsigned int nr, uint32_t pad)
{
    return domid == 1 && nr == 3 && claims[0].target == CLAIM_TARGET_LEGACY && claims[1].pad == 9 &&
                   claims[2].target == CLAIM_TARGET_NO_NODE && pad == 7 ? EOPNOTSUPP : 0;
}
static int claim_pages(int domid, uint64_t nr, uint64_t order, uint64_t flags, int64_t start)
{
    return domid == 1 && nr == 5 && order == 2 && flags == 512 && start == 8 ? EPERM : 0;
}
static int get_claims(int domid, uint64_t capacity, uint32_t pad, struct claim_memory_claims *answer)
{
    answer->needed = 2;
    answer->nr_claims = 2;
    answer->claims[0] = (struct claim_entry){4, CLAIM_TARGET_GLOBAL, pad};
    answer->claims[1] = (struct claim_entry){5, 1, 0};
    return domid != 1 ? ESRCH : capacity < 2 ? ENOBUFS : 0;
}
static int info(int domid, struct claim_domain_info *answer)
{
    *answer = (struct claim_domain_info){1, 2, 3};
    return domid == 1 ? 0 : ESRCH;
}
static void physinfo(int64_t *free_pages, int64_t *outstanding) { *free_pages = 11, *outstanding = 12; }
static void populate(int domid, struct claim_populate *call)
{
    claim_populated(call, 4);
    call->nr_done = call->start_extent + 1;
    call->preempted = domid != 1                 ? CLAIM_NOT_PREEMPTED
                      : call->preempt_extent > 1 ? CLAIM_SCRUBBING
                                                 : CLAIM_BETWEEN_EXTENTS;
    call->scrub_index = (unsigned int)call->preempt_scrub_index;
}
static int exchange(int domid, struct claim_exchange *call)
{
    for (uint64_t i = 0; i < call->nr_in; i++)
        claim_exchanged(call, call->in_mfns[i] + call->out_order);
    return domid + call->node == 2 ? ENOMEM : 0;
}
static void observe_host(struct claim_host_state *state) { state->total_avail_pages = 1; }
static void observe_domain(int domid, struct claim_domain_state *state)
{
    state->has_creation_finished = state->has_pending_scrub = 1;
    state->pending_mfn = domid == 1 ? 8 : CLAIM_NONE;
    state->pending_order = 3;
}

CLAIM_ADAPTER_MAIN((void)0, .name = "every operation", .semantics = "claim-sets", .boot = boot,
    .counters = CLAIM_COUNTERS_LEGACY, .options = CLAIM_TRACE_2 | CLAIM_LLC_COLORING | CLAIM_DEBUG_BUILD,
    .create_domain = create, .set_max_pages = set_max_pages, .install_claim_set = install,
    .set_outstanding_pages = legacy, .alloc_domheap_pages = alloc, .free_domheap_pages = free_pages,
    .offline_page = offline, .domain_kill = is_one, .alloc_heap_pages = alloc, .assign_pages = assign,
    .free_heap_pages = free_pages, .online_page = online, .relinquish_memory = relinquish, .domain_destroy = is_one,
    .domain_exists = exists, .max_mem = max_mem, .claim_memory = claim_memory, .claim_pages = claim_pages,
    .get_memory_claims = get_claims, .destroydomain = is_one, .pausedomain = is_one, .unpausedomain = is_one,
    .getdomaininfo = info, .get_outstanding_claims = physinfo, .populate_physmap = populate,
    .memory_exchange = exchange, .observe_host = observe_host, .observe_domain = observe_domain)
