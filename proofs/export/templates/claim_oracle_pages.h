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
    uint64_t affinity[CO_MAX_DOMAINS]; /* by index of the domain, as the next */
    int64_t stash[CO_MAX_DOMAINS];     /* the first frame of the stashed extent, if there is one */
    struct co_frame *page;              /* by frame */
    unsigned char *whole[21];          /* by order and block: all pages are free */
    int64_t whole_blocks[CO_MAX_NODES][21];
    size_t room;
    char wrong[240];
};

/* What an implementation shows of a domain. */
struct co_seen_domain {
    int64_t domid, max_pages, tot_pages, global_claims, node_claims, outstanding_pages, claim_node;
    const uint32_t *claims; /* by node; a null pointer: this generation has none */
    int has_sets, has_claim_node, has_stash, has_creation_finished;
    int64_t stash_mfn, stash_order, scrub_index, creation_finished; /* stash_mfn -1: nothing is stashed */
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

static inline int co_is_ok(int number)
{
    return number >= 0 && !strcmp(co_cases[number].result, "OK");
}

/* Allocated pages that are alike, as the block of a call. 0: they are not. */
static inline int co_block_at(const struct co_host *h, int64_t mfn, unsigned int order, struct co_arguments *a)
{
    const struct co_frame *first, *page;

    if (order > 20 || mfn < 0 || (mfn & (((int64_t)1 << order) - 1)) ||
        mfn + ((int64_t)1 << order) > h->s.number_of_nodes * h->span)
        return 0;
    first = h->page + mfn;
    if (first->use < CO_USE_LIMBO || first->use > CO_USE_ANONYMOUS)
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
        if (use == CO_USE_ASSIGNED && !CO_KEEPS_MARKS)
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

/* The block that an allocation takes if nothing else is said: the lowest one of the smallest order that serves. */
static inline int64_t co_lowest(const struct co_host *h, int64_t node, unsigned int order)
{
    int64_t block;
    unsigned int o;

    for (o = order; o <= 20; o++)
        if (h->whole_blocks[node][o] > (o < 20 ? 2 * h->whole_blocks[node][o + 1] : 0))
            for (block = node * h->span >> o;; block++)
                if (h->whole[o][block] && (o == 20 || !h->whole[o + 1][block >> 1]))
                    return block << o;
    return -1;
}
