/*
 * Operations of several critical sections. co_begin() prepares one, co_go_on() runs its next section and returns whether
 * the operation has ended. Between two sections others may run. As in the hypervisor, an operation keeps its domain, even
 * if that is destroyed meanwhile.
 */
struct co_flight {
    int (*go_on)(struct co_host *h, struct co_flight *f);
    int at, inner; /* where the operation, and a part of it, continue; 0: at the beginning */
    /* arguments; -1: no domain, no node */
    int64_t domid, node, nr_extents, start_extent, preempt_extent, preempt_index, mfn;
    unsigned int order, out_order;
    int exact, no_refcount, no_owner;
    const int64_t *in_mfns;
    int64_t nr_in;
    int64_t pages, extent_order, mem_flags; /* claim_pages */
    int has_extent_start;
    /* The blocks that an implementation took, in this order; without one the oracle takes the lowest block. */
    const int64_t *seen;
    int64_t nr_seen;
    /* how it ended */
    const char *result, *check, *wrong; /* check: the last case; wrong: a block that was seen is not possible */
    int64_t *mfns, nr_mfns, room, nr_done, scrub_index;
    enum { CO_NOT_PREEMPTED, CO_BETWEEN_EXTENTS, CO_SCRUBBING } preempted;
    /* on the way */
    int64_t extent, scrubbed, first, nr_stolen, i, owner;
    int is_plain, is_last;
};

#define CO_BEGIN(where) switch (where) { case 0:
#define CO_BOUNDARY(where)                                                                                             \
    do {                                                                                                               \
        (where) = __LINE__;                                                                                            \
        return 0;                                                                                                      \
        case __LINE__:;                                                                                                \
    } while (0)
#define CO_END }

static inline int co_ended(struct co_flight *f, int number)
{
    f->result = number < 0 ? "no such call" : co_cases[number].result;
    f->check = number < 0 ? "its callers" : co_cases[number].name;
    return co_is_ok(number);
}

/* A seen block, if it is possible there; else the lowest one. */
static inline int64_t co_seen_block(struct co_host *h, struct co_flight *f, unsigned int order)
{
    int64_t mfn;

    if (!f->nr_seen)
        return co_lowest(h, h->s.chosen, order);
    mfn = *f->seen++;
    f->nr_seen--;
    if (mfn / h->span != h->s.chosen)
        f->wrong = "mfn: expected another node by the node search";
    else if ((mfn & (((int64_t)1 << order) - 1)) || !h->whole[order][mfn >> order])
        f->wrong = "mfn: expected a free block by the heap";
    return mfn;
}

/* alloc_heap_pages: the block is f->mfn, -1 if it is refused. */
static inline int co_take_block(struct co_host *h, struct co_flight *f, unsigned int order)
{
    int number = co_section_search(h, f->domid, order, f->node, f->exact, f->no_refcount, f->no_owner);

    f->mfn = -1;
    if (!co_ended(f, number))
        return 0;
    f->mfn = co_seen_block(h, f, order);
    if (f->wrong)
        return 0;
    co_take_pages(h, f->mfn, order, f->domid, f->no_refcount, f->no_owner);
    return 1;
}

/* Assign the block. Returns whether nothing follows: it is assigned, or the host has crashed. */
static inline int co_assign_block(struct co_host *h, struct co_flight *f)
{
    if (co_ended(f, co_section_assign(h, f->mfn, f->order, f->domid, f->no_refcount)))
        return 1;
    if (strcmp(f->result, "crash"))
        return 0;
    f->mfn = -1;
    return 1;
}

/* Assign the block; if that fails it is freed after a boundary. */
static inline int co_go_on_assigning(struct co_host *h, struct co_flight *f)
{
    CO_BEGIN(f->inner)
    if (co_assign_block(h, f))
        return 1;
    CO_BOUNDARY(f->inner);
    (void)co_section_free(h, f->mfn, f->order);
    f->mfn = -1;
    CO_END
    return 1;
}

static inline int co_go_on_alloc(struct co_host *h, struct co_flight *f)
{
    CO_BEGIN(f->at)
    if (!co_take_block(h, f, f->order) || f->domid < 0 || f->no_owner)
        return 1;
    f->inner = 0;
    do
        CO_BOUNDARY(f->at);
    while (!co_go_on_assigning(h, f));
    CO_END
    return 1;
}

static inline int co_go_on_free(struct co_host *h, struct co_flight *f)
{
    struct co_arguments a = co_nothing();

    CO_BEGIN(f->inner)
    f->is_last = 0;
    if (!co_block_at(h, f->mfn, f->order, &a)) {
        f->wrong = "these pages are not allocated";
        return 1;
    }
    if (a.block_state == CO_BLOCK_ASSIGNED) {
        f->owner = h->page[f->mfn].domid;
        f->is_last = co_is(co_section_release(h, f->mfn, f->order), "released-last");
        CO_BOUNDARY(f->inner);
    }
    if (co_section_free(h, f->mfn, f->order) < 0)
        f->wrong = "no caller frees these pages";
    if (f->is_last)
        (void)co_section_put(h, f->owner, 1);
    CO_END
    return 1;
}

static inline int co_go_on_claim_pages(struct co_host *h, struct co_flight *f)
{
    struct co_arguments a;

    CO_BEGIN(f->at)
    a = co_looked_up(h, f->domid);
    a.pages = f->pages;
    a.extent_order = f->extent_order;
    a.mem_flags = f->mem_flags;
    a.has_extent_start = f->has_extent_start;
    if (!co_ended(f, co_claim_pages_check(&h->s, &a)))
        return 1;
    f->pages = h->s.answer.pages;
    f->node = !strcmp(f->check, "checked-on-node") ? h->s.answer.node : -1;
    CO_BOUNDARY(f->at);
    a = co_of(h, f->domid);
    a.pages = f->pages;
    a.node = f->node;
    (void)co_ended(f, co_set_outstanding_pages(&h->s, &a));
    CO_END
    return 1;
}

static inline int co_go_on_kill(struct co_host *h, struct co_flight *f)
{
    struct co_arguments a = co_of(h, f->domid);

    CO_BEGIN(f->inner)
    f->result = "OK";
    if (co_is(co_mark_dying(&h->s, &a), "already-dying"))
        return 1;
    CO_BOUNDARY(f->inner);
    (void)co_release_all_claims(&h->s, &a);
    if (!co_is(co_stash_check(&h->s, &a), "to-be-freed"))
        return 1;
    CO_BOUNDARY(f->inner);
    f->order = co_stash_order(h, f->domid);
    if (co_is(co_take_stash(&h->s, &a), "taken"))
        co_section_free_extent(h, f->domid, h->stash[a.domid], f->order);
    CO_END
    return 1;
}

static inline void co_done(struct co_flight *f, int64_t mfn)
{
    if (f->nr_mfns == f->room) {
        f->room = 2 * f->room + 16;
        f->mfns = realloc(f->mfns, (size_t)f->room * sizeof(*f->mfns));
    }
    f->mfns[f->nr_mfns++] = mfn;
}

/* The stash, if it matches; 0: the extent is refused. */
static inline int co_take_stashed(struct co_host *h, struct co_flight *f)
{
    struct co_arguments a = co_of(h, f->domid);
    unsigned int order = co_stash_order(h, f->domid);
    int number;

    a.pages = (int64_t)1 << f->order;
    a.requested = f->node;
    a.exact = f->exact;
    number = co_get_stashed_allocation(&h->s, &a);
    f->mfn = -1;
    f->scrubbed = 0;
    f->is_plain = co_is(number, "never-stashes");
    if (co_is(number, "taken")) {
        f->mfn = h->stash[a.domid];
        f->scrubbed = h->s.answer.scrub_index;
    } else if (co_is(number, "unsuitable")) {
        co_section_free_extent(h, f->domid, h->stash[a.domid], order);
    }
    return co_ended(f, number);
}

/* The end of scrubbing. 0: it is not preempted; 1: it is; 2: it would be, but another extent is stashed. */
static inline int co_preempted(struct co_host *h, struct co_flight *f)
{
    struct co_arguments a = co_of(h, f->domid);
    int number;

    a.pages = (int64_t)1 << f->order;
    a.scrub_index = f->scrubbed;
    a.preempt_at = f->preempt_index;
    if (f->extent != f->preempt_extent || !f->preempt_index || !co_is(co_preemption_check(&h->s, &a), "preempted"))
        return 0;
    a.scrub_index = f->preempt_index;
    (void)co_block_at(h, f->mfn, f->order, &a);
    number = co_stash_allocation(&h->s, &a);
    if (!co_is_ok(number))
        return 2;
    if (co_is(number, "stashed"))
        h->stash[a.domid] = f->mfn;
    else
        co_section_free_extent(h, f->domid, f->mfn, f->order);
    return 1;
}

/* One extent of populate_physmap, which is then f->mfn. */
static inline int co_go_on_extent(struct co_host *h, struct co_flight *f)
{
    struct co_arguments a = co_of(h, f->domid);
    int preempted;

    CO_BEGIN(f->inner)
    if (!co_take_stashed(h, f))
        return 1;
    if (!f->is_plain)
        CO_BOUNDARY(f->inner);
    if (f->mfn < 0) {
        if (!f->is_plain)
            f->is_plain = co_is(co_creation_check(&h->s, &a), "finished");
        if (!co_take_block(h, f, f->order))
            return 1;
        CO_BOUNDARY(f->inner);
    } else if (f->nr_seen && *f->seen == f->mfn) { /* the stashed extent is seen, too */
        f->seen++;
        f->nr_seen--;
    }
    preempted = f->is_plain ? 0 : co_preempted(h, f);
    if (preempted == 1) {
        f->preempted = CO_SCRUBBING;
        f->scrub_index = f->preempt_index;
        f->mfn = -1;
        return 1;
    }
    if (preempted == 2)
        CO_BOUNDARY(f->inner);
    if (co_assign_block(h, f))
        return 1;
    CO_BOUNDARY(f->inner);
    (void)co_section_free(h, f->mfn, f->order);
    f->mfn = -1;
    CO_END
    return 1;
}

static inline int co_go_on_populate(struct co_host *h, struct co_flight *f)
{
    CO_BEGIN(f->at)
    f->nr_done = f->start_extent;
    if (co_looked_up(h, f->domid).domid < 0 || f->order > CO_MAX_ORDER)
        return 1;
    for (f->extent = f->start_extent; f->extent < f->nr_extents; f->extent++) {
        if (f->extent > f->start_extent) {
            if (f->preempt_extent == f->extent && !f->preempt_index) {
                f->preempted = CO_BETWEEN_EXTENTS;
                return 1;
            }
            CO_BOUNDARY(f->at);
        }
        f->inner = 0;
        while (!co_go_on_extent(h, f))
            CO_BOUNDARY(f->at);
        if (f->mfn < 0 || f->wrong)
            return 1;
        co_done(f, f->mfn);
        f->nr_done = f->extent + 1;
    }
    CO_END
    return 1;
}

/* All pages of a dying domain return to the heap; which block first is open, so this is not done in sections. */
static inline int64_t co_relinquish(struct co_host *h, int64_t domid)
{
    struct co_flight f;
    int64_t mfn, end = h->s.number_of_nodes * h->span, freed = 0;

    memset(&f, 0, sizeof(f));
    for (mfn = 0; mfn < end; mfn++) {
        struct co_arguments a;

        if (h->page[mfn].use != CO_USE_ASSIGNED || h->page[mfn].domid != domid)
            continue;
        for (f.order = 0; co_block_at(h, mfn, f.order + 1, &a);)
            f.order++;
        f.mfn = mfn;
        f.inner = 0;
        while (!co_go_on_free(h, &f))
            ;
        freed += (int64_t)1 << f.order;
        mfn += ((int64_t)1 << f.order) - 1;
    }
    return freed;
}

/* XEN_DOMCTL_destroydomain, all at once. */
static inline int co_go_on_destroy(struct co_host *h, struct co_flight *f)
{
    struct co_arguments a = co_looked_up(h, f->domid);

    f->check = "unknown-domain";
    f->result = "ESRCH";
    if (a.domid < 0)
        return 1;
    while (!co_go_on_kill(h, f))
        ;
    (void)co_relinquish(h, f->domid);
    (void)co_finish_kill(&h->s, &a);
    return 1;
}

/* Stolen extents of a chunk that failed return to the domain; those of a dying domain are freed. */
static inline int co_go_on_giving_back(struct co_host *h, struct co_flight *f)
{
    int number;

    CO_BEGIN(f->inner)
    for (f->i = 0; f->i < f->nr_stolen; f->i++) {
        CO_BOUNDARY(f->inner);
        number = co_section_assign_stolen(h, f->domid, f->in_mfns[f->first + f->i], f->order);
        if (!co_is_ok(number)) {
            if (number >= 0 && !strcmp(co_cases[number].result, "crash")) {
                f->result = "crash";
                return 1;
            }
            co_section_drop(h, f->domid, (int64_t)1 << f->order);
            CO_BOUNDARY(f->inner);
            (void)co_section_free(h, f->in_mfns[f->first + f->i], f->order);
        }
    }
    CO_END
    return 1;
}

/* New extents that nobody gets, from f->i on, are freed. */
static inline int co_go_on_freeing_new(struct co_host *h, struct co_flight *f)
{
    CO_BEGIN(f->inner)
    for (; f->mfns[f->nr_mfns + f->i] >= 0; f->i++) {
        CO_BOUNDARY(f->inner);
        (void)co_section_free(h, f->mfns[f->nr_mfns + f->i], f->out_order);
    }
    CO_END
    return 1;
}

/* Chunk by chunk, extents of one order are swapped for new ones of another. */
static inline int co_go_on_exchange(struct co_host *h, struct co_flight *f)
{
    int64_t chunk = f->out_order > f->order && f->out_order <= CO_MAX_ORDER ? (int64_t)1 << (f->out_order - f->order) : 1;
    int64_t new = f->order > f->out_order && f->order <= CO_MAX_ORDER ? (int64_t)1 << (f->order - f->out_order) : 1;
    struct co_arguments a;
    int number;

    CO_BEGIN(f->at)
    a = co_nothing();
    a.known = co_looked_up(h, f->domid).domid >= 0;
    a.in_too_large = f->order > CO_MAX_ORDER;
    a.out_too_large = f->out_order > CO_MAX_ORDER;
    a.whole_chunks = f->nr_in % chunk == 0;
    if (!co_ended(f, co_exchange_check(&h->s, &a)))
        return 1;
    f->no_owner = 1;
    for (f->first = 0; f->first < f->nr_in; f->first += chunk) {
        CO_BOUNDARY(f->at);
        for (f->nr_stolen = 0; f->nr_stolen < chunk; f->nr_stolen++)
            if (!co_ended(f, co_section_steal(h, f->domid, f->in_mfns[f->first + f->nr_stolen], f->order)))
                break;
        if (f->nr_stolen < chunk) {
            f->inner = 0;
            while (!co_go_on_giving_back(h, f))
                CO_BOUNDARY(f->at);
            return 1;
        }
        for (f->i = 0; f->i <= new; f->i++)
            co_done(f, -1); /* places for the new extents, after those of the chunks before, and an end */
        f->nr_mfns -= new + 1;
        for (f->i = 0; f->i < new; f->i++) {
            CO_BOUNDARY(f->at);
            if (!co_take_block(h, f, f->out_order))
                break;
            f->mfns[f->nr_mfns + f->i] = f->mfn;
        }
        if (f->wrong)
            return 1;
        if (f->i < new) {
            f->result = !strcmp(f->result, "crash") ? f->result : "ENOMEM";
            f->inner = 0;
            while (!co_go_on_giving_back(h, f))
                CO_BOUNDARY(f->at);
            f->i = f->inner = 0;
            while (!co_go_on_freeing_new(h, f))
                CO_BOUNDARY(f->at);
            return 1;
        }
        for (f->i = 0; f->i < chunk; f->i++) {
            CO_BOUNDARY(f->at);
            (void)co_section_free(h, f->in_mfns[f->first + f->i], f->order);
        }
        for (f->i = 0; f->i < new; f->i++) {
            CO_BOUNDARY(f->at);
            number = co_section_assign_stolen(h, f->domid, f->mfns[f->nr_mfns + f->i], f->out_order);
            if (!co_ended(f, number)) {
                if (!strcmp(f->result, "crash"))
                    return 1;
                co_section_drop(h, f->domid, (new - f->i) << f->out_order);
                f->inner = 0;
                while (!co_go_on_freeing_new(h, f))
                    CO_BOUNDARY(f->at);
                return 1;
            }
        }
        f->nr_mfns += new;
    }
    CO_END
    return 1;
}

/* Clears the operation; its list keeps its room. Then set the arguments, and run it: co_go_on() until it returns 1. */
static inline void co_begin(struct co_flight *f, int (*go_on)(struct co_host *, struct co_flight *), int64_t domid)
{
    int64_t *mfns = f->mfns, room = f->room;

    memset(f, 0, sizeof(*f));
    f->mfns = mfns;
    f->room = room;
    f->go_on = go_on;
    f->domid = domid;
    f->node = f->preempt_extent = f->mfn = -1;
}

static inline int co_go_on(struct co_host *h, struct co_flight *f)
{
    return f->go_on(h, f);
}

static inline void co_finish(struct co_host *h, struct co_flight *f)
{
    while (!f->go_on(h, f))
        ;
}
