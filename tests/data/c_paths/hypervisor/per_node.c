/*
 * The reduced series (per-node-v8): sets of claims that are not replaced, no recall, and mainline's host check. Written
 * for claimcheck from the description of the hypervisor's rules.
 *
 * Licence: Apache-2.0
 */
#include "common.h"

static spinlock_t heap_lock;
static unsigned long total_avail_pages;
static unsigned long outstanding_claims;
static unsigned long node_avail_pages[MAX_NUMNODES];
static unsigned long node_claimed_pages[MAX_NUMNODES];

struct domain *domain_list;
nodemask_t node_online_map;
bool llc_coloring_enabled;

static bool claims_permit(const struct domain *d, unsigned int memflags, unsigned long request, nodeid_t node)
{
    unsigned long avail = 0;

    ASSERT(spin_is_locked(&heap_lock));
    if ( node_avail_pages[node] > node_claimed_pages[node] ) /* taking pages offline may leave more claims than pages */
        avail = node_avail_pages[node] - node_claimed_pages[node];
    if ( d && !(memflags & (MEMF_no_refcount | MEMF_no_owner)) )
        avail += d->claims[node];
    return request <= avail;
}

static unsigned int deduct_node(struct domain *d, nodeid_t node, unsigned int pages)
{
    pages = min(pages, d->claims[node]);
    d->claims[node] -= pages;
    d->outstanding_pages -= pages;
    node_claimed_pages[node] -= pages;
    outstanding_claims -= pages;
    return pages;
}

static unsigned int host_wide_claim(const struct domain *d)
{
    unsigned int on_nodes = 0;
    nodeid_t node;

    for_each_online_node ( node )
        on_nodes += d->claims[node];
    return d->outstanding_pages - on_nodes;
}

static void release_claims(struct domain *d)
{
    nodeid_t node;

    for_each_online_node ( node )
        deduct_node(d, node, d->claims[node]);
    outstanding_claims -= d->outstanding_pages;
    d->outstanding_pages = 0;
}

static void redeem_claims(struct domain *d, unsigned long request, nodeid_t node)
{
    unsigned int left = min(request, (unsigned long)d->outstanding_pages), from_host;

    BUG_ON(left > outstanding_claims);
    left -= deduct_node(d, node, left);
    from_host = min(left, host_wide_claim(d));
    d->outstanding_pages -= from_host;
    outstanding_claims -= from_host;
    left -= from_host;
    for_each_online_node ( node )
    {
        if ( !left )
            break;
        left -= deduct_node(d, node, left);
    }
}

int domain_set_outstanding_pages(struct domain *d, unsigned long pages)
{
    int ret = -EINVAL;

    spin_lock(&d->page_alloc_lock);
    spin_lock(&heap_lock);
    if ( !pages )
    {
        release_claims(d);
        ret = 0;
        goto out;
    }
    if ( d->outstanding_pages || pages <= d->tot_pages || pages > d->max_pages )
        goto out;
    ret = -ENOMEM;
    pages -= d->tot_pages;
    if ( pages > total_avail_pages - outstanding_claims )
        goto out;
    d->outstanding_pages = pages;
    outstanding_claims += pages;
    ret = 0;
 out:
    spin_unlock(&heap_lock);
    spin_unlock(&d->page_alloc_lock);
    return ret;
}

static int install_claims(struct domain *d, unsigned int nr, const struct claim *claims)
{
    unsigned long total = 0;
    nodemask_t named = 0;
    bool host_wide = false;
    const struct claim *c;
    int ret = -EINVAL;

    spin_lock(&d->page_alloc_lock);
    for ( c = claims; c < claims + nr; c++ )
    {
        if ( !c->pages || c->pad || c->pages > d->max_pages - total )
            goto out;
        total += c->pages;
        if ( c->target == CLAIM_GLOBAL )
        {
            if ( host_wide )
                goto out;
            host_wide = true;
            continue;
        }
        if ( c->target & (1u << 31) )
            goto out;
        if ( !node_online(c->target) )
        {
            ret = -ENOENT;
            goto out;
        }
        if ( node_isset(c->target, named) )
            goto out;
        named |= 1ul << c->target;
    }
    if ( d->tot_pages > d->max_pages || total > d->max_pages - d->tot_pages )
        goto out;

    spin_lock(&heap_lock);
    if ( d->outstanding_pages )
        goto unlock;
    ret = -ENOMEM;
    if ( total + outstanding_claims > total_avail_pages )
        goto unlock;
    for ( c = claims; c < claims + nr; c++ )
        if ( c->target != CLAIM_GLOBAL &&
             c->pages + node_claimed_pages[c->target] > node_avail_pages[c->target] )
            goto unlock;
    for ( c = claims; c < claims + nr; c++ )
    {
        if ( c->target == CLAIM_GLOBAL )
            continue;
        d->claims[c->target] = c->pages;
        node_claimed_pages[c->target] += c->pages;
    }
    d->outstanding_pages = total;
    outstanding_claims += total;
    ret = 0;
 unlock:
    spin_unlock(&heap_lock);
 out:
    spin_unlock(&d->page_alloc_lock);
    return ret;
}

int set_memory_claims(struct domain *d, unsigned int nr, const struct claim *claims, unsigned int pad)
{
    if ( pad )
        return -EINVAL;
    if ( !nr )
        return domain_set_outstanding_pages(d, 0);
    if ( llc_coloring_enabled )
        return -EOPNOTSUPP;
    if ( d->is_dying )
        return -ESRCH;
    if ( nr > MAX_NUMNODES + 1 )
        return -E2BIG;
    if ( !d->controller_pause_count )
        return -EBUSY;
    return install_claims(d, nr, claims);
}

unsigned long alloc_heap_pages(struct domain *d, unsigned int order, unsigned int memflags)
{
    unsigned long request = 1ul << order, mfn = INVALID_MFN;
    bool refcounted = d && !(memflags & (MEMF_no_refcount | MEMF_no_owner));
    nodeid_t node;

    if ( unlikely(order > MAX_ORDER) )
        return INVALID_MFN;

    spin_lock(&heap_lock);
    if ( outstanding_claims + request > total_avail_pages && (!refcounted || d->outstanding_pages < request) )
        goto out;
    mfn = get_free_buddy(d, order, memflags);
    if ( mfn == INVALID_MFN )
        goto out;
    node = mfn >> NODE_SHIFT;
    node_avail_pages[node] -= request;
    total_avail_pages -= request;
    if ( refcounted )
        redeem_claims(d, request, node);
    if ( d )
        d->last_alloc_node = node;
 out:
    spin_unlock(&heap_lock);
    return mfn;
}
