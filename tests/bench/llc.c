// SPDX-License-Identifier: Apache-2.0
/*
 * A plugin of QEMU's: a model of a shared last-level cache, physically indexed, with LRU replacement, that counts who misses
 * in it and whose lines he evicts.
 *
 * It sees the data accesses of all CPUs, each as one line (or two, where it crosses a line's end). What it does not see are
 * instruction fetches and the walks of translation tables: that these have their colours, too, `configtool verify` shows.
 * There is no level 1 before it, so that every access counts.
 *
 * Arguments: sets=N,ways=N,line=N: of the cache; base=ADDRESS: of RAM; pages=FILE: a byte for each 4 KiB page from `base` on,
 * the owner whose access it is, or 0: that of the CPU; cpus=A:B:...: the owner that each CPU stands for; owners=N;
 * probes=A:B:...: words that are read once at boot, before any guest runs: that is left out; out=FILE: where the counters
 * go, as JSON.
 *
 * The interface is QEMU's for TCG plugins ("QEMU TCG Plugins", API of qemu-plugin.h, version 2 and later), declared here as
 * far as it is used, as Debian has no package with that header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
typedef void (*translated_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*memory_cb)(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data);
typedef void (*exit_cb)(qemu_plugin_id_t id, void *data);
enum { NO_REGISTERS = 0, READ_AND_WRITE = 3 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_cb callback);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, memory_cb callback, int registers, int accesses,
                                      void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_cb callback, void *data);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t address);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *address);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *address);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);

#define EXPORT __attribute__((visibility("default")))
EXPORT extern const int qemu_plugin_version;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

const int qemu_plugin_version = 2;

#define OWNERS_MAX 64
#define CPUS_MAX   64
#define WAYS_MAX   64
#define PROBES_MAX 16

/* One way of a set; the first of a set is the most recently used. */
struct line {
    uint64_t number; /* physical address / line size + 1; 0: empty */
    uint8_t owner;   /* who brought it */
};

static struct {
    uint64_t sets, ways, line, base, page_count, owner_count, cpu_count;
    uint8_t *pages;
    uint8_t cpus[CPUS_MAX];
    uint64_t probes[PROBES_MAX]; /* 0: it has been */
    uint64_t probe_count;
    const char *out;
    struct line *lines;
    uint64_t accesses[OWNERS_MAX], misses[OWNERS_MAX], evicted[OWNERS_MAX][OWNERS_MAX]; /* [whose line][by whom] */
} cache;

static void touch(uint64_t number, uint8_t owner)
{
    struct line *set = &cache.lines[number % cache.sets * cache.ways];
    struct line found = {number + 1, owner};
    uint64_t way = 0;

    cache.accesses[owner]++;
    while (way < cache.ways - 1 && set[way].number != number + 1 && set[way].number != 0)
        way++;
    if (set[way].number != number + 1) {
        cache.misses[owner]++;
        if (set[way].number != 0)
            cache.evicted[set[way].owner][owner]++;
    } else {
        found.owner = set[way].owner;
    }
    memmove(set + 1, set, way * sizeof(*set));
    set[0] = found;
}

/* Of one thread at a time: -icount runs all CPUs in one. */
static void on_access(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    const struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, address);
    uint64_t first, last, page;
    uint8_t owner;

    (void)data;
    if (where == NULL || qemu_plugin_hwaddr_is_io(where) || cpu >= cache.cpu_count)
        return;
    first = qemu_plugin_hwaddr_phys_addr(where);
    last = first + (1u << qemu_plugin_mem_size_shift(info)) - 1;
    for (uint64_t i = 0; i < cache.probe_count; i++) {
        if (cache.probes[i] == first) {
            cache.probes[i] = 0;
            return;
        }
    }
    page = (first - cache.base) / 4096;
    owner = first >= cache.base && page < cache.page_count ? cache.pages[page] : 0;
    if (owner == 0)
        owner = cache.cpus[cpu];
    touch(first / cache.line, owner);
    if (last / cache.line != first / cache.line && last / 4096 == first / 4096)
        touch(last / cache.line, owner);
}

static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), on_access, NO_REGISTERS, READ_AND_WRITE, NULL);
}

static void write_row(FILE *out, const char *name, const uint64_t *values, const char *end)
{
    fprintf(out, "%s[", name);
    for (uint64_t i = 0; i < cache.owner_count; i++)
        fprintf(out, "%s%" PRIu64, i != 0 ? ", " : "", values[i]);
    fprintf(out, "]%s", end);
}

static void on_exit_(qemu_plugin_id_t id, void *data)
{
    FILE *out = fopen(cache.out, "w");

    (void)id;
    (void)data;
    if (out == NULL)
        return;
    fprintf(out, "{");
    write_row(out, "\"accesses\": ", cache.accesses, ",\n ");
    write_row(out, "\"misses\": ", cache.misses, ",\n \"evicted\": [");
    for (uint64_t i = 0; i < cache.owner_count; i++)
        write_row(out, "", cache.evicted[i], i + 1 < cache.owner_count ? ",\n  " : "]}\n");
    fclose(out);
}

static bool read_pages(const char *name)
{
    FILE *in = fopen(name, "rb");
    long size;

    if (in == NULL || fseek(in, 0, SEEK_END) != 0 || (size = ftell(in)) <= 0)
        return false;
    rewind(in);
    cache.page_count = (uint64_t)size;
    cache.pages = malloc((size_t)size);
    if (cache.pages == NULL || fread(cache.pages, 1, (size_t)size, in) != (size_t)size)
        return false;
    fclose(in);
    return true;
}

static bool argument(const char *name, const char *value)
{
    static const struct {
        const char *name;
        uint64_t *value;
    } numbers[] = {{"sets", &cache.sets},
                   {"ways", &cache.ways},
                   {"line", &cache.line},
                   {"base", &cache.base},
                   {"owners", &cache.owner_count}};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].value = strtoull(value, NULL, 0);
            return true;
        }
    }
    if (strcmp(name, "pages") == 0)
        return read_pages(value);
    if (strcmp(name, "out") == 0) {
        cache.out = strdup(value);
        return cache.out != NULL;
    }
    if (strcmp(name, "probes") == 0) {
        for (char *at = (char *)value; cache.probe_count < PROBES_MAX; at++) {
            cache.probes[cache.probe_count++] = strtoull(at, &at, 0);
            if (*at != ':')
                break;
        }
        return true;
    }
    if (strcmp(name, "cpus") != 0)
        return false;
    for (char *at = (char *)value; cache.cpu_count < CPUS_MAX; at++) {
        cache.cpus[cache.cpu_count++] = (uint8_t)strtoul(at, &at, 10);
        if (*at != ':')
            break;
    }
    return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (value == NULL)
            return -1;
        *value++ = '\0';
        if (!argument(argv[i], value)) {
            fprintf(stderr, "llc: %s=%s is no argument, or cannot be read\n", argv[i], value);
            return -1;
        }
    }
    if (cache.sets == 0 || cache.ways == 0 || cache.ways > WAYS_MAX || cache.line == 0 || cache.out == NULL ||
        cache.pages == NULL || cache.owner_count == 0 || cache.owner_count > OWNERS_MAX)
        return -1;
    cache.lines = calloc(cache.sets * cache.ways, sizeof(*cache.lines));
    if (cache.lines == NULL)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    qemu_plugin_register_atexit_cb(id, on_exit_, NULL);
    return 0;
}
