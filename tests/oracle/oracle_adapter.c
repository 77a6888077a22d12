/* The oracle itself, attached to the kit: what it does is compared with the reference, operation by operation. */
#ifdef BUILDERS
#define CLAIM_ADAPTER_BUILDERS
#endif
#include "claim_adapter.h"
#include "claim_oracle.h"

static struct co_host oracle;

static int status_of(const char *result, const char *check)
{
    static const struct { const char *name; int status; } known[] = {
        {"OK", 0}, {"E2BIG", E2BIG}, {"EBUSY", EBUSY}, {"EINVAL", EINVAL}, {"ENOBUFS", ENOBUFS}, {"ENOENT", ENOENT},
        {"ENOMEM", ENOMEM}, {"EOPNOTSUPP", EOPNOTSUPP}, {"EOVERFLOW", EOVERFLOW}, {"EPERM", EPERM}, {"ERANGE", ERANGE},
        {"ESRCH", ESRCH}};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (!strcmp(known[i].name, result))
            return known[i].status;
    claim_adapter_crash(check);
    return -1;
}
static int status(int number)
{
    return number < 0 ? status_of("misuse", "its callers") : status_of(co_cases[number].result, co_cases[number].name);
}
static int simple(int (*call)(struct co_state *, const struct co_arguments *), int domid)
{
    struct co_arguments a = co_looked_up(&oracle, domid);

    return status(call(&oracle.s, &a));
}
static void run(struct co_flight *f)
{
    do
        claim_adapter_section();
    while (!co_go_on(&oracle, f));
    if (f->wrong)
        claim_adapter_crash(f->wrong);
}

static int boot(unsigned int nodes, const uint64_t pages[], uint64_t span)
{
    int64_t given[CLAIM_MAX_NODES];

    for (unsigned int i = 0; i < nodes; i++)
        given[i] = (int64_t)pages[i];
    if (span > 1 << 20 || !co_boot(&oracle, nodes, given, (int64_t)span))
        return EINVAL;
    oracle.s.llc_coloring = claim_adapter_host()->llc_coloring;
    oracle.s.debug_build = claim_adapter_host()->debug_build;
    return 0;
}
static int create(int domid, uint32_t max_pages, uint64_t affinity)
{
    return status(co_section_create_domain(&oracle, domid, max_pages, affinity, claim_adapter_host()->last_alloc_node));
}
static int set_max_pages(int domid, uint32_t max_pages)
{
    struct co_arguments a = co_of(&oracle, domid);

    a.max_pages = max_pages;
    (void)co_set_max_pages(&oracle.s, &a);
    return 0;
}
static int max_mem(int domid, uint64_t max_pages)
{
    struct co_arguments a = co_looked_up(&oracle, domid);

    a.max_pages = co_number(max_pages);
    return status(co_max_mem(&oracle.s, &a));
}
static struct co_arguments with_entries(int domid, const struct claim_entry claims[], unsigned int nr)
{
    static struct co_entry entries[4096];
    struct co_arguments a = co_looked_up(&oracle, domid);

    if (nr > 4096)
        exit(1);
    for (unsigned int i = 0; i < nr; i++)
        entries[i] = (struct co_entry){co_number(claims[i].pages), claims[i].target, claims[i].pad};
    a.entries = entries;
    a.nr_entries = nr;
    return a;
}
static int install(int domid, const struct claim_entry claims[], unsigned int nr)
{
    struct co_arguments a = with_entries(domid, claims, nr);

    return status(co_install_claim_set(&oracle.s, &a));
}
static int claim_memory(int domid, const struct claim_entry claims[], unsigned int nr, uint32_t pad)
{
    struct co_arguments a = with_entries(domid, claims, nr);

    a.pad = pad;
    return status(co_claim_memory(&oracle.s, &a));
}
static int legacy(int domid, uint64_t pages, int node)
{
    struct co_arguments a = co_of(&oracle, domid);

    a.pages = co_number(pages);
    a.node = node;
    return status(co_set_outstanding_pages(&oracle.s, &a));
}
static int claim_pages(int domid, uint64_t nr, uint64_t order, uint64_t flags, int64_t start)
{
    static struct co_flight one;
    struct co_flight f = one;

    co_begin(&f, co_go_on_claim_pages, domid);
    f.pages = co_number(nr);
    f.extent_order = co_number(order);
    f.mem_flags = co_number(flags);
    f.has_extent_start = start != CLAIM_NONE;
    run(&f);
    return status_of(f.result, f.check);
}
/* Assigning may crash after a block was taken. */
static void stop_if_crashed(const struct co_flight *f)
{
    if (f->result && !strcmp(f->result, "crash"))
        claim_adapter_crash(f->check);
}
static int64_t allocate(int domid, unsigned int order, int node, unsigned int memflags, int whole)
{
    struct co_flight f;

    memset(&f, 0, sizeof(f));
    co_begin(&f, co_go_on_alloc, domid);
    f.node = node;
    f.order = order;
    f.exact = !!(memflags & CLAIM_EXACT_NODE);
    f.no_refcount = !!(memflags & CLAIM_NO_REFCOUNT);
    f.no_owner = !!(memflags & CLAIM_NO_OWNER);
    if (whole)
        run(&f);
    else
        (void)co_take_block(&oracle, &f, order);
    stop_if_crashed(&f);
    return f.mfn;
}
static int64_t alloc(int domid, unsigned int order, int node, unsigned int memflags)
{
    return allocate(domid, order, node, memflags, 1);
}
static int64_t alloc_heap(int domid, unsigned int order, int node, unsigned int memflags)
{
    return allocate(domid, order, node, memflags, 0);
}
static int assign(uint64_t mfn, unsigned int order, int domid, unsigned int memflags)
{
    return status(co_section_assign(&oracle, (int64_t)mfn, order, domid, !!(memflags & CLAIM_NO_REFCOUNT)));
}
static int free_heap(uint64_t mfn, unsigned int order)
{
    return co_section_free(&oracle, (int64_t)mfn, order) < 0 ? EINVAL : 0;
}
static int free_domheap(uint64_t mfn, unsigned int order)
{
    struct co_flight f;

    memset(&f, 0, sizeof(f));
    co_begin(&f, co_go_on_free, CLAIM_NONE);
    f.mfn = (int64_t)mfn;
    f.order = order;
    run(&f);
    return 0;
}
static const char *offline(uint64_t mfn) { return co_cases[co_section_offline(&oracle, (int64_t)mfn)].result; }
static const char *online(uint64_t mfn) { return co_cases[co_section_online(&oracle, (int64_t)mfn)].result; }
static int kill_domain(int domid)
{
    struct co_flight f;

    memset(&f, 0, sizeof(f));
    co_begin(&f, co_go_on_kill, domid);
    run(&f);
    return 0;
}
#ifndef BUILDERS /* a domain's blocks are freed in the oracle's order */
static int64_t relinquish(int domid) { return co_relinquish(&oracle, domid); }
static int destroy_all(int domid)
{
    struct co_flight f;

    memset(&f, 0, sizeof(f));
    co_begin(&f, co_go_on_destroy, domid);
    run(&f);
    return status_of(f.result, f.check);
}
#else
#define relinquish NULL
#define destroy_all NULL
#endif
static int destroy(int domid) { return simple(co_domain_destroy, domid); }
static int exists(int domid) { return co_looked_up(&oracle, domid).domid >= 0; }
static int pause_domain(int domid) { return simple(co_pausedomain, domid); }
static int unpause_domain(int domid) { return status(co_section_unpause(&oracle, domid)); }
static int info(int domid, struct claim_domain_info *answer)
{
    int result = simple(co_getdomaininfo, domid);
    const struct co_answer *found = &oracle.s.answer;

    answer->tot_pages = (uint32_t)found->tot_pages;
    answer->max_pages = (uint32_t)found->max_pages;
    answer->outstanding_pages = (uint32_t)found->outstanding_pages;
    return result;
}
static void outstanding(int64_t *free_pages, int64_t *outstanding_pages)
{
    (void)simple(co_get_outstanding_claims, CLAIM_NONE);
    *free_pages = oracle.s.answer.free_pages;
    *outstanding_pages = oracle.s.answer.outstanding_pages;
}
#if CO_GETS_SETS
static int get_claims(int domid, uint64_t capacity, uint32_t pad, struct claim_memory_claims *answer)
{
    struct co_arguments a = co_looked_up(&oracle, domid);
    const struct co_answer *found = &oracle.s.answer;
    int result;

    a.capacity = co_number(capacity);
    a.pad = pad;
    result = status(co_get_memory_claims(&oracle.s, &a));
    answer->needed = (uint64_t)found->needed;
    answer->nr_claims = 0;
    if (result)
        return result;
    if (found->tells_global)
        answer->claims[answer->nr_claims++] = (struct claim_entry){(uint64_t)found->global_claims, CLAIM_TARGET_GLOBAL, 0};
    for (uint32_t node = 0; node < oracle.s.number_of_nodes; node++)
        if (found->claims[node])
            answer->claims[answer->nr_claims++] = (struct claim_entry){(uint64_t)found->claims[node], node, 0};
    return 0;
}
#else
#define get_claims NULL
#endif
static void populate(int domid, struct claim_populate *call)
{
    struct co_flight f;

    memset(&f, 0, sizeof(f));
    co_begin(&f, co_go_on_populate, domid);
    f.node = call->node;
    f.order = call->order;
    f.exact = !!(call->memflags & CLAIM_EXACT_NODE);
    f.nr_extents = (int64_t)call->nr_extents;
    f.start_extent = (int64_t)call->start_extent;
    f.preempt_extent = call->preempt_extent;
    f.preempt_index = call->preempt_scrub_index;
    run(&f);
    stop_if_crashed(&f);
    for (int64_t i = 0; i < f.nr_mfns; i++)
        claim_populated(call, (uint64_t)f.mfns[i]);
    call->nr_done = (uint64_t)f.nr_done;
    call->preempted = f.preempted == CO_SCRUBBING ? CLAIM_SCRUBBING
                      : f.preempted == CO_BETWEEN_EXTENTS ? CLAIM_BETWEEN_EXTENTS : CLAIM_NOT_PREEMPTED;
    call->scrub_index = (unsigned int)f.scrub_index;
    free(f.mfns);
}
static int exchange(int domid, struct claim_exchange *call)
{
    struct co_flight f;

    memset(&f, 0, sizeof(f));
    co_begin(&f, co_go_on_exchange, domid);
    f.node = call->node;
    f.order = call->in_order;
    f.out_order = call->out_order;
    f.in_mfns = (const int64_t *)call->in_mfns;
    f.nr_in = (int64_t)call->nr_in;
    run(&f);
    for (int64_t i = 0; i < f.nr_mfns; i++)
        claim_exchanged(call, (uint64_t)f.mfns[i]);
    free(f.mfns);
    return status_of(f.result, f.check);
}
static void observe_host(struct claim_host_state *state)
{
    state->total_avail_pages = oracle.s.total_avail_pages;
    state->outstanding_claims = oracle.s.outstanding_claims;
    memcpy(state->node_avail_pages, oracle.s.node_avail_pages, sizeof(state->node_avail_pages));
    memcpy(state->node_outstanding_claims, oracle.s.node_outstanding_claims, sizeof(state->node_outstanding_claims));
}
static void observe_domain(int domid, struct claim_domain_state *state)
{
    const struct co_state *s = &oracle.s;
    int64_t d = co_slot(s, domid);

    state->max_pages = (uint32_t)s->max_pages[d];
    state->tot_pages = (uint32_t)s->tot_pages[d];
    state->global_claims = (uint32_t)s->global_claims[d];
    state->node_claims = (uint32_t)s->node_claims[d];
    state->outstanding_pages = state->global_claims + state->node_claims;
    state->claim_node = (int)s->claim_node[d];
    for (int64_t node = 0; node < s->number_of_nodes; node++)
        state->claims[node] = (uint32_t)s->claims[d][node];
    state->has_pending_scrub = STASHES;
    state->pending_mfn = s->stash_pages[d] ? oracle.stash[d] : CLAIM_NONE;
    state->pending_order = co_stash_order(&oracle, domid);
    state->pending_scrub_index = (unsigned int)s->stash_scrub_index[d];
    state->has_creation_finished = STASHES;
    state->creation_finished = (int)s->creation_finished[d];
}

CLAIM_ADAPTER_MAIN((void)0, .name = "oracle", .semantics = CO_SEMANTICS, .counters = COUNTERS,
    .options = CLAIM_TRACE_2 | CLAIM_LLC_COLORING | CLAIM_DEBUG_BUILD, .boot = boot, .create_domain = create,
    .set_max_pages = set_max_pages, .max_mem = max_mem, .install_claim_set = SETS ? install : NULL,
    .claim_memory = MEMORY ? claim_memory : NULL, .set_outstanding_pages = legacy, .claim_pages = claim_pages,
    .alloc_domheap_pages = alloc, .alloc_heap_pages = alloc_heap, .assign_pages = assign, .free_heap_pages = free_heap,
    .free_domheap_pages = free_domheap, .offline_page = offline, .online_page = online, .domain_kill = kill_domain,
    .relinquish_memory = relinquish, .domain_destroy = destroy, .domain_exists = exists,
    .destroydomain = destroy_all, .pausedomain = pause_domain, .unpausedomain = unpause_domain, .getdomaininfo = info,
    .get_outstanding_claims = outstanding, .get_memory_claims = get_claims, .populate_physmap = populate,
    .memory_exchange = exchange, .observe_host = observe_host, .observe_domain = observe_domain)
