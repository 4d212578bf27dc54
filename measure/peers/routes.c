/*
 * Looks addresses up with DPDK's rte_lpm and rte_fib, as measure/src/engine/routes.rs says:  routes CPU
 * It answers `ok` when it has started, and then line by line:
 *   build rte_lpm|rte_fib ROUTES  -> ok SECONDS BYTES: of the build, of what it holds
 *   load ADDRESSES                -> ok
 *   answers BATCH TO              -> ok; for each address 1 when it has a route, or 0
 *   time BATCH NS                 -> ok NANOSECONDS: for one address, over at least so many
 * An answer that does not begin with `ok` says what is wrong.
 */
#include "peer.h"
#include <rte_fib.h>
#include <rte_lpm.h>

#define BATCH 64

struct route {
    uint32_t address, length;
};

static struct rte_lpm *lpm;
static struct rte_fib *fib;
static uint32_t *addresses, *results;
static size_t count, position;

/* How many blocks of 256 addresses have routes of their own: the routes are in order. */
static uint32_t count_blocks(const struct route *routes, size_t number) {
    uint32_t blocks = 0, last = 0;
    for (size_t at = 0; at < number; at++) {
        if (routes[at].length > 24 && (!blocks || routes[at].address >> 8 != last)) {
            last = routes[at].address >> 8;
            blocks++;
        }
    }
    return blocks;
}

static int create(const char *name, size_t number, uint32_t blocks) {
    if (!strcmp(name, "rte_lpm")) {
        struct rte_lpm_config config = {.max_rules = number + 1, .number_tbl8s = blocks + 1};
        lpm = rte_lpm_create("routes", SOCKET_ID_ANY, &config);
        return lpm ? 0 : -1;
    }
    struct rte_fib_conf config = {.type = RTE_FIB_DIR24_8, .default_nh = 0, .max_routes = 2 * number,
        .dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = blocks + 1}};
    fib = rte_fib_create("routes", SOCKET_ID_ANY, &config);
    return fib ? 0 : -1;
}

static void build(const char *name, const char *path) {
    size_t number;
    struct route *routes = read_array(path, sizeof *routes, &number);
    if (!routes) {
        answer("the routes cannot be read");
        return;
    }
    double before = allocated(), begun = now_ns();
    if (create(name, number, count_blocks(routes, number)) != 0) {
        answer("%s cannot be created", name);
        return;
    }
    for (size_t at = 0; at < number; at++) {
        int failed = lpm ? rte_lpm_add(lpm, routes[at].address, routes[at].length, 1)
                         : rte_fib_add(fib, routes[at].address, routes[at].length, 1);
        if (failed) {
            answer("route %zu cannot be added: %s", at, strerror(-failed));
            return;
        }
    }
    answer("ok %f %f", (now_ns() - begun) / 1e9, allocated() - before);
    free(routes);
}

static void load(const char *path) {
    free(addresses);
    free(results);
    addresses = read_array(path, sizeof *addresses, &count);
    results = malloc((count + 1) * sizeof *results);
    position = 0;
    answer(addresses && results ? "ok" : "the addresses cannot be read");
}

/* Looks up some addresses, at most BATCH. */
static void look_up_batch(const uint32_t *from, uint32_t *to, size_t length) {
    if (lpm && length == 1) {
        uint32_t hop;
        *to = rte_lpm_lookup(lpm, *from, &hop) == 0;
    } else if (lpm) {
        rte_lpm_lookup_bulk(lpm, from, to, length);
        for (size_t at = 0; at < length; at++)
            to[at] = (to[at] & RTE_LPM_LOOKUP_SUCCESS) != 0;
    } else {
        uint64_t hops[BATCH];
        rte_fib_lookup_bulk(fib, (uint32_t *)from, hops, length);
        for (size_t at = 0; at < length; at++)
            to[at] = hops[at] != 0;
    }
}

/* Looks up `number` addresses from `position` on, or as many as there are; returns how many. */
static size_t look_up(size_t batch, size_t number) {
    size_t end = position + number < count ? position + number : count, begun = position;
    if (batch == 1)
        for (size_t at = position; at < end; at++)
            look_up_batch(&addresses[at], &results[at], 1);
    else
        for (size_t at = position; at < end; at += batch)
            look_up_batch(&addresses[at], &results[at], end - at < batch ? end - at : batch);
    position = end == count ? 0 : end;
    return end - begun;
}

int main(int argc, char **argv) {
    char line[4096], name[16], path[4000];
    size_t batch;
    double least;
    if (argc != 2 || start_dpdk(argv[0], argv[1]) < 0) {
        answer("DPDK does not start");
        return 1;
    }
    answer("ok");
    while (fgets(line, sizeof line, stdin)) {
        int built = lpm || fib;
        if (sscanf(line, "build %15s %3999s", name, path) == 2 && !built) {
            build(name, path);
        } else if (sscanf(line, "load %3999s", path) == 1) {
            load(path);
        } else if (sscanf(line, "answers %zu %3999s", &batch, path) == 2 && built && count && batch - 1 < BATCH) {
            position = 0;
            look_up(batch, count);
            answer(write_array(path, results, sizeof *results, count) ? "the answers cannot be written" : "ok");
        } else if (sscanf(line, "time %zu %lf", &batch, &least) == 2 && built && count && batch - 1 < BATCH) {
            measure(look_up, batch, least);
        } else {
            answer("not understood: %s", strtok(line, "\n"));
        }
    }
    return 0;
}
