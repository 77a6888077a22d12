/* What an implementation answered: a null pointer if the model permits it, else what is wrong. */

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

#define CO_COMPARE(field, expected, observed)                                                                          \
    do {                                                                                                               \
        if ((expected) != (observed)) {                                                                                \
            snprintf(h->wrong, sizeof(h->wrong), "%s: expected %lld, observed %lld", field, (long long)(expected),     \
                     (long long)(observed));                                                                           \
            return h->wrong;                                                                                           \
        }                                                                                                              \
    } while (0)

/* A call that only has a result: co_check(host, co_pausedomain, domid, answered). */
static inline const char *co_check(struct co_host *h, int (*call)(struct co_state *, const struct co_arguments *),
                                   int64_t domid, const char *answered)
{
    struct co_arguments a = co_looked_up(h, domid);

    return co_answered(h, call(&h->s, &a), answered);
}

/* The result of an operation that has ended. */
static inline const char *co_check_result(struct co_host *h, const struct co_flight *f, const char *answered)
{
    if (!strcmp(f->result, answered))
        return 0;
    snprintf(h->wrong, sizeof(h->wrong), "result: expected %s by %s, observed %s", f->result, f->check ? f->check : f->result,
             answered);
    return h->wrong;
}

/* The block of an operation that has ended; -1: none. */
static inline const char *co_check_block(struct co_host *h, const struct co_flight *f, int64_t mfn)
{
    if (f->wrong || f->mfn == mfn)
        return f->wrong;
    if (f->mfn < 0 || mfn < 0)
        snprintf(h->wrong, sizeof(h->wrong), "mfn: expected %s by %s", mfn < 0 ? "a block" : "no block", f->check);
    else
        snprintf(h->wrong, sizeof(h->wrong), "mfn: expected %lld, observed %lld", (long long)f->mfn, (long long)mfn);
    return h->wrong;
}

/* The finished extents of an operation that has ended. */
static inline const char *co_check_extents(struct co_host *h, const struct co_flight *f, const int64_t *mfns, int64_t nr)
{
    int64_t i;

    if (f->wrong)
        return f->wrong;
    for (i = 0; i < nr && i < f->nr_mfns; i++)
        if (mfns[i] != f->mfns[i]) {
            snprintf(h->wrong, sizeof(h->wrong), "mfns[%lld]: expected %lld, observed %lld", (long long)i,
                     (long long)f->mfns[i], (long long)mfns[i]);
            return h->wrong;
        }
    if (nr != f->nr_mfns) {
        snprintf(h->wrong, sizeof(h->wrong), "mfns: expected %lld extents by %s, observed %lld", (long long)f->nr_mfns,
                 f->check ? f->check : "its checks", (long long)nr);
        return h->wrong;
    }
    return 0;
}

static inline const char *co_check_create_domain(struct co_host *h, int64_t domid, int64_t max_pages, uint64_t affinity,
                                                 int64_t last_alloc_node)
{
    return co_answered(h, co_section_create_domain(h, domid, max_pages, affinity, last_alloc_node), "OK");
}

/* An allocation: `whole` is alloc_domheap_pages, else alloc_heap_pages. mfn -1: the implementation refused it. */
static inline const char *co_check_alloc(struct co_host *h, int64_t domid, unsigned int order, int64_t node, int exact,
                                         int no_refcount, int no_owner, int whole, int64_t mfn)
{
    struct co_flight f;

    memset(&f, 0, sizeof(f));
    f.domid = domid;
    f.node = node;
    f.order = order;
    f.exact = exact;
    f.no_refcount = no_refcount;
    f.no_owner = no_owner;
    f.seen = &mfn;
    f.nr_seen = mfn >= 0;
    if (!whole)
        (void)co_take_block(h, &f, order);
    else
        while (!co_go_on_alloc(h, &f))
            ;
    if (mfn < 0 && !strcmp(f.result, "crash"))
        return "crash: expected one";
    return co_check_block(h, &f, mfn);
}

static inline const char *co_check_assign(struct co_host *h, int64_t mfn, unsigned int order, int64_t domid,
                                          int no_refcount, const char *answered)
{
    return co_answered(h, co_section_assign(h, mfn, order, domid, no_refcount), answered);
}

/* free_domheap_pages, or free_heap_pages of pages without an owner: both only have an end. */
static inline const char *co_check_free(struct co_host *h, int64_t mfn, unsigned int order)
{
    struct co_flight f;

    memset(&f, 0, sizeof(f));
    f.mfn = mfn;
    f.order = order;
    while (!co_go_on_free(h, &f))
        ;
    return f.wrong;
}

/* A query of a domain's counters. */
static inline const char *co_check_getdomaininfo(struct co_host *h, int64_t domid, const char *answered, int64_t tot_pages,
                                                 int64_t max_pages, int64_t outstanding_pages)
{
    const char *wrong = co_check(h, co_getdomaininfo, domid, answered);

    if (wrong || strcmp(answered, "OK"))
        return wrong;
    CO_COMPARE("tot_pages", h->s.answer.tot_pages, tot_pages);
    CO_COMPARE("max_pages", h->s.answer.max_pages, max_pages);
    CO_COMPARE("outstanding_pages", h->s.answer.outstanding_pages, outstanding_pages);
    return 0;
}

static inline const char *co_check_get_outstanding_claims(struct co_host *h, int64_t free_pages, int64_t outstanding_pages)
{
    const char *wrong = co_check(h, co_get_outstanding_claims, -1, "OK");

    if (!wrong) {
        CO_COMPARE("free_pages", h->s.answer.free_pages, free_pages);
        CO_COMPARE("outstanding_pages", h->s.answer.outstanding_pages, outstanding_pages);
    }
    return wrong;
}

/* The set that a domain has; needed and the entries only where the result has them. */
static inline const char *co_check_get_memory_claims(struct co_host *h, int64_t domid, int64_t capacity, int64_t pad,
                                                     const char *answered, int64_t needed, const struct co_entry *entries,
                                                     int64_t nr)
{
    const struct co_answer *found = &h->s.answer;
    struct co_arguments a = co_looked_up(h, domid);
    const char *wrong;
    int64_t i = 0, node;

    a.capacity = capacity;
    a.pad = pad;
    wrong = co_answered(h, co_get_memory_claims(&h->s, &a), answered);
    if (wrong || (strcmp(answered, "OK") && strcmp(answered, "ERANGE") && strcmp(answered, "ENOBUFS")))
        return wrong;
    CO_COMPARE("needed", found->needed, needed);
    if (strcmp(answered, "OK"))
        return 0;
    CO_COMPARE("claims: their number", found->needed, nr);
    if (found->tells_global && nr) {
        CO_COMPARE("claims[0].target", CO_GLOBAL, entries[0].target);
        CO_COMPARE("claims[0].pages", found->global_claims, entries[0].pages);
        i = 1;
    }
    for (node = 0; node < h->s.number_of_nodes && i < nr; node++)
        if (found->claims[node]) {
            CO_COMPARE("claims[].target", node, entries[i].target);
            CO_COMPARE("claims[].pages", found->claims[node], entries[i].pages);
            i++;
        }
    return 0;
}

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
    int64_t d = co_looked_up(h, seen->domid).domid, node;

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
    if (seen->has_stash) {
        CO_COMPARE("pending_scrub", s->stash_pages[d] ? h->stash[d] : -1, seen->stash_mfn);
        if (s->stash_pages[d]) {
            CO_COMPARE("pending_scrub.order", co_stash_order(h, seen->domid), seen->stash_order);
            CO_COMPARE("pending_scrub.scrub_index", s->stash_scrub_index[d], seen->scrub_index);
        }
    }
    if (seen->has_creation_finished)
        CO_COMPARE("creation_finished", s->creation_finished[d], seen->creation_finished);
    return 0;
}
