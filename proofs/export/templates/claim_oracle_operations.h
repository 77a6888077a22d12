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
