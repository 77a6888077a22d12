/* A number of 64 bits of a request as the oracle computes with it. */
static inline int64_t co_number(uint64_t pages)
{
    return pages > (uint64_t)CO_MANY_PAGES ? CO_MANY_PAGES : (int64_t)pages;
}

static inline int64_t co_sum(const int64_t *vector, int64_t size)
{
    int64_t i, sum = 0;

    for (i = 0; i < size; i++)
        sum += vector[i];
    return sum;
}

static inline void co_copy(int64_t *to, const int64_t *from, int64_t size)
{
    memmove(to, from, (size_t)size * sizeof(*to));
}

/* What each index contributes when the amount is taken in ascending order. */
static inline void co_taken_ascending(int64_t *taken, const int64_t *held, int64_t size, int64_t amount)
{
    int64_t i;

    for (i = 0; i < size; i++) {
        int64_t most = amount > 0 ? amount : 0;

        taken[i] = held[i] <= most ? held[i] : most;
        amount -= taken[i];
    }
}

/* A claim set: its sums, and the entry of the loop over it. */
struct co_set {
    int64_t index, names_host, on_nodes, pages;         /* of the entries before this one */
    int64_t is_legacy, is_empty, too_many, host_pages, node_pages; /* of all */
    struct co_entry entry;
    int64_t by_node[CO_MAX_NODES];
};

static inline int64_t co_target(int64_t target)
{
    return CO_FOLDS_LEGACY && target == CO_LEGACY ? CO_GLOBAL : target;
}

static inline int64_t co_added(int64_t sum, int64_t pages)
{
    return sum + pages > 256 * CO_MANY_PAGES ? 256 * CO_MANY_PAGES : sum + pages;
}

static inline void co_sum_set(struct co_set *set, const struct co_arguments *a, int64_t nodes)
{
    int64_t i;

    memset(set, 0, sizeof(*set));
    set->is_empty = !a->nr_entries;
    set->too_many = a->nr_entries > CO_MAX_NODES + 1;
    for (i = 0; i < a->nr_entries; i++) {
        int64_t target = co_target(a->entries[i].target), pages = a->entries[i].pages;

        set->is_legacy = set->is_legacy || (CO_FOLDS_LEGACY && a->entries[i].target == CO_LEGACY);
        if (target == CO_GLOBAL)
            set->host_pages = co_added(set->host_pages, pages);
        else
            set->node_pages = co_added(set->node_pages, pages);
        if (target < nodes)
            set->by_node[target] = co_added(set->by_node[target], pages);
    }
}

static inline void co_enter_entry(struct co_set *set, const struct co_arguments *a)
{
    if (set->index < a->nr_entries) {
        set->entry = a->entries[set->index];
        set->entry.target = co_target(set->entry.target);
    }
}

static inline void co_first_entry(struct co_set *set, const struct co_arguments *a)
{
    set->index = set->names_host = set->on_nodes = set->pages = 0;
    co_enter_entry(set, a);
}

static inline void co_next_entry(struct co_set *set, const struct co_arguments *a)
{
    if (set->entry.target == CO_GLOBAL)
        set->names_host = 1;
    else
        set->on_nodes = co_added(set->on_nodes, set->entry.pages);
    set->pages = co_added(set->pages, set->entry.pages);
    set->index++;
    co_enter_entry(set, a);
}

static inline int co_earlier_names(const struct co_set *set, const struct co_arguments *a, int64_t target)
{
    int64_t i;

    for (i = 0; i < set->index; i++)
        if (co_target(a->entries[i].target) == target)
            return 1;
    return 0;
}

/* The state at boot, and a place for a new domain id; ids stay in ascending order. */
static inline void co_start(struct co_state *s, int64_t nodes, const int64_t *pages, int llc_coloring, int debug_build)
{
    int64_t i;

    memset(s, 0, sizeof(*s));
    s->number_of_nodes = nodes;
    s->chosen = s->domctl_lock = -1;
    s->llc_coloring = llc_coloring;
    s->debug_build = debug_build;
    for (i = 0; i < nodes; i++) {
        s->node_avail_pages[i] = s->installed_pages[i] = pages[i];
        s->total_avail_pages += pages[i];
    }
}

static inline int64_t co_slot(const struct co_state *s, int64_t domid)
{
    int64_t i;

    for (i = 0; i < s->number_of_domains; i++)
        if (s->domids[i] == domid)
            return i;
    return -1;
}
