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

#include "claim_in_process_operations.h"

#define CF_HANG_LIMIT 10 /* seconds for a trace */
#define CF_ENDED UINT64_MAX /* instead of a seed */

static void cf_forget_operations(void)
{
    unsigned int i;

    for (i = 0; i <= CF_BUILDERS; i++)
        cf.flights[i].is_running = 0;
    cf.op.builder[0] = 0;
    cf.crashed = 0;
    cf.last.domid = CLAIM_NONE;
#ifdef CLAIM_ADAPTER_BUILDERS
    cf.interleaves = (int)cf_below(2) && !(cf.a->options & CLAIM_SEVERAL_ZONES);
    ca_forget_builders();
#endif
}

/* A whole trace; NULL: it is as the oracle says. */
static const char *cf_one_trace(unsigned long long seed)
{
    int64_t nodes = 1 + (int64_t)cf_below(cf_below(8) ? 4 : cf_below(4) ? 8 : 64), node, most = 1, span = 1;
    int64_t pages[CLAIM_MAX_NODES];
    const char *wrong = NULL;
    int i, is_2 = !!(cf.a->options & CLAIM_TRACE_2), is_large = cf.a->populate_physmap && !cf_below(8);

    cf_forget_operations();
    memset(&ca.host, 0, sizeof(ca.host));
    nodes = is_large ? 1 + nodes % 2 : nodes;
    for (node = 0; node < nodes; node++) { /* an extent of 512 pages may be stashed */
        pages[node] = (int64_t)(is_large ? 512 + cf_below(1100) : cf_below(3) ? cf_below(24) : cf_below(80));
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
    if (!ca_has_zones_for(cf.a, &ca.host))
        return NULL;
    ca_lay_out(cf.a, &ca.host);
    if (!co_boot(&cf.host, nodes, pages, span) || cf.a->boot((unsigned int)nodes, ca.host.pages, (uint64_t)span))
        return "boot";
    if (cf.record) {
        fprintf(cf.record, "{\"format\":\"claim-trace/%d\",\"semantics\":\"%s\",", 1 + is_2, cf.a->semantics);
        fprintf(cf.record, "\"source\":\"in-process fuzzing of %s\",", cf.a->name);
        fprintf(cf.record, "\"host\":{\"node_span\":%lld,\"nodes\":[", (long long)span);
        for (node = 0; node < nodes; node++)
            fprintf(cf.record, "%s%lld", node ? "," : "", (long long)pages[node]);
        fprintf(cf.record, "]%s},\"seed\":%llu}\n", is_2 ? ",\"last_alloc_node\":0" : "", seed);
        ca.out.used = 0;
        ca_put("{\"op\":\"boot\",");
        ca_put_state(cf.a);
        cf_flush_record();
    }
    for (i = 0; !wrong && !cf.crashed && i < CF_LENGTH && (!cf.data || cf.left); i++)
        if (!(wrong = cf_one()) && !cf.crashed)
            wrong = cf_compare();
    for (i = 0; !wrong && !cf.crashed && i < CF_BUILDERS; i++) /* all operations end */
        while (!wrong && !cf.crashed && cf.flights[i].is_running)
            if (!(wrong = cf_continue(cf.flights + i)) && !cf.crashed)
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
    if (cf.a->restart) {
        fprintf(stderr, "boot works only once in a process\n");
        exit(2);
    }
    cf.has_hypercalls = cf.a->populate_physmap || cf.a->memory_exchange || cf.a->getdomaininfo || cf.a->pausedomain ||
                        cf.a->get_memory_claims || cf.a->domain_destroy || cf.a->destroydomain;
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
        alarm(CF_HANG_LIMIT);
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
        fprintf(file, ",\"crash\":\"%s: signal %d\"}\n", WTERMSIG(status) == SIGALRM ? "hung" : "died",
                WTERMSIG(status));
        fclose(file);
    }
    printf("trace: %s\n", path);
}

int main(int argc, char **argv)
{
    unsigned long long steps = 1000000, seed = 0, last = 0;
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
                alarm(CF_HANG_LIMIT);
            cf_begin(seed);
            if ((wrong = cf_one_trace(seed)))
                break;
            seed++;
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        printf("%s: %llu traces, %llu steps, %.0f steps/s of processor time\n", cf.a->name, cf.traces, cf.steps,
               (double)cf.steps / seconds);
        if (wrong)
            printf("found after %llu steps, seed %llu: %s: %s\n", cf.steps, seed, cf.op.op, wrong);
        fflush(stdout);
        seed = wrong ? seed : CF_ENDED;
        _exit(write(channel[1], &seed, sizeof(seed)) < 0 || wrong);
    }
    close(channel[1]);
    while (read(channel[0], &last, sizeof(last)) == (ssize_t)sizeof(last) && last != CF_ENDED)
        seed = last; /* the last seed that was begun */
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && !WEXITSTATUS(status) && last == CF_ENDED)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) != 1)
        printf("found: seed %llu: exited with status %d\n", seed, WEXITSTATUS(status));
    if (WIFSIGNALED(status))
        printf("found: seed %llu: %s by signal %d\n", seed, WTERMSIG(status) == SIGALRM ? "hung, ended" : "died",
               WTERMSIG(status));
    fflush(stdout);
    cf_record(seed, path);
    return 1;
}
#endif
