/*
 * The operations of in-process fuzzing: each is drawn, done by the implementation and by the oracle, and compared.
 * Included by claim_in_process.c.
 *
 * Licence: Apache-2.0
 */
#define CF_LENGTH 240 /* operations of a trace */
#define CF_DOMIDS 6
#define CF_HANG_LIMIT 10 /* seconds for a trace */

#define CF_MOST_BLOCKS 1024 /* that are remembered, to be freed */
#define CF_BUILDERS 3
#define CF_EXTENTS 32 /* of an exchange */

enum cf_kind { CF_ALLOC, CF_FREE, CF_CLAIM, CF_KILL, CF_POPULATE, CF_EXCHANGE };

/* An operation of several sections, on the oracle's side. */
struct cf_flight {
    struct co_flight f;
    enum cf_kind kind;
    int is_running;
    int64_t in[CF_EXTENTS];
    uint64_t frames[CF_EXTENTS]; /* the same, for the implementation */
};

static struct {
    const struct claim_adapter *a;
    struct co_host host;
    struct ca_op op;
    uint64_t random; /* of main() */
    const uint8_t *data; /* of libFuzzer */
    size_t left;
    struct { int64_t mfn; unsigned int order; int is_loose; } blocks[CF_MOST_BLOCKS]; /* is_loose: to be assigned */
    unsigned int nr_blocks;
    struct cf_flight flights[CF_BUILDERS + 1]; /* the last one: of an operation that runs at once */
    struct { int64_t domid, node, nr, start; unsigned int order, flags; } last; /* populate_physmap, to be continued */
    int interleaves, crashed, has_hypercalls;
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

static int cf_exists(int64_t domid)
{
    return co_looked_up(&cf.host, domid).domid >= 0;
}

/* A domain on the list, or CLAIM_NONE. */
static int64_t cf_any_domid(void)
{
    int64_t nr = cf.host.s.number_of_domains, first = (int64_t)cf_below((uint64_t)nr), i;

    for (i = 0; i < nr; i++)
        if (cf_exists(cf.host.s.domids[(first + i) % nr]))
            return cf.host.s.domids[(first + i) % nr];
    return CLAIM_NONE;
}

/* For a hypercall: rarely an id that no domain has. */
static int64_t cf_called_domid(void)
{
    int64_t domid = cf_below(30) ? cf_any_domid() : CLAIM_NONE;

    return domid < 0 ? CF_DOMIDS : domid;
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
    case 2:
        near = node >= 0 && node < s->number_of_nodes ? s->node_avail_pages[node] - s->node_outstanding_claims[node] : 1;
        break;
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

/* Run the operation, or its next section; what was written of it is its arguments. */
static const char *cf_run(const char *name)
{
    static enum ca_answer answer;

    strcpy(cf.op.op, name);
    cf.op.result = NULL;
    ca.error = NULL;
    if (cf.record) {
        if (cf.op.builder[0])
            ca_put_string(",\"builder\":", cf.op.builder);
        cf_flush_record();
    }
    cf.steps++;
    ca.crash[0] = 0;
    if (!setjmp(ca.crashed)) {
#ifdef CLAIM_ADAPTER_BUILDERS
        if (cf.op.builder[0])
            answer = ca_resume(&cf.op);
        else
#endif
            answer = ca_run(cf.a, &cf.op);
    }
    if (ca.crash[0]) {
        cf.crashed = 1;
        cf.op.result = "crash";
        cf.op.mfn = CLAIM_NONE;
        ca.error = NULL;
        if (cf.record) {
            ca_put_string(",\"crash\":", ca.crash);
            ca_put("}\n");
            cf_flush_record();
        }
        return NULL;
    }
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
        struct co_seen_domain seen = {.domid = cf.host.s.domids[i], .has_sets = sets};

        if (cf.a->domain_exists && !cf.a->domain_exists((int)seen.domid) != !cf_exists(seen.domid))
            return "domains: expected another list";
        if (!cf_exists(seen.domid))
            continue;
        state.has_pending_scrub = state.has_creation_finished = 0;
        cf.a->observe_domain((int)seen.domid, &state);
        seen.has_stash = state.has_pending_scrub;
        seen.stash_mfn = ca_frame_out(state.pending_mfn, state.pending_order);
        seen.stash_order = state.pending_order;
        seen.scrub_index = state.pending_scrub_index;
        seen.has_creation_finished = state.has_creation_finished;
        seen.creation_finished = state.creation_finished;
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

/* Whether a domain on the list has the id, or an operation or a page on its way knows it. */
static int cf_is_used(int64_t domid)
{
    unsigned int i;
    int used = cf_exists(domid);

    for (i = 0; i < CF_BUILDERS; i++)
        used |= cf.flights[i].is_running && cf.flights[i].f.domid == domid;
    for (i = 0; i < cf.nr_blocks; i++)
        used |= cf.blocks[i].is_loose && cf.host.page[cf.blocks[i].mfn].domid == domid;
    return used;
}

static const char *cf_create_domain(void)
{
    int64_t nodes = cf.host.s.number_of_nodes, domid = (int64_t)cf_below(CF_DOMIDS), node;
    uint64_t every = nodes == 64 ? UINT64_MAX : ((uint64_t)1 << nodes) - 1;
    uint64_t max = cf_any_pages(CLAIM_NONE, CLAIM_NONE) + 4, any = 2 * (uint64_t)cf.host.s.total_avail_pages + 2;
    const char *wrong;

    if (cf_is_used(domid))
        return NULL;
    cf.op.domid = domid;
    cf.op.max_pages = cf_below(4) ? max > UINT32_MAX ? UINT32_MAX : max : cf_below(any);
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
    if ((wrong = cf_run("create_domain")))
        return wrong;
    if (cf.crashed)
        return "crash: expected none";
    return co_check_create_domain(&cf.host, domid, (int64_t)cf.op.max_pages, cf.op.node_affinity,
                                  ca.host.last_alloc_node);
}

static const char *cf_set_max_pages(int is_call)
{
    struct co_arguments a;
    uint64_t max = cf_any_pages(cf.op.domid = is_call ? cf_called_domid() : cf_any_domid(), CLAIM_NONE);
    const char *name = is_call ? "max_mem" : "set_max_pages", *wrong;

    if (cf.op.domid < 0)
        return NULL;
    if (!is_call && max > UINT32_MAX)
        max = UINT32_MAX;
    if (cf.record) {
        cf_put_begin(name);
        cf_put_arguments((const char *[]){"domid", NULL}, &cf.op.domid);
        cf_put_unsigned(",\"max_pages\":", max);
    }
    cf.op.max_pages = max;
    wrong = cf_run(name);
    a = co_looked_up(&cf.host, cf.op.domid);
    a.max_pages = co_number(max);
    if (wrong)
        return wrong;
    return co_answered(&cf.host, is_call ? co_max_mem(&cf.host.s, &a) : co_set_max_pages(&cf.host.s, &a),
                       is_call || cf.crashed ? cf.op.result : "OK");
}

static const char *cf_install(int is_call)
{
    static struct claim_entry claims[CLAIM_MAX_NODES + 3];
    static struct co_entry entries[CLAIM_MAX_NODES + 3];
    struct co_arguments a;
    const char *name = is_call ? "claim_memory" : "install_claim_set", *wrong;
    unsigned int nr = (unsigned int)(cf_below(12) ? cf_below(5) : cf_below((uint64_t)cf.host.s.number_of_nodes + 3)), i;

    cf.op.domid = is_call ? cf_called_domid() : cf_any_domid();
    if (cf.op.domid < 0)
        return NULL;
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
    a = co_looked_up(&cf.host, cf.op.domid);
    a.entries = entries;
    a.nr_entries = nr;
    a.pad = cf.op.pad;
    return wrong ? wrong : co_answered(&cf.host, is_call ? co_claim_memory(&cf.host.s, &a)
                                                        : co_install_claim_set(&cf.host.s, &a), cf.op.result);
}

static const char *cf_legacy(void)
{
    struct co_arguments a;
    const char *wrong;

    cf.op.domid = cf_any_domid();
    if (cf.op.domid < 0)
        return NULL;
    cf.op.pages = cf_any_pages(cf.op.domid, CLAIM_NONE);
    cf.op.node = CLAIM_NONE;
    if (cf.record) {
        cf_put_begin("set_outstanding_pages");
        cf_put_arguments((const char *[]){"domid", NULL}, &cf.op.domid);
        cf_put_unsigned(",\"pages\":", cf.op.pages);
    }
    wrong = cf_run("set_outstanding_pages");
    a = co_of(&cf.host, cf.op.domid);
    a.pages = co_number(cf.op.pages);
    return wrong ? wrong : co_answered(&cf.host, co_set_outstanding_pages(&cf.host.s, &a), cf.op.result);
}

/* A call that has only a domain as its argument, and a result. */
static const char *cf_simple(const char *name, int64_t domid)
{
    cf.op.domid = domid;
    if (cf.record) {
        cf_put_begin(name);
        cf_put_arguments((const char *[]){"domid", NULL}, &domid);
    }
    return cf_run(name);
}

static void cf_remember(int64_t mfn, unsigned int order, int is_loose)
{
    if (cf.nr_blocks == CF_MOST_BLOCKS)
        return;
    cf.blocks[cf.nr_blocks].mfn = mfn;
    cf.blocks[cf.nr_blocks].order = order;
    cf.blocks[cf.nr_blocks++].is_loose = is_loose;
}

/* Forget the blocks that are not there any more. */
static void cf_forget(void)
{
    struct co_arguments a;
    unsigned int i;

    for (i = cf.nr_blocks; i-- > 0;)
        if (!co_block_at(&cf.host, cf.blocks[i].mfn, cf.blocks[i].order, &a))
            cf.blocks[i] = cf.blocks[--cf.nr_blocks];
}

/* Operations of several sections. */

/* The place for an operation: a builder's, or that of operations that run at once. */
static struct cf_flight *cf_begin_flight(enum cf_kind kind, int (*go_on)(struct co_host *, struct co_flight *),
                                         int64_t domid)
{
    static const char *const names[] = {"b1", "b2", "b3", ""};
    struct cf_flight *flight = cf.flights + CF_BUILDERS;
    unsigned int i = (unsigned int)cf_below(cf.interleaves ? 2 * CF_BUILDERS : 0);

    if (cf.interleaves && i < CF_BUILDERS && !cf.flights[i].is_running)
        flight = cf.flights + i;
    strcpy(cf.op.builder, names[flight - cf.flights]);
    co_begin(&flight->f, go_on, domid);
    flight->kind = kind;
    cf.op.domid = domid;
    return flight;
}

/* The blocks that the implementation took, before the oracle does the same. */
static void cf_tell(struct cf_flight *flight)
{
    static int64_t seen[CF_EXTENTS + 1];
    static struct claim_domain_state state;
    struct co_flight *f = &flight->f;
    const int64_t *mfns = flight->kind == CF_POPULATE ? cf.op.populate.mfns : cf.op.exchange.mfns;
    uint64_t nr = flight->kind == CF_POPULATE ? cf.op.populate.nr_mfns : cf.op.exchange.nr_mfns;

    f->seen = seen;
    if (flight->kind == CF_ALLOC && cf.op.mfn >= 0) {
        seen[f->nr_seen++] = cf.op.mfn;
    } else if (flight->kind == CF_POPULATE || flight->kind == CF_EXCHANGE) {
        for (; f->nr_seen < (int64_t)nr && f->nr_seen < CF_EXTENTS; f->nr_seen++)
            seen[f->nr_seen] = mfns[f->nr_seen];
        if (flight->kind == CF_POPULATE && cf.op.populate.preempted == CLAIM_SCRUBBING) {
            state.has_pending_scrub = 0;
            cf.a->observe_domain((int)f->domid, &state);
            if (state.has_pending_scrub && state.pending_mfn >= 0)
                seen[f->nr_seen++] = ca_frame_out(state.pending_mfn, state.pending_order);
        }
    }
}

/* What the implementation answered at the end of an operation. */
static const char *cf_ended(struct cf_flight *flight)
{
    const struct co_flight *f = &flight->f;
    const char *wrong = f->wrong;
    int64_t i;

    if (wrong)
        return wrong;
    if (cf.crashed || (f->result && !strcmp(f->result, "crash")))
        return co_check_result(&cf.host, f, cf.crashed ? "crash" : "none");
    switch (flight->kind) {
    case CF_ALLOC:
        wrong = co_check_block(&cf.host, f, cf.op.mfn);
        if (!wrong && f->mfn >= 0)
            cf_remember(f->mfn, f->order, 0);
        return wrong;
    case CF_FREE:
        return NULL;
    case CF_CLAIM:
    case CF_KILL:
        return co_check_result(&cf.host, f, cf.op.result);
    case CF_POPULATE:
        wrong = co_check_extents(&cf.host, f, cf.op.populate.mfns, (int64_t)cf.op.populate.nr_mfns);
        if (!wrong && ((int)f->preempted != (int)cf.op.populate.preempted ||
                       f->nr_done != (int64_t)cf.op.populate.nr_done ||
                       (f->preempted == CO_SCRUBBING && f->scrub_index != (int64_t)cf.op.populate.scrub_index)))
            wrong = "preempted: expected another end";
        break;
    case CF_EXCHANGE:
        wrong = co_check_result(&cf.host, f, cf.op.result);
        if (!wrong)
            wrong = co_check_extents(&cf.host, f, cf.op.exchange.mfns, (int64_t)cf.op.exchange.nr_mfns);
        cf_forget();
        break;
    }
    for (i = 0; !wrong && i < f->nr_mfns; i++)
        cf_remember(f->mfns[i], flight->kind == CF_POPULATE ? f->order : f->out_order, 0);
    return wrong;
}

/* Whether the builder's operation has ended in the implementation. */
static int cf_builder_ended(void)
{
#ifdef CLAIM_ADAPTER_BUILDERS
    for (unsigned int i = 0; i < sizeof(ca.builders) / sizeof(*ca.builders); i++)
        if (ca.builders[i] && ca.builders[i]->op.op[0] && !strcmp(ca.builders[i]->op.builder, cf.op.builder))
            return 0;
#endif
    return 1;
}

/* One section of a builder's operation, or all sections of another one. */
static const char *cf_fly(struct cf_flight *flight, const char *name)
{
    const char *wrong = cf_run(name);

    if (wrong)
        return wrong;
    if (!cf.op.builder[0]) {
        cf_tell(flight);
        co_finish(&cf.host, &flight->f);
        return cf_ended(flight);
    }
    flight->is_running = !co_go_on(&cf.host, &flight->f);
    if (flight->f.wrong)
        return flight->f.wrong;
    if (cf.crashed && flight->is_running)
        return "crash: expected none";
    if (!cf.crashed && flight->is_running && cf_builder_ended())
        return "ends: expected later";
    if (!cf.crashed && !flight->is_running && !cf_builder_ended())
        return flight->f.result && !strcmp(flight->f.result, "crash") ? "crash: expected one" : "ends: expected here";
    return flight->is_running ? NULL : cf_ended(flight);
}

static const char *cf_continue(struct cf_flight *flight)
{
    static const char *const names[] = {"b1", "b2", "b3"};
    const char *wrong;

    strcpy(cf.op.builder, names[flight - cf.flights]);
    if (cf.record)
        cf_put_begin("continue");
    wrong = cf_fly(flight, "continue");
    cf.op.builder[0] = 0;
    return wrong;
}

static const char *cf_flown(struct cf_flight *flight, const char *name)
{
    const char *wrong = cf_fly(flight, name);

    cf.op.builder[0] = 0;
    return wrong;
}

static const char *cf_claim_pages(void)
{
    struct cf_flight *flight = cf_begin_flight(CF_CLAIM, co_go_on_claim_pages, cf_called_domid());

    cf.op.populate.nr_extents = cf_any_pages(cf.op.domid, CLAIM_NONE);
    cf.op.extent_start = CLAIM_NONE;
    cf.op.extent_order = !cf_below(30);
    cf.op.mem_flags = 0;
    if (cf.record) {
        cf_put_begin("claim_pages");
        cf_put_arguments((const char *[]){"domid", NULL}, &cf.op.domid);
        cf_put_unsigned(",\"nr_extents\":", cf.op.populate.nr_extents);
        cf_put_unsigned(",\"extent_order\":", cf.op.extent_order);
    }
    flight->f.pages = co_number(cf.op.populate.nr_extents);
    flight->f.extent_order = (int64_t)cf.op.extent_order;
    return cf_flown(flight, "claim_pages");
}

static unsigned int cf_any_order(void)
{
    return (unsigned int)(cf_below(3) ? cf_below(2) : cf_below(30) ? cf_below(6) : 18 + cf_below(46));
}

/* The arguments of an allocation, in the implementation's form and in the oracle's. */
static void cf_request(struct co_flight *f, unsigned int order, int64_t node, unsigned int flags)
{
    cf.op.order = order;
    cf.op.node = f->node = node;
    cf.op.memflags = flags;
    f->order = order;
    f->exact = !!(flags & CLAIM_EXACT_NODE);
    f->no_refcount = !!(flags & CLAIM_NO_REFCOUNT);
    f->no_owner = !!(flags & CLAIM_NO_OWNER);
}

static void cf_record_alloc(const char *name, unsigned int flags)
{
    if (!cf.record)
        return;
    cf_put_begin(name);
    cf_put_arguments((const char *[]){"domid", "order", "node", NULL}, (int64_t[]){cf.op.domid, cf.op.order, cf.op.node});
    cf_put_flags(flags);
}

static const char *cf_alloc(int is_whole)
{
    unsigned int flags = (unsigned int[]){0, 0, 0, 0, 1, 1, 4, 5, 2, 3}[cf_below(cf.a->options & CLAIM_TRACE_2 ? 10 : 8)];
    int64_t domid = cf_below(15) ? cf_any_domid() : CLAIM_NONE;
    struct cf_flight *flight = is_whole ? cf_begin_flight(CF_ALLOC, co_go_on_alloc, domid) : cf.flights + CF_BUILDERS;
    const char *wrong;

    if (!is_whole) {
        co_begin(&flight->f, NULL, domid);
        flight->kind = CF_ALLOC;
        cf.op.domid = domid;
    }
    cf_request(&flight->f, cf_any_order(), cf_any_node(), flags);
    cf_record_alloc(is_whole ? "alloc_domheap_pages" : "alloc_heap_pages", flags);
    if (is_whole)
        return cf_flown(flight, "alloc_domheap_pages");
    if ((wrong = cf_run("alloc_heap_pages")))
        return wrong;
    cf_tell(flight);
    (void)co_take_block(&cf.host, &flight->f, flight->f.order);
    if ((wrong = cf_ended(flight)) || flight->f.mfn < 0 || cf.crashed)
        return wrong;
    cf.blocks[cf.nr_blocks - 1].is_loose = domid >= 0 && !(flags & CLAIM_NO_OWNER) && cf.blocks[cf.nr_blocks - 1].mfn == flight->f.mfn;
    return NULL;
}

static const char *cf_assign(void)
{
    unsigned int i = (unsigned int)cf_below(cf.nr_blocks), order;
    const struct co_frame *page = &cf.host.page[cf.blocks[i].mfn];
    const char *wrong;

    if (!cf.nr_blocks || !cf.blocks[i].is_loose || !cf_exists(page->domid))
        return NULL;
    cf.op.mfn = cf.blocks[i].mfn;
    cf.op.order = order = cf.blocks[i].order;
    cf.op.domid = page->domid;
    cf.op.memflags = page->refcounted ? 0 : CLAIM_NO_REFCOUNT;
    if (cf.record) {
        cf_put_begin("assign_pages");
        cf_put_arguments((const char *[]){"mfn", "order", "domid", NULL}, (int64_t[]){cf.op.mfn, cf.op.order, cf.op.domid});
        cf_put_flags(cf.op.memflags);
    }
    if ((wrong = cf_run("assign_pages")))
        return wrong;
    cf.blocks[i].is_loose = strcmp(cf.op.result, "OK");
    return co_check_assign(&cf.host, cf.op.mfn, order, cf.op.domid, !page->refcounted, cf.op.result);
}

static int cf_is_flying(enum cf_kind kind, int64_t domid)
{
    unsigned int i;

    for (i = 0; i < CF_BUILDERS; i++)
        if (cf.flights[i].is_running && cf.flights[i].kind == kind && (domid < 0 || cf.flights[i].f.domid == domid))
            return 1;
    return 0;
}

static const char *cf_give_back(void)
{
    unsigned int i = (unsigned int)cf_below(cf.nr_blocks), order, rest;
    struct co_arguments a;
    struct cf_flight *flight;
    const char *name, *wrong;
    int64_t mfn;
    int is_loose;

    if (!cf.nr_blocks)
        return NULL;
    mfn = cf.blocks[i].mfn;
    order = cf.blocks[i].order;
    is_loose = cf.blocks[i].is_loose;
    if (is_loose && !cf.a->free_heap_pages)
        return NULL;
    if (!co_block_at(&cf.host, mfn, order, &a) || (a.block_state == CO_BLOCK_LIMBO && !is_loose)) {
        cf.blocks[i] = cf.blocks[--cf.nr_blocks];
        return NULL;
    }
    if (a.block_state == CO_BLOCK_ANONYMOUS && cf_is_flying(CF_EXCHANGE, CLAIM_NONE))
        return NULL; /* it may be a page on its way */
    cf.blocks[i] = cf.blocks[--cf.nr_blocks];
    if (!is_loose && order && !cf_below(5))
        for (rest = order, order = (unsigned int)cf_below(order); rest-- > order;) /* the lower part; the rest stays */
            cf_remember(mfn + ((int64_t)1 << rest), rest, 0);
    name = is_loose ? "free_heap_pages" : "free_domheap_pages";
    flight = is_loose ? NULL : cf_begin_flight(CF_FREE, co_go_on_free, CLAIM_NONE);
    cf.op.mfn = mfn;
    cf.op.order = order;
    if (cf.record) {
        cf_put_begin(name);
        cf_put_arguments((const char *[]){"mfn", "order", NULL}, (int64_t[]){mfn, order});
    }
    if (flight) {
        flight->f.mfn = mfn;
        flight->f.order = order;
        return cf_flown(flight, name);
    }
    wrong = cf_run(name);
    return wrong ? wrong : cf.crashed ? "crash: expected none" : co_check_free(&cf.host, mfn, order);
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
    if (cf.crashed)
        return "crash: expected none";
    return wrong ? wrong : is_online ? co_answered(&cf.host, co_section_online(&cf.host, cf.op.mfn), cf.op.result)
                                     : co_answered(&cf.host, co_section_offline(&cf.host, cf.op.mfn), cf.op.result);
}

static const char *cf_kill_one(void)
{
    int64_t domid = cf_any_domid();
    struct cf_flight *flight;

    if (domid < 0 || cf_is_flying(CF_KILL, CLAIM_NONE)) /* the domctl lock is held */
        return NULL;
    flight = cf_begin_flight(CF_KILL, co_go_on_kill, domid);
    if (cf.record) {
        cf_put_begin("domain_kill");
        cf_put_arguments((const char *[]){"domid", NULL}, &domid);
    }
    return cf_flown(flight, "domain_kill");
}

/* Extents; or those that are left of a call that was preempted. */
static const char *cf_populate(void)
{
    int64_t domid = cf.last.domid >= 0 && cf_exists(cf.last.domid) && cf_below(3) ? cf.last.domid : cf_called_domid();
    struct cf_flight *flight = cf_begin_flight(CF_POPULATE, co_go_on_populate, domid);
    struct co_flight *f = &flight->f;
    const char *wrong;
    unsigned int order = cf_any_order(), is_large = cf.host.span >= 1024 && cf_below(3);
    int is_continued = cf.last.domid == f->domid && cf_below(4), is_preempted = (cf.a->options & CLAIM_TRACE_2) && cf_below(2);

    cf.last.order = is_continued ? cf.last.order : is_large ? 9 + (unsigned int)cf_below(2) : order;
    if (!is_continued || !cf_below(5)) {
        cf.last.flags = !cf_below(is_continued ? 1 : 3);
        cf.last.node = cf_any_node();
    }
    cf.last.start = is_continued ? cf.last.start : 0;
    cf.last.nr = is_continued ? cf.last.nr : (int64_t)cf_below(6);
    cf.last.domid = f->domid;
    cf_request(f, cf.last.order, cf.last.node, cf.last.flags);
    cf.op.extent_order = cf.last.order;
    cf.op.populate.start_extent = (uint64_t)(f->start_extent = cf.last.start);
    cf.op.populate.nr_extents = (uint64_t)(f->nr_extents = cf.last.nr);
    f->preempt_extent = is_preempted ? cf.last.start + (int64_t)cf_below(3) : CLAIM_NONE;
    f->preempt_index = is_preempted && cf.last.order >= 9 && cf_below(6) ? 256 * (1 + (int64_t)cf_below(4)) : 0;
    cf.op.populate.preempt_extent = f->preempt_extent;
    cf.op.populate.preempt_scrub_index = f->preempt_index;
    cf.op.populate.nr_mfns = cf.op.populate.nr_done = 0;
    cf.op.populate.preempted = CLAIM_NOT_PREEMPTED;
    if (cf.record) {
        cf_put_begin("populate_physmap");
        cf_put_arguments((const char *[]){"domid", "nr_extents", "extent_order", "node", "start_extent", NULL},
                         (int64_t[]){f->domid, f->nr_extents, cf.last.order, f->node, f->start_extent});
        cf_put_flags(cf.last.flags);
        if (is_preempted) {
            ca_put_field(",\"preempt_at\":{\"extent\":", f->preempt_extent);
            ca_put_field(",\"scrub_index\":", f->preempt_index);
            ca_put("}");
        }
    }
    wrong = cf_flown(flight, "populate_physmap");
    if (f->preempted == CO_NOT_PREEMPTED)
        cf.last.domid = CLAIM_NONE;
    cf.last.start = f->nr_done;
    return wrong;
}

static const char *cf_exchange(void)
{
    unsigned int i = (unsigned int)cf_below(cf.nr_blocks), in_order, out_order, at;
    struct co_arguments a;
    struct cf_flight *flight;
    struct co_flight *f;
    int64_t mfn, domid, page;

    if (!cf.nr_blocks || cf.blocks[i].order > 20 || !co_block_at(&cf.host, cf.blocks[i].mfn, cf.blocks[i].order, &a) ||
        a.block_state != CO_BLOCK_ASSIGNED)
        return NULL;
    mfn = cf.blocks[i].mfn;
    domid = cf_below(30) ? cf.host.page[mfn].domid : CF_DOMIDS;
    in_order = (unsigned int)cf_below((cf.blocks[i].order < 4 ? cf.blocks[i].order : 4) + 1);
    out_order = cf_below(40) ? cf_below(3) ? (unsigned int)cf_below(3) : in_order : 21;
    flight = cf_begin_flight(CF_EXCHANGE, co_go_on_exchange, domid);
    f = &flight->f;
    cf_request(f, in_order, cf_any_node(), 0);
    for (page = mfn; f->nr_in < CF_EXTENTS / 2 && page < mfn + a.block_pages; page += (int64_t)1 << in_order)
        flight->in[f->nr_in++] = page;
    if (out_order < 21 && out_order > in_order && cf_below(4))
        f->nr_in &= ~(((int64_t)1 << (out_order - in_order)) - 1);
    if (f->nr_in && !cf_below(10))
        flight->in[cf_below((uint64_t)f->nr_in)] = (int64_t)cf_below((uint64_t)(cf.host.s.number_of_nodes * cf.host.span));
    f->out_order = out_order;
    f->in_mfns = flight->in;
    cf.op.exchange.in_order = in_order;
    cf.op.exchange.out_order = out_order;
    cf.op.exchange.nr_in = (uint64_t)f->nr_in;
    cf.op.exchange.nr_mfns = 0;
    cf.op.in_mfns = flight->frames;
    for (at = 0; at < f->nr_in; at++)
        flight->frames[at] = (uint64_t)flight->in[at];
    if (cf.record) {
        cf_put_begin("memory_exchange");
        cf_put_arguments((const char *[]){"domid", "in_order", "out_order", "node", NULL},
                         (int64_t[]){domid, in_order, out_order, f->node});
        ca_put(",\"in_mfns\":[");
        for (at = 0; at < f->nr_in; at++)
            ca_put_field(at ? "," : "", flight->in[at]);
        ca_put("]");
    }
    cf.blocks[i] = cf.blocks[--cf.nr_blocks];
    return cf_flown(flight, "memory_exchange");
}

/* The end of a domain. */

static const char *cf_relinquish(void)
{
    int64_t domid = cf_any_domid(), pages;
    const char *wrong;

    if (domid < 0 || !cf.host.s.is_dying[co_slot(&cf.host.s, domid)])
        return NULL;
    if ((wrong = cf_simple("relinquish_memory", domid)))
        return wrong;
    pages = co_relinquish(&cf.host, domid);
    cf_forget();
    return cf.crashed ? "crash: expected none" : pages == cf.op.freed ? NULL : "pages: expected another number";
}

static const char *cf_destroy(void)
{
    int64_t domid = cf_any_domid(), d = co_slot(&cf.host.s, domid), node, pages = 0;
    const char *wrong;

    if (domid < 0 || !cf.host.s.is_dying[d] || cf.host.s.is_dead[d] || cf_is_flying(CF_KILL, domid))
        return NULL;
    for (node = 0; node < cf.host.s.number_of_nodes; node++)
        pages += cf.host.s.assigned_pages[d][node] + cf.host.s.extra_pages[d][node];
    if (pages)
        return NULL;
    wrong = cf_simple("domain_destroy", domid);
    return wrong ? wrong : co_check(&cf.host, co_domain_destroy, domid, cf.crashed ? "crash" : "OK");
}

static const char *cf_destroydomain(void)
{
    int64_t domid = cf_called_domid();
    struct cf_flight *flight = cf.flights + CF_BUILDERS;
    const char *wrong;

    if (cf_is_flying(CF_KILL, domid))
        return NULL;
    if ((wrong = cf_simple("destroydomain", domid)))
        return wrong;
    co_begin(&flight->f, co_go_on_destroy, domid);
    co_finish(&cf.host, &flight->f);
    cf_forget();
    return co_check_result(&cf.host, &flight->f, cf.op.result);
}

/* Queries. */

static const char *cf_info(void)
{
    int64_t domid = cf_called_domid();
    const char *wrong = cf_simple("getdomaininfo", domid);

    return wrong ? wrong : co_check_getdomaininfo(&cf.host, domid, cf.op.result, cf.op.info.tot_pages, cf.op.info.max_pages,
                                                  cf.op.info.outstanding_pages);
}

static const char *cf_totals(void)
{
    const char *wrong;

    if (cf.record)
        cf_put_begin("get_outstanding_claims");
    wrong = cf_run("get_outstanding_claims");
    return wrong ? wrong : co_check_get_outstanding_claims(&cf.host, cf.op.free_pages, cf.op.outstanding_pages);
}

static const char *cf_get_claims(void)
{
    static struct co_entry entries[CLAIM_MAX_NODES + 1];
    const char *wrong;
    unsigned int i;

    cf.op.domid = cf_called_domid();
    cf.op.capacity = cf_below(4) ? CLAIM_MAX_NODES + 1 : cf_below(4);
    cf.op.pad = !cf_below(20);
    cf.op.set.nr_claims = 0;
    if (cf.record) {
        cf_put_begin("get_memory_claims");
        cf_put_arguments((const char *[]){"domid", "capacity", "pad", NULL},
                         (int64_t[]){cf.op.domid, (int64_t)cf.op.capacity, cf.op.pad});
    }
    if ((wrong = cf_run("get_memory_claims")))
        return wrong;
    for (i = 0; i < cf.op.set.nr_claims; i++)
        entries[i] = (struct co_entry){(int64_t)cf.op.set.claims[i].pages, cf.op.set.claims[i].target, 0};
    return co_check_get_memory_claims(&cf.host, cf.op.domid, (int64_t)cf.op.capacity, cf.op.pad, cf.op.result,
                                      (int64_t)cf.op.set.needed, entries, cf.op.set.nr_claims);
}

static const char *cf_pause(int is_unpause)
{
    int64_t domid = cf_called_domid();
    const char *wrong = cf_simple(is_unpause ? "unpausedomain" : "pausedomain", domid);

    if (wrong || !is_unpause)
        return wrong ? wrong : co_check(&cf.host, co_pausedomain, domid, cf.op.result);
    return co_answered(&cf.host, co_section_unpause(&cf.host, domid), cf.op.result);
}

/* The operations above the allocator; the domain can end only if the table says when. */
static const char *cf_one_hypercall(void)
{
    const struct claim_adapter *a = cf.a;
    uint64_t choice = cf_below(100);

    if (choice < (cf.host.span < 1024 ? 34u : 60u))
        return a->populate_physmap ? cf_populate() : NULL;
    if (choice < 60)
        return a->memory_exchange ? cf_exchange() : NULL;
    if (choice < 66)
        return a->getdomaininfo ? cf_info() : NULL;
    if (choice < 70)
        return a->get_outstanding_claims ? cf_totals() : NULL;
    if (choice < 76)
        return a->get_memory_claims ? cf_get_claims() : NULL;
    if (choice < 80)
        return a->pausedomain ? cf_pause(0) : NULL;
    if (choice < 84)
        return a->unpausedomain ? cf_pause(1) : NULL;
    if (choice < 90)
        return a->relinquish_memory && a->domain_exists ? cf_relinquish() : NULL;
    if (choice < 98)
        return a->domain_destroy && a->domain_exists ? cf_destroy() : NULL;
    return a->destroydomain && a->domain_exists ? cf_destroydomain() : NULL;
}

/* One operation that the table has, or one section more; NULL: it is as the oracle says. */
static const char *cf_one(void)
{
    const struct claim_adapter *a = cf.a;
    struct cf_flight *flight = cf.interleaves ? cf.flights + cf_below(2 * CF_BUILDERS) : NULL;
    uint64_t choice;

    if (flight && flight < cf.flights + CF_BUILDERS && flight->is_running)
        return cf_continue(flight);
    choice = cf_below(100);
    if (cf_any_domid() < 0 || choice < 2)
        return cf_create_domain();
    if (cf.has_hypercalls && !cf_below(cf.host.span < 1024 ? 4 : 2))
        return cf_one_hypercall();
    if (choice < 34)
        return cf_alloc(1);
    if (choice < 50)
        return a->free_domheap_pages ? cf_give_back() : NULL;
    if (choice < 66)
        return a->install_claim_set ? cf_install(0) : NULL;
    if (choice < 72)
        return a->set_outstanding_pages ? cf_legacy() : NULL;
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
        return a->claim_pages ? cf_claim_pages() : NULL;
    if (choice < 97)
        return a->claim_memory ? cf_install(1) : NULL;
    if (choice < 99)
        return a->max_mem ? cf_set_max_pages(1) : NULL;
    return a->domain_kill && (a->domain_exists || !cf_below(2)) ? cf_kill_one() : NULL;
}
