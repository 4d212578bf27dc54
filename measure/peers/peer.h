/* What the peers share: lines in, lines out, and time. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_memory.h>

/* The processor time of this process: without what others take of the processor. */
static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

static int ask_large_pages(const struct rte_memseg_list *list, void *unused) {
    (void)unused;
    /* Where the host has none, the small ones do. */
    (void)madvise(list->base_va, list->len, MADV_HUGEPAGE);
    return 0;
}

/* Starts DPDK without devices, reserved memory or files, on one processor. */
static int start_dpdk(const char *name, const char *cpu) {
    char *arguments[] = {(char *)name, "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf",
        "-m", "3072", "--log-level=critical", "--force-max-simd-bitwidth=512", "-l", (char *)cpu, NULL};
    int started = rte_eal_init(sizeof arguments / sizeof arguments[0] - 1, arguments);
    if (started >= 0)
        rte_memseg_list_walk(ask_large_pages, NULL);
    return started;
}

/* Bytes that DPDK has given out. */
static double allocated(void) {
    struct rte_malloc_socket_stats stats;
    double bytes = 0;
    for (unsigned int at = 0; at < rte_socket_count(); at++)
        if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(at), &stats) == 0)
            bytes += stats.heap_allocsz_bytes;
    return bytes;
}

/* A file as a whole: an array of `size` bytes each, whose count it sets. NULL when it cannot be read. */
static void *read_array(const char *path, size_t size, size_t *count) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *count = ftell(file) / size;
    rewind(file);
    void *array = malloc(*count * size + 1);
    if (array && fread(array, size, *count, file) != *count) {
        free(array);
        array = NULL;
    }
    fclose(file);
    return array;
}

static int write_array(const char *path, const void *array, size_t size, size_t count) {
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    size_t written = fwrite(array, size, count, file);
    return fclose(file) == 0 && written == count ? 0 : -1;
}

/* One line on standard output, at once. */
static void answer(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

/* Has keys looked up, `batch` at a time, until `least` nanoseconds are over, and says how long each took. `look_up` takes the
   next so many, or as many as there are, and returns how many. The clock is read about every millisecond. */
static void measure(size_t (*look_up)(size_t batch, size_t number), size_t batch, double least) {
    size_t slice = batch, handled = 0;
    double begun = now_ns(), now = begun;
    while (now - begun < least) {
        handled += look_up(batch, slice);
        double before = now;
        now = now_ns();
        if (now - before < 1e6 && slice < 1 << 14)
            slice *= 2;
    }
    answer("ok %f", (now - begun) / handled);
}
