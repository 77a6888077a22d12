/* Claim sets as a Promela model, written from the specification and not from the other models of this project.
 *
 * One page at a time; every domain is created, with one limit. What is nondeterministic is spelled out by the generator
 * as one option of the loop for each choice: see promela.py, which also defines N, D, PAGES, LIMIT and the mistakes.
 */
#define CELL(d, n) ((d) * N + (n))
#define NOBODY 255
#define UNCLAIMED (total_avail_pages - outstanding_claims)
#define UNCLAIMED_ON(n) (node_avail_pages[n] - node_outstanding_claims[n])
#define HELD(d) (global_claims[d] + node_claims[d])
#define MAY_ALLOC(d, n) (1 <= UNCLAIMED + HELD(d) && 1 <= UNCLAIMED_ON(n) + claims[CELL(d, n)] && node_avail_pages[n] >= 1)
#define MAY_ALLOC_UNOWNED(n) (1 <= UNCLAIMED && 1 <= UNCLAIMED_ON(n) && node_avail_pages[n] >= 1)
#define REFUSED(d) (is_dying[d] || tot_pages[d] >= LIMIT)
/* of install_claim_set; a node that is not named is not looked at */
#define FITS(d, n, p) ((p) == 0 || (p) <= UNCLAIMED_ON(n) + claims[CELL(d, n)])
#define MAY_CLAIM(d, s) (domctl_lock == NOBODY && !is_dying[d] && (s) <= LIMIT && tot_pages[d] <= LIMIT - (s) && (s) <= UNCLAIMED + HELD(d))

byte node_avail_pages[N] = PAGES;
byte total_avail_pages = N * PAGES;
byte node_outstanding_claims[N];
byte outstanding_claims;
byte transit[N];               /* freed, not yet back in the heap */
byte anonymous[N];             /* allocated for no domain */
byte offlined[N];
byte claims[D * N];
byte node_claims[D];
byte global_claims[D];
byte tot_pages[D];
byte limbo[D * N];             /* gone from the heap, not yet in tot_pages */
byte assigned[D * N];
bool is_dying[D];
byte domctl_lock = NOBODY;     /* the domain being killed */

byte i, j;                     /* zero between steps */
short sum, shortage;

/* After every step: what must hold (INVARIANT is spelled out by the generator), and no trace of the step's own variables. */
inline check() {
    assert(INVARIANT);
    i = 0; j = 0; sum = 0; shortage = 0
}

/* deduct_node_claims, deduct_global_claims */
inline deduct_node(d, n, k) {
    claims[CELL(d, n)] = claims[CELL(d, n)] - (k);
    node_claims[d] = node_claims[d] - (k);
    node_outstanding_claims[n] = node_outstanding_claims[n] - (k);
    outstanding_claims = outstanding_claims - (k)
}

inline deduct_global(d, k) {
    global_claims[d] = global_claims[d] - (k);
    outstanding_claims = outstanding_claims - (k)
}

/* redeem_claims_for_allocation of one page: this node's claim, host-wide, other nodes ascending. */
inline redeem(d, n) {
    if
    :: claims[CELL(d, n)] > 0 -> deduct_node(d, n, 1)
    :: else ->
        if
        :: global_claims[d] > 0 -> deduct_global(d, 1)
        :: else ->
#ifndef REDEEM_WITHOUT_STEP_3
            for (i : 0 .. N - 1) {
                if
                :: claims[CELL(d, i)] > 0 -> deduct_node(d, i, 1); break
                :: else
                fi
            }
#else
            skip
#endif
        fi
    fi
}

/* Recall: the node's shortage from domains ascending, then the host's from host-wide claims ascending. */
inline recall(n) {
#ifndef NO_RECALL
    for (j : 0 .. D - 1) {
        shortage = node_outstanding_claims[n] - node_avail_pages[n];
        if
        :: shortage > 0 && claims[CELL(j, n)] > 0 ->
            sum = (shortage < claims[CELL(j, n)] -> shortage : claims[CELL(j, n)]);
            deduct_node(j, n, sum)
        :: else
        fi
    }
    for (j : 0 .. D - 1) {
        shortage = outstanding_claims - total_avail_pages;
        if
        :: shortage > 0 && global_claims[j] > 0 ->
            sum = (shortage < global_claims[j] -> shortage : global_claims[j]);
            deduct_global(j, sum)
        :: else
        fi
    }
#else
    skip
#endif
}

inline leave_heap(n) {
    node_avail_pages[n] = node_avail_pages[n] - 1;
    total_avail_pages = total_avail_pages - 1
}

inline release(d) {
    for (i : 0 .. N - 1) { sum = claims[CELL(d, i)]; deduct_node(d, i, sum) }
    sum = global_claims[d];
    deduct_global(d, sum)
}

active proctype host() {
    do
@OPTIONS@
    od
}
