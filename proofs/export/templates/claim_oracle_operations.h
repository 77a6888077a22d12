/* The order of the node search: the requested node, or the one after the last; the affinity; the other nodes. */
static inline int64_t co_search(int64_t nodes, uint64_t affinity, int64_t requested, int64_t last, int exact,
                                int64_t *found)
{
    int64_t start = requested, from, i, used = 0;

    if (requested >= 0 && exact) {
        found[0] = requested;
        return requested < nodes;
    }
    for (i = 1; start < 0 && i <= nodes; i++) /* the next node of the affinity, cyclically */
        if (affinity >> ((last + i) % nodes) & 1)
            start = (last + i) % nodes;
    if (start >= 0 && start < nodes && (!exact || affinity >> start & 1))
        found[used++] = start;
    from = start >= 0 && start < nodes && affinity >> start & 1 ? start : nodes - 1;
    for (i = 1; i <= nodes; i++)
        if (affinity >> ((from + i) % nodes) & 1 && (from + i) % nodes != start)
            found[used++] = (from + i) % nodes;
    for (i = 0; i < nodes && !exact; i++)
        if (!(affinity >> i & 1) && i != start)
            found[used++] = i;
    return used;
}

/* The pages of a host, which decide what a call names and where a block is free. Frames: node n from n * span. */
enum co_use { CO_USE_NONE, CO_USE_FREE, CO_USE_LIMBO, CO_USE_ASSIGNED, CO_USE_ANONYMOUS, CO_USE_OFFLINED };

struct co_frame {
    unsigned char use, refcounted, marked;
    int domid;
};

struct co_host {
    struct co_state s;
    int64_t span, pages[CO_MAX_NODES];
    uint64_t affinity[CO_MAX_DOMAINS]; /* by index of the domain */
    struct co_frame *page;              /* by frame */
    unsigned char *whole[21];          /* by order and block: all pages are free */
    int64_t whole_blocks[CO_MAX_NODES][21];
    size_t room;
    char wrong[240];
};

/* What an implementation shows of a host and of its domains. */
struct co_seen_domain {
    int64_t domid, max_pages, tot_pages, global_claims, node_claims, outstanding_pages, claim_node;
    const uint32_t *claims; /* by node; a null pointer: this generation has none */
    int has_sets, has_claim_node;
};

static inline void co_set_free(struct co_host *h, int64_t mfn, unsigned int order, int is_free)
{
    int64_t node = mfn / h->span, block;
    unsigned int o;

    for (o = 0; o <= order; o++)
        for (block = mfn >> o; block < (mfn >> o) + ((int64_t)1 << (order - o)); block++)
            if (h->whole[o][block] != is_free) {
                h->whole[o][block] = (unsigned char)is_free;
                h->whole_blocks[node][o] += is_free ? 1 : -1;
            }
    for (o = order + 1; o <= 20 && (int64_t)1 << o <= h->span; o++) {
        block = mfn >> o;
        is_free = h->whole[o - 1][2 * block] && h->whole[o - 1][2 * block + 1];
        if (h->whole[o][block] == is_free)
            break;
        h->whole[o][block] = (unsigned char)is_free;
        h->whole_blocks[node][o] += is_free ? 1 : -1;
    }
}

/* Boot; span is a power of two. 0: it cannot have such a host. */
static inline int co_boot(struct co_host *h, int64_t nodes, const int64_t *pages, int64_t span)
{
    size_t frames = (size_t)(nodes * span);
    int64_t node, page;
    unsigned int o;

    if (span & (span - 1) || nodes > CO_MAX_NODES)
        return 0;
    if (frames > h->room) {
        h->room = frames;
        h->page = realloc(h->page, frames * sizeof(*h->page));
        for (o = 0; o <= 20; o++)
            h->whole[o] = realloc(h->whole[o], (frames >> o) + 2);
    }
    co_start(&h->s, nodes, pages, 0, 0);
    h->span = span;
    memset(h->page, 0, frames * sizeof(*h->page));
    memset(h->whole_blocks, 0, sizeof(h->whole_blocks));
    for (o = 0; o <= 20; o++)
        memset(h->whole[o], 0, (frames >> o) + 2);
    for (node = 0; node < nodes; node++)
        for (page = 0, h->pages[node] = pages[node]; page < pages[node]; page++) {
            h->page[node * span + page].use = CO_USE_FREE;
            co_set_free(h, node * span + page, 0, 1);
        }
    return 1;
}

static inline struct co_arguments co_nothing(void)
{
    struct co_arguments a;

    memset(&a, 0, sizeof(a));
    a.domid = a.node = a.requested = a.owner = a.last_alloc_node = -1;
    return a;
}

static inline struct co_arguments co_of(const struct co_host *h, int64_t domid)
{
    struct co_arguments a = co_nothing();

    a.domid = domid < 0 ? -1 : co_slot(&h->s, domid);
    return a;
}

/* The answer of a call that only has a result. */
static inline const char *co_answered(struct co_host *h, int number, const char *answered)
{
    const struct co_case *found = number < 0 ? 0 : &co_cases[number];

    if (found && !strcmp(found->result, answered))
        return 0;
    snprintf(h->wrong, sizeof(h->wrong), "result: expected %s by %s, observed %s", found ? found->result : "no such call",
             found ? found->name : "its callers", answered);
    return h->wrong;
}

static inline int co_is_ok(int number)
{
    return number >= 0 && !strcmp(co_cases[number].result, "OK");
}

/* Allocated pages that are alike, as the block of a call. 0: they are not. */
static inline int co_block_at(const struct co_host *h, int64_t mfn, unsigned int order, struct co_arguments *a)
{
    const struct co_frame *first = &h->page[mfn], *page;

    if (order > 20 || (mfn & (((int64_t)1 << order) - 1)) || first->use < CO_USE_LIMBO || first->use > CO_USE_ANONYMOUS)
        return 0;
    a->block_pages = (int64_t)1 << order;
    a->marked = 0;
    for (page = first; page < first + a->block_pages; page++) {
        if (page->use != first->use || page->domid != first->domid || page->refcounted != first->refcounted)
            return 0;
        a->marked += page->marked;
    }
    a->block_state = first->use == CO_USE_LIMBO ? CO_BLOCK_LIMBO
                     : first->use == CO_USE_ASSIGNED ? CO_BLOCK_ASSIGNED : CO_BLOCK_ANONYMOUS;
    a->node = mfn / h->span;
    a->refcounted = first->refcounted;
    a->owner = first->domid < 0 ? -1 : co_slot(&h->s, first->domid);
    return 1;
}

static inline void co_use_pages(struct co_host *h, int64_t mfn, unsigned int order, int use, int domid, int refcounted)
{
    int64_t page;

    for (page = mfn; page < mfn + ((int64_t)1 << order); page++) {
        h->page[page].use = (unsigned char)use;
        h->page[page].domid = domid;
        h->page[page].refcounted = (unsigned char)refcounted;
        if (use == CO_USE_ASSIGNED)
            h->page[page].marked = 0; /* assigning clears the state of a page */
    }
}

static inline void co_pages_freed(struct co_host *h, int64_t mfn, unsigned int order)
{
    int64_t page, end = mfn + ((int64_t)1 << order);
    int is_marked = 0;

    for (page = mfn; page < end; page++) {
        is_marked |= h->page[page].marked;
        h->page[page].use = h->page[page].marked ? CO_USE_OFFLINED : CO_USE_FREE;
        h->page[page].marked = 0;
    }
    if (!is_marked)
        co_set_free(h, mfn, order, 1);
    else
        for (page = mfn; page < end; page++)
            if (h->page[page].use == CO_USE_FREE)
                co_set_free(h, page, 0, 1);
}

static inline const char *co_check_create_domain(struct co_host *h, int64_t domid, int64_t max_pages, uint64_t affinity,
                                                 int64_t last_alloc_node)
{
    struct co_arguments a = co_of(h, domid);
    int64_t node;
    int number;

    if (a.domid < 0) {
        a.domid = co_add_domid(&h->s, domid);
        memmove(h->affinity + a.domid + 1, h->affinity + a.domid,
                (size_t)(h->s.number_of_domains - a.domid - 1) * sizeof(*h->affinity));
    }
    h->affinity[a.domid] = affinity;
    a.max_pages = max_pages;
    a.last_alloc_node = last_alloc_node;
    number = co_create_domain(&h->s, &a);
    for (node = 0; node < h->s.number_of_nodes; node++)
        h->s.node_affinity[a.domid][node] = affinity >> node & 1;
    return co_answered(h, number, "OK");
}

#define CO_BLOCK(h, pages, why) \
    (snprintf((h)->wrong, sizeof((h)->wrong), "mfn: expected %s by %s", pages, why), (h)->wrong)

/* An allocation: `whole` is alloc_domheap_pages, else alloc_heap_pages. mfn -1: the implementation refused it. */
static inline const char *co_check_alloc(struct co_host *h, int64_t domid, unsigned int order, int64_t node, int exact,
                                         int no_refcount, int no_owner, int whole, int64_t mfn)
{
    struct co_arguments a = co_of(h, domid);
    int64_t candidates[CO_MAX_NODES], has_block[CO_MAX_NODES], i, nodes = h->s.number_of_nodes;
    uint64_t every = nodes == 64 ? UINT64_MAX : ((uint64_t)1 << nodes) - 1;
    int number, owned = domid >= 0 && !no_owner, refcounted = owned && !no_refcount;

    a.order = order;
    a.pages = order > 53 ? CO_MANY_PAGES : (int64_t)1 << order;
    a.requested = node;
    a.exact = exact;
    a.no_refcount = no_refcount;
    a.no_owner = no_owner;
    for (i = 0; i < nodes; i++)
        has_block[i] = order <= 20 && h->whole_blocks[i][order] > 0;
    a.nr_candidates = co_search(nodes, a.domid < 0 ? every : h->affinity[a.domid], node,
                                a.domid < 0 ? -1 : h->s.last_alloc_node[a.domid], exact, candidates);
    a.candidates = candidates;
    a.has_block = has_block;
    number = co_alloc_heap_pages(&h->s, &a);
    if (!co_is_ok(number))
        return mfn < 0 && number >= 0 && strcmp(co_cases[number].result, "crash")
                   ? 0 : CO_BLOCK(h, "no block", number < 0 ? "its callers" : co_cases[number].name);
    a.node = h->s.chosen;
    a.block_state = CO_BLOCK_LIMBO;
    a.block_pages = a.pages;
    a.owner = a.domid;
    a.refcounted = refcounted;
    a.marked = 0;
    if (whole && owned && !co_is_ok(number = co_assign_pages(&h->s, &a))) {
        int freed = co_free_heap_pages(&h->s, &a);

        (void)freed;
        return mfn < 0 ? 0 : CO_BLOCK(h, "no block", co_cases[number].name);
    }
    if (mfn < 0)
        return CO_BLOCK(h, "a block", co_cases[number].name);
    if (mfn / h->span != a.node)
        return CO_BLOCK(h, "another node", "the node search");
    if ((mfn & (a.pages - 1)) || !h->whole[order][mfn >> order])
        return CO_BLOCK(h, "a free block", "the heap");
    co_set_free(h, mfn, order, 0);
    co_use_pages(h, mfn, order, !owned ? CO_USE_ANONYMOUS : whole ? CO_USE_ASSIGNED : CO_USE_LIMBO,
                 owned ? (int)domid : -1, refcounted);
    return 0;
}

static inline const char *co_check_assign(struct co_host *h, int64_t mfn, unsigned int order, int64_t domid,
                                          int no_refcount, const char *answered)
{
    struct co_arguments a = co_of(h, domid);
    const char *wrong;
    int number = -1;

    a.no_refcount = no_refcount;
    if (co_block_at(h, mfn, order, &a))
        number = co_assign_pages(&h->s, &a);
    wrong = co_answered(h, number, answered);
    if (!wrong && co_is_ok(number))
        co_use_pages(h, mfn, order, CO_USE_ASSIGNED, (int)domid, (int)a.refcounted);
    return wrong;
}

/* free_domheap_pages, or free_heap_pages of pages without an owner: both only have an end. */
static inline const char *co_check_free(struct co_host *h, int64_t mfn, unsigned int order)
{
    struct co_arguments a = co_nothing();
    int number;

    if (!co_block_at(h, mfn, order, &a))
        return "these pages are not allocated";
    if (a.block_state == CO_BLOCK_ASSIGNED) {
        (void)co_release_ownership(&h->s, &a);
        a.block_state = CO_BLOCK_LIMBO;
        a.owner = -1;
        a.refcounted = 0;
    }
    number = co_free_heap_pages(&h->s, &a);
    if (number >= 0)
        co_pages_freed(h, mfn, order);
    return number < 0 ? "no caller frees these pages" : 0;
}

static inline const char *co_check_offline(struct co_host *h, int64_t mfn, const char *answered)
{
    struct co_arguments a = co_nothing();
    struct co_frame *page = &h->page[mfn];
    int number;

    a.node = mfn / h->span;
    a.page = page->use == CO_USE_OFFLINED ? CO_PAGE_OFFLINED : page->use == CO_USE_FREE ? CO_PAGE_FREE : CO_PAGE_IN_USE;
    a.assigned = page->use == CO_USE_ASSIGNED;
    a.marked = page->marked;
    number = co_offline_page(&h->s, &a);
    if (a.page == CO_PAGE_FREE) {
        co_set_free(h, mfn, 0, 0);
        page->use = CO_USE_OFFLINED;
    } else if (a.page == CO_PAGE_IN_USE) {
        page->marked = 1;
    }
    return co_answered(h, number, answered);
}

static inline const char *co_check_online(struct co_host *h, int64_t mfn, const char *answered)
{
    struct co_arguments a = co_nothing();
    struct co_frame *page = &h->page[mfn];
    int number;

    a.node = mfn / h->span;
    a.page = page->use == CO_USE_OFFLINED ? CO_PAGE_OFFLINED : CO_PAGE_IN_USE;
    a.marked = page->marked;
    number = co_online_page(&h->s, &a);
    if (page->marked) {
        page->marked = 0;
    } else if (page->use == CO_USE_OFFLINED) {
        page->use = CO_USE_FREE;
        co_set_free(h, mfn, 0, 1);
    }
    return co_answered(h, number, answered);
}

static inline const char *co_check_domain_kill(struct co_host *h, int64_t domid, const char *answered)
{
    struct co_arguments a = co_of(h, domid);
    int number = co_mark_dying(&h->s, &a);

    if (number >= 0 && strcmp(co_cases[number].name, "already-dying")) {
        (void)co_release_all_claims(&h->s, &a);
        (void)co_stash_check(&h->s, &a);
    }
    return strcmp(answered, "OK") ? co_answered(h, number, answered) : 0;
}

static inline const char *co_check_claim_pages(struct co_host *h, int64_t domid, int64_t pages, int64_t order,
                                               int64_t mem_flags, int has_extent_start, const char *answered)
{
    struct co_arguments a = co_of(h, domid);
    int number;

    a.pages = pages;
    a.extent_order = order;
    a.mem_flags = mem_flags;
    a.has_extent_start = has_extent_start;
    number = co_claim_pages_check(&h->s, &a);
    if (co_is_ok(number)) {
        a.pages = h->s.answer.pages;
        number = co_set_outstanding_pages(&h->s, &a);
    }
    return co_answered(h, number, answered);
}

#define CO_COMPARE(field, expected, observed)                                                                          \
    do {                                                                                                               \
        if ((expected) != (observed)) {                                                                                \
            snprintf(h->wrong, sizeof(h->wrong), "%s: expected %lld, observed %lld", field, (long long)(expected),     \
                     (long long)(observed));                                                                           \
            return h->wrong;                                                                                           \
        }                                                                                                              \
    } while (0)

/* The counters of the host after an operation; a null pointer: they are the model's. */
static inline const char *co_check_host(struct co_host *h, int64_t total_avail_pages, int64_t outstanding_claims,
                                        const int64_t *node_avail_pages, const int64_t *node_outstanding_claims)
{
    const struct co_state *s = &h->s;
    int64_t node;

    CO_COMPARE("total_avail_pages", s->total_avail_pages, total_avail_pages);
    CO_COMPARE("outstanding_claims", s->outstanding_claims, outstanding_claims);
    for (node = 0; node < s->number_of_nodes; node++) {
        CO_COMPARE("node_avail_pages", s->node_avail_pages[node], node_avail_pages[node]);
        CO_COMPARE("node_outstanding_claims", s->node_outstanding_claims[node], node_outstanding_claims[node]);
    }
    return 0;
}

static inline const char *co_check_domain(struct co_host *h, const struct co_seen_domain *seen)
{
    const struct co_state *s = &h->s;
    int64_t d = co_slot(s, seen->domid), node;

    if (d < 0)
        return "domains: an unknown domain";
    CO_COMPARE("max_pages", s->max_pages[d], seen->max_pages);
    CO_COMPARE("tot_pages", s->tot_pages[d], seen->tot_pages);
    if (seen->has_sets)
        CO_COMPARE("global_claims", s->global_claims[d], seen->global_claims);
    else
        CO_COMPARE("outstanding_pages", s->global_claims[d] + s->node_claims[d], seen->outstanding_pages);
    if (seen->has_claim_node)
        CO_COMPARE("claim_node", s->claim_node[d], seen->claim_node);
    if (seen->claims) {
        CO_COMPARE("node_claims", s->node_claims[d], seen->node_claims);
        for (node = 0; node < s->number_of_nodes; node++)
            CO_COMPARE("claims", s->claims[d][node], (int64_t)seen->claims[node]);
    }
    return 0;
}
