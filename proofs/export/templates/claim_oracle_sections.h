/* Critical sections with their pages. Each returns the case that applied. */

/* Whether the case has that name. */
static inline int co_is(int number, const char *name)
{
    return number >= 0 && !strcmp(co_cases[number].name, name);
}

/* As co_of, for a call that looks the domain up: a destroyed one is not found. */
static inline struct co_arguments co_looked_up(const struct co_host *h, int64_t domid)
{
    struct co_arguments a = co_of(h, domid);

    if (a.domid >= 0 && (!h->s.is_created[a.domid] || h->s.is_destroyed[a.domid]))
        a.domid = -1;
    return a;
}

static inline int co_section_create_domain(struct co_host *h, int64_t domid, int64_t max_pages, uint64_t affinity,
                                           int64_t last_alloc_node)
{
    struct co_arguments a = co_of(h, domid);
    int64_t node;
    int number;

    if (a.domid < 0) {
        size_t after;

        a.domid = co_add_domid(&h->s, domid);
        after = (size_t)(h->s.number_of_domains - a.domid - 1);
        memmove(h->affinity + a.domid + 1, h->affinity + a.domid, after * sizeof(*h->affinity));
        memmove(h->stash + a.domid + 1, h->stash + a.domid, after * sizeof(*h->stash));
    }
    h->affinity[a.domid] = affinity;
    a.max_pages = max_pages;
    a.last_alloc_node = last_alloc_node;
    number = co_create_domain(&h->s, &a);
    for (node = 0; node < h->s.number_of_nodes; node++)
        h->s.node_affinity[a.domid][node] = affinity >> node & 1;
    return number;
}

/* alloc_heap_pages, without the block: where it succeeds, the node is h->s.chosen. */
static inline int co_section_search(struct co_host *h, int64_t domid, unsigned int order, int64_t node, int exact,
                                    int no_refcount, int no_owner)
{
    struct co_arguments a = co_of(h, domid);
    int64_t candidates[CO_MAX_NODES], has_block[CO_MAX_NODES], i, nodes = h->s.number_of_nodes;
    uint64_t every = nodes == 64 ? UINT64_MAX : ((uint64_t)1 << nodes) - 1;

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
    return co_alloc_heap_pages(&h->s, &a);
}

/* The pages of an allocation leave the heap. */
static inline void co_take_pages(struct co_host *h, int64_t mfn, unsigned int order, int64_t domid, int no_refcount,
                                 int no_owner)
{
    int owned = domid >= 0 && !no_owner;

    co_set_free(h, mfn, order, 0);
    co_use_pages(h, mfn, order, owned ? CO_USE_LIMBO : CO_USE_ANONYMOUS, owned ? (int)domid : -1, owned && !no_refcount);
}

static inline int co_section_assign(struct co_host *h, int64_t mfn, unsigned int order, int64_t domid, int no_refcount)
{
    struct co_arguments a = co_of(h, domid);
    int number;

    a.no_refcount = no_refcount;
    if (!co_block_at(h, mfn, order, &a))
        return -1;
    number = co_assign_pages(&h->s, &a);
    if (co_is_ok(number))
        co_use_pages(h, mfn, order, CO_USE_ASSIGNED, (int)domid, (int)a.refcounted);
    return number;
}

/* free_heap_pages: pages without an owner return to the heap, and the marked ones go offline. */
static inline int co_section_free(struct co_host *h, int64_t mfn, unsigned int order)
{
    struct co_arguments a = co_nothing();
    int number = -1;

    if (co_block_at(h, mfn, order, &a))
        number = co_free_heap_pages(&h->s, &a);
    if (number >= 0)
        co_pages_freed(h, mfn, order);
    return number;
}

/* A domain's pages lose their owner, but do not return to the heap yet. */
static inline int co_section_release(struct co_host *h, int64_t mfn, unsigned int order)
{
    struct co_arguments a = co_nothing();
    int number = -1;

    if (co_block_at(h, mfn, order, &a))
        number = co_release_ownership(&h->s, &a);
    if (number >= 0)
        co_use_pages(h, mfn, order, CO_USE_LIMBO, -1, 0);
    return number;
}

/* A free of a domain's last pages has ended, or tot_pages was lowered: a dead domain leaves the list. */
static inline int co_section_put(struct co_host *h, int64_t domid, int freed)
{
    struct co_arguments a = co_of(h, domid);

    a.freed = freed;
    return co_put_domain(&h->s, &a);
}

/* An extent that is not, or no longer, stashed is freed, and its marked pages go offline. */
static inline void co_section_free_extent(struct co_host *h, int64_t domid, int64_t mfn, unsigned int order)
{
    struct co_arguments a = co_of(h, domid);

    if (!co_block_at(h, mfn, order, &a))
        return;
    (void)co_free_stash(&h->s, &a);
    (void)co_offline_marked(&h->s, &a);
    co_pages_freed(h, mfn, order);
}

/* The order of a domain's stashed extent. */
static inline unsigned int co_stash_order(const struct co_host *h, int64_t domid)
{
    int64_t pages = h->s.stash_pages[co_slot(&h->s, domid)];
    unsigned int order = 0;

    while ((int64_t)1 << order < pages)
        order++;
    return order;
}

static inline int co_section_unpause(struct co_host *h, int64_t domid)
{
    struct co_arguments a = co_looked_up(h, domid);
    unsigned int order = a.domid < 0 ? 0 : co_stash_order(h, domid);
    int number = co_domain_unpause_by_systemcontroller(&h->s, &a);

    if (co_is(number, "crashed"))
        co_section_free_extent(h, domid, h->stash[a.domid], order);
    return number;
}

static inline int co_section_steal(struct co_host *h, int64_t domid, int64_t mfn, unsigned int order)
{
    struct co_arguments a = co_of(h, domid);
    int number;

    (void)co_block_at(h, mfn, order, &a);
    number = co_steal_page(&h->s, &a);
    if (co_is_ok(number))
        co_use_pages(h, mfn, order, CO_USE_ANONYMOUS, -1, 0);
    return number;
}

static inline int co_section_assign_stolen(struct co_host *h, int64_t domid, int64_t mfn, unsigned int order)
{
    struct co_arguments a = co_of(h, domid);
    int number = -1;

    if (co_block_at(h, mfn, order, &a))
        number = co_assign_in_exchange(&h->s, &a);
    if (co_is_ok(number))
        co_use_pages(h, mfn, order, CO_USE_ASSIGNED, (int)domid, 1);
    return number;
}

/* tot_pages no longer counts pages that a dying domain does not get back. */
static inline void co_section_drop(struct co_host *h, int64_t domid, int64_t pages)
{
    struct co_arguments a = co_of(h, domid);

    a.pages = pages;
    (void)co_drop_tot_pages(&h->s, &a);
    (void)co_section_put(h, domid, 0);
}

static inline int co_section_offline(struct co_host *h, int64_t mfn)
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
    return number;
}

static inline int co_section_online(struct co_host *h, int64_t mfn)
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
    return number;
}
