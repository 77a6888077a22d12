/*
 * The ledger with locks: the critical sections of an operation on their own, and what may happen between them. It is
 * ledger.c, with each operation of several sections written again. Build it without ledger.c.
 *
 * Licence: Apache-2.0
 */
#ifndef LEDGER_POLICY
#define LEDGER_POLICY 1 /* between the sections of two builders, blocks are the lowest ones */
#endif

/* What ledger.c does without a gap is done here in sections. */
#define alloc_domheap_pages alloc_domheap_pages_at_once
#define free_domheap_pages free_domheap_pages_at_once
#define domain_kill domain_kill_at_once
#define assign_pages assign_pages_at_once
#define free_heap_pages free_pages
#include "ledger.c"
#undef alloc_domheap_pages
#undef free_domheap_pages
#undef domain_kill
#undef assign_pages
#undef free_heap_pages

#include "ledger_builders.h"

/* Locks. There is one thread: a lock only tells where a critical section begins. */

void (*lock_taken)(void);
static int locks_held;

static void lock(void)
{
    if (!locks_held && lock_taken)
        lock_taken(); /* no lock is held: other builders may run now */
    locks_held++;
}

static void unlock(void)
{
    if (--locks_held < 0)
        abort();
}

/* Take the pages out of the allocated blocks; the rest of a larger block stays. */
static bool allocated_take(uint64_t mfn, unsigned int order, struct block *taken)
{
    uint64_t end = mfn + ((uint64_t)1 << order);

    while (mfn < end) {
        size_t at = list_find(&allocated, mfn);
        struct block block;

        if (at == allocated.used)
            return false;
        block = list_take(&allocated, at);
        while (block.order > order) {
            uint64_t half = (uint64_t)1 << --block.order;
            struct block rest = block;

            rest.mfn += mfn & half ? 0 : half;
            block.mfn += mfn & half;
            list_add(&allocated, rest);
        }
        *taken = block;
        mfn = block.mfn + ((uint64_t)1 << block.order);
    }
    return true;
}

/* The first section of an allocation: the pages leave the heap, and have no owner yet. */
bool alloc_heap_pages(struct domain *d, unsigned int order, unsigned int node, unsigned int memflags, uint64_t *mfn)
{
    bool refcounted = d && !(memflags & (MEMF_no_refcount | MEMF_no_owner));
    struct domain *claimant = refcounted ? d : NULL;
    int64_t own;
    bool found;

    lock();
    own = claimant ? (int64_t)claimant->global_claims + claimant->node_claims : 0;
    found = order <= MAX_ORDER && ((int64_t)1 << order) <= host.total_avail_pages - host.outstanding_claims + own &&
            find_node(d, claimant, order, node, memflags, mfn);
    if (found) {
        node = node_of(*mfn);
        host.node_avail_pages[node] -= (int64_t)1 << order;
        host.total_avail_pages -= (int64_t)1 << order;
        if (claimant)
            redeem_claims(claimant, 1u << order, node);
        if (d)
            d->last_alloc_node = (int)node;
        list_add(&allocated, (struct block){.mfn = *mfn, .order = order, .refcounted = refcounted});
    }
    unlock();
    return found;
}

int assign_pages(uint64_t mfn, unsigned int order, struct domain *d, unsigned int memflags)
{
    bool refcounted = !(memflags & MEMF_no_refcount);
    uint64_t page;
    int status;

    lock();
    status = assign_pages_at_once(d, order, refcounted);
    if (!status) {
        allocated.blocks[list_find(&allocated, mfn)].owner = d;
        for (page = mfn; page < mfn + ((uint64_t)1 << order) && marked_offline.used; page++) {
            size_t at = list_find(&marked_offline, page);

            if (at < marked_offline.used)
                list_take(&marked_offline, at); /* as in the hypervisor: assigning clears the state of the page */
        }
    }
    unlock();
    return status;
}

int free_heap_pages(uint64_t mfn, unsigned int order)
{
    struct block taken;
    bool there;

    lock();
    there = allocated_take(mfn, order, &taken);
    if (there)
        free_pages(mfn, order);
    unlock();
    return there ? 0 : -EINVAL;
}

bool alloc_domheap_pages(struct domain *d, unsigned int order, unsigned int node, unsigned int memflags, uint64_t *mfn)
{
    if (!alloc_heap_pages(d, order, node, memflags, mfn))
        return false;
    if (!d || memflags & MEMF_no_owner || !assign_pages(*mfn, order, d, memflags))
        return true;
    free_heap_pages(*mfn, order);
    return false;
}

bool online_page(uint64_t mfn)
{
    bool done = true;
    size_t at;

    lock();
    if ((at = list_find(&marked_offline, mfn)) < marked_offline.used) {
        list_take(&marked_offline, at);
    } else if ((at = list_find(&offline, mfn)) < offline.used) {
        list_take(&offline, at);
        heap_give(mfn, 0);
        host.node_avail_pages[node_of(mfn)]++;
        host.total_avail_pages++;
    } else {
        done = false;
    }
    unlock();
    return done;
}

int claim_pages(struct domain *d, uint64_t pages, uint64_t order, uint64_t mem_flags, bool has_extent_start)
{
    int status;

    if (lock_taken)
        lock_taken(); /* the checks before the locks are a section of their own: a builder may be killed after them */
    if (has_extent_start || order || mem_flags || !d || d->is_dying)
        return -EINVAL;
    lock();
    status = set_outstanding_pages(d, pages);
    unlock();
    return status;
}

/* The first two sections of a kill; false: the domain was dying already. */
static bool kill_and_release_claims(struct domain *d)
{
    bool was_dying;

    lock();
    was_dying = d->is_dying;
    d->is_dying = true;
    unlock();
    if (was_dying)
        return false;
    lock();
    release_all_claims(d);
    unlock();
    return true;
}

#ifndef LEDGER_HYPERCALLS /* ledger_hypercalls.c has its own: with the end of a domain, and with its stash */
int free_domheap_pages(uint64_t mfn, unsigned int order)
{
    size_t at = list_find(&allocated, mfn);
    struct block block;

    if (at == allocated.used)
        return -EINVAL;
    if (!allocated.blocks[at].owner)
        return free_heap_pages(mfn, order);
    lock();
    if (!allocated_take(mfn, order, &block))
        return unlock(), -EINVAL;
    if (block.refcounted)
        block.owner->tot_pages -= 1u << order;
    list_add(&allocated, (struct block){.mfn = mfn, .order = order});
    unlock();
    return free_heap_pages(mfn, order);
}

void domain_kill(struct domain *d)
{
    kill_and_release_claims(d);
}
#endif
