/*
 * Runs functions of a C file on given numbers: what claimcheck diff --c says of a path is what the compiled code does. A
 * line of numbers on standard input, a line on standard output. Before each run every variable is as it was at first. A
 * run that does not return ends its process; the next one begins in a new one. It is compiled with the declarations that
 * the file has, of what it defines for the file (driver.py).
 *
 * Licence: Apache-2.0
 */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void object;

object *cc_domain(unsigned int d);
object *cc_entry(unsigned int i);
void cc_setup(unsigned int nodes, unsigned int domains);
long cc_get_counters(unsigned int i, object *d, unsigned int n);
void cc_set_counters(unsigned int i, object *d, unsigned int n, long v);
void cc_set_entries(unsigned int i, object *e, long v);
long cc_run(unsigned int op, unsigned int nodes, object *d, const long *a);

#define MOST 4096

/* What is not restored before a run: it is not among the variables. */
struct kept {
    long slots[MOST][3], scripted[MOST], arguments[16];
    unsigned int nr_slots, nr_scripted, next_scripted, nr_held;
    const volatile void *held[64];
    char answer[32 * MOST];
    const char *line, *rest; /* of the input: the line of the run, and what is not read of it */
    int has_answer;
    char *first;             /* the variables as they were */
};
static struct kept *kept;

/* The variables of this program and of the C file. */
extern char __data_start[], _end[];

static void answer(const char *text)
{
    size_t length = strlen(text);

    if (write(1, text, length) < (ssize_t)length)
        _exit(2);
    kept->has_answer = 1;
}

static void stop(const char *why)
{
    answer(why);
    _exit(0);
}

int cc_is_locked(const volatile void *lock)
{
    unsigned int i;

    for (i = 0; i < kept->nr_held; i++)
        if (kept->held[i] == lock)
            return 1;
    return 0;
}

void cc_lock(const volatile void *lock)
{
    if (cc_is_locked(lock) || kept->nr_held == 64)
        stop("locks\n");
    kept->held[kept->nr_held++] = lock;
}

void cc_unlock(const volatile void *lock)
{
    unsigned int i;

    if (!cc_is_locked(lock))
        stop("locks\n");
    for (i = 0; kept->held[i] != lock; i++)
        ;
    kept->held[i] = kept->held[--kept->nr_held];
}

void cc_crash(void)
{
    stop("crash\n");
}

static long next(void)
{
    if (kept->next_scripted == kept->nr_scripted)
        stop("more answers needed than expected\n");
    return kept->scripted[kept->next_scripted++];
}

int cc_has_block(unsigned int node, unsigned long pages)
{
    (void)node;
    (void)pages;
    return (int)next();
}

unsigned long cc_block(unsigned int node)
{
    (void)node;
    return (unsigned long)next();
}

int cc_flag(unsigned int number)
{
    (void)number;
    return (int)next();
}

void cc_answer(unsigned int number, long value)
{
    (void)number;
    (void)value;
}

static long number(void)
{
    char *end;
    long found = strtol(kept->rest, &end, 10);

    if (end == kept->rest)
        _exit(3);
    kept->rest = end;
    return found;
}

static object *domain_of(unsigned int slot)
{
    return cc_domain((unsigned int)kept->slots[slot][1]);
}

static void run(unsigned int nodes, unsigned int domains)
{
    unsigned int i, j, fields, entries, nr_arguments, op = (unsigned int)number();
    long actor = number(), returned;
    size_t used;

    kept->nr_held = kept->next_scripted = 0;
    cc_setup(nodes, domains);
    for (i = 0; i < kept->nr_slots; i++)
        cc_set_counters((unsigned int)kept->slots[i][0], domain_of(i), (unsigned int)kept->slots[i][2], number());
    entries = (unsigned int)number();
    fields = (unsigned int)number();
    for (i = 0; i < entries; i++)
        for (j = 0; j < fields; j++)
            cc_set_entries(j, cc_entry(i), number());
    nr_arguments = (unsigned int)number();
    for (i = 0; i < nr_arguments; i++)
        kept->arguments[i] = number();
    kept->nr_scripted = (unsigned int)number();
    for (i = 0; i < kept->nr_scripted; i++)
        kept->scripted[i] = number();

    returned = cc_run(op, nodes, actor < 0 ? NULL : cc_domain((unsigned int)actor), kept->arguments);
    if (kept->nr_held)
        stop("locks\n");
    used = (size_t)snprintf(kept->answer, sizeof(kept->answer), "%ld", returned);
    for (i = 0; i < kept->nr_slots; i++)
        used += (size_t)snprintf(kept->answer + used, sizeof(kept->answer) - used, " %ld",
                                 cc_get_counters((unsigned int)kept->slots[i][0], domain_of(i),
                                                 (unsigned int)kept->slots[i][2]));
    snprintf(kept->answer + used, sizeof(kept->answer) - used, "\n");
    answer(kept->answer);
}

static const char *next_line(const char *line)
{
    return strchr(line, '\n') + 1;
}

/* Runs until one does not return. */
static void runs(unsigned int nodes, unsigned int domains)
{
    size_t size = (size_t)(_end - __data_start);

    for (; *kept->line; kept->line = next_line(kept->line)) {
        memcpy(__data_start, kept->first, size);
        kept->rest = kept->line;
        kept->has_answer = 0;
        run(nodes, domains);
    }
    _exit(0);
}

static char *input(void)
{
    size_t room = 1 << 20, used = 0, got;
    char *text = malloc(room + 1);

    while (text && (got = fread(text + used, 1, room - used, stdin)) > 0) {
        used += got;
        if (used == room)
            text = realloc(text, (room *= 2) + 1);
    }
    if (text)
        text[used] = 0;
    return text;
}

int main(void)
{
    unsigned int i, nodes, domains;
    size_t size = (size_t)(_end - __data_start);

    kept = mmap(NULL, sizeof(*kept), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (kept == MAP_FAILED)
        return 3;
    kept->line = kept->rest = input();
    kept->first = malloc(size);
    if (!kept->line || !kept->first)
        return 3;
    nodes = (unsigned int)number();
    domains = (unsigned int)number();
    kept->nr_slots = (unsigned int)number();
    if (kept->nr_slots > MOST)
        return 3;
    for (i = 0; i < kept->nr_slots * 3; i++)
        kept->slots[i / 3][i % 3] = number();
    memcpy(kept->first, __data_start, size);
    for (kept->line = next_line(kept->line); *kept->line; kept->line = next_line(kept->line)) {
        int status;
        pid_t child = fork();

        if (child < 0)
            return 3;
        if (!child)
            runs(nodes, domains);
        if (waitpid(child, &status, 0) != child)
            return 3;
        if (!*kept->line)
            break;
        if (!kept->has_answer && printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0) < 0)
            return 3;
        fflush(stdout);
    }
    return 0;
}
