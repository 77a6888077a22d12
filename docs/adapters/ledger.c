/*
 * A tiny claims ledger: see ledger.h. One thread, so no locks; the two critical sections of an allocation follow each
 * other without a gap (ledger_builders.c has locks and gaps). Errors are negative, as in the hypervisor.
 *
 * Licence: Apache-2.0
 */
#include "ledger.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#ifndef LEDGER_SLACK
#define LEDGER_SLACK 0 /* 1 is a deliberate mistake: the node check lets one claimed page go */
#endif

#ifndef LEDGER_POLICY
#define LEDGER_POLICY 0 /* the block that is taken: the one freed last; 1: the lowest one; 2: the highest one */
#endif

struct block {
    uint64_t mfn;
    unsigned int order;
    struct domain *owner;
    bool refcounted;
};

struct list {
    struct block *blocks;
    size_t used, room;
};

struct host host;
static struct list free_list[MAX_NUMNODES][MAX_ORDER + 1];
static struct list allocated, marked_offline, offline;

static void list_add(struct list *list, struct block block)
{
    if (list->used == list->room) {
        list->room = 2 * list->room + 8;
        list->blocks = realloc(list->blocks, list->room * sizeof(block));
        if (!list->blocks)
            abort();
    }
    list->blocks[list->used++] = block;
}

static struct block list_take(struct list *list, size_t at)
{
    struct block block = list->blocks[at];

    list->blocks[at] = list->blocks[--list->used];
    return block;
}

/* The block with that page in it; list->used if there is none. */
static size_t list_find(const struct list *list, uint64_t mfn)
{
    size_t at;

    for (at = 0; at < list->used; at++)
        if (list->blocks[at].mfn == mfn >> list->blocks[at].order << list->blocks[at].order)
            break;
    return at;
}

/* The heap. */

static unsigned int node_of(uint64_t mfn)
{
    return (unsigned int)((mfn - host.first_frame) / host.node_span);
}

static struct list *heap_list(uint64_t mfn, unsigned int order)
{
    return &free_list[node_of(mfn)][order];
}

static void heap_put(uint64_t mfn, unsigned int order)
{
    list_add(heap_list(mfn, order), (struct block){.mfn = mfn, .order = order});
}

static void heap_give(uint64_t mfn, unsigned int order)
{
    while (order < MAX_ORDER) {
        struct list *list = heap_list(mfn, order);
        size_t at = list_find(list, mfn ^ (uint64_t)1 << order);

        if (at == list->used)
            break;
        list_take(list, at);
        mfn &= ~((uint64_t)1 << order);
        order++;
    }
    heap_put(mfn, order);
}

/* Of a block that left the heap keep the part of that order with that page in it, and give the rest back. */
static void heap_split(struct block block, uint64_t mfn, unsigned int order)
{
    while (block.order > order) {
        uint64_t half = (uint64_t)1 << --block.order;

        heap_put(mfn & half ? block.mfn : block.mfn + half, block.order);
        block.mfn += mfn & half;
    }
}

static size_t heap_pick(const struct list *list)
{
    size_t at, best = list->used - 1;

    for (at = 0; LEDGER_POLICY && at < list->used; at++)
        if ((LEDGER_POLICY == 1) == (list->blocks[at].mfn < list->blocks[best].mfn))
            best = at;
    return best;
}

/* The block that was freed last, of the smallest order that serves; its upper end. */
static bool heap_take(unsigned int node, unsigned int order, uint64_t *mfn)
{
    unsigned int found;

    for (found = order; found <= MAX_ORDER; found++) {
        struct list *list = &free_list[node][found];

        if (list->used) {
            struct block block = list_take(list, heap_pick(list));

            *mfn = block.mfn + (LEDGER_POLICY == 1 ? 0 : ((uint64_t)1 << found) - ((uint64_t)1 << order));
            heap_split(block, *mfn, order);
            return true;
        }
    }
    return false;
}

static bool heap_take_page(uint64_t mfn)
{
    unsigned int order;

    for (order = 0; order <= MAX_ORDER; order++) {
        struct list *list = heap_list(mfn, order);
        size_t at = list_find(list, mfn);

        if (at < list->used) {
            heap_split(list_take(list, at), mfn, 0);
            return true;
        }
    }
    return false;
}

int host_boot(unsigned int nr_nodes, const uint64_t node_pages[], uint64_t node_span)
{
    uint64_t first[MAX_NUMNODES];
    unsigned int node;

    for (node = 0; node < nr_nodes && node < MAX_NUMNODES; node++)
        first[node] = node * node_span;
    return host_boot_at(nr_nodes, node_pages, node_span, first, 0);
}

int host_boot_at(unsigned int nr_nodes, const uint64_t node_pages[], uint64_t node_span, const uint64_t first[],
                 uint64_t first_frame)
{
    unsigned int node, order;

    while (host.domains) {
        struct domain *d = host.domains;

        host.domains = d->next;
        free(d);
    }
    for (node = 0; node < MAX_NUMNODES; node++)
        for (order = 0; order <= MAX_ORDER; order++)
            free_list[node][order].used = 0;
    allocated.used = marked_offline.used = offline.used = 0;
    memset(&host, 0, sizeof(host));
    if (nr_nodes > MAX_NUMNODES)
        return -EINVAL;
    host.nr_nodes = nr_nodes;
    host.node_span = node_span;
    host.first_frame = first_frame;
    host.last_alloc_node = -1;
    for (node = 0; node < nr_nodes; node++) {
        uint64_t mfn = first[node], end = mfn + node_pages[node];

        while (mfn < end) {
            for (order = MAX_ORDER; mfn & (((uint64_t)1 << order) - 1) || mfn + ((uint64_t)1 << order) > end;)
                order--;
            heap_put(mfn, order);
            mfn += (uint64_t)1 << order;
        }
        host.node_avail_pages[node] = (int64_t)node_pages[node];
        host.total_avail_pages += host.node_avail_pages[node];
    }
    return 0;
}

/* Claims. */

static uint32_t deduct_node_claims(struct domain *d, unsigned int node, uint32_t pages)
{
    if (pages > d->claims[node])
        pages = d->claims[node];
    d->claims[node] -= pages;
    d->node_claims -= pages;
    host.node_outstanding_claims[node] -= pages;
    host.outstanding_claims -= pages;
    return pages;
}

static uint32_t deduct_global_claims(struct domain *d, uint32_t pages)
{
    if (pages > d->global_claims)
        pages = d->global_claims;
    d->global_claims -= pages;
    host.outstanding_claims -= pages;
    return pages;
}

static void release_all_claims(struct domain *d)
{
    unsigned int node;

    for (node = 0; node < host.nr_nodes; node++)
        deduct_node_claims(d, node, d->claims[node]);
    deduct_global_claims(d, d->global_claims);
}

static void redeem_claims(struct domain *d, uint32_t pages, unsigned int node)
{
    pages -= deduct_node_claims(d, node, pages);
    pages -= deduct_global_claims(d, pages);
    for (node = 0; node < host.nr_nodes; node++)
        pages -= deduct_node_claims(d, node, pages);
}

static void recall_claims(unsigned int node)
{
    struct domain *d;

    for (d = host.domains; d && host.node_outstanding_claims[node] > host.node_avail_pages[node]; d = d->next)
        deduct_node_claims(d, node, (uint32_t)(host.node_outstanding_claims[node] - host.node_avail_pages[node]));
    for (d = host.domains; d && host.outstanding_claims > host.total_avail_pages; d = d->next)
        deduct_global_claims(d, (uint32_t)(host.outstanding_claims - host.total_avail_pages));
}

int install_claim_set(struct domain *d, unsigned int nr, const struct claim claims[])
{
    uint64_t node_pages[MAX_NUMNODES] = {0}, named = 0, sum = 0, global = 0;
    bool has_global = false;
    unsigned int i, node;
    int64_t unclaimed;

    for (i = 0; i < nr; i++) {
        if (claims[i].pad)
            return -EINVAL;
        if (claims[i].target == CLAIM_GLOBAL) {
            if (has_global)
                return -EINVAL;
            has_global = true;
            global = claims[i].pages;
            continue;
        }
        if (claims[i].target >= host.nr_nodes)
            return -ENOENT;
        node = claims[i].target;
        if (named >> node & 1 || claims[i].pages > UINT_MAX - sum)
            return -EINVAL;
        unclaimed = host.node_avail_pages[node] - host.node_outstanding_claims[node];
        if ((int64_t)claims[i].pages > unclaimed + d->claims[node])
            return -ENOMEM;
        named |= (uint64_t)1 << node;
        node_pages[node] = claims[i].pages;
        sum += claims[i].pages;
    }
    if (global > d->max_pages || sum > d->max_pages - global || d->tot_pages > d->max_pages - global - sum)
        return -EINVAL;
    unclaimed = host.total_avail_pages - host.outstanding_claims;
    if ((int64_t)(global + sum) > unclaimed + d->global_claims + d->node_claims)
        return -ENOMEM;

    release_all_claims(d);
    for (node = 0; node < host.nr_nodes; node++) {
        d->claims[node] = (uint32_t)node_pages[node];
        host.node_outstanding_claims[node] += d->claims[node];
    }
    d->node_claims = (uint32_t)sum;
    d->global_claims = (uint32_t)global;
    host.outstanding_claims += (int64_t)(global + sum);
    return 0;
}

int set_outstanding_pages(struct domain *d, uint64_t pages)
{
    if (!pages) {
        release_all_claims(d);
        return 0;
    }
    if (d->global_claims || d->node_claims || pages <= d->tot_pages || pages > d->max_pages)
        return -EINVAL;
    if (pages - d->tot_pages > (uint64_t)(host.total_avail_pages - host.outstanding_claims))
        return -ENOMEM;
    d->global_claims = (uint32_t)pages - d->tot_pages;
    host.outstanding_claims += d->global_claims;
    return 0;
}

/* Allocating. */

static bool node_serves(const struct domain *claimant, unsigned int node, unsigned int order, uint64_t *mfn)
{
    int64_t pages = (int64_t)1 << order, own = claimant ? claimant->claims[node] : 0;

    if (pages > host.node_avail_pages[node] - host.node_outstanding_claims[node] + own + LEDGER_SLACK)
        return false;
    return heap_take(node, order, mfn);
}

/* The first node with memory: the requested one or the next after the last one, then the affinity, then the rest. */
static bool find_node(const struct domain *d, const struct domain *claimant, unsigned int order, unsigned int node,
                      unsigned int memflags, uint64_t *mfn)
{
    uint64_t online = host.nr_nodes == 64 ? UINT64_MAX : ((uint64_t)1 << host.nr_nodes) - 1;
    uint64_t affinity = d ? d->node_affinity : online, tried = 0;
    unsigned int i, at;

    if (node == NUMA_NO_NODE) {
        node = d ? (unsigned int)(d->last_alloc_node + 1) : 0;
        while (node < host.nr_nodes && !(affinity >> node & 1))
            node++;
        if (node >= host.nr_nodes)
            for (node = 0; !(affinity >> node & 1);)
                node++;
    } else if (memflags & MEMF_exact_node) {
        return node < host.nr_nodes && node_serves(claimant, node, order, mfn);
    }
    if (node < host.nr_nodes) {
        if (node_serves(claimant, node, order, mfn))
            return true;
        tried = (uint64_t)1 << node;
    }
    if (node >= host.nr_nodes || !(affinity >> node & 1))
        node = host.nr_nodes - 1; /* the first of the affinity is next */
    for (i = 1; i <= host.nr_nodes; i++) {
        at = (node + i) % host.nr_nodes;
        if (affinity >> at & 1 && !(tried >> at & 1) && node_serves(claimant, at, order, mfn))
            return true;
    }
    for (at = 0; at < host.nr_nodes && !(memflags & MEMF_exact_node); at++)
        if (!((affinity | tried) >> at & 1) && node_serves(claimant, at, order, mfn))
            return true;
    return false;
}

static int assign_pages(struct domain *d, unsigned int order, bool refcounted)
{
    if (d->is_dying)
        return -EINVAL;
    if (refcounted) {
        if (d->tot_pages > d->max_pages)
            return -EPERM;
        if (1u << order > d->max_pages - d->tot_pages)
            return -E2BIG;
        d->tot_pages += 1u << order;
    }
    return 0;
}

static void free_heap_pages(uint64_t mfn, unsigned int order)
{
    unsigned int node = node_of(mfn);
    uint64_t page;
    bool left = false;

    heap_give(mfn, order);
    host.node_avail_pages[node] += (int64_t)1 << order;
    host.total_avail_pages += (int64_t)1 << order;
    for (page = mfn; marked_offline.used && page < mfn + ((uint64_t)1 << order); page++) {
        size_t at = list_find(&marked_offline, page);

        if (at == marked_offline.used)
            continue;
        list_add(&offline, list_take(&marked_offline, at));
        heap_take_page(page);
        host.node_avail_pages[node]--;
        host.total_avail_pages--;
        left = true;
    }
    if (left)
        recall_claims(node);
}

bool alloc_domheap_pages(struct domain *d, unsigned int order, unsigned int node, unsigned int memflags, uint64_t *mfn)
{
    bool refcounted = d && !(memflags & (MEMF_no_refcount | MEMF_no_owner));
    struct domain *claimant = refcounted ? d : NULL;
    int64_t own = claimant ? (int64_t)claimant->global_claims + claimant->node_claims : 0;

    if (order > MAX_ORDER || ((int64_t)1 << order) > host.total_avail_pages - host.outstanding_claims + own)
        return false;
    if (!find_node(d, claimant, order, node, memflags, mfn))
        return false;
    node = node_of(*mfn);
    host.node_avail_pages[node] -= (int64_t)1 << order;
    host.total_avail_pages -= (int64_t)1 << order;
    if (claimant)
        redeem_claims(claimant, 1u << order, node);
    if (d)
        d->last_alloc_node = (int)node;
    if (memflags & MEMF_no_owner)
        d = NULL;

    if (d && assign_pages(d, order, refcounted)) {
        free_heap_pages(*mfn, order);
        return false;
    }
    list_add(&allocated, (struct block){.mfn = *mfn, .order = order, .owner = d, .refcounted = refcounted});
    return true;
}

int free_domheap_pages(uint64_t mfn, unsigned int order)
{
    uint64_t end = mfn + ((uint64_t)1 << order);

    while (mfn < end) {
        size_t at = list_find(&allocated, mfn);
        struct block block;

        if (at == allocated.used)
            return -EINVAL;
        block = list_take(&allocated, at);
        while (block.order > order) { /* a part of it: the rest stays */
            uint64_t half = (uint64_t)1 << --block.order;
            struct block rest = block;

            rest.mfn += mfn & half ? 0 : half;
            block.mfn += mfn & half;
            list_add(&allocated, rest);
        }
        if (block.refcounted)
            block.owner->tot_pages -= 1u << block.order;
        free_heap_pages(block.mfn, block.order);
        mfn = block.mfn + ((uint64_t)1 << block.order);
    }
    return 0;
}

enum offline_status offline_page(uint64_t mfn)
{
    unsigned int node = node_of(mfn);
    size_t at = list_find(&allocated, mfn);
    struct block page = {.mfn = mfn};

    if (at < allocated.used) {
        if (list_find(&marked_offline, mfn) == marked_offline.used)
            list_add(&marked_offline, page);
        return allocated.blocks[at].owner ? PAGE_OWNED_PENDING : PAGE_ANONYMOUS_FAILED;
    }
    if (heap_take_page(mfn)) {
        list_add(&offline, page);
        host.node_avail_pages[node]--;
        host.total_avail_pages--;
        recall_claims(node);
    }
    return PAGE_OFFLINED;
}

/* Domains. */

struct domain *domain_find(int domain_id)
{
    struct domain *d;

    for (d = host.domains; d && d->domain_id != domain_id;)
        d = d->next;
    return d;
}

struct domain *domain_create(int domain_id, uint32_t max_pages, uint64_t node_affinity)
{
    struct domain *d = calloc(1, sizeof(*d)), **at;

    if (!d)
        abort();
    d->domain_id = domain_id;
    d->max_pages = max_pages;
    d->node_affinity = host.nr_nodes == 64 ? node_affinity : node_affinity & (((uint64_t)1 << host.nr_nodes) - 1);
    d->last_alloc_node = host.last_alloc_node;
    for (at = &host.domains; *at && (*at)->domain_id < domain_id;)
        at = &(*at)->next;
    if ((*at && (*at)->domain_id == domain_id) || !d->node_affinity) {
        free(d);
        return NULL;
    }
    d->next = *at;
    *at = d;
    return d;
}

void domain_kill(struct domain *d)
{
    if (d->is_dying)
        return;
    d->is_dying = true;
    release_all_claims(d);
}
