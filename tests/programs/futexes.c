// futex(2) itself: what it gives, when it waits and for how long, whom it wakes, and its errors.
#include "say.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long futex(void *at, int operation, uint32_t value, const void *time, void *second, uint32_t third) {
    return syscall(SYS_futex, at, operation, value, time, second, third);
}

static _Atomic uint32_t words[4];
static atomic_int waiting, woken;

struct wait {
    int word, operation;
    uint32_t bits;
};

static void *wait_there(void *argument) {
    struct wait *how = argument;
    waiting++;
    long result;
    do result = futex(&words[how->word], how->operation, 0, NULL, NULL, how->bits);
    while (result < 0 && errno == EINTR);
    woken++;
    return (void *)(result < 0 ? (long)errno : result);
}

static void settle(void) {
    // All that are to wait do: nothing else tells of them.
    usleep(50000);
}

static pthread_t threads[4];

static void start(int count, struct wait *hows) {
    waiting = woken = 0;
    for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, wait_there, &hows[i]);
    while (waiting < count) usleep(1000);
    settle();
}

static void finish(const char *what, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("%s: %d woken, results %ld\n", what, (int)woken, sum);
}

static void waking(int flags) {
    struct wait plain[4] = {{0, FUTEX_WAIT | flags, 0}, {0, FUTEX_WAIT | flags, 0}, {0, FUTEX_WAIT | flags, 0}, {0, FUTEX_WAIT | flags, 0}};
    say("nobody waits", futex(&words[0], FUTEX_WAKE | flags, 1, NULL, NULL, 0));
    start(4, plain);
    say("another word", futex(&words[1], FUTEX_WAKE | flags, 9, NULL, NULL, 0));
    say("two of four", futex(&words[0], FUTEX_WAKE | flags, 2, NULL, NULL, 0));
    settle();
    printf("woken: %d\n", (int)woken);
    say("the others", futex(&words[0], FUTEX_WAKE | flags, INT32_MAX, NULL, NULL, 0));
    finish("four", 4);

    struct wait bits[3] = {{0, FUTEX_WAIT_BITSET | flags, 1}, {0, FUTEX_WAIT_BITSET | flags, 2}, {0, FUTEX_WAIT_BITSET | flags, 6}};
    start(3, bits);
    say("bits of nobody", futex(&words[0], FUTEX_WAKE_BITSET | flags, 9, NULL, NULL, 8));
    say("the second and the third", futex(&words[0], FUTEX_WAKE_BITSET | flags, 9, NULL, NULL, 2));
    say("the first", futex(&words[0], FUTEX_WAKE_BITSET | flags, 9, NULL, NULL, FUTEX_BITSET_MATCH_ANY));
    finish("by bits", 3);
}

static void moving(int flags) {
    struct wait plain[4] = {{0, FUTEX_WAIT | flags, 0}, {0, FUTEX_WAIT | flags, 0}, {0, FUTEX_WAIT | flags, 0}, {0, FUTEX_WAIT | flags, 0}};
    start(4, plain);
    say("changed meanwhile", futex(&words[0], FUTEX_CMP_REQUEUE | flags, 1, (void *)9, &words[1], 77));
    say("one woken, two moved", futex(&words[0], FUTEX_CMP_REQUEUE | flags, 1, (void *)2, &words[1], 0));
    settle();
    printf("woken: %d\n", (int)woken);
    say("left where they were", futex(&words[0], FUTEX_WAKE | flags, 9, NULL, NULL, 0));
    say("where they moved", futex(&words[1], FUTEX_WAKE | flags, 9, NULL, NULL, 0));
    finish("moved", 4);
    start(2, plain);
    say("none woken, all moved", futex(&words[0], FUTEX_REQUEUE | flags, 0, (void *)9, &words[2], 0));
    say("at the new place", futex(&words[2], FUTEX_WAKE | flags, 9, NULL, NULL, 0));
    finish("moved", 2);
}

static long passed(struct timespec since) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since.tv_sec) * 1000 + (now.tv_nsec - since.tv_nsec) / 1000000;
}

static void limits(void) {
    struct timespec before, time = {0, 50000000}, none = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
    clock_gettime(CLOCK_MONOTONIC, &before);
    say("for 50 ms", futex(&words[0], FUTEX_WAIT, 0, &time, NULL, 0));
    printf("not less: %d\n", passed(before) >= 50);
    say("for no time", futex(&words[0], FUTEX_WAIT, 0, &none, NULL, 0));
    say("until the past", futex(&words[0], FUTEX_WAIT_BITSET, 0, &none, NULL, 1));
    for (int clock = 0; clock < 2; clock++) {
        clock_gettime(CLOCK_MONOTONIC, &before);
        clock_gettime(clock ? CLOCK_REALTIME : CLOCK_MONOTONIC, &time);
        time.tv_nsec += 50000000;
        if (time.tv_nsec >= 1000000000) time.tv_sec++, time.tv_nsec -= 1000000000;
        say("until then", futex(&words[0], FUTEX_WAIT_BITSET | (clock ? FUTEX_CLOCK_REALTIME : 0), 0, &time, NULL, 1));
        printf("not less: %d\n", passed(before) >= 49);
    }
    say("another value", futex(&words[0], FUTEX_WAIT, 5, &time, NULL, 0));
    say("a bad time", futex(&words[0], FUTEX_WAIT, 0, &bad, NULL, 0));
    say("a negative time", futex(&words[0], FUTEX_WAIT, 0, &negative, NULL, 0));
    say("a bad time, and another value", futex(&words[0], FUTEX_WAIT, 5, &bad, NULL, 0));
    say("the time is nowhere", futex(&words[0], FUTEX_WAIT, 0, nowhere, NULL, 0));
}

static void errors(void) {
    char *odd = (char *)words + 1;
    say("between words: WAIT", futex(odd, FUTEX_WAIT, 0, NULL, NULL, 0));
    say("between words: WAKE", futex(odd, FUTEX_WAKE, 1, NULL, NULL, 0));
    say("between words: REQUEUE", futex(words, FUTEX_REQUEUE, 1, (void *)1, odd, 0));
    say("nowhere: WAIT", futex(nowhere, FUTEX_WAIT, 0, NULL, NULL, 0));
    say("nowhere: private WAKE", futex(nowhere, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    say("nowhere: CMP_REQUEUE", futex(nowhere, FUTEX_CMP_REQUEUE, 1, (void *)1, &words[1], 0));
    say("nowhere: WAKE_OP", futex(words, FUTEX_WAKE_OP, 1, (void *)1, nowhere, 0));
    say("no bits: WAIT", futex(words, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    say("no bits: WAKE", futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
    say("a negative count of woken", futex(words, FUTEX_REQUEUE, -1, (void *)1, &words[1], 0));
    say("a negative count of moved", futex(words, FUTEX_REQUEUE, 1, (void *)(long)-1, &words[1], 0));
    say("an unknown operation", futex(words, 99, 0, NULL, NULL, 0));
    say("a clock for WAKE", futex(words, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
}

// A word in memory that two processes share.
static void across(void) {
    _Atomic uint32_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        while (shared[0] == 0) futex((void *)shared, FUTEX_WAIT, 0, NULL, NULL, 0);
        _exit(shared[0]);
    }
    usleep(50000);
    shared[0] = 6;
    futex((void *)shared, FUTEX_WAKE, 1, NULL, NULL, 0);
    int status;
    waitpid(child, &status, 0);
    printf("another process: %d\n", WEXITSTATUS(status));
}

int main(void) {
    waking(0);
    waking(FUTEX_PRIVATE_FLAG);
    moving(0);
    moving(FUTEX_PRIVATE_FLAG);
    limits();
    errors();
    across();
    return 0;
}
