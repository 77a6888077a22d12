/*
 * Mainline's claims (4.22): host-wide claims only, redeemed in the allocator. Written for claimcheck from the
 * description of the hypervisor's rules.
 *
 * Licence: Apache-2.0
 */
#include "common.h"

static spinlock_t heap_lock;
static unsigned long total_avail_pages;
static unsigned long outstanding_claims;
static unsigned long node_avail_pages[MAX_NUMNODES];

struct domain *domain_list;
nodemask_t node_online_map;
bool llc_coloring_enabled;

static bool claims_permit(const struct domain *d, unsigned int memflags, unsigned long request, nodeid_t node)
{
    (void)d;
    (void)memflags;
    (void)request;
    (void)node;
    return true; /* claims are on the host only */
}

int domain_set_outstanding_pages(struct domain *d, unsigned long pages)
{
    int ret = -EINVAL;
    unsigned long claim;

    spin_lock(&d->page_alloc_lock);
    spin_lock(&heap_lock);

    if ( !pages )
    {
        outstanding_claims -= d->outstanding_pages;
        d->outstanding_pages = 0;
        ret = 0;
        goto out;
    }
    if ( d->outstanding_pages || pages <= d->tot_pages || pages > d->max_pages )
        goto out;

    claim = pages - d->tot_pages;
    if ( claim > total_avail_pages - outstanding_claims )
    {
        ret = -ENOMEM;
        goto out;
    }
    d->outstanding_pages = claim;
    outstanding_claims += claim;
    ret = 0;

 out:
    spin_unlock(&heap_lock);
    spin_unlock(&d->page_alloc_lock);
    return ret;
}

int claim_pages(struct domain *d, unsigned long nr, unsigned int extent_order, unsigned int mem_flags)
{
    if ( llc_coloring_enabled )
        return -EOPNOTSUPP;
    if ( extent_order || mem_flags || d->is_dying )
        return -EINVAL;
    return domain_set_outstanding_pages(d, nr);
}

unsigned long alloc_heap_pages(struct domain *d, unsigned int order, unsigned int memflags)
{
    unsigned long request = 1ul << order, mfn = INVALID_MFN;
    bool refcounted = d && !(memflags & (MEMF_no_refcount | MEMF_no_owner));

    if ( unlikely(order > MAX_ORDER) )
        return INVALID_MFN;

    spin_lock(&heap_lock);
    if ( outstanding_claims + request > total_avail_pages && (!refcounted || d->outstanding_pages < request) )
        goto out;
    mfn = get_free_buddy(d, order, memflags);
    if ( mfn == INVALID_MFN )
        goto out;

    node_avail_pages[mfn >> NODE_SHIFT] -= request;
    total_avail_pages -= request;
    if ( refcounted && d->outstanding_pages )
    {
        unsigned int redeemed = min(request, (unsigned long)d->outstanding_pages);

        BUG_ON(redeemed > outstanding_claims);
        outstanding_claims -= redeemed;
        d->outstanding_pages -= redeemed;
    }
    if ( d )
        d->last_alloc_node = mfn >> NODE_SHIFT;
 out:
    spin_unlock(&heap_lock);
    return mfn;
}

void free_heap_pages(unsigned long mfn, unsigned int order)
{
    spin_lock(&heap_lock);
    node_avail_pages[mfn >> NODE_SHIFT] += 1ul << order;
    total_avail_pages += 1ul << order;
    spin_unlock(&heap_lock);
}
