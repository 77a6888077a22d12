/*
 * The ledger with hypercalls: see ledger_hypercalls.h. It is ledger_builders.c, with a stash and with domains that end.
 * Build it without ledger.c and ledger_builders.c.
 *
 * Licence: Apache-2.0
 */
#define LEDGER_HYPERCALLS
#include "ledger_builders.c"

#include "ledger_hypercalls.h"

#define SCRUB_CHUNK 256
#define MAX_PAUSES 255

static struct life *lives;

/* Domains. */

void lives_end(void)
{
    while (lives) {
        struct life *life = lives;

        lives = life->next;
        if (life->is_destroyed)
            free(life->d); /* the others are freed by host_boot_at() */
        free(life);
    }
}

struct life *life_of(const struct domain *d)
{
    struct life *life;

    for (life = lives; life->d != d;)
        life = life->next;
    return life;
}

struct domain *domain_begin(int domain_id, uint32_t max_pages, uint64_t node_affinity)
{
    struct domain *d = domain_create(domain_id, max_pages, node_affinity);
    struct life *life = d ? calloc(1, sizeof(*life)) : NULL;

    if (d && !life)
        abort();
    if (life) {
        life->d = d;
        life->pauses = 1;
        life->next = lives;
        lives = life;
    }
    return d;
}

static uint64_t extra_pages(const struct domain *d)
{
    uint64_t pages = 0;
    size_t at;

    for (at = 0; at < allocated.used; at++)
        if (allocated.blocks[at].owner == d && !allocated.blocks[at].refcounted)
            pages += (uint64_t)1 << allocated.blocks[at].order;
    return pages;
}

/* A dead domain without pages leaves the list. */
static void put_domain(struct domain *d)
{
    struct life *life = life_of(d);
    struct domain **at;

    if (!life->is_dead || life->is_destroyed || life->last_frees || d->tot_pages || extra_pages(d))
        return;
    for (at = &host.domains; *at != d;)
        at = &(*at)->next;
    *at = d->next;
    life->is_destroyed = true;
}

int free_domheap_pages(uint64_t mfn, unsigned int order)
{
    size_t at = list_find(&allocated, mfn);
    struct domain *d = at < allocated.used ? allocated.blocks[at].owner : NULL;
    struct block block;
    bool is_last;
    int status;

    if (!d)
        return free_heap_pages(mfn, order);
    lock();
    if (!allocated_take(mfn, order, &block))
        return unlock(), -EINVAL;
    if (block.refcounted)
        d->tot_pages -= 1u << order;
    list_add(&allocated, (struct block){.mfn = mfn, .order = order});
    is_last = !d->tot_pages && !extra_pages(d);
    life_of(d)->last_frees += is_last;
    unlock();
    lock();
    status = free_heap_pages(mfn, order);
    if (is_last) {
        life_of(d)->last_frees--;
        put_domain(d);
    }
    unlock();
    return status;
}

static bool free_stash(struct life *life)
{
    if (!life->has_stash)
        return false;
    life->has_stash = false;
    free_heap_pages(life->stash, life->stash_order);
    return true;
}

void domain_kill(struct domain *d)
{
    if (!kill_and_release_claims(d) || !life_of(d)->has_stash)
        return;
    lock();
    free_stash(life_of(d));
    unlock();
}

int64_t relinquish_memory(struct domain *d)
{
    int64_t freed = 0;
    size_t at;

    for (at = 0; at < allocated.used;) {
        struct block block = allocated.blocks[at];

        if (block.owner == d) {
            free_domheap_pages(block.mfn, block.order);
            freed += (int64_t)1 << block.order;
            at = 0;
        } else {
            at++;
        }
    }
    return freed;
}

void domain_destroy(struct domain *d)
{
    life_of(d)->is_dead = true;
    put_domain(d);
}

int destroydomain(struct domain *d)
{
    if (!d)
        return -ESRCH;
    domain_kill(d);
    relinquish_memory(d);
    if (!life_of(d)->is_dead)
        domain_destroy(d);
    return 0;
}

int pausedomain(struct domain *d)
{
    if (!d)
        return -ESRCH;
    if (life_of(d)->pauses == MAX_PAUSES)
        return -EOVERFLOW;
    life_of(d)->pauses++;
    return 0;
}

int unpausedomain(struct domain *d)
{
    struct life *life = d ? life_of(d) : NULL;

    if (!life)
        return -ESRCH;
    if (!life->pauses)
        return -EINVAL;
    if (--life->pauses || life->creation_finished)
        return 0;
    if (free_stash(life))
        return -EBUSY;
    life->creation_finished = true;
    return 0;
}

int claim_memory(struct domain *d, unsigned int nr, const struct claim claims[], uint32_t pad)
{
    if (!d)
        return -ESRCH;
    if (!nr || pad)
        return -EINVAL;
    if (nr > MAX_NUMNODES + 1)
        return -E2BIG;
    if (d->is_dying)
        return -ESRCH;
    return nr == 1 && claims->target == CLAIM_LEGACY ? set_outstanding_pages(d, claims->pages)
                                                     : install_claim_set(d, nr, claims);
}

/* populate_physmap */

/* The stashed extent, if it matches the request; another one is freed. */
static bool take_stash(struct life *life, const struct extents *e, uint64_t *mfn, unsigned int *scrubbed)
{
    bool elsewhere = life->has_stash && e->memflags & MEMF_exact_node && e->node != NUMA_NO_NODE &&
                     e->node != node_of(life->stash);

    if (!life->has_stash || life->stash_order != e->order || elsewhere) {
        free_stash(life);
        return false;
    }
    life->has_stash = false;
    *mfn = life->stash;
    *scrubbed = life->scrub_index;
    return true;
}

/* Scrubbing is preempted: the extent is stashed, or freed where that is not possible. */
static void stash(struct life *life, uint64_t mfn, unsigned int order, unsigned int scrub_index)
{
    if (life->has_stash || life->d->is_dying) {
        free_heap_pages(mfn, order);
        return;
    }
    life->has_stash = true;
    life->stash = mfn;
    life->stash_order = order;
    life->scrub_index = scrub_index;
}

enum preemption populate_physmap(struct domain *d, const struct extents *e, uint64_t nr, uint64_t *done,
                                 int64_t preempt_extent, int64_t preempt_index)
{
    uint64_t first = *done, mfn = 0;
    struct life *life = d ? life_of(d) : NULL;

    for (; life && e->order <= MAX_ORDER && *done < nr; ++*done) {
        unsigned int scrubbed = 0;
        bool got, plain = false, preempted;

        if (*done > first && preempt_extent == (int64_t)*done && !preempt_index)
            return BETWEEN_EXTENTS;
        lock();
        got = take_stash(life, e, &mfn, &scrubbed);
        unlock();
        if (!got) {
            lock();
            plain = life->creation_finished;
            got = alloc_heap_pages(d, e->order, e->node, e->memflags, &mfn);
            unlock();
        }
        if (!got)
            break;
        lock();
        preempted = !plain && !life->creation_finished && preempt_extent == (int64_t)*done && preempt_index &&
                    scrubbed + SCRUB_CHUNK <= preempt_index && preempt_index < (int64_t)1 << e->order;
        if (preempted)
            stash(life, mfn, e->order, (unsigned int)preempt_index);
        else
            got = !assign_pages(mfn, e->order, d, 0);
        unlock();
        if (preempted)
            return SCRUBBING;
        if (!got) {
            free_heap_pages(mfn, e->order);
            break;
        }
        e->finished(e->whose, mfn);
    }
    return NOT_PREEMPTED;
}

/* memory_exchange */

static bool owns(const struct domain *d, uint64_t mfn, unsigned int order)
{
    uint64_t page;

    if (mfn & (((uint64_t)1 << order) - 1))
        return false;
    for (page = mfn; page < mfn + ((uint64_t)1 << order); page++) {
        size_t at = list_find(&allocated, page);

        if (at == allocated.used || allocated.blocks[at].owner != d || !allocated.blocks[at].refcounted)
            return false;
    }
    return true;
}

/* The extent has no owner any more, but tot_pages still counts it. */
static bool steal(struct domain *d, uint64_t mfn, unsigned int order)
{
    struct block taken;

    if (!owns(d, mfn, order) || !allocated_take(mfn, order, &taken))
        return false;
    list_add(&allocated, (struct block){.mfn = mfn, .order = order});
    return true;
}

/* The extent gets its owner; a dying domain gets none, and loses `lost` pages. */
static bool give(struct domain *d, uint64_t mfn, unsigned int order, uint64_t lost)
{
    bool given;

    lock();
    given = !d->is_dying;
    if (given) {
        size_t at = list_find(&allocated, mfn);

        allocated.blocks[at].owner = d;
        allocated.blocks[at].refcounted = true;
        for (uint64_t page = mfn; page < mfn + ((uint64_t)1 << order); page++) {
            at = list_find(&marked_offline, page);
            if (at < marked_offline.used)
                list_take(&marked_offline, at);
        }
    } else {
        d->tot_pages -= (uint32_t)lost;
        put_domain(d);
    }
    unlock();
    return given;
}

static void give_back(struct domain *d, const uint64_t stolen[], size_t nr, unsigned int order)
{
    size_t i;

    for (i = 0; i < nr; i++)
        if (!give(d, stolen[i], order, (uint64_t)1 << order))
            free_heap_pages(stolen[i], order);
}

static void free_all(const uint64_t mfns[], size_t nr, unsigned int order)
{
    size_t i;

    for (i = 0; i < nr; i++)
        free_heap_pages(mfns[i], order);
}

static int exchange_chunk(struct domain *d, const struct extents *e, unsigned int in_order, const uint64_t in[],
                          size_t nr, uint64_t out[], size_t new)
{
    size_t i;

    lock();
    for (i = 0; i < nr && steal(d, in[i], in_order);)
        i++;
    unlock();
    if (i < nr)
        return give_back(d, in, i, in_order), -EINVAL;
    for (i = 0; i < new && alloc_heap_pages(d, e->order, e->node, MEMF_no_owner, &out[i]);)
        i++;
    if (i < new) {
        give_back(d, in, nr, in_order);
        free_all(out, i, e->order);
        return -ENOMEM;
    }
    free_all(in, nr, in_order);
    for (i = 0; i < new; i++)
        if (!give(d, out[i], e->order, (uint64_t)(new - i) << e->order))
            return free_all(out + i, new - i, e->order), -EINVAL;
    for (i = 0; i < new; i++)
        e->finished(e->whose, out[i]);
    return 0;
}

int memory_exchange(struct domain *d, const struct extents *e, unsigned int in_order, const uint64_t in[], size_t nr)
{
    size_t chunk = 1, new = 1, first;
    uint64_t *out;
    int status = 0;

    if (lock_taken)
        lock_taken(); /* the checks are a section of their own */
    if (in_order > MAX_ORDER || e->order > MAX_ORDER)
        return -EPERM;
    if (e->order > in_order)
        chunk <<= e->order - in_order;
    else
        new <<= in_order - e->order;
    if (nr % chunk)
        return -EINVAL;
    if (!d)
        return -ESRCH;
    out = calloc(new, sizeof(*out));
    if (!out)
        abort();
    for (first = 0; first < nr && !status; first += chunk)
        status = exchange_chunk(d, e, in_order, in + first, chunk, out, new);
    free(out);
    return status;
}
