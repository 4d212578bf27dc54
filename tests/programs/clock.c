/* The clock by the C library and by system calls: they never disagree, and the library's costs no trap. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TURNS 1000000

static long long nanoseconds(struct timespec time) { return time.tv_sec * 1000000000LL + time.tv_nsec; }

static long long by_library(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) exit(1);
    return nanoseconds(time);
}

static long long by_call(clockid_t clock) {
    struct timespec time;
    if (syscall(SYS_clock_gettime, clock, &time)) exit(2);
    return nanoseconds(time);
}

/* Each is between the two before and after it, whoever tells them. */
static void compare(clockid_t clock, const char *name) {
    long long last = 0;
    int backwards = 0;
    for (int turn = 0; turn < 2000; turn++) {
        long long now = turn & 1 ? by_library(clock) : by_call(clock);
        backwards += now < last;
        last = now;
    }
    printf("%s: %d times backwards\n", name, backwards);
}

int main(int count, char **arguments) {
    if (count > 1 && !strcmp(arguments[1], "library")) {
        for (int turn = 0; turn < TURNS; turn++) by_library(CLOCK_MONOTONIC);
        return 0;
    }
    if (count > 1 && !strcmp(arguments[1], "loop")) {
        long long start = by_call(CLOCK_MONOTONIC), middle, end;
        for (int turn = 0; turn < TURNS; turn++) by_library(CLOCK_MONOTONIC);
        middle = by_call(CLOCK_MONOTONIC);
        for (int turn = 0; turn < TURNS / 10; turn++) by_call(CLOCK_MONOTONIC);
        end = by_call(CLOCK_MONOTONIC);
        printf("library %lld ns, system call %lld ns\n", (middle - start) / TURNS, (end - middle) / (TURNS / 10));
        return 0;
    }
    compare(CLOCK_REALTIME, "realtime");
    compare(CLOCK_MONOTONIC, "monotonic");
    compare(CLOCK_BOOTTIME, "boottime");
    struct timeval wall;
    struct timespec resolution;
    gettimeofday(&wall, 0);
    long long difference = by_call(CLOCK_REALTIME) / 1000 - (wall.tv_sec * 1000000LL + wall.tv_usec);
    printf("gettimeofday %s\n", difference >= 0 && difference < 5000000 ? "agrees" : "disagrees");
    printf("time %s\n", labs(time(0) - wall.tv_sec) < 5 ? "agrees" : "disagrees");
    printf("resolution %d\n", clock_getres(CLOCK_MONOTONIC, &resolution));
    printf("no such clock: %d\n", clock_gettime(99, &resolution));
    printf("processor time: %d\n", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &resolution));
    printf("a vDSO %s\n", getauxval(AT_SYSINFO_EHDR) ? "is there" : "is not there");
    /* Named in the map of the memory, and executable. */
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        if (strstr(line, "[vdso]")) printf("%.4s [vdso]\n", strchr(line, ' ') + 1);
    return 0;
}
