/*
 * The ledger with locks, in which several builders work at a time: see ledger_builders.c. Like ledger.h, it knows
 * nothing of claimcheck; `lock_taken` stands for what a test environment's lock stubs do.
 *
 * Licence: Apache-2.0
 */
#ifndef LEDGER_BUILDERS_H
#define LEDGER_BUILDERS_H

#include "ledger.h"

extern void (*lock_taken)(void); /* called before the outermost lock is taken: other builders may run there */

bool alloc_heap_pages(struct domain *d, unsigned int order, unsigned int node, unsigned int memflags, uint64_t *mfn);
int assign_pages(uint64_t mfn, unsigned int order, struct domain *d, unsigned int memflags);
int free_heap_pages(uint64_t mfn, unsigned int order);
bool online_page(uint64_t mfn);
int claim_pages(struct domain *d, uint64_t pages, uint64_t order, uint64_t mem_flags, bool has_extent_start);

#endif
