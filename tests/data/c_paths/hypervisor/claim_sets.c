/*
 * Claim sets: a set replaces the claims of its domain, and claims are recalled when pages go offline. Written for
 * claimcheck from the description of the hypervisor's rules.
 *
 * Licence: Apache-2.0
 */
#include "common.h"

static spinlock_t heap_lock;
static long total_avail_pages;
static long outstanding_claims;
static long node_avail_pages[MAX_NUMNODES];
static long node_outstanding_claims[MAX_NUMNODES];

struct domain *domain_list;
nodemask_t node_online_map;
bool llc_coloring_enabled;

static bool claims_permit(const struct domain *d, unsigned int memflags, unsigned long request, nodeid_t node)
{
    long avail = node_avail_pages[node] - node_outstanding_claims[node];

    ASSERT(spin_is_locked(&heap_lock));
    if ( d && !(memflags & (MEMF_no_refcount | MEMF_no_owner)) )
        avail += d->claims[node];
    return (long)request <= avail;
}

static unsigned int deduct_node_claims(struct domain *d, nodeid_t node, unsigned long pages)
{
    unsigned int deducted = min(pages, (unsigned long)d->claims[node]);

    d->claims[node] -= deducted;
    d->node_claims -= deducted;
    node_outstanding_claims[node] -= deducted;
    outstanding_claims -= deducted;
    return deducted;
}

static unsigned int deduct_global_claims(struct domain *d, unsigned long pages)
{
    unsigned int deducted = min(pages, (unsigned long)d->global_claims);

    d->global_claims -= deducted;
    outstanding_claims -= deducted;
    return deducted;
}

static void cancel_all_claims(struct domain *d)
{
    nodeid_t node;

    for_each_online_node ( node )
        deduct_node_claims(d, node, d->claims[node]);
    deduct_global_claims(d, d->global_claims);
}

static void redeem_claims_for_allocation(struct domain *d, unsigned long request, nodeid_t alloc_node)
{
    nodeid_t node;

    request -= deduct_node_claims(d, alloc_node, request);
    request -= deduct_global_claims(d, request);
    for_each_online_node ( node )
        request -= deduct_node_claims(d, node, request);
}

static void recall_claims(nodeid_t node)
{
    struct domain *d;

    for_each_domain ( d )
    {
        if ( node_outstanding_claims[node] <= node_avail_pages[node] )
            break;
        deduct_node_claims(d, node, node_outstanding_claims[node] - node_avail_pages[node]);
    }
    for_each_domain ( d )
    {
        if ( outstanding_claims <= total_avail_pages )
            break;
        deduct_global_claims(d, outstanding_claims - total_avail_pages);
    }
}

static int domain_set_outstanding_pages(struct domain *d, unsigned long pages)
{
    unsigned int claim;
    int ret = -EINVAL;

    spin_lock(&d->page_alloc_lock);
    spin_lock(&heap_lock);
    if ( !pages )
    {
        cancel_all_claims(d);
        ret = 0;
        goto out;
    }
    if ( d->global_claims || d->node_claims || pages <= d->tot_pages || pages > d->max_pages )
        goto out;
    claim = pages - d->tot_pages;
    ret = -ENOMEM;
    if ( claim > (unsigned long)(total_avail_pages - outstanding_claims) )
        goto out;
    d->global_claims = claim;
    outstanding_claims += claim;
    ret = 0;
 out:
    spin_unlock(&heap_lock);
    spin_unlock(&d->page_alloc_lock);
    return ret;
}

static int install_claim_set(struct domain *d, unsigned int nr, const struct claim *claims)
{
    unsigned long global = 0, sum = 0;
    nodemask_t named = 0;
    bool has_global = false;
    unsigned int i;
    int ret = -EINVAL;

    spin_lock(&d->page_alloc_lock);
    spin_lock(&heap_lock);
    for ( i = 0; i < nr; i++ )
    {
        unsigned long pages = claims[i].pages;
        uint32_t node = claims[i].target;

        if ( claims[i].pad )
            goto out;
        switch ( node )
        {
        case CLAIM_GLOBAL:
            if ( has_global )
                goto out;
            has_global = true;
            global = pages;
            continue;
        default:
            if ( !node_online(node) )
            {
                ret = -ENOENT;
                goto out;
            }
        }
        if ( node_isset(node, named) || pages > UINT_MAX - sum )
            goto out;
        if ( (long)pages > node_avail_pages[node] - node_outstanding_claims[node] + d->claims[node] )
        {
            ret = -ENOMEM;
            goto out;
        }
        named |= 1ul << node;
        sum += pages;
    }
    if ( global > d->max_pages || sum > d->max_pages - global || d->tot_pages > d->max_pages - global - sum )
        goto out;
    ret = -ENOMEM;
    if ( (long)(global + sum) > total_avail_pages - outstanding_claims + d->global_claims + d->node_claims )
        goto out;

    cancel_all_claims(d);
    for ( i = 0; i < nr; i++ )
    {
        if ( claims[i].target == CLAIM_GLOBAL )
            continue;
        d->claims[claims[i].target] = claims[i].pages;
        node_outstanding_claims[claims[i].target] += claims[i].pages;
    }
    d->node_claims = sum;
    d->global_claims = global;
    outstanding_claims += global + sum;
    ret = 0;
 out:
    spin_unlock(&heap_lock);
    spin_unlock(&d->page_alloc_lock);
    return ret;
}

int claim_memory(struct domain *d, unsigned int nr, const struct claim *claims, unsigned int pad)
{
    if ( llc_coloring_enabled )
        return -EOPNOTSUPP;
    if ( !nr || pad )
        return -EINVAL;
    if ( nr > MAX_NUMNODES + 1 )
        return -E2BIG;
    if ( d->is_dying )
        return -ESRCH;
    if ( nr == 1 && claims->target == CLAIM_LEGACY )
        return domain_set_outstanding_pages(d, claims->pages);
    return install_claim_set(d, nr, claims);
}

unsigned long alloc_heap_pages(struct domain *d, unsigned int order, unsigned int memflags)
{
    unsigned long request = 1ul << order, mfn = INVALID_MFN;
    struct domain *claimant = memflags & (MEMF_no_refcount | MEMF_no_owner) ? NULL : d;
    nodeid_t node;
    long avail;

    if ( unlikely(order > MAX_ORDER) )
        return INVALID_MFN;

    spin_lock(&heap_lock);
    avail = total_avail_pages - outstanding_claims;
    if ( claimant )
        avail += (unsigned long)claimant->global_claims + claimant->node_claims;
    if ( (long)request > avail )
        goto out;
    mfn = get_free_buddy(d, order, memflags);
    if ( mfn == INVALID_MFN )
        goto out;
    node = mfn >> NODE_SHIFT;
    node_avail_pages[node] -= request;
    total_avail_pages -= request;
    if ( claimant )
        redeem_claims_for_allocation(claimant, request, node);
    if ( d )
        d->last_alloc_node = node;
 out:
    spin_unlock(&heap_lock);
    return mfn;
}

/* Whether the page was free, and is taken from the heap: the heap is not shown here. */
bool reserve_free_page(unsigned long mfn);

void offline_free_page(unsigned long mfn)
{
    nodeid_t node = mfn >> NODE_SHIFT;

    spin_lock(&heap_lock);
    if ( reserve_free_page(mfn) )
    {
        node_avail_pages[node]--;
        total_avail_pages--;
        recall_claims(node);
    }
    spin_unlock(&heap_lock);
}
