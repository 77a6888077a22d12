/*
 * A shadow in a debug build: after every critical section of the ledger the oracle does the same, and the counters are
 * compared. Without -DSHADOW the same work is done without it, to see what the shadow costs.
 *
 *     cc -std=c99 -O2 -I. [-DSHADOW] -o shadow ledger_shadow.c ledger_builders.c && ./shadow 2000000
 *
 * Licence: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ledger_builders.h"

#ifdef SHADOW
#include "claim_oracle.h"
static struct co_host shadow;

static void shadow_of(const char *section, const char *wrong)
{
    struct domain *d;

    if (!wrong)
        wrong = co_check_host(&shadow, host.total_avail_pages, host.outstanding_claims, host.node_avail_pages,
                              host.node_outstanding_claims);
    for (d = host.domains; d && !wrong; d = d->next) {
        struct co_seen_domain seen = {.domid = d->domain_id, .max_pages = d->max_pages, .tot_pages = d->tot_pages,
                                      .global_claims = d->global_claims, .node_claims = d->node_claims,
                                      .claims = d->claims, .has_sets = 1};

        wrong = co_check_domain(&shadow, &seen);
    }
    if (wrong) {
        fprintf(stderr, "shadow: %s: %s\n", section, wrong);
        abort();
    }
}
#define SHADOW_OF(section, check) shadow_of(section, check) /* in a hypervisor: before the lock is released */
#else
#define SHADOW_OF(section, check) ((void)0)
#endif

#define NODES 4
#define PAGES 1024
#define BLOCKS 256

static unsigned int below(unsigned int limit)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned int)((state >> 16) % limit);
}

int main(int argc, char **argv)
{
    static const uint64_t pages[NODES] = {PAGES, PAGES, PAGES / 2, PAGES};
    struct { uint64_t mfn; unsigned int order; bool there; } blocks[BLOCKS] = {{0, 0, false}};
    long sections = 0, most = argc > 1 ? atol(argv[1]) : 100000;
    struct timespec from, to;
    int id;

    host_boot(NODES, pages, PAGES);
    host.last_alloc_node = 0;
#ifdef SHADOW
    co_boot(&shadow, NODES, (const int64_t *)pages, PAGES);
#endif
    for (id = 1; id <= 3; id++) {
        domain_create(id, PAGES, 15);
        SHADOW_OF("create_domain", co_check_create_domain(&shadow, id, PAGES, 15, 0));
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    while (sections < most) {
        unsigned int at = below(BLOCKS);
        struct domain *d = domain_find(1 + (int)below(3));

        id = d->domain_id;
        if (!below(8)) {
            struct claim claims[2] = {{below(200), below(NODES), 0}, {below(100), CLAIM_GLOBAL, 0}};
            int status = install_claim_set(d, 2, claims);

            (void)status;
#ifdef SHADOW
            {
                struct co_entry entries[2] = {{(int64_t)claims[0].pages, claims[0].target, 0},
                                              {(int64_t)claims[1].pages, CLAIM_GLOBAL, 0}};
                struct co_arguments a = co_of(&shadow, id);
                int number;

                a.entries = entries;
                a.nr_entries = 2;
                number = co_install_claim_set(&shadow.s, &a);
                shadow_of("install_claim_set", co_is_ok(number) == !status ? 0 : co_answered(&shadow, number, "another"));
            }
#endif
            sections++;
        } else if (!blocks[at].there) {
            unsigned int order = below(4), node = below(3) ? NUMA_NO_NODE : below(NODES);
            uint64_t mfn = 0;
            bool got = alloc_heap_pages(d, order, node, 0, &mfn);

            SHADOW_OF("alloc_heap_pages", co_check_alloc(&shadow, id, order, node == NUMA_NO_NODE ? -1 : (int)node, 0, 0, 0,
                                                         0, got ? (int64_t)mfn : -1));
            sections++;
            if (got) {
                int status = assign_pages(mfn, order, d, 0);

                SHADOW_OF("assign_pages", co_check_assign(&shadow, (int64_t)mfn, order, id, 0,
                                                          !status ? "OK" : status == -1 ? "EPERM" : "E2BIG"));
                sections++;
                if (status) {
                    free_heap_pages(mfn, order);
                    SHADOW_OF("free_heap_pages", co_check_free(&shadow, (int64_t)mfn, order));
                    sections++;
                } else {
                    blocks[at].mfn = mfn;
                    blocks[at].order = order;
                    blocks[at].there = true;
                }
            }
        } else {
            free_domheap_pages(blocks[at].mfn, blocks[at].order);
            SHADOW_OF("free_domheap_pages", co_check_free(&shadow, (int64_t)blocks[at].mfn, blocks[at].order));
            blocks[at].there = false;
            sections += 2;
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    printf("%ld sections, %.0f ns each\n", sections,
           ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / (double)sections);
    return 0;
}
