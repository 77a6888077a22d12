/*
 * What the examples of this folder share, in the hypervisor's manner: types, locks, node masks, assertions, and the
 * node search. Written for claimcheck from the description of the hypervisor's rules.
 *
 * Licence: Apache-2.0
 */
#ifndef COMMON_H
#define COMMON_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_NUMNODES 64
#define MAX_ORDER 20
#define NUMA_NO_NODE 0xff
#define NODE_SHIFT 40
#define INVALID_MFN (~0ul)

#define CLAIM_GLOBAL 0x80000000u
#define CLAIM_LEGACY 0x40000000u

#define MEMF_no_refcount (1u << 0)
#define MEMF_no_owner (1u << 1)
#define MEMF_exact_node (1u << 2)
#define MEMF_node(n) ((((n) + 1) & 0xffu) << 8)
#define MEMF_get_node(f) ((((f) >> 8) - 1) & 0xffu)

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

void bug(const char *file, int line);
#define BUG_ON(p) do { if ( unlikely(p) ) bug(__FILE__, __LINE__); } while ( 0 )
#define ASSERT(p) BUG_ON(!(p))

#define min(x, y) ({ \
    __typeof__(x) x_ = (x); \
    __typeof__(y) y_ = (y); \
    x_ < y_ ? x_ : y_; \
})

typedef struct {
    unsigned int owner;
} spinlock_t;

void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
bool spin_is_locked(const spinlock_t *lock);

typedef unsigned long nodemask_t;
typedef uint8_t nodeid_t;

struct claim {
    uint64_t pages;
    uint32_t target;
    uint32_t pad;
};

struct domain {
    unsigned int domain_id;
    spinlock_t page_alloc_lock;
    unsigned int tot_pages;
    unsigned int max_pages;
    unsigned int outstanding_pages; /* all claims, in the generations that count them so */
    unsigned int global_claims, node_claims;
    unsigned int claims[MAX_NUMNODES];
    nodemask_t node_affinity;
    nodeid_t last_alloc_node;
    bool is_dying;
    int controller_pause_count;
    struct domain *next_in_list; /* ascending by id */
};

extern struct domain *domain_list;
#define for_each_domain(d) for ( (d) = domain_list; (d) != NULL; (d) = (d)->next_in_list )

extern nodemask_t node_online_map;
extern bool llc_coloring_enabled;

static inline bool node_isset(unsigned int node, nodemask_t mask)
{
    return node < MAX_NUMNODES && ((mask >> node) & 1);
}

static inline unsigned int next_node(int node, nodemask_t mask)
{
    unsigned int next = node + 1;

    while ( next < MAX_NUMNODES && mask >> next && !node_isset(next, mask) )
        next++;
    return next < MAX_NUMNODES && mask >> next ? next : MAX_NUMNODES;
}

#define first_node(mask) next_node(-1, mask)
#define for_each_node_mask(node, mask) \
    for ( (node) = first_node(mask); (node) < MAX_NUMNODES; (node) = next_node(node, mask) )
#define for_each_online_node(node) for_each_node_mask(node, node_online_map)
#define node_online(node) node_isset(node, node_online_map)

static inline unsigned int cycle_node(int node, nodemask_t mask)
{
    unsigned int next = next_node(node, mask);

    return next == MAX_NUMNODES ? first_node(mask) : next;
}

/* A free block of the order on the node, or INVALID_MFN: of the heap, which is not shown here. */
unsigned long take_block(nodeid_t node, unsigned int order);

/* Whether the claims permit the request on the node. */
static bool claims_permit(const struct domain *d, unsigned int memflags, unsigned long request, nodeid_t node);

static unsigned long get_free_buddy(const struct domain *d, unsigned int order, unsigned int memflags)
{
    nodeid_t first = MEMF_get_node(memflags), node;
    nodemask_t mask = d ? d->node_affinity & node_online_map : node_online_map, rest;
    bool named = first != NUMA_NO_NODE;
    unsigned long mfn;

    if ( !named )
        first = d ? cycle_node(d->last_alloc_node, mask) : 0;
    else if ( !node_online(first) && (memflags & MEMF_exact_node) )
        return INVALID_MFN;
    if ( !named || node_online(first) )
    {
        if ( claims_permit(d, memflags, 1ul << order, first) && (mfn = take_block(first, order)) != INVALID_MFN )
            return mfn;
        if ( named && (memflags & MEMF_exact_node) )
            return INVALID_MFN;
    }

    rest = mask & ~(first < MAX_NUMNODES ? 1ul << first : 0);
    for ( node = node_isset(first, mask) ? cycle_node(first, mask) : first_node(mask);
          rest; node = cycle_node(node, mask) )
    {
        if ( !node_isset(node, rest) )
            break;
        rest &= ~(1ul << node);
        if ( claims_permit(d, memflags, 1ul << order, node) && (mfn = take_block(node, order)) != INVALID_MFN )
            return mfn;
    }
    if ( memflags & MEMF_exact_node )
        return INVALID_MFN;

    for_each_online_node ( node )
        if ( !node_isset(node, mask) && node != first && claims_permit(d, memflags, 1ul << order, node) &&
             (mfn = take_block(node, order)) != INVALID_MFN )
            return mfn;
    return INVALID_MFN;
}

static int assign_pages(struct domain *d, unsigned int order, unsigned int memflags)
{
    int rc = 0;

    spin_lock(&d->page_alloc_lock);
    if ( unlikely(d->is_dying) )
    {
        rc = -EINVAL;
        goto out;
    }
    if ( !(memflags & MEMF_no_refcount) )
    {
        unsigned int nr = 1u << order;

        if ( unlikely(d->tot_pages > d->max_pages) )
        {
            rc = -EPERM;
            goto out;
        }
        if ( unlikely(nr > d->max_pages - d->tot_pages) )
        {
            rc = -E2BIG;
            goto out;
        }
        d->tot_pages += nr;
    }
 out:
    spin_unlock(&d->page_alloc_lock);
    return rc;
}

#endif
