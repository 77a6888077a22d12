/*
 * Attach a C implementation of memory claims to claimcheck: the protocol claim-adapter/1 on standard input and output.
 *
 * Fill a struct claim_adapter with your functions and call claim_adapter_main() with it: see attach.c, and
 * docs/attach-your-c-code.md. C99 and POSIX read() and write(); no other dependency. Standard output belongs to
 * the protocol: print to standard error.
 *
 * Builders: define CLAIM_ADAPTER_BUILDERS before you include this file (POSIX ucontext.h), and call
 * claim_adapter_section() at the beginning of each critical section: see attach_builders.c.
 *
 * Licence: Apache-2.0
 */
#ifndef CLAIM_ADAPTER_H
#define CLAIM_ADAPTER_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef CLAIM_ADAPTER_BUILDERS
#include <ucontext.h>
#endif
#ifdef CLAIM_ADAPTER_IN_PROCESS
#include <setjmp.h>
#endif

#define CLAIM_MAX_NODES 64
#define CLAIM_TARGET_GLOBAL 0x80000000u
#define CLAIM_TARGET_LEGACY 0x40000000u
#define CLAIM_TARGET_NO_NODE 0xffffffffu
#define CLAIM_NONE (-1) /* no domain, no node, no page */

/* memflags */
#define CLAIM_EXACT_NODE 1u
#define CLAIM_NO_REFCOUNT 2u
#define CLAIM_NO_OWNER 4u

/* One entry of a claim set. Numbers are passed on as they are: to refuse wrong ones is the implementation's part. */
struct claim_entry {
    uint64_t pages;
    uint32_t target; /* a node, or CLAIM_TARGET_GLOBAL */
    uint32_t pad;
};

/* What a trace records of the host, in pages. */
struct claim_host_state {
    int64_t total_avail_pages, outstanding_claims;
    int64_t node_avail_pages[CLAIM_MAX_NODES], node_outstanding_claims[CLAIM_MAX_NODES];
};

/* What it records of a domain: the counters that the generation has. */
struct claim_domain_state {
    uint32_t max_pages, tot_pages;
    uint32_t global_claims, node_claims, claims[CLAIM_MAX_NODES];
    uint32_t outstanding_pages;
    int claim_node; /* or CLAIM_NONE */
    /* claim-trace/2: what stays after a preempted populate_physmap; 0 in has_...: not compared */
    int has_pending_scrub, has_creation_finished;
    int64_t pending_mfn; /* CLAIM_NONE: nothing is stashed */
    unsigned int pending_order, pending_scrub_index;
    int creation_finished;
};

/* The host that is being booted. Frames are those that your functions get and return: see the options below. */
struct claim_host {
    unsigned int nodes;
    uint64_t node_span, pages[CLAIM_MAX_NODES];
    uint64_t first_frame;                /* of the host: node n's span begins at first_frame + n * node_span, but with
                                            CLAIM_SEVERAL_ZONES at first_mfn[n] */
    uint64_t first_mfn[CLAIM_MAX_NODES]; /* of each node's pages */
    int last_alloc_node;                 /* of a new domain, or CLAIM_NONE; the hypervisor's is 0 */
    int llc_coloring, debug_build;
};

/* The arguments of populate_physmap, and what it did. */
struct claim_populate {
    uint64_t nr_extents, start_extent;
    unsigned int order, memflags;
    int node;
    int64_t preempt_extent, preempt_scrub_index; /* the check that preempts; preempt_extent CLAIM_NONE: none does */
    int64_t *mfns;                               /* answer: claim_populated() appends to it */
    uint64_t nr_mfns, nr_done;
    enum { CLAIM_NOT_PREEMPTED, CLAIM_BETWEEN_EXTENTS, CLAIM_SCRUBBING } preempted;
    unsigned int scrub_index; /* where CLAIM_SCRUBBING */
    size_t room;
};

/* The arguments of memory_exchange, and what it did. */
struct claim_exchange {
    const uint64_t *in_mfns;
    uint64_t nr_in;
    unsigned int in_order, out_order;
    int node;
    int64_t *mfns; /* answer: claim_exchanged() appends to it */
    uint64_t nr_mfns;
    size_t room;
};

/* Answers of queries. */
struct claim_domain_info {
    uint32_t tot_pages, max_pages, outstanding_pages;
};
struct claim_memory_claims {
    uint64_t needed;               /* entries; also where the answer is ERANGE or ENOBUFS */
    unsigned int nr_claims;        /* of these entries, where it is 0 */
    struct claim_entry claims[CLAIM_MAX_NODES + 1];
};

enum claim_counters {
    CLAIM_COUNTERS_SETS,        /* global_claims, node_claims, claims */
    CLAIM_COUNTERS_TOTAL,       /* outstanding_pages, node_claims, claims */
    CLAIM_COUNTERS_LEGACY,      /* outstanding_pages */
    CLAIM_COUNTERS_SINGLE_NODE, /* outstanding_pages, claim_node */
};

/* Options: how your code differs from what a trace says of frames, and which hosts it can be. */
#define CLAIM_TRACE_2 1u       /* it reads claim-trace/2: boot uses claim_adapter_host()->last_alloc_node */
#define CLAIM_MIRRORED 2u      /* it takes the upper half of a block: each node is laid out from its end downwards */
#define CLAIM_ONE_ZONE 4u      /* zones are powers of two of the frame: all frames of the host get into one zone */
#define CLAIM_LLC_COLORING 8u  /* it can boot with llc_coloring */
#define CLAIM_DEBUG_BUILD 16u  /* it can boot with debug_build */
#define CLAIM_SEVERAL_ZONES 32u /* its nodes have several zones: each node is laid out across a power of two */

/*
 * The implementation. An operation that it has not is NULL, and is not offered. Those that return int return 0 or an
 * errno, positive or negative; of boot it means that there can be no such host, of operations without a result in a
 * trace (create_domain, set_max_pages, free_domheap_pages) that the operation is an error.
 */
struct claim_adapter {
    const char *name;
    const char *semantics; /* the generation's name: "claim-sets", ... */
    enum claim_counters counters;
    int restart; /* not 0: boot works only once in a process; the program is then restarted for every trace */
    unsigned int options;  /* CLAIM_TRACE_2 | ... */
    uint64_t frame_offset; /* the first frame of the host: frame 0 may be unusable. A multiple of the largest block */

    int (*boot)(unsigned int nodes, const uint64_t pages[], uint64_t node_span);
    int (*create_domain)(int domid, uint32_t max_pages, uint64_t node_affinity); /* a bit for each node */
    int (*set_max_pages)(int domid, uint32_t max_pages);
    int (*install_claim_set)(int domid, const struct claim_entry claims[], unsigned int nr);
    int (*set_outstanding_pages)(int domid, uint64_t pages, int node);
    int64_t (*alloc_domheap_pages)(int domid, unsigned int order, int node, unsigned int memflags); /* or CLAIM_NONE */
    int (*free_domheap_pages)(uint64_t mfn, unsigned int order);
    const char *(*offline_page)(uint64_t mfn); /* "OFFLINED" */
    int (*domain_kill)(int domid);

    /* claim-trace/2: critical sections on their own */
    int64_t (*alloc_heap_pages)(int domid, unsigned int order, int node, unsigned int memflags);
    int (*assign_pages)(uint64_t mfn, unsigned int order, int domid, unsigned int memflags);
    int (*free_heap_pages)(uint64_t mfn, unsigned int order);
    const char *(*online_page)(uint64_t mfn); /* "ONLINED", "NOT_OFFLINE" */
    int64_t (*relinquish_memory)(int domid);  /* the pages freed */
    int (*domain_destroy)(int domid);
    int (*domain_exists)(int domid); /* whether it is still on the list: with either of the two, or destroydomain */
    /* claim-trace/2: hypercalls, with an errno for a domain that does not exist */
    int (*max_mem)(int domid, uint64_t max_pages);
    int (*claim_memory)(int domid, const struct claim_entry claims[], unsigned int nr, uint32_t pad);
    int (*claim_pages)(int domid, uint64_t nr_extents, uint64_t extent_order, uint64_t mem_flags, int64_t extent_start);
    int (*get_memory_claims)(int domid, uint64_t capacity, uint32_t pad, struct claim_memory_claims *answer);
    int (*destroydomain)(int domid);
    int (*pausedomain)(int domid);
    int (*unpausedomain)(int domid);
    int (*getdomaininfo)(int domid, struct claim_domain_info *answer);
    void (*get_outstanding_claims)(int64_t *free_pages, int64_t *outstanding_pages);
    void (*populate_physmap)(int domid, struct claim_populate *call);
    int (*memory_exchange)(int domid, struct claim_exchange *call);

    void (*observe_host)(struct claim_host_state *state);
    void (*observe_domain)(int domid, struct claim_domain_state *state); /* of a domain that was created */
};

/* Answer lines until the input ends; the status for main() to return. */
static inline int claim_adapter_main(const struct claim_adapter *adapter);

/* Call it where the implementation would stop at an assertion: the trace ends with a crash of that text. */
static inline void claim_adapter_crash(const char *text);

/* The host that boot() is about. */
static inline const struct claim_host *claim_adapter_host(void);

/*
 * For a test that calls the table itself, without the protocol: lay out the host and boot it. Frames of a trace are those
 * of the implementation by ca_frame_in(mfn, order), and back by ca_frame_out().
 */
static inline int claim_adapter_boot(const struct claim_adapter *adapter, const struct claim_host *host);

/*
 * Call it at the beginning of each critical section, before the outermost lock is taken. Between two sections of one
 * operation the operations of other builders run: the second and each later call may return much later.
 */
static inline void claim_adapter_section(void);

/* The free pages of a node that has several zones: for node_avail_pages of observe_host(). */
static inline int64_t claim_sum_zones(const unsigned long avail[], unsigned int zones);

/* The frame of an extent that populate_physmap, or memory_exchange, finished. */
static inline void claim_populated(struct claim_populate *call, uint64_t mfn);
static inline void claim_exchanged(struct claim_exchange *call, uint64_t mfn);

/*
 * A main() around a table: what to do first, or (void)0, and the fields. A file that includes another attachment can
 * define CLAIM_ADAPTER_MORE(table) before, to add to the table: see attach_hypercalls.c.
 */
#ifndef CLAIM_ADAPTER_MORE
#define CLAIM_ADAPTER_MORE(table) (void)(table)
#endif
#define CLAIM_ADAPTER_TABLE(before, ...)                                                                               \
    static const struct claim_adapter *claim_adapter_table(void)                                                      \
    {                                                                                                                  \
        static struct claim_adapter adapter = {__VA_ARGS__};                                                           \
                                                                                                                       \
        before;                                                                                                        \
        CLAIM_ADAPTER_MORE(&adapter);                                                                                  \
        return &adapter;                                                                                               \
    }
#ifdef CLAIM_ADAPTER_IN_PROCESS /* the in-process fuzzer has its own main(), and takes the table */
#define CLAIM_ADAPTER_MAIN(before, ...) CLAIM_ADAPTER_TABLE(before, __VA_ARGS__)
#else
#define CLAIM_ADAPTER_MAIN(before, ...)                                                                                \
    CLAIM_ADAPTER_TABLE(before, __VA_ARGS__)                                                                           \
    int main(void) { return claim_adapter_main(claim_adapter_table()); }
#endif

/* ---- The rest is how it is done. ---- */

struct ca_buffer {
    char *text;
    size_t used, size;
};

struct ca_op {
    char op[32], format[32], semantics[64], builder[32];
    int is_hello, is_header, is_absent;
    int64_t domid, node, mfn, order, extent_start;
    uint64_t of, page; /* the page is named by the operation that got it */
    int is_named;
    uint64_t pages, max_pages, node_affinity, capacity, extent_order, mem_flags;
    unsigned int memflags, nr_claims, room_for_claims;
    uint32_t pad;
    struct claim_entry *claims;
    uint64_t *in_mfns;
    size_t room_for_in;
    struct claim_host host;
    struct claim_populate populate;
    struct claim_exchange exchange;
    /* the outcome */
    const char *result;
    int64_t freed, free_pages, outstanding_pages;
    struct claim_domain_info info;
    struct claim_memory_claims set;
};

#ifdef CLAIM_ADAPTER_BUILDERS
#ifndef CLAIM_ADAPTER_STACK
#define CLAIM_ADAPTER_STACK (256 * 1024)
#endif
struct ca_builder {
    struct ca_op op; /* op.op is empty: it does nothing */
    unsigned int sections;
    int is_done;
    ucontext_t context, caller;
    void *stack;
};
#endif

static struct {
    const struct claim_adapter *adapter;
    struct claim_host host;
#ifdef CLAIM_ADAPTER_IN_PROCESS
    char crash[160]; /* the text of claim_adapter_crash() */
    jmp_buf crashed;
#endif
#ifdef CLAIM_ADAPTER_BUILDERS
    struct ca_builder *builders[16], *running;
#endif
    struct ca_buffer in, out;
    char *at; /* in the line that is being read */
    const char *error;
    int *domids; /* ascending */
    unsigned int nr_domids, nr_nodes;
    uint64_t node_span, offset; /* offset: of the first frame */
    int64_t *mfns; /* what each operation of this trace got, in the trace's frames */
    size_t nr_ops, room_for_ops;
} ca;

static inline void ca_room(struct ca_buffer *buffer, size_t more)
{
    if (buffer->used + more <= buffer->size)
        return;
    buffer->size = 2 * (buffer->used + more);
    buffer->text = realloc(buffer->text, buffer->size);
    if (!buffer->text) {
        fputs("claim_adapter: out of memory\n", stderr);
        exit(1);
    }
}

/* Writing. */

static inline void ca_put(const char *text)
{
    size_t length = strlen(text);

    ca_room(&ca.out, length);
    memcpy(ca.out.text + ca.out.used, text, length);
    ca.out.used += length;
}

static inline void ca_put_number(int64_t number)
{
    char digits[24], *first = digits + sizeof(digits) - 1;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    *first = 0;
    do
        *--first = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--first = '-';
    ca_put(first);
}

static inline void ca_put_field(const char *name, int64_t number)
{
    ca_put(name);
    ca_put_number(number);
}

static inline void ca_put_string(const char *name, const char *text)
{
    char one[2] = {0, 0};

    ca_put(name);
    ca_put("\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            ca_put("\\");
        one[0] = (unsigned char)*text < ' ' ? ' ' : *text;
        ca_put(one);
    }
    ca_put("\"");
}

static inline void ca_put_list(const char *name, const int64_t numbers[])
{
    unsigned int i;

    ca_put(name);
    for (i = 0; i < ca.nr_nodes; i++)
        ca_put_field(i ? "," : "[", numbers[i]);
    ca_put(ca.nr_nodes ? "]" : "[]");
}

static inline void ca_flush(void)
{
    size_t done = 0;

    while (done < ca.out.used) {
        ssize_t written = write(1, ca.out.text + done, ca.out.used - done);

        if (written < 0 && errno != EINTR)
            exit(1); /* nobody reads any more */
        if (written > 0)
            done += (size_t)written;
    }
    ca.out.used = 0;
}

static inline void claim_adapter_crash(const char *text)
{
#ifdef CLAIM_ADAPTER_IN_PROCESS
    snprintf(ca.crash, sizeof(ca.crash), "crash: %s", text);
#ifdef CLAIM_ADAPTER_BUILDERS
    if (ca.running) {
        ca.running->op.op[0] = 0;
        (void)swapcontext(&ca.running->context, &ca.running->caller);
    }
#endif
    longjmp(ca.crashed, 1);
#else
    ca_put_string("{\"crash\":", text);
    ca_put("}\n");
    ca_flush();
    exit(0);
#endif
}

static inline const char *ca_result(int status)
{
    switch (status < 0 ? -status : status) {
    case 0: return "OK";
    case E2BIG: return "E2BIG";
    case EBUSY: return "EBUSY";
    case EINVAL: return "EINVAL";
    case ENOBUFS: return "ENOBUFS";
    case ENOENT: return "ENOENT";
    case ENOMEM: return "ENOMEM";
    case EOPNOTSUPP: return "EOPNOTSUPP";
    case EOVERFLOW: return "EOVERFLOW";
    case EPERM: return "EPERM";
    case ERANGE: return "ERANGE";
    case ESRCH: return "ESRCH";
    }
    return "an errno that traces do not know";
}

/* Frames: the implementation's from the trace's, and back. The layout of a node is mirrored within its span. */

static inline uint64_t ca_mirrored(uint64_t mfn, uint64_t order)
{
    uint64_t at = mfn % ca.node_span, pages = order < 40 ? (uint64_t)1 << order : ca.node_span;

    if (!(ca.adapter->options & CLAIM_MIRRORED) || at + pages > ca.node_span)
        return mfn; /* it is not within the span: an implementation refuses it in both layouts */
    return mfn - at + (ca.node_span - pages - at);
}

/*
 * With several zones, each node lies across a power of two: below it is the largest block of the node, above it the rest.
 * No block of the trace lies on both sides, and every block keeps its alignment.
 */
static inline uint64_t ca_frame_in(uint64_t mfn, uint64_t order)
{
    if (!(ca.adapter->options & CLAIM_SEVERAL_ZONES))
        return ca_mirrored(mfn, order) + ca.offset;
    if (mfn / ca.node_span >= ca.nr_nodes)
        return UINT64_MAX >> 1; /* of no node */
    return ca.host.first_mfn[mfn / ca.node_span] + mfn % ca.node_span;
}

static inline int64_t ca_frame_out(int64_t mfn, uint64_t order)
{
    unsigned int i;

    if (mfn >= 0 && ca.adapter->options & CLAIM_SEVERAL_ZONES) {
        for (i = ca.nr_nodes - 1; i > 0 && (uint64_t)mfn < ca.host.first_mfn[i];)
            i--;
        return (int64_t)(i * ca.node_span + (uint64_t)mfn - ca.host.first_mfn[i]);
    }
    return mfn < 0 ? CLAIM_NONE : (int64_t)ca_mirrored((uint64_t)mfn - ca.offset, order);
}

static inline void ca_append(int64_t **mfns, uint64_t *used, size_t *room, int64_t mfn)
{
    if (*used == *room) {
        *room = 2 * *room + 16;
        *mfns = realloc(*mfns, *room * sizeof(**mfns));
        if (!*mfns)
            exit(1);
    }
    (*mfns)[(*used)++] = mfn;
}

static inline void claim_populated(struct claim_populate *call, uint64_t mfn)
{
    ca_append(&call->mfns, &call->nr_mfns, &call->room, ca_frame_out((int64_t)mfn, call->order));
}

static inline void claim_exchanged(struct claim_exchange *call, uint64_t mfn)
{
    ca_append(&call->mfns, &call->nr_mfns, &call->room, ca_frame_out((int64_t)mfn, call->out_order));
}

static inline const struct claim_host *claim_adapter_host(void)
{
    return &ca.host;
}

static inline int64_t claim_sum_zones(const unsigned long avail[], unsigned int zones)
{
    int64_t sum = 0;

    while (zones-- > 0)
        sum += (int64_t)avail[zones];
    return sum;
}

static inline void ca_put_domain(const struct claim_adapter *adapter, int domid)
{
    struct claim_domain_state state;
    int64_t claims[CLAIM_MAX_NODES];
    unsigned int i;

    memset(&state, 0, sizeof(state));
    adapter->observe_domain(domid, &state);
    ca_put_field("\":{\"max_pages\":", state.max_pages);
    ca_put_field(",\"tot_pages\":", state.tot_pages);
    if (adapter->counters == CLAIM_COUNTERS_SETS)
        ca_put_field(",\"global_claims\":", state.global_claims);
    else
        ca_put_field(",\"outstanding_pages\":", state.outstanding_pages);
    if (adapter->counters == CLAIM_COUNTERS_SINGLE_NODE)
        ca_put_field(",\"claim_node\":", state.claim_node);
    if (adapter->counters == CLAIM_COUNTERS_SETS || adapter->counters == CLAIM_COUNTERS_TOTAL) {
        for (i = 0; i < ca.nr_nodes; i++)
            claims[i] = state.claims[i];
        ca_put_field(",\"node_claims\":", state.node_claims);
        ca_put_list(",\"claims\":", claims);
    }
    if (state.has_pending_scrub && state.pending_mfn < 0) {
        ca_put(",\"pending_scrub\":null");
    } else if (state.has_pending_scrub) {
        ca_put_field(",\"pending_scrub\":{\"mfn\":", ca_frame_out(state.pending_mfn, state.pending_order));
        ca_put_field(",\"order\":", state.pending_order);
        ca_put_field(",\"scrub_index\":", state.pending_scrub_index);
        ca_put("}");
    }
    if (state.has_creation_finished)
        ca_put(state.creation_finished ? ",\"creation_finished\":true" : ",\"creation_finished\":false");
    ca_put("}");
}

static inline void ca_put_state(const struct claim_adapter *adapter)
{
    struct claim_host_state state;
    unsigned int i;

    for (i = 0; adapter->domain_exists && i < ca.nr_domids;) { /* forget those that are off the list */
        if (adapter->domain_exists(ca.domids[i]))
            i++;
        else
            memmove(ca.domids + i, ca.domids + i + 1, (--ca.nr_domids - i) * sizeof(*ca.domids));
    }
    memset(&state, 0, sizeof(state));
    adapter->observe_host(&state);
    ca_put_field("\"state\":{\"total_avail_pages\":", state.total_avail_pages);
    ca_put_field(",\"outstanding_claims\":", state.outstanding_claims);
    ca_put_list(",\"node_avail_pages\":", state.node_avail_pages);
    ca_put_list(",\"node_outstanding_claims\":", state.node_outstanding_claims);
    ca_put(",\"domains\":{");
    for (i = 0; i < ca.nr_domids; i++) {
        ca_put_field(i ? ",\"" : "\"", ca.domids[i]);
        ca_put_domain(adapter, ca.domids[i]);
    }
    ca_put("}}}\n");
}

/* Reading: JSON of one line. The first error stays in ca.error, and nothing after it is read. */

static inline void ca_wrong(const char *error)
{
    if (!ca.error)
        ca.error = error;
}

static inline char ca_next(void)
{
    while (*ca.at == ' ' || *ca.at == '\t' || *ca.at == '\r')
        ca.at++;
    return *ca.at;
}

static inline int ca_next_is(char wanted)
{
    return !ca.error && ca_next() == wanted;
}

static inline int ca_take(char wanted)
{
    if (!ca_next_is(wanted))
        return 0;
    ca.at++;
    return 1;
}

static inline void ca_read_string(char *text, size_t size)
{
    size_t length = 0;

    if (!ca_take('"'))
        ca_wrong("a string is missing");
    while (!ca.error && *ca.at != '"') {
        if (*ca.at == '\\' && ca.at[1])
            ca.at++; /* names have no escapes: the character after one is skipped */
        if (!*ca.at)
            ca_wrong("a string does not end");
        else if (length + 1 < size)
            text[length++] = *ca.at++;
        else if (size)
            ca_wrong("a name is too long");
        else
            ca.at++;
    }
    if (size)
        text[length] = 0;
    (void)ca_take('"');
}

static inline uint64_t ca_read_number(void)
{
    uint64_t number = 0;

    if (ca_next() < '0' || *ca.at > '9')
        ca_wrong("a number is missing");
    while (!ca.error && *ca.at >= '0' && *ca.at <= '9') {
        uint64_t digit = (uint64_t)(*ca.at++ - '0');

        if (number > (UINT64_MAX - digit) / 10)
            ca_wrong("a number does not fit 64 bits");
        number = 10 * number + digit;
    }
    return number;
}

static inline int ca_read_flag(void)
{
    int is_true = ca_next_is('t');

    if (!is_true && !ca_next_is('f'))
        ca_wrong("a truth value is missing");
    while (!ca.error && *ca.at >= 'a' && *ca.at <= 'z')
        ca.at++;
    return is_true;
}

static inline int64_t ca_read_number_or_null(void)
{
    if (ca_next_is('n') && !strncmp(ca.at, "null", 4)) {
        ca.at += 4;
        return CLAIM_NONE;
    }
    return (int64_t)ca_read_number();
}

static inline void ca_skip_value(void)
{
    int depth = 0;

    do {
        if (ca_next_is('"')) {
            ca_read_string(NULL, 0);
        } else {
            depth += (*ca.at == '[' || *ca.at == '{') - (*ca.at == ']' || *ca.at == '}');
            if (!*ca.at)
                ca_wrong("the line ends too early");
            else
                ca.at++;
        }
    } while (!ca.error && (depth > 0 || !strchr(",]}", *ca.at)));
}

/* The elements of a list or an object: for (more = ca_begin('[', ']'); more; more = ca_more(']')) ... */
static inline int ca_more(char end)
{
    if (ca_take(','))
        return 1;
    if (!ca_take(end))
        ca_wrong("a list or an object does not end");
    return 0;
}

static inline int ca_begin(char begin, char end)
{
    if (!ca_take(begin))
        ca_wrong("a list or an object is missing");
    return !ca.error && !ca_take(end);
}

static inline void ca_read_key(char key[32])
{
    ca_read_string(key, 32);
    if (!ca_take(':'))
        ca_wrong("a colon is missing");
}

static inline void ca_read_claim(struct ca_op *op)
{
    struct claim_entry claim = {0, 0, 0};
    char key[32];
    int more;

    for (more = ca_begin('{', '}'); more; more = ca_more('}')) {
        ca_read_key(key);
        if (!strcmp(key, "pages")) {
            claim.pages = ca_read_number();
        } else if (!strcmp(key, "pad") || !strcmp(key, "cmd")) {
            claim.pad = (uint32_t)ca_read_number();
        } else if (!strcmp(key, "target") && ca_next_is('"')) {
            ca_read_string(key, sizeof(key)); /* "global", or "host" */
            claim.target = !strcmp(key, "legacy") ? CLAIM_TARGET_LEGACY
                           : !strcmp(key, "no_node") ? CLAIM_TARGET_NO_NODE
                                                     : CLAIM_TARGET_GLOBAL;
        } else if (!strcmp(key, "target")) {
            claim.target = (uint32_t)ca_read_number();
        } else {
            ca_wrong("a claim has a field that is not known");
        }
    }
    if (op->nr_claims == op->room_for_claims) {
        op->room_for_claims = 2 * op->room_for_claims + 16;
        op->claims = realloc(op->claims, op->room_for_claims * sizeof(claim));
        if (!op->claims)
            exit(1);
    }
    op->claims[op->nr_claims++] = claim;
}

static inline void ca_read_host(struct ca_op *op)
{
    char key[32];
    int more, element;

    for (more = ca_begin('{', '}'); more; more = ca_more('}')) {
        ca_read_key(key);
        if (!strcmp(key, "node_span")) {
            op->host.node_span = ca_read_number();
        } else if (!strcmp(key, "nodes")) {
            for (element = ca_begin('[', ']'); element; element = ca_more(']')) {
                if (op->host.nodes == CLAIM_MAX_NODES)
                    ca_wrong("too many nodes");
                else
                    op->host.pages[op->host.nodes++] = ca_read_number();
            }
        } else if (!strcmp(key, "last_alloc_node")) {
            op->host.last_alloc_node = (int)ca_read_number();
        } else if (!strcmp(key, "llc_coloring")) {
            op->host.llc_coloring = ca_read_flag();
        } else if (!strcmp(key, "debug_build")) {
            op->host.debug_build = ca_read_flag();
        } else {
            ca_wrong("the host has a field that is not known");
        }
    }
}

static inline void ca_read_memflags(struct ca_op *op)
{
    char name[32];
    int more;

    for (more = ca_begin('[', ']'); more; more = ca_more(']')) {
        ca_read_string(name, sizeof(name));
        if (!strcmp(name, "exact_node"))
            op->memflags |= CLAIM_EXACT_NODE;
        else if (!strcmp(name, "no_refcount"))
            op->memflags |= CLAIM_NO_REFCOUNT;
        else if (!strcmp(name, "no_owner"))
            op->memflags |= CLAIM_NO_OWNER;
        else
            ca_wrong("a memflag that is not known");
    }
}

/* A number or, {"of":OPERATION,"page":N}, a page of the block that an operation before got. */
static inline void ca_read_mfn(struct ca_op *op)
{
    char key[32];
    int more;

    if (!ca_next_is('{')) {
        op->mfn = ca_read_number_or_null();
        return;
    }
    for (more = ca_begin('{', '}'); more; more = ca_more('}')) {
        ca_read_key(key);
        if (!strcmp(key, "of"))
            op->of = ca_read_number();
        else if (!strcmp(key, "page"))
            op->page = ca_read_number();
        else
            ca_wrong("a page has a field that is not known");
    }
    if (op->of >= ca.nr_ops) {
        ca_wrong("a page of an operation that was not sent");
        return;
    }
    op->is_absent = ca.mfns[op->of] == CLAIM_NONE;
    op->mfn = ca.mfns[op->of] + (int64_t)op->page;
}

static inline void ca_read_preempt_at(struct ca_op *op)
{
    char key[32];
    int more;

    if (ca_next_is('n')) {
        (void)ca_read_number_or_null();
        return;
    }
    for (more = ca_begin('{', '}'); more; more = ca_more('}')) {
        ca_read_key(key);
        if (!strcmp(key, "extent"))
            op->populate.preempt_extent = (int64_t)ca_read_number();
        else if (!strcmp(key, "scrub_index"))
            op->populate.preempt_scrub_index = (int64_t)ca_read_number();
        else
            ca_wrong("a preemption point has a field that is not known");
    }
}

static inline void ca_read_in_mfn(struct ca_op *op)
{
    if (op->exchange.nr_in == op->room_for_in) {
        op->room_for_in = 2 * op->room_for_in + 16;
        op->in_mfns = realloc(op->in_mfns, op->room_for_in * sizeof(*op->in_mfns));
        if (!op->in_mfns)
            exit(1);
    }
    op->in_mfns[op->exchange.nr_in++] = ca_read_number();
}

static inline void ca_read_field(struct ca_op *op, const char *key)
{
    int more;

    if (!strcmp(key, "op")) {
        ca_read_string(op->op, sizeof(op->op));
    } else if (!strcmp(key, "domid")) {
        op->domid = ca_read_number_or_null();
    } else if (!strcmp(key, "order")) {
        op->order = ca_read_number_or_null();
    } else if (!strcmp(key, "node")) {
        op->node = ca_read_number_or_null();
    } else if (!strcmp(key, "mfn")) {
        ca_read_mfn(op);
    } else if (!strcmp(key, "pages")) {
        op->pages = ca_read_number();
    } else if (!strcmp(key, "max_pages")) {
        op->max_pages = ca_read_number();
    } else if (!strcmp(key, "memflags")) {
        ca_read_memflags(op);
    } else if (!strcmp(key, "node_affinity")) {
        for (more = ca_begin('[', ']'); more; more = ca_more(']'))
            op->node_affinity |= (uint64_t)1 << (ca_read_number() % CLAIM_MAX_NODES);
    } else if (!strcmp(key, "claims")) {
        for (more = ca_begin('[', ']'); more; more = ca_more(']'))
            ca_read_claim(op);
    } else if (!strcmp(key, "builder")) {
        ca_read_string(op->builder, sizeof(op->builder));
    } else if (!strcmp(key, "pad")) {
        op->pad = (uint32_t)ca_read_number();
    } else if (!strcmp(key, "capacity")) {
        op->capacity = ca_read_number();
    } else if (!strcmp(key, "nr_extents")) {
        op->populate.nr_extents = ca_read_number();
    } else if (!strcmp(key, "extent_order")) {
        op->extent_order = ca_read_number();
    } else if (!strcmp(key, "start_extent")) {
        op->populate.start_extent = ca_read_number();
    } else if (!strcmp(key, "extent_start")) {
        op->extent_start = ca_read_number_or_null();
    } else if (!strcmp(key, "mem_flags")) {
        op->mem_flags = ca_read_number();
    } else if (!strcmp(key, "preempt_at")) {
        ca_read_preempt_at(op);
    } else if (!strcmp(key, "in_order")) {
        op->exchange.in_order = (unsigned int)ca_read_number();
    } else if (!strcmp(key, "out_order")) {
        op->exchange.out_order = (unsigned int)ca_read_number();
    } else if (!strcmp(key, "in_mfns")) {
        for (more = ca_begin('[', ']'); more; more = ca_more(']'))
            ca_read_in_mfn(op);
    } else if (!strcmp(key, "host")) {
        ca_read_host(op);
    } else if (!strcmp(key, "format")) {
        op->is_header = 1;
        ca_read_string(op->format, sizeof(op->format));
    } else if (!strcmp(key, "semantics")) {
        ca_read_string(op->semantics, sizeof(op->semantics));
    } else if (!strcmp(key, "hello")) {
        op->is_hello = strstr(ca.at, "\"claim-adapter/1\"") != NULL;
        ca_skip_value();
        if (!op->is_hello)
            ca_wrong("only claim-adapter/1 is spoken here");
    } else if (!strcmp(key, "source") || !strcmp(key, "seed") || !strcmp(key, "expect")) {
        ca_skip_value();
    } else {
        ca_wrong("a field that is not known");
    }
}

static inline void ca_read_line(char *line, struct ca_op *op)
{
    struct ca_op kept = *op;
    char key[32];
    int more;

    memset(op, 0, sizeof(*op));
    op->claims = kept.claims; /* the lists keep their room */
    op->room_for_claims = kept.room_for_claims;
    op->in_mfns = kept.in_mfns;
    op->room_for_in = kept.room_for_in;
    op->populate.mfns = kept.populate.mfns;
    op->populate.room = kept.populate.room;
    op->exchange.mfns = kept.exchange.mfns;
    op->exchange.room = kept.exchange.room;
    op->domid = op->node = op->host.last_alloc_node = op->extent_start = CLAIM_NONE;
    op->populate.preempt_extent = CLAIM_NONE;
    ca.at = line;
    ca.error = NULL;
    for (more = ca_begin('{', '}'); more; more = ca_more('}')) {
        ca_read_key(key);
        ca_read_field(op, key);
    }
    if (ca_next())
        ca_wrong("the line continues after its object");
}

/* Answering. */

static inline void ca_offer(const char *name, int there)
{
    if (there)
        ca_put_string(",", name);
}

static inline void ca_answer_hello(const struct claim_adapter *a)
{
    ca_put_string("{\"hello\":\"claim-adapter/1\",\"name\":", a->name);
    ca_put(",\"formats\":[\"claim-trace/1\"");
    ca_offer("claim-trace/2", (a->options & CLAIM_TRACE_2) != 0);
    ca_put_string("],\"semantics\":[", a->semantics);
    ca_put("],\"operations\":[\"boot\"");
    ca_offer("create_domain", !!a->create_domain);
    ca_offer("set_max_pages", !!a->set_max_pages);
    ca_offer("install_claim_set", !!a->install_claim_set);
    ca_offer("set_outstanding_pages", !!a->set_outstanding_pages);
    ca_offer("alloc_domheap_pages", !!a->alloc_domheap_pages);
    ca_offer("free_domheap_pages", !!a->free_domheap_pages);
    ca_offer("offline_page", !!a->offline_page);
    ca_offer("domain_kill", !!a->domain_kill);
    if (a->options & CLAIM_TRACE_2) {
        ca_offer("alloc_heap_pages", !!a->alloc_heap_pages);
        ca_offer("assign_pages", !!a->assign_pages);
        ca_offer("free_heap_pages", !!a->free_heap_pages);
        ca_offer("online_page", !!a->online_page);
        ca_offer("relinquish_memory", !!a->relinquish_memory);
        ca_offer("domain_destroy", !!a->domain_destroy);
        ca_offer("max_mem", !!a->max_mem);
        ca_offer("claim_memory", !!a->claim_memory);
        ca_offer("claim_pages", !!a->claim_pages);
        ca_offer("get_memory_claims", !!a->get_memory_claims);
        ca_offer("destroydomain", !!a->destroydomain);
        ca_offer("pausedomain", !!a->pausedomain);
        ca_offer("unpausedomain", !!a->unpausedomain);
        ca_offer("getdomaininfo", !!a->getdomaininfo);
        ca_offer("get_outstanding_claims", !!a->get_outstanding_claims);
        ca_offer("populate_physmap", !!a->populate_physmap);
        ca_offer("memory_exchange", !!a->memory_exchange);
#ifdef CLAIM_ADAPTER_BUILDERS
        ca_offer("continue", !(a->options & CLAIM_SEVERAL_ZONES)); /* such a search does not take the lowest block */
#endif
    }
    ca_put(a->restart ? "],\"restart\":true" : "]");
    ca_put(",\"named_blocks\":true}\n");
}

/* The layout of the host in the implementation's frames. */
static inline void ca_lay_out_zones(const struct claim_adapter *a, struct claim_host *host)
{
    unsigned int zone = 1, i;

    while ((uint64_t)1 << zone < 2 * host->node_span || (uint64_t)1 << zone < a->frame_offset + host->node_span)
        zone++;
    for (i = 0; i < host->nodes; i++) {
        uint64_t largest = 1;

        while (2 * largest <= host->pages[i])
            largest *= 2;
        host->first_mfn[i] = ((uint64_t)1 << (zone + i)) - largest;
    }
    host->first_frame = host->first_mfn[0];
}

static inline void ca_lay_out(const struct claim_adapter *a, struct claim_host *host)
{
    unsigned int i;

    ca.nr_nodes = host->nodes;
    ca.node_span = host->node_span;
    ca.offset = a->frame_offset;
    if (a->options & CLAIM_ONE_ZONE)
        for (ca.offset = (uint64_t)1 << 20; ca.offset < host->nodes * host->node_span || ca.offset < a->frame_offset;)
            ca.offset *= 2;
    host->first_frame = ca.offset;
    if (a->options & CLAIM_SEVERAL_ZONES) {
        ca_lay_out_zones(a, host);
        return;
    }
    for (i = 0; i < host->nodes; i++) {
        host->first_mfn[i] = ca.offset + i * host->node_span;
        if (a->options & CLAIM_MIRRORED)
            host->first_mfn[i] += host->node_span - host->pages[i];
    }
}

/* Frames of the last node have to fit in 62 bits. */
static inline int ca_has_zones_for(const struct claim_adapter *a, const struct claim_host *host)
{
    unsigned int bits = 2 + host->nodes;

    if (!(a->options & CLAIM_SEVERAL_ZONES))
        return 1;
    while (bits < 62 && (uint64_t)1 << (bits - host->nodes) < 2 * (host->node_span + a->frame_offset))
        bits++;
    return bits < 62;
}

static inline int claim_adapter_boot(const struct claim_adapter *adapter, const struct claim_host *host)
{
    ca.adapter = adapter;
    ca.host = *host;
    ca_lay_out(adapter, &ca.host);
    return adapter->boot(host->nodes, host->pages, host->node_span);
}

static inline void ca_answer_header(const struct claim_adapter *adapter, const struct ca_op *op)
{
    int is_2 = (adapter->options & CLAIM_TRACE_2) && !strcmp(op->format, "claim-trace/2");
    int status = 0;

    ca.host = op->host;
    if ((strcmp(op->format, "claim-trace/1") && !is_2) || strcmp(op->semantics, adapter->semantics))
        ca_wrong("no such format or semantics");
    else if (!op->host.nodes || !op->host.node_span)
        ca_wrong("no host");
    else if (op->host.llc_coloring && !(adapter->options & CLAIM_LLC_COLORING))
        ca_wrong("LLC colouring is not supported");
    else if (op->host.debug_build && !(adapter->options & CLAIM_DEBUG_BUILD))
        ca_wrong("a debug build is not supported");
    else if ((adapter->options & CLAIM_MIRRORED) && (op->host.node_span & (op->host.node_span - 1)))
        ca_wrong("node_span is no power of two, as a mirrored layout needs it");
    else if ((adapter->options & CLAIM_MIRRORED) && (adapter->options & CLAIM_SEVERAL_ZONES))
        ca_wrong("in a mirrored layout each node has one zone");
    else if (!ca_has_zones_for(adapter, &op->host))
        ca_wrong("too many nodes, or too large ones, for several zones");
    if (ca.error)
        return;
    ca.nr_domids = 0;
    ca.nr_ops = 0;
    if ((status = claim_adapter_boot(adapter, &op->host))) {
        ca.nr_nodes = 0;
        ca_wrong(ca_result(status));
        return;
    }
    ca_put("{\"ready\":true}\n");
}

static inline void ca_enter_domid(int domid)
{
    unsigned int at = ca.nr_domids++;

    ca.domids = realloc(ca.domids, ca.nr_domids * sizeof(*ca.domids));
    if (!ca.domids)
        exit(1);
    for (; at > 0 && ca.domids[at - 1] > domid; at--)
        ca.domids[at] = ca.domids[at - 1];
    ca.domids[at] = domid;
}

static inline int ca_knows_domid(int64_t domid)
{
    unsigned int i;

    for (i = 0; i < ca.nr_domids; i++)
        if (ca.domids[i] == domid)
            return 1;
    return 0;
}

/* The answers: what is written for each, before the state. */
enum ca_answer {
    CA_UNKNOWN, CA_NOTHING, CA_RESULT, CA_BLOCK, CA_FREED, CA_INFO, CA_FREE_PAGES, CA_SET, CA_MFNS, CA_DONE
};

static inline enum ca_answer ca_status(struct ca_op *op, int status)
{
    op->result = ca_result(status);
    return CA_RESULT;
}

static inline enum ca_answer ca_done(int status)
{
    if (status)
        ca_wrong(ca_result(status));
    return CA_NOTHING;
}

static inline enum ca_answer ca_block(struct ca_op *op, int64_t mfn)
{
    op->mfn = ca_frame_out(mfn, (uint64_t)op->order);
    return CA_BLOCK;
}

/* Run an operation whose domain, if it has one, is on the list. */
static inline enum ca_answer ca_run_known(const struct claim_adapter *a, struct ca_op *op)
{
    int domid = (int)op->domid, node = (int)op->node;
    unsigned int order = (unsigned int)op->order;
    uint64_t mfn = op->mfn < 0 ? 0 : ca_frame_in((uint64_t)op->mfn, (uint64_t)op->order);

#define CA_IS(name) (!strcmp(op->op, #name) && a->name)
    if (CA_IS(alloc_domheap_pages))
        return ca_block(op, a->alloc_domheap_pages(domid, order, node, op->memflags));
    if (CA_IS(alloc_heap_pages))
        return ca_block(op, a->alloc_heap_pages(domid, order, node, op->memflags));
    if (CA_IS(assign_pages))
        return ca_status(op, a->assign_pages(mfn, order, domid, op->memflags));
    if (CA_IS(set_max_pages))
        return ca_done(a->set_max_pages(domid, (uint32_t)op->max_pages));
    if (CA_IS(install_claim_set))
        return ca_status(op, a->install_claim_set(domid, op->claims, op->nr_claims));
    if (CA_IS(set_outstanding_pages))
        return ca_status(op, a->set_outstanding_pages(domid, op->pages, node));
    if (CA_IS(domain_kill))
        return ca_status(op, a->domain_kill(domid));
    if (CA_IS(domain_destroy))
        return ca_done(a->domain_destroy(domid));
    if (CA_IS(relinquish_memory)) {
        op->freed = a->relinquish_memory(domid);
        return CA_FREED;
    }
    return CA_UNKNOWN;
}

/* Run a hypercall, which looks the domain up. */
static inline enum ca_answer ca_run_hypercall(const struct claim_adapter *a, struct ca_op *op)
{
    int domid = (int)op->domid;
    uint64_t i;

    if (CA_IS(max_mem))
        return ca_status(op, a->max_mem(domid, op->max_pages));
    if (CA_IS(claim_memory))
        return ca_status(op, a->claim_memory(domid, op->claims, op->nr_claims, op->pad));
    if (CA_IS(claim_pages))
        return ca_status(op, a->claim_pages(domid, op->populate.nr_extents, op->extent_order, op->mem_flags,
                                            op->extent_start));
    if (CA_IS(destroydomain))
        return ca_status(op, a->destroydomain(domid));
    if (CA_IS(pausedomain))
        return ca_status(op, a->pausedomain(domid));
    if (CA_IS(unpausedomain))
        return ca_status(op, a->unpausedomain(domid));
    if (CA_IS(getdomaininfo)) {
        ca_status(op, a->getdomaininfo(domid, &op->info));
        return CA_INFO;
    }
    if (CA_IS(get_memory_claims)) {
        ca_status(op, a->get_memory_claims(domid, op->capacity, op->pad, &op->set));
        return CA_SET;
    }
    if (CA_IS(get_outstanding_claims)) {
        a->get_outstanding_claims(&op->free_pages, &op->outstanding_pages);
        return CA_FREE_PAGES;
    }
    if (CA_IS(populate_physmap)) {
        op->populate.order = (unsigned int)op->extent_order;
        op->populate.node = (int)op->node;
        op->populate.memflags = op->memflags;
        a->populate_physmap(domid, &op->populate);
        return CA_DONE;
    }
    if (CA_IS(memory_exchange)) {
        for (i = 0; i < op->exchange.nr_in; i++)
            op->in_mfns[i] = ca_frame_in(op->in_mfns[i], op->exchange.in_order);
        op->exchange.in_mfns = op->in_mfns;
        op->exchange.node = (int)op->node;
        ca_status(op, a->memory_exchange(domid, &op->exchange));
        return CA_MFNS;
    }
    return CA_UNKNOWN;
}

static inline enum ca_answer ca_run(const struct claim_adapter *a, struct ca_op *op)
{
    enum ca_answer answer;
    unsigned int order = (unsigned int)op->order;
    uint64_t mfn = op->mfn < 0 ? 0 : ca_frame_in((uint64_t)op->mfn, (uint64_t)op->order);

    if (!strcmp(op->op, "boot"))
        return CA_NOTHING;
    if (CA_IS(create_domain)) {
        answer = ca_done(a->create_domain((int)op->domid, (uint32_t)op->max_pages, op->node_affinity));
        if (!ca.error)
            ca_enter_domid((int)op->domid);
        return answer;
    }
    if (CA_IS(free_domheap_pages))
        return ca_done(a->free_domheap_pages(mfn, order));
    if (CA_IS(free_heap_pages))
        return ca_done(a->free_heap_pages(mfn, order));
    if (CA_IS(offline_page) || CA_IS(online_page)) {
        op->result = CA_IS(offline_page) ? a->offline_page(mfn) : a->online_page(mfn);
        return CA_RESULT;
    }
    answer = ca_run_hypercall(a, op);
    if (answer == CA_UNKNOWN && (ca_knows_domid(op->domid) || (op->domid == CLAIM_NONE && strstr(op->op, "alloc_"))))
        answer = ca_run_known(a, op);
    else if (answer == CA_UNKNOWN)
        ca_wrong("no such operation, or no such domain");
    if (answer == CA_UNKNOWN)
        ca_wrong("no such operation");
    return answer;
}

static inline void ca_put_mfns(const char *name, const int64_t mfns[], uint64_t nr)
{
    uint64_t i;

    ca_put(name);
    for (i = 0; i < nr; i++)
        ca_put_field(i ? "," : "[", mfns[i]);
    ca_put(nr ? "]," : "[],");
}

static inline void ca_put_claims(const struct claim_memory_claims *set)
{
    unsigned int i;

    ca_put("\"claims\":[");
    for (i = 0; i < set->nr_claims; i++) {
        ca_put_field(i ? ",{\"pages\":" : "{\"pages\":", (int64_t)set->claims[i].pages);
        if (set->claims[i].target == CLAIM_TARGET_GLOBAL)
            ca_put(",\"target\":\"host\"}");
        else {
            ca_put_field(",\"target\":", set->claims[i].target);
            ca_put("}");
        }
    }
    ca_put("],");
}

static inline void ca_put_populated(const struct claim_populate *done)
{
    ca_put_mfns("\"mfns\":", done->mfns, done->nr_mfns);
    ca_put_field("\"nr_done\":", (int64_t)done->nr_done);
    ca_put(done->preempted == CLAIM_SCRUBBING         ? ",\"preempted\":\"scrubbing\","
           : done->preempted == CLAIM_BETWEEN_EXTENTS ? ",\"preempted\":\"between extents\","
                                                      : ",\"preempted\":null,");
    if (done->preempted == CLAIM_SCRUBBING) {
        ca_put_field("\"scrub_index\":", done->scrub_index);
        ca_put(",");
    }
}

static inline void ca_answer_outcome(const struct ca_op *op, enum ca_answer answer)
{
    int ok = op->result && !strcmp(op->result, "OK");

    ca_put("{");
    if (op->result) {
        ca_put_string("\"result\":", op->result);
        ca_put(",");
    }
    if (answer == CA_BLOCK && op->mfn < 0) {
        ca_put("\"mfn\":null,");
    } else if (answer == CA_BLOCK) {
        ca_put_field("\"mfn\":", op->mfn);
        ca_put_field(",\"on_node\":", (int64_t)((uint64_t)op->mfn / ca.node_span));
        ca_put(",");
    } else if (answer == CA_FREED) {
        ca_put_field("\"pages\":", op->freed);
        ca_put(",");
    } else if (answer == CA_FREE_PAGES) {
        ca_put_field("\"free_pages\":", op->free_pages);
        ca_put_field(",\"outstanding_pages\":", op->outstanding_pages);
        ca_put(",");
    } else if (answer == CA_INFO && ok) {
        ca_put_field("\"tot_pages\":", op->info.tot_pages);
        ca_put_field(",\"max_pages\":", op->info.max_pages);
        ca_put_field(",\"outstanding_pages\":", op->info.outstanding_pages);
        ca_put(",");
    } else if (answer == CA_SET && (ok || !strcmp(op->result, "ERANGE") || !strcmp(op->result, "ENOBUFS"))) {
        ca_put_field("\"needed\":", (int64_t)op->set.needed);
        ca_put(",");
        if (ok)
            ca_put_claims(&op->set);
    } else if (answer == CA_MFNS) {
        ca_put_mfns("\"mfns\":", op->exchange.mfns, op->exchange.nr_mfns);
    } else if (answer == CA_DONE) {
        ca_put_populated(&op->populate);
    }
}

#ifdef CLAIM_ADAPTER_BUILDERS
/* Each builder's operation is a coroutine: claim_adapter_section() hands over where no lock is held. */

static inline void claim_adapter_section(void)
{
    struct ca_builder *b = ca.running;

    if (b && b->sections++) {
        ca.running = NULL;
        if (swapcontext(&b->context, &b->caller))
            exit(1);
        ca.running = b;
    }
}

static inline void ca_coroutine(void)
{
    struct ca_builder *b = ca.running;

    b->is_done = (int)ca_run(ca.adapter, &b->op);
    ca.running = NULL;
}

static inline void ca_begin_coroutine(struct ca_builder *b)
{
    b->sections = 0;
    b->is_done = CA_UNKNOWN;
    if (getcontext(&b->context))
        exit(1);
    b->context.uc_stack.ss_sp = b->stack;
    b->context.uc_stack.ss_size = CLAIM_ADAPTER_STACK;
    b->context.uc_link = &b->caller;
    makecontext(&b->context, ca_coroutine, 0);
}

static inline struct ca_builder *ca_builder_of(const char *name, int is_begun)
{
    unsigned int i;

    for (i = 0; i < sizeof(ca.builders) / sizeof(*ca.builders); i++) {
        struct ca_builder *b = ca.builders[i];

        if (!b)
            b = ca.builders[i] = calloc(1, sizeof(*b));
        if (!b || (!b->stack && !(b->stack = malloc(CLAIM_ADAPTER_STACK))))
            exit(1);
        if (is_begun ? b->op.op[0] && !strcmp(b->op.builder, name) : !b->op.op[0])
            return b;
    }
    ca_wrong(is_begun ? "the builder has no operation to continue" : "too many builders");
    return NULL;
}

static inline void ca_forget_builders(void)
{
    unsigned int i;

    for (i = 0; i < sizeof(ca.builders) / sizeof(*ca.builders); i++)
        if (ca.builders[i])
            ca.builders[i]->op.op[0] = 0;
}

/* The next section of a builder's operation; CA_NOTHING with no outcome, as long as it has not ended. */
static inline enum ca_answer ca_resume(struct ca_op *op)
{
    int is_continue = !strcmp(op->op, "continue");
    struct ca_builder *b = ca_builder_of(op->builder, is_continue);

    if (!b)
        return CA_UNKNOWN;
    if (!is_continue) {
        struct ca_op kept = b->op;

        b->op = *op; /* the builder takes the lists, and the reader gets its old ones */
        op->claims = kept.claims;
        op->room_for_claims = kept.room_for_claims;
        op->in_mfns = kept.in_mfns;
        op->room_for_in = kept.room_for_in;
        op->populate.mfns = kept.populate.mfns;
        op->populate.room = kept.populate.room;
        op->exchange.mfns = kept.exchange.mfns;
        op->exchange.room = kept.exchange.room;
        ca_begin_coroutine(b);
    }
    ca.running = b;
    if (swapcontext(&b->caller, &b->context))
        exit(1);
    ca.running = NULL;
    if (b->is_done == CA_UNKNOWN)
        return CA_NOTHING;
    op->result = b->op.result;
    op->mfn = b->op.mfn;
    op->freed = b->op.freed;
    op->exchange.nr_mfns = op->populate.nr_mfns = 0;
    if (b->is_done == CA_DONE || b->is_done == CA_MFNS) { /* swap the lists, so that both keep their room */
        struct claim_populate populate = op->populate;
        struct claim_exchange exchange = op->exchange;

        op->populate = b->op.populate;
        op->exchange = b->op.exchange;
        b->op.populate = populate;
        b->op.exchange = exchange;
    }
    b->op.op[0] = 0;
    return (enum ca_answer)b->is_done;
}
#else
static inline void claim_adapter_section(void)
{
}
#endif

static inline void ca_answer_op(const struct claim_adapter *a, struct ca_op *op)
{
    enum ca_answer answer = CA_UNKNOWN;

    ca.mfns[ca.nr_ops] = CLAIM_NONE;
    if (!ca.nr_nodes) {
        ca_wrong("no host: send a header first");
    } else if (op->is_absent) {
        ca_put("{\"absent\":true}\n");
        return;
#ifdef CLAIM_ADAPTER_BUILDERS
    } else if (op->builder[0]) {
        answer = ca_resume(op);
#endif
    } else {
        answer = ca_run(a, op);
    }
    if (ca.error)
        return;
    if (answer == CA_BLOCK)
        ca.mfns[ca.nr_ops] = op->mfn;
    ca_answer_outcome(op, answer);
    ca_put_state(a);
}

static inline void ca_answer_line(const struct claim_adapter *adapter, char *line, struct ca_op *op)
{
    if (ca.nr_ops == ca.room_for_ops) {
        ca.room_for_ops = 2 * ca.room_for_ops + 256;
        ca.mfns = realloc(ca.mfns, ca.room_for_ops * sizeof(*ca.mfns));
        if (!ca.mfns)
            exit(1);
    }
    ca_read_line(line, op);
    if (!ca.error) {
        if (op->is_hello) {
            ca_answer_hello(adapter);
        } else if (op->is_header) {
#ifdef CLAIM_ADAPTER_BUILDERS
            ca_forget_builders();
#endif
            ca_answer_header(adapter, op);
        } else {
            ca_answer_op(adapter, op);
            ca.nr_ops++;
        }
    }
    if (ca.error) {
        ca_put_string("{\"error\":", ca.error);
        ca_put("}\n");
    }
}

static inline int claim_adapter_main(const struct claim_adapter *adapter)
{
    static struct ca_op op;
    char *line, *end;
    ssize_t got;

    ca.adapter = adapter;
    for (;;) {
        ca_flush(); /* every request is answered: only now may reading block */
        ca_room(&ca.in, 1 << 16);
        got = read(0, ca.in.text + ca.in.used, ca.in.size - ca.in.used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0;
        ca.in.used += (size_t)got;
        for (line = ca.in.text; (end = memchr(line, '\n', ca.in.used - (size_t)(line - ca.in.text))); line = end + 1) {
            *end = 0;
            ca_answer_line(adapter, line, &op);
        }
        ca.in.used -= (size_t)(line - ca.in.text);
        memmove(ca.in.text, line, ca.in.used);
    }
}

#endif
