/*
 * The ledger with the hypercalls above the allocator: populate_physmap with its stash, memory_exchange, and the end of a
 * domain. See ledger_hypercalls.c. Like ledger.h, it knows nothing of claimcheck.
 *
 * Licence: Apache-2.0
 */
#ifndef LEDGER_HYPERCALLS_H
#define LEDGER_HYPERCALLS_H

#include <stddef.h>

#include "ledger_builders.h"

#define CLAIM_LEGACY 0x40000000u

enum preemption { NOT_PREEMPTED, BETWEEN_EXTENTS, SCRUBBING };

/* What a domain has in addition to its counters. */
struct life {
    struct domain *d;
    unsigned int pauses, last_frees;
    bool creation_finished, is_dead, is_destroyed, has_stash;
    uint64_t stash;
    unsigned int stash_order, scrub_index;
    struct life *next;
};

struct extents {
    unsigned int order, node, memflags;
    void (*finished)(void *whose, uint64_t mfn); /* called for each new extent */
    void *whose;
};

void lives_end(void); /* before a host is booted again */
struct domain *domain_begin(int domain_id, uint32_t max_pages, uint64_t node_affinity);
struct life *life_of(const struct domain *d);

/* Extents from *done on, up to nr; preempted at the given check, if it is reached. */
enum preemption populate_physmap(struct domain *d, const struct extents *e, uint64_t nr, uint64_t *done,
                                 int64_t preempt_extent, int64_t preempt_index);
int memory_exchange(struct domain *d, const struct extents *e, unsigned int in_order, const uint64_t in[], size_t nr);
int claim_memory(struct domain *d, unsigned int nr, const struct claim claims[], uint32_t pad);
int64_t relinquish_memory(struct domain *d);
void domain_destroy(struct domain *d);
int destroydomain(struct domain *d);
int pausedomain(struct domain *d);
int unpausedomain(struct domain *d);

#endif
