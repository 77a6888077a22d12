/*
 * Attach a C implementation of memory claims to claimcheck: the protocol claim-adapter/1 on standard input and output.
 *
 * Fill a struct claim_adapter with your functions and call claim_adapter_main() with it: see attach.c, and
 * docs/adapters.md for the protocol. C99 and POSIX read() and write(); no other dependency. Standard output belongs to
 * the protocol: print to standard error.
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

#define CLAIM_MAX_NODES 64
#define CLAIM_TARGET_GLOBAL 0x80000000u
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
};

enum claim_counters {
    CLAIM_COUNTERS_SETS,        /* global_claims, node_claims, claims */
    CLAIM_COUNTERS_TOTAL,       /* outstanding_pages, node_claims, claims */
    CLAIM_COUNTERS_LEGACY,      /* outstanding_pages */
    CLAIM_COUNTERS_SINGLE_NODE, /* outstanding_pages, claim_node */
};

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

    int (*boot)(unsigned int nodes, const uint64_t pages[], uint64_t node_span);
    int (*create_domain)(int domid, uint32_t max_pages, uint64_t node_affinity); /* a bit for each node */
    int (*set_max_pages)(int domid, uint32_t max_pages);
    int (*install_claim_set)(int domid, const struct claim_entry claims[], unsigned int nr);
    int (*set_outstanding_pages)(int domid, uint64_t pages, int node);
    int64_t (*alloc_domheap_pages)(int domid, unsigned int order, int node, unsigned int memflags); /* mfn, or CLAIM_NONE */
    int (*free_domheap_pages)(uint64_t mfn, unsigned int order);
    const char *(*offline_page)(uint64_t mfn); /* "OFFLINED" */
    int (*domain_kill)(int domid);

    void (*observe_host)(struct claim_host_state *state);
    void (*observe_domain)(int domid, struct claim_domain_state *state); /* of a domain that was created */
};

/* Answer lines until the input ends; the status for main() to return. */
static inline int claim_adapter_main(const struct claim_adapter *adapter);

/* Call it where the implementation would stop at an assertion: the trace ends with a crash of that text. */
static inline void claim_adapter_crash(const char *text);

/* ---- The rest is how it is done. ---- */

struct ca_buffer {
    char *text;
    size_t used, size;
};

struct ca_op {
    char op[32], format[32], semantics[64];
    int is_hello, is_header, is_absent;
    int64_t domid, node, mfn, order;
    uint64_t pages, max_pages, node_affinity, node_span, nodes[CLAIM_MAX_NODES];
    unsigned int nr_nodes, memflags, nr_claims, room_for_claims;
    struct claim_entry *claims;
};

static struct {
    struct ca_buffer in, out;
    char *at; /* in the line that is being read */
    const char *error;
    int *domids; /* ascending */
    unsigned int nr_domids, nr_nodes;
    uint64_t node_span;
    int64_t *mfns; /* what each operation of this trace got */
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
    ca_put_string("{\"crash\":", text);
    ca_put("}\n");
    ca_flush();
    exit(0);
}

static inline const char *ca_result(int status)
{
    switch (status < 0 ? -status : status) {
    case 0: return "OK";
    case E2BIG: return "E2BIG";
    case EBUSY: return "EBUSY";
    case EINVAL: return "EINVAL";
    case ENOENT: return "ENOENT";
    case ENOMEM: return "ENOMEM";
    case EOPNOTSUPP: return "EOPNOTSUPP";
    case EPERM: return "EPERM";
    case ESRCH: return "ESRCH";
    }
    return "an errno that traces do not know";
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
    ca_put("}");
}

static inline void ca_put_state(const struct claim_adapter *adapter)
{
    struct claim_host_state state;
    unsigned int i;

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
        } else if (!strcmp(key, "pad")) {
            claim.pad = (uint32_t)ca_read_number();
        } else if (!strcmp(key, "target") && ca_next_is('"')) {
            ca_read_string(NULL, 0); /* only "global" */
            claim.target = CLAIM_TARGET_GLOBAL;
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
            op->node_span = ca_read_number();
        } else if (!strcmp(key, "nodes")) {
            for (element = ca_begin('[', ']'); element; element = ca_more(']')) {
                if (op->nr_nodes == CLAIM_MAX_NODES)
                    ca_wrong("too many nodes");
                else
                    op->nodes[op->nr_nodes++] = ca_read_number();
            }
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
    uint64_t of = 0, page = 0;
    char key[32];
    int more;

    if (!ca_next_is('{')) {
        op->mfn = ca_read_number_or_null();
        return;
    }
    for (more = ca_begin('{', '}'); more; more = ca_more('}')) {
        ca_read_key(key);
        if (!strcmp(key, "of"))
            of = ca_read_number();
        else if (!strcmp(key, "page"))
            page = ca_read_number();
        else
            ca_wrong("a page has a field that is not known");
    }
    if (of >= ca.nr_ops) {
        ca_wrong("a page of an operation that was not sent");
        return;
    }
    op->is_absent = ca.mfns[of] == CLAIM_NONE;
    op->mfn = ca.mfns[of] + (int64_t)page;
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
    } else if (!strcmp(key, "source") || !strcmp(key, "seed")) {
        ca_skip_value();
    } else {
        ca_wrong("a field that is not known");
    }
}

static inline void ca_read_line(char *line, struct ca_op *op)
{
    struct claim_entry *claims = op->claims;
    unsigned int room = op->room_for_claims;
    char key[32];
    int more;

    memset(op, 0, sizeof(*op));
    op->claims = claims;
    op->room_for_claims = room;
    op->domid = op->node = CLAIM_NONE;
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

static inline void ca_answer_hello(const struct claim_adapter *a)
{
    ca_put_string("{\"hello\":\"claim-adapter/1\",\"name\":", a->name);
    ca_put_string(",\"formats\":[\"claim-trace/1\"],\"semantics\":[", a->semantics);
    ca_put("],\"operations\":[\"boot\"");
    ca_put(a->create_domain ? ",\"create_domain\"" : "");
    ca_put(a->set_max_pages ? ",\"set_max_pages\"" : "");
    ca_put(a->install_claim_set ? ",\"install_claim_set\"" : "");
    ca_put(a->set_outstanding_pages ? ",\"set_outstanding_pages\"" : "");
    ca_put(a->alloc_domheap_pages ? ",\"alloc_domheap_pages\"" : "");
    ca_put(a->free_domheap_pages ? ",\"free_domheap_pages\"" : "");
    ca_put(a->offline_page ? ",\"offline_page\"" : "");
    ca_put(a->domain_kill ? ",\"domain_kill\"" : "");
    ca_put(a->restart ? "],\"restart\":true" : "]");
    ca_put(",\"named_blocks\":true}\n");
}

static inline void ca_answer_header(const struct claim_adapter *adapter, const struct ca_op *op)
{
    int status = 0;

    if (strcmp(op->format, "claim-trace/1") || strcmp(op->semantics, adapter->semantics))
        ca_wrong("no such format or semantics");
    else if (!op->nr_nodes || !op->node_span)
        ca_wrong("no host");
    else if ((status = adapter->boot(op->nr_nodes, op->nodes, op->node_span)))
        ca_wrong(ca_result(status));
    if (ca.error)
        return;
    ca.nr_domids = 0;
    ca.nr_ops = 0;
    ca.nr_nodes = op->nr_nodes;
    ca.node_span = op->node_span;
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

static inline int ca_knows_domid(int domid)
{
    unsigned int i;

    for (i = 0; i < ca.nr_domids; i++)
        if (ca.domids[i] == domid)
            return 1;
    return 0;
}

static inline void ca_answer_done(int status)
{
    if (status)
        ca_wrong(ca_result(status));
    else
        ca_put("{");
}

static inline void ca_answer_result(int status)
{
    ca_put_string("{\"result\":", ca_result(status));
    ca_put(",");
}

static inline void ca_answer_alloc(int64_t mfn)
{
    ca.mfns[ca.nr_ops] = mfn;
    if (mfn < 0) {
        ca_put("{\"mfn\":null,");
        return;
    }
    ca_put_field("{\"mfn\":", mfn);
    ca_put_field(",\"on_node\":", (int64_t)((uint64_t)mfn / ca.node_span));
    ca_put(",");
}

static inline void ca_answer_op(const struct claim_adapter *a, const struct ca_op *op)
{
    int domid = (int)op->domid, node = (int)op->node;
    unsigned int order = (unsigned int)op->order;

    ca.mfns[ca.nr_ops] = CLAIM_NONE;
    if (!ca.nr_nodes) {
        ca_wrong("no host: send a header first");
    } else if (op->is_absent) {
        ca_put("{\"absent\":true}\n");
        return;
    } else if (!strcmp(op->op, "boot")) {
        ca_put("{");
    } else if (!strcmp(op->op, "create_domain") && a->create_domain) {
        ca_answer_done(a->create_domain(domid, (uint32_t)op->max_pages, op->node_affinity));
        if (!ca.error)
            ca_enter_domid(domid);
    } else if (!strcmp(op->op, "alloc_domheap_pages") && a->alloc_domheap_pages && domid == CLAIM_NONE) {
        ca_answer_alloc(a->alloc_domheap_pages(domid, order, node, op->memflags));
    } else if (!strcmp(op->op, "free_domheap_pages") && a->free_domheap_pages) {
        ca_answer_done(a->free_domheap_pages((uint64_t)op->mfn, order));
    } else if (!strcmp(op->op, "offline_page") && a->offline_page) {
        ca_put_string("{\"result\":", a->offline_page((uint64_t)op->mfn));
        ca_put(",");
    } else if (!ca_knows_domid(domid)) {
        ca_wrong("no such operation, or no such domain");
    } else if (!strcmp(op->op, "alloc_domheap_pages") && a->alloc_domheap_pages) {
        ca_answer_alloc(a->alloc_domheap_pages(domid, order, node, op->memflags));
    } else if (!strcmp(op->op, "set_max_pages") && a->set_max_pages) {
        ca_answer_done(a->set_max_pages(domid, (uint32_t)op->max_pages));
    } else if (!strcmp(op->op, "install_claim_set") && a->install_claim_set) {
        ca_answer_result(a->install_claim_set(domid, op->claims, op->nr_claims));
    } else if (!strcmp(op->op, "set_outstanding_pages") && a->set_outstanding_pages) {
        ca_answer_result(a->set_outstanding_pages(domid, op->pages, node));
    } else if (!strcmp(op->op, "domain_kill") && a->domain_kill) {
        ca_answer_result(a->domain_kill(domid));
    } else {
        ca_wrong("no such operation");
    }
    if (!ca.error)
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
