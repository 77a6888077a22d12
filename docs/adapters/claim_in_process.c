/*
 * In-process fuzzing of an implementation that is attached to the kit: every operation is done by the implementation
 * and by the oracle, and every result and counter is compared. A failure is written as a trace for claimcheck.
 *
 *     claimcheck export oracle --generation claim-sets -o claim_oracle.h
 *     cc -std=c99 -D_POSIX_C_SOURCE=200809L -O2 -I. -DATTACHED='"attach.c"' -o fuzz claim_in_process.c ledger.c
 *     ./fuzz --steps 1000000
 *
 * With clang -fsanitize=fuzzer -DLIBFUZZER it is a libFuzzer target: the input decides every draw.
 *
 * Licence: Apache-2.0
 */
#define CLAIM_ADAPTER_IN_PROCESS
#include ATTACHED
#include "claim_oracle.h"

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#define LENGTH 240 /* operations of a trace */
#define DOMIDS 6
#define HANG_LIMIT 10 /* seconds for a trace */

static struct {
    const struct claim_adapter *a;
    struct co_host host;
    struct ca_op op;
    uint64_t random; /* of main() */
    const uint8_t *data; /* of libFuzzer */
    size_t left;
    struct { int64_t mfn; unsigned int order; int state, domid, no_refcount; } blocks[LENGTH + 1];
    unsigned int nr_blocks;
    unsigned long long steps, traces;
    FILE *record;
} cf;

/* Drawing. */

static uint64_t cf_draw(void)
{
    uint64_t value = 0;
    size_t size = cf.left < 2 ? cf.left : 2;

    if (cf.data) {
        memcpy(&value, cf.data, size);
        cf.data += size;
        cf.left -= size;
        return value;
    }
    cf.random ^= cf.random << 13;
    cf.random ^= cf.random >> 7;
    cf.random ^= cf.random << 17;
    return cf.random >> 11;
}

static uint64_t cf_below(uint64_t limit)
{
    return limit ? cf_draw() % limit : 0;
}

static int64_t cf_any_domid(void)
{
    return cf.host.s.number_of_domains ? cf.host.s.domids[cf_below((uint64_t)cf.host.s.number_of_domains)] : CLAIM_NONE;
}

static int64_t cf_any_node(void)
{
    uint64_t choice = cf_below(20);

    return choice < 7 ? CLAIM_NONE : choice == 7 ? (int64_t)cf_below(CLAIM_MAX_NODES)
                                                 : (int64_t)cf_below((uint64_t)cf.host.s.number_of_nodes);
}

/* A number of pages near a limit that a check compares it to. */
static uint64_t cf_any_pages(int64_t domid, int64_t node)
{
    const struct co_state *s = &cf.host.s;
    int64_t d = domid < 0 ? -1 : co_slot(s, domid), near = 0;

    switch (cf_below(8)) {
    case 0: return cf_below(2);
    case 1: return cf_below(24);
    case 2: near = node >= 0 && node < s->number_of_nodes ? s->node_avail_pages[node] - s->node_outstanding_claims[node] : 1; break;
    case 3: near = s->total_avail_pages - s->outstanding_claims; break;
    case 4: near = d < 0 ? 3 : s->max_pages[d] - s->tot_pages[d]; break;
    case 5: near = d < 0 ? 3 : s->global_claims[d] + s->node_claims[d] + s->tot_pages[d]; break;
    case 6: near = d >= 0 && node >= 0 && node < s->number_of_nodes ? s->claims[d][node] + s->node_avail_pages[node] -
                                                                          s->node_outstanding_claims[node] : 2; break;
    default:
        if (!cf_below(6))
            return (uint64_t[]){UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX}[cf_below(4)];
        near = d < 0 ? 2 : s->max_pages[d];
    }
    near += (int64_t)cf_below(3) - 1;
    return near < 0 ? 0 : (uint64_t)near;
}

/* Writing. A recorded operation is flushed before it is run, so that it is there if the implementation dies. */

static void cf_put_arguments(const char *const fields[], const int64_t values[])
{
    for (; *fields; fields++, values++) {
        ca_put_string(",", *fields);
        if (*values < 0)
            ca_put(":null");
        else
            ca_put_field(":", *values);
    }
}

static void cf_put_begin(const char *op)
{
    ca.out.used = 0;
    ca_put_string("{\"op\":", op);
}

static void cf_put_flags(unsigned int memflags)
{
    int first = 1;

    ca_put(",\"memflags\":[");
    for (unsigned int i = 0; i < 3; i++)
        if (memflags >> i & 1) {
            ca_put_string(first ? "" : ",", (const char *[]){"exact_node", "no_refcount", "no_owner"}[i]);
            first = 0;
        }
    ca_put("]");
}

static void cf_put_unsigned(const char *name, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    ca_put(name);
    ca_put(text);
}

static void cf_flush_record(void)
{
    fwrite(ca.out.text, 1, ca.out.used, cf.record);
    fflush(cf.record);
    ca.out.used = 0;
}

/* Run the operation; what was written of it is its arguments. */
static const char *cf_run(const char *name)
{
    enum ca_answer answer;

    strcpy(cf.op.op, name);
    cf.op.result = NULL;
    ca.error = NULL;
    if (cf.record)
        cf_flush_record();
    answer = ca_run(cf.a, &cf.op);
    cf.steps++;
    if (cf.record && !ca.error) {
        ca_answer_outcome(&cf.op, answer);
        ca.out.text[0] = ca.out.used > 1 ? ',' : ' ';
        ca_put_state(cf.a);
        if (ca.out.text[0] == ' ')
            ca.out.text[0] = ',';
        cf_flush_record();
    }
    return ca.error;
}

/* The counters after an operation. */
static const char *cf_compare(void)
{
    static struct claim_host_state host;
    static struct claim_domain_state state;
    const char *wrong;
    int64_t i;
    int sets = cf.a->counters == CLAIM_COUNTERS_SETS, total = cf.a->counters == CLAIM_COUNTERS_TOTAL;

    cf.a->observe_host(&host);
    wrong = co_check_host(&cf.host, host.total_avail_pages, host.outstanding_claims, host.node_avail_pages,
                          host.node_outstanding_claims);
    for (i = 0; !wrong && i < cf.host.s.number_of_domains; i++) {
        struct co_seen_domain seen = {cf.host.s.domids[i], 0, 0, 0, 0, 0, 0, 0, sets, 0};

        cf.a->observe_domain((int)seen.domid, &state);
        seen.max_pages = state.max_pages;
        seen.tot_pages = state.tot_pages;
        seen.global_claims = state.global_claims;
        seen.node_claims = state.node_claims;
        seen.outstanding_pages = state.outstanding_pages;
        seen.claim_node = state.claim_node;
        seen.has_claim_node = cf.a->counters == CLAIM_COUNTERS_SINGLE_NODE;
        seen.claims = sets || total ? state.claims : NULL;
        wrong = co_check_domain(&cf.host, &seen);
    }
    return wrong;
}

/* The operations: arguments, the implementation's answer, the oracle's verdict. */

static const char *cf_create_domain(void)
{
    int64_t nodes = cf.host.s.number_of_nodes, domid = (int64_t)cf_below(DOMIDS), last = ca.host.last_alloc_node, node;
    uint64_t every = nodes == 64 ? UINT64_MAX : ((uint64_t)1 << nodes) - 1, max = cf_any_pages(CLAIM_NONE, CLAIM_NONE) + 4;
    const char *wrong;

    if (co_slot(&cf.host.s, domid) >= 0)
        return NULL;
    cf.op.domid = domid;
    cf.op.max_pages = cf_below(4) ? max > UINT32_MAX ? UINT32_MAX : max : cf_below(2 * (uint64_t)cf.host.s.total_avail_pages + 2);
    cf.op.node_affinity = cf_below(2) ? every : every & (1 + cf_below(UINT32_MAX));
    cf.op.node_affinity = cf.op.node_affinity ? cf.op.node_affinity : 1;
    if (cf.record) {
        cf_put_begin("create_domain");
        cf_put_arguments((const char *[]){"domid", "max_pages", NULL}, (int64_t[]){domid, (int64_t)cf.op.max_pages});
        ca_put(",\"node_affinity\":[");
        for (node = 0, every = 0; node < nodes; node++)
            if (cf.op.node_affinity >> node & 1)
                ca_put_field(every++ ? "," : "", node);
        ca_put("]");
    }
    wrong = cf_run("create_domain");
    return wrong ? wrong : co_check_create_domain(&cf.host, domid, (int64_t)cf.op.max_pages, cf.op.node_affinity, last);
}

static const char *cf_set_max_pages(int is_call)
{
    struct co_arguments a;
    uint64_t max = cf_any_pages(cf.op.domid = cf_any_domid(), CLAIM_NONE);
    const char *name = is_call ? "max_mem" : "set_max_pages", *wrong;

    if (!is_call && max > UINT32_MAX)
        max = UINT32_MAX;
    if (cf.record) {
        cf_put_begin(name);
        cf_put_arguments((const char *[]){"domid", NULL}, &cf.op.domid);
        cf_put_unsigned(",\"max_pages\":", max);
    }
    cf.op.max_pages = max;
    wrong = cf_run(name);
    a = co_of(&cf.host, cf.op.domid);
    a.max_pages = co_number(max);
    return wrong ? wrong : co_answered(&cf.host, is_call ? co_max_mem(&cf.host.s, &a) : co_set_max_pages(&cf.host.s, &a),
                                       is_call ? cf.op.result : "OK");
}

static const char *cf_install(int is_call)
{
    static struct claim_entry claims[CLAIM_MAX_NODES + 3];
    static struct co_entry entries[CLAIM_MAX_NODES + 3];
    struct co_arguments a;
    const char *name = is_call ? "claim_memory" : "install_claim_set", *wrong;
    unsigned int nr = (unsigned int)(cf_below(12) ? cf_below(5) : cf_below((uint64_t)cf.host.s.number_of_nodes + 3)), i;

    cf.op.domid = cf_any_domid();
    for (i = 0; i < nr; i++) {
        int64_t node = cf_below(4) ? (int64_t)((i + cf_below(2)) % (uint64_t)cf.host.s.number_of_nodes) : CLAIM_NONE;

        claims[i].target = node < 0 ? cf_below(9) ? CLAIM_TARGET_GLOBAL : (uint32_t)cf_below(70) : (uint32_t)node;
        claims[i].pages = cf_any_pages(cf.op.domid, node) >> (cf_below(3) ? 1 : 0);
        claims[i].pad = !cf_below(60);
        entries[i].pages = co_number(claims[i].pages);
        entries[i].target = claims[i].target;
        entries[i].pad = claims[i].pad;
    }
    cf.op.claims = claims;
    cf.op.nr_claims = nr;
    cf.op.pad = is_call && !cf_below(20);
    if (cf.record) {
        cf_put_begin(name);
        cf_put_arguments((const char *[]){"domid", NULL}, &cf.op.domid);
        ca_put(",\"claims\":[");
        for (i = 0; i < nr; i++) {
            cf_put_unsigned(i ? ",{\"pages\":" : "{\"pages\":", claims[i].pages);
            if (claims[i].target == CLAIM_TARGET_GLOBAL)
                ca_put(is_call ? ",\"target\":\"host\"" : ",\"target\":\"global\"");
            else
                ca_put_field(",\"target\":", claims[i].target);
            cf_put_unsigned(",\"pad\":", claims[i].pad);
            ca_put("}");
        }
        ca_put("]");
        if (is_call)
            ca_put_field(",\"pad\":", cf.op.pad);
    }
    wrong = cf_run(name);
    cf.op.claims = NULL;
    a = co_of(&cf.host, cf.op.domid);
    a.entries = entries;
    a.nr_entries = nr;
    a.pad = cf.op.pad;
    return wrong ? wrong : co_answered(&cf.host, is_call ? co_claim_memory(&cf.host.s, &a)
                                                        : co_install_claim_set(&cf.host.s, &a), cf.op.result);
}

static const char *cf_legacy(int is_call)
{
    const char *name = is_call ? "claim_pages" : "set_outstanding_pages", *wrong;
    struct co_arguments a;

    cf.op.domid = cf_any_domid();
    cf.op.pages = cf.op.populate.nr_extents = cf_any_pages(cf.op.domid, CLAIM_NONE);
    cf.op.node = cf.op.extent_start = CLAIM_NONE;
    cf.op.extent_order = is_call && !cf_below(30);
    cf.op.mem_flags = 0;
    if (cf.record) {
        cf_put_begin(name);
        cf_put_arguments((const char *[]){"domid", NULL}, &cf.op.domid);
        cf_put_unsigned(is_call ? ",\"nr_extents\":" : ",\"pages\":", cf.op.pages);
        if (is_call)
            cf_put_unsigned(",\"extent_order\":", cf.op.extent_order);
    }
    wrong = cf_run(name);
    a = co_of(&cf.host, cf.op.domid);
    a.pages = co_number(cf.op.pages);
    if (wrong)
        return wrong;
    return is_call ? co_check_claim_pages(&cf.host, cf.op.domid, a.pages, (int64_t)cf.op.extent_order, 0, 0, cf.op.result)
                   : co_answered(&cf.host, co_set_outstanding_pages(&cf.host.s, &a), cf.op.result);
}

static const char *cf_alloc(int is_whole)
{
    const char *name = is_whole ? "alloc_domheap_pages" : "alloc_heap_pages", *wrong;
    unsigned int flags = (unsigned int[]){0, 0, 0, 0, 1, 1, 4, 5, 2, 3}[cf_below(cf.a->options & CLAIM_TRACE_2 ? 10 : 8)];

    cf.op.domid = cf_below(15) ? cf_any_domid() : CLAIM_NONE;
    cf.op.order = (int64_t)(cf_below(3) ? cf_below(2) : cf_below(30) ? cf_below(6) : 18 + cf_below(46));
    cf.op.node = cf_any_node();
    cf.op.memflags = flags;
    if (cf.record) {
        cf_put_begin(name);
        cf_put_arguments((const char *[]){"domid", "order", "node", NULL}, (int64_t[]){cf.op.domid, cf.op.order, cf.op.node});
        cf_put_flags(flags);
    }
    wrong = cf_run(name);
    if (!wrong)
        wrong = co_check_alloc(&cf.host, cf.op.domid, (unsigned int)cf.op.order, cf.op.node, !!(flags & CLAIM_EXACT_NODE),
                               !!(flags & CLAIM_NO_REFCOUNT), !!(flags & CLAIM_NO_OWNER), is_whole, cf.op.mfn);
    if (!wrong && cf.op.mfn >= 0) {
        cf.blocks[cf.nr_blocks].mfn = cf.op.mfn;
        cf.blocks[cf.nr_blocks].order = (unsigned int)cf.op.order;
        cf.blocks[cf.nr_blocks].domid = (int)cf.op.domid;
        cf.blocks[cf.nr_blocks].no_refcount = !!(flags & CLAIM_NO_REFCOUNT);
        cf.blocks[cf.nr_blocks].state = cf.op.domid < 0 || flags & CLAIM_NO_OWNER ? CO_USE_ANONYMOUS
                                      : is_whole ? CO_USE_ASSIGNED : CO_USE_LIMBO;
        cf.nr_blocks++;
    }
    return wrong;
}

static const char *cf_assign(void)
{
    unsigned int i = (unsigned int)cf_below(cf.nr_blocks);
    const char *wrong;

    if (!cf.nr_blocks || cf.blocks[i].state != CO_USE_LIMBO)
        return NULL;
    cf.op.mfn = cf.blocks[i].mfn;
    cf.op.order = cf.blocks[i].order;
    cf.op.domid = cf.blocks[i].domid;
    cf.op.memflags = cf.blocks[i].no_refcount ? CLAIM_NO_REFCOUNT : 0;
    if (cf.record) {
        cf_put_begin("assign_pages");
        cf_put_arguments((const char *[]){"mfn", "order", "domid", NULL}, (int64_t[]){cf.op.mfn, cf.op.order, cf.op.domid});
        cf_put_flags(cf.op.memflags);
    }
    if ((wrong = cf_run("assign_pages")))
        return wrong;
    if (!strcmp(cf.op.result, "OK"))
        cf.blocks[i].state = CO_USE_ASSIGNED;
    return co_check_assign(&cf.host, cf.op.mfn, cf.blocks[i].order, cf.op.domid, cf.blocks[i].no_refcount, cf.op.result);
}

static const char *cf_give_back(void)
{
    unsigned int i = (unsigned int)cf_below(cf.nr_blocks);
    const char *name, *wrong;

    if (!cf.nr_blocks || (cf.blocks[i].state == CO_USE_LIMBO && !cf.a->free_heap_pages))
        return NULL;
    name = cf.blocks[i].state == CO_USE_LIMBO ? "free_heap_pages" : "free_domheap_pages";
    cf.op.mfn = cf.blocks[i].mfn;
    cf.op.order = cf.blocks[i].order;
    if (cf.record) {
        cf_put_begin(name);
        cf_put_arguments((const char *[]){"mfn", "order", NULL}, (int64_t[]){cf.op.mfn, cf.op.order});
    }
    wrong = cf_run(name);
    cf.blocks[i] = cf.blocks[--cf.nr_blocks];
    return wrong ? wrong : co_check_free(&cf.host, cf.op.mfn, (unsigned int)cf.op.order);
}

static const char *cf_one_page(int is_online)
{
    int64_t node = (int64_t)cf_below((uint64_t)cf.host.s.number_of_nodes), pages = cf.host.pages[node];
    const char *name = is_online ? "online_page" : "offline_page", *wrong;

    if (!pages)
        return NULL;
    cf.op.mfn = node * cf.host.span + (int64_t)cf_below((uint64_t)pages);
    cf.op.order = 0;
    if (cf.record) {
        cf_put_begin(name);
        cf_put_arguments((const char *[]){"mfn", NULL}, &cf.op.mfn);
    }
    wrong = cf_run(name);
    return wrong ? wrong : is_online ? co_check_online(&cf.host, cf.op.mfn, cf.op.result)
                                     : co_check_offline(&cf.host, cf.op.mfn, cf.op.result);
}

static const char *cf_kill_one(void)
{
    const char *wrong;

    cf.op.domid = cf_any_domid();
    if (cf.record) {
        cf_put_begin("domain_kill");
        cf_put_arguments((const char *[]){"domid", NULL}, &cf.op.domid);
    }
    wrong = cf_run("domain_kill");
    return wrong ? wrong : co_check_domain_kill(&cf.host, cf.op.domid, cf.op.result);
}

/* One operation that the table has; NULL: it is as the oracle says. */
static const char *cf_one(void)
{
    const struct claim_adapter *a = cf.a;
    uint64_t choice = cf_below(100);

    if (!cf.host.s.number_of_domains || choice < 2)
        return cf_create_domain();
    if (choice < 34)
        return cf_alloc(1);
    if (choice < 50)
        return a->free_domheap_pages ? cf_give_back() : NULL;
    if (choice < 66)
        return a->install_claim_set ? cf_install(0) : NULL;
    if (choice < 72)
        return a->set_outstanding_pages ? cf_legacy(0) : NULL;
    if (choice < 76)
        return a->set_max_pages ? cf_set_max_pages(0) : NULL;
    if (choice < 81)
        return a->offline_page ? cf_one_page(0) : NULL;
    if (choice < 83)
        return a->online_page ? cf_one_page(1) : NULL;
    if (choice < 87)
        return a->alloc_heap_pages && a->assign_pages && a->free_heap_pages ? cf_alloc(0) : NULL;
    if (choice < 91)
        return a->assign_pages ? cf_assign() : NULL;
    if (choice < 94)
        return a->claim_pages ? cf_legacy(1) : NULL;
    if (choice < 97)
        return a->claim_memory ? cf_install(1) : NULL;
    if (choice < 99)
        return a->max_mem ? cf_set_max_pages(1) : NULL;
    return a->domain_kill && !cf_below(2) ? cf_kill_one() : NULL;
}

/* A whole trace; NULL: it is as the oracle says. */
static const char *cf_one_trace(unsigned long long seed)
{
    int64_t nodes = 1 + (int64_t)cf_below(cf_below(8) ? 4 : cf_below(4) ? 8 : 64), pages[CLAIM_MAX_NODES], node, most = 1, span = 1;
    const char *wrong = NULL;
    int i, is_2 = !!(cf.a->options & CLAIM_TRACE_2);

    memset(&ca.host, 0, sizeof(ca.host));
    for (node = 0; node < nodes; node++) {
        pages[node] = (int64_t)(cf_below(3) ? cf_below(24) : cf_below(80));
        most = pages[node] > most ? pages[node] : most;
        ca.host.pages[node] = (uint64_t)pages[node];
    }
    while (span < most)
        span *= 2;
    ca.host.nodes = (unsigned int)nodes;
    ca.host.node_span = (uint64_t)span;
    ca.host.last_alloc_node = is_2 ? 0 : CLAIM_NONE;
    ca.nr_domids = 0;
    cf.nr_blocks = 0;
    cf.traces++;
    ca_lay_out(cf.a, &ca.host);
    if (!co_boot(&cf.host, nodes, pages, span) || cf.a->boot((unsigned int)nodes, ca.host.pages, (uint64_t)span))
        return "boot";
    if (cf.record) {
        fprintf(cf.record, "{\"format\":\"claim-trace/%d\",\"semantics\":\"%s\",\"source\":\"in-process fuzzing of %s\",", 1 + is_2,
                cf.a->semantics, cf.a->name);
        fprintf(cf.record, "\"host\":{\"node_span\":%lld,\"nodes\":[", (long long)span);
        for (node = 0; node < nodes; node++)
            fprintf(cf.record, "%s%lld", node ? "," : "", (long long)pages[node]);
        fprintf(cf.record, "]%s},\"seed\":%llu}\n", is_2 ? ",\"last_alloc_node\":0" : "", seed);
        ca.out.used = 0;
        ca_put("{\"op\":\"boot\",");
        ca_put_state(cf.a);
        cf_flush_record();
    }
    for (i = 0; !wrong && i < LENGTH && (!cf.data || cf.left); i++)
        if (!(wrong = cf_one()))
            wrong = cf_compare();
    return wrong;
}

static void cf_prepare(void)
{
    cf.a = ca.adapter = claim_adapter_table();
    if (strcmp(cf.a->semantics, CO_SEMANTICS)) {
        fprintf(stderr, "the oracle is of %s, the implementation of %s\n", CO_SEMANTICS, cf.a->semantics);
        exit(2);
    }
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *wrong;

    if (!cf.a)
        cf_prepare();
    cf.data = data;
    cf.left = size;
    if (!(wrong = cf_one_trace(0)))
        return 0;
    fprintf(stderr, "%s: %s\n", cf.op.op, wrong);
    cf.data = data; /* again, recorded */
    cf.left = size;
    cf.record = fopen("finding.jsonl", "w");
    if (cf.record)
        (void)cf_one_trace(0);
    abort();
}
#else
static void cf_begin(unsigned long long seed)
{
    cf.random = (seed + 1) * 0x9e3779b97f4a7c15u;
    (void)cf_draw();
    (void)cf_draw();
}

/* The trace of a seed is run again in a child, which records it: the implementation may die. */
static void cf_record(unsigned long long seed, const char *path)
{
    pid_t child = fork();
    int status = 0;
    FILE *file;

    if (!child) {
        alarm(HANG_LIMIT);
        cf.record = fopen(path, "w");
        if (!cf.record)
            _exit(2);
        cf_begin(seed);
        status = !cf_one_trace(seed);
        fclose(cf.record);
        _exit(status);
    }
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status))
        printf("it does not occur again in a new process: it depends on earlier traces\n");
    if (WIFSIGNALED(status) && (file = fopen(path, "a"))) {
        fprintf(file, ",\"crash\":\"%s: signal %d\"}\n", WTERMSIG(status) == SIGALRM ? "hung" : "died", WTERMSIG(status));
        fclose(file);
    }
    printf("trace: %s\n", path);
}

int main(int argc, char **argv)
{
    unsigned long long steps = 1000000, seed = 0;
    const char *path = "finding.jsonl", *wrong = NULL;
    int channel[2], status = 0, i;
    struct timespec from, to;
    double seconds;
    pid_t child;

    for (i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--steps"))
            steps = strtoull(argv[i + 1], NULL, 10);
        else if (!strcmp(argv[i], "--seed"))
            seed = strtoull(argv[i + 1], NULL, 10) << 32;
        else if (!strcmp(argv[i], "--trace"))
            path = argv[i + 1];
        else
            break;
    }
    if (i < argc) {
        fprintf(stderr, "usage: %s [--steps N] [--seed N] [--trace FILE]\n", argv[0]);
        return 2;
    }
    cf_prepare();
    if (pipe(channel))
        return 2;
    child = fork(); /* the implementation may die or hang: this process survives, and records the trace */
    if (!child) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        while (cf.steps < steps) {
            if (write(channel[1], &seed, sizeof(seed)) < 0)
                _exit(2);
            if (!(cf.traces & 255))
                alarm(HANG_LIMIT);
            cf_begin(seed);
            if ((wrong = cf_one_trace(seed)))
                break;
            seed++;
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        printf("%s: %llu traces, %llu steps, %.0f steps/s of processor time\n", cf.a->name, cf.traces, cf.steps, (double)cf.steps / seconds);
        if (wrong)
            printf("found after %llu steps, seed %llu: %s: %s\n", cf.steps, seed, cf.op.op, wrong);
        fflush(stdout);
        _exit(wrong ? 1 : 0);
    }
    close(channel[1]);
    while (read(channel[0], &seed, sizeof(seed)) == (ssize_t)sizeof(seed))
        ; /* the last seed that was begun */
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return 0;
    if (WIFSIGNALED(status))
        printf("found: seed %llu: %s by signal %d\n", seed, WTERMSIG(status) == SIGALRM ? "hung, ended" : "died", WTERMSIG(status));
    fflush(stdout);
    cf_record(seed, path);
    return 1;
}
#endif
