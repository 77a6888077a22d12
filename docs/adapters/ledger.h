/*
 * A tiny claims ledger: what claim sets do in the hypervisor, on a simple buddy heap. Written for claimcheck, as an
 * example of an implementation that is attached to it. It knows nothing of claimcheck.
 *
 * Licence: Apache-2.0
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_NUMNODES 64
#define MAX_ORDER 20
#define NUMA_NO_NODE 255
#define CLAIM_GLOBAL 0x80000000u

#define MEMF_exact_node 1u
#define MEMF_no_refcount 2u
#define MEMF_no_owner 4u

struct domain {
    int domain_id;
    bool is_dying;
    uint64_t node_affinity; /* a bit for each online node */
    int last_alloc_node;    /* -1: none yet */
    uint32_t max_pages, tot_pages;
    uint32_t claims[MAX_NUMNODES], node_claims, global_claims;
    struct domain *next; /* ascending by id */
};

struct claim {
    uint64_t pages;
    uint32_t target, pad;
};

struct host {
    unsigned int nr_nodes;
    uint64_t node_span, first_frame; /* first_frame: of node 0's span */
    int last_alloc_node;             /* of a new domain; -1: none yet */
    int64_t total_avail_pages, outstanding_claims;
    int64_t node_avail_pages[MAX_NUMNODES], node_outstanding_claims[MAX_NUMNODES];
    struct domain *domains;
};

enum offline_status { PAGE_OFFLINED, PAGE_OWNED_PENDING, PAGE_ANONYMOUS_FAILED };

extern struct host host;

int host_boot(unsigned int nr_nodes, const uint64_t node_pages[], uint64_t node_span);
int host_boot_at(unsigned int nr_nodes, const uint64_t node_pages[], uint64_t node_span, const uint64_t first[],
                 uint64_t first_frame);
struct domain *domain_create(int domain_id, uint32_t max_pages, uint64_t node_affinity);
struct domain *domain_find(int domain_id);
int install_claim_set(struct domain *d, unsigned int nr, const struct claim claims[]);
int set_outstanding_pages(struct domain *d, uint64_t pages);
bool alloc_domheap_pages(struct domain *d, unsigned int order, unsigned int node, unsigned int memflags, uint64_t *mfn);
int free_domheap_pages(uint64_t mfn, unsigned int order);
enum offline_status offline_page(uint64_t mfn);
void domain_kill(struct domain *d);

#endif
