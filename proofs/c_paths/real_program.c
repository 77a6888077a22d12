/*
 * Runs functions of a C file on given numbers, each in a process of its own: what claimcheck diff --c says of a path is
 * what the compiled code does. A line of numbers on standard input, a line on standard output.
 *
 * Licence: Apache-2.0
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
static long slots[MOST][3], scripted[MOST];
static unsigned int nr_slots, nr_scripted, next_scripted;
static const volatile void *held[64];
static unsigned int nr_held;

static void stop(const char *why)
{
    size_t length = strlen(why);

    if (write(1, why, length) < (ssize_t)length)
        _exit(2);
    _exit(0);
}

void cc_lock(const volatile void *lock);
void cc_unlock(const volatile void *lock);
int cc_is_locked(const volatile void *lock);
void cc_crash(void);
int cc_has_block(unsigned int node, unsigned long pages);
unsigned long cc_block(unsigned int node);
int cc_flag(unsigned int number);
void cc_answer(unsigned int number, long value);

int cc_is_locked(const volatile void *lock)
{
    unsigned int i;

    for (i = 0; i < nr_held; i++)
        if (held[i] == lock)
            return 1;
    return 0;
}

void cc_lock(const volatile void *lock)
{
    if (cc_is_locked(lock) || nr_held == 64)
        stop("locks\n");
    held[nr_held++] = lock;
}

void cc_unlock(const volatile void *lock)
{
    unsigned int i;

    if (!cc_is_locked(lock))
        stop("locks\n");
    for (i = 0; held[i] != lock; i++)
        ;
    held[i] = held[--nr_held];
}

void cc_crash(void)
{
    stop("crash\n");
}

static long next(void)
{
    if (next_scripted == nr_scripted)
        stop("more answers needed than expected\n");
    return scripted[next_scripted++];
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
    long found;

    if (scanf("%ld", &found) != 1)
        _exit(3);
    return found;
}

static void run(unsigned int nodes, unsigned int domains)
{
    static char text[32 * MOST];
    static long arguments[16];
    unsigned int i, j, fields, entries, nr_arguments, op = (unsigned int)number();
    long actor = number(), returned;
    size_t used = 0;

    cc_setup(nodes, domains);
    for (i = 0; i < nr_slots; i++)
        cc_set_counters((unsigned int)slots[i][0], cc_domain((unsigned int)slots[i][1]), (unsigned int)slots[i][2], number());
    entries = (unsigned int)number();
    fields = (unsigned int)number();
    for (i = 0; i < entries; i++)
        for (j = 0; j < fields; j++)
            cc_set_entries(j, cc_entry(i), number());
    nr_arguments = (unsigned int)number();
    for (i = 0; i < nr_arguments; i++)
        arguments[i] = number();
    nr_scripted = (unsigned int)number();
    for (i = 0; i < nr_scripted; i++)
        scripted[i] = number();

    returned = cc_run(op, nodes, actor < 0 ? NULL : cc_domain((unsigned int)actor), arguments);
    if (nr_held)
        stop("locks\n");
    used += (size_t)snprintf(text, sizeof(text), "%ld", returned);
    for (i = 0; i < nr_slots; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, " %ld",
                                 cc_get_counters((unsigned int)slots[i][0], cc_domain((unsigned int)slots[i][1]),
                                                 (unsigned int)slots[i][2]));
    snprintf(text + used, sizeof(text) - used, "\n");
    stop(text);
}

int main(void)
{
    static char line[1 << 20];
    unsigned int i, nodes, domains;

    nodes = (unsigned int)number();
    domains = (unsigned int)number();
    nr_slots = (unsigned int)number();
    if (nr_slots > MOST)
        return 3;
    for (i = 0; i < nr_slots; i++) {
        slots[i][0] = number();
        slots[i][1] = number();
        slots[i][2] = number();
    }
    if (!fgets(line, sizeof(line), stdin))
        return 3;
    setvbuf(stdout, NULL, _IONBF, 0);
    while (fgets(line, sizeof(line), stdin)) {
        int status;
        pid_t child = fork();

        if (child < 0)
            return 3;
        if (!child) {
            stdin = fmemopen(line, strlen(line), "r");
            run(nodes, domains);
        }
        if (waitpid(child, &status, 0) != child)
            return 3;
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
    return 0;
}
