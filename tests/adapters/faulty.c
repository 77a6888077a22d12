/*
 * The ledger with a fault at the fifth allocation of the process, for tests of what claimcheck makes of it. It is built
 * in the place of attach.c, with -DABORTS, -DHANGS or -DREFUSES (an errno that the reference does not have).
 */
#include <stdlib.h>
#include <unistd.h>

#include "ledger.h"

static bool faulty(struct domain *d, unsigned int order, unsigned int node, unsigned int memflags, uint64_t *mfn);
static int faulty_install(struct domain *d, unsigned int nr, const struct claim claims[]);
#define alloc_domheap_pages faulty
#define install_claim_set faulty_install
#include "attach.c"
#undef alloc_domheap_pages
#undef install_claim_set

bool alloc_domheap_pages(struct domain *d, unsigned int order, unsigned int node, unsigned int memflags, uint64_t *mfn);
int install_claim_set(struct domain *d, unsigned int nr, const struct claim claims[]);

static bool faulty(struct domain *d, unsigned int order, unsigned int node, unsigned int memflags, uint64_t *mfn)
{
    static int allocations;

    if (++allocations == 5) {
#ifdef ABORTS
        abort();
#endif
#ifdef HANGS
        for (;;)
            pause();
#endif
    }
    return alloc_domheap_pages(d, order, node, memflags, mfn);
}

static int faulty_install(struct domain *d, unsigned int nr, const struct claim claims[])
{
    int status = install_claim_set(d, nr, claims);

#ifdef REFUSES
    if (status == -EINVAL) /* two causes, one errno: which check decided tells them apart */
        return nr > 1 ? -ENOMEM : 0;
#endif
    return status;
}
