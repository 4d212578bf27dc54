// Threads that run at the same time on several processors: what one does to memory that others use, signals to threads
// that run, and handing over. What it prints does not depend on how many processors there are.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, THREADS = 4, ROUNDS = 20 };

static void check(int holds, const char *what) {
    if (!holds) {
        printf("not so: %s\n", what);
        fflush(stdout);
        _exit(1);
    }
}

static cpu_set_t allowed;

static void *start(pthread_t *thread, void *(*work)(void *), long argument) {
    check(pthread_create(thread, NULL, work, (void *)argument) == 0, "a thread starts");
    return thread;
}

static void *new_pages(int count) {
    void *at = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(at != MAP_FAILED, "memory is mapped");
    return at;
}

// Each thread runs where it says, one after the other and all together.
static void *run_there(void *argument) {
    int number = (int)(long)argument;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(number, &set);
    check(sched_setaffinity(0, sizeof set, &set) == 0, "a thread chooses its processor");
    for (int i = 0; i < 50; i++) {
        check(sched_getcpu() == number, "it runs there");
        sched_yield();
    }
    CPU_ZERO(&set);
    check(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 && CPU_ISSET(number, &set), "it is told so");
    return NULL;
}

static void everywhere(void) {
    pthread_t threads[64];
    int count = 0;
    for (int number = 0; number < 64; number++)
        if (CPU_ISSET(number, &allowed)) start(&threads[count++], run_there, number);
    while (count > 0) pthread_join(threads[--count], NULL);
    cpu_set_t none;
    CPU_ZERO(&none);
    check(sched_setaffinity(0, sizeof none, &none) != 0, "a thread runs somewhere");
    printf("threads run where they choose\n");
}

// Two threads hand over to each other without the kernel: on one processor each time takes a slice.
static atomic_int whose;
static int handovers;

static void *hand_over(void *argument) {
    int own = (int)(long)argument;
    for (int i = 0; i < handovers; i++) {
        while (atomic_load(&whose) != own) {}
        atomic_store(&whose, 1 - own);
    }
    return NULL;
}

static void at_the_same_time(void) {
    pthread_t threads[2];
    handovers = CPU_COUNT(&allowed) > 1 ? 10000 : 10;
    for (long i = 0; i < 2; i++) start(&threads[i], hand_over, i);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("threads hand over without the kernel\n");
}

static atomic_long sum, exchanged;

static void *add(void *argument) {
    for (int i = 0; i < 50000; i++) {
        atomic_fetch_add(&sum, (long)argument);
        long old = atomic_load(&exchanged);
        while (!atomic_compare_exchange_weak(&exchanged, &old, old + 1)) {}
    }
    return NULL;
}

static void atomics(void) {
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) start(&threads[i], add, i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("sum %ld, exchanged %ld\n", atomic_load(&sum), atomic_load(&exchanged));
}

// Memory that one thread changes while others use it. Each has a place to come back to when it is refused.
static volatile long *page;
static atomic_int stop, refused, go, foreign;
static __thread sigjmp_buf back;

static void on_fault(int signal) {
    (void)signal;
    siglongjmp(back, 1);
}

static void wait_for_go(int round) {
    atomic_fetch_add(&refused, 1);
    while (atomic_load(&go) <= round) sched_yield();
}

static void *write_on(void *argument) {
    for (volatile int round = 0; round < ROUNDS; round++) {
        if (sigsetjmp(back, 1) == 0)
            for (;;) page[(long)argument]++;
        wait_for_go(round);
    }
    return NULL;
}

// Nothing is written once mprotect has come back, wherever the writers run.
static void protection(void) {
    pthread_t threads[THREADS];
    page = new_pages(1);
    for (long i = 0; i < THREADS; i++) start(&threads[i], write_on, i);
    for (int round = 0; round < ROUNDS; round++) {
        long first = page[round % THREADS];
        for (int i = 0; i < 1000 && page[round % THREADS] == first; i++) {}
        check(mprotect((void *)page, PAGE, PROT_READ) == 0, "a page is protected");
        long before[THREADS];
        for (int i = 0; i < THREADS; i++) before[i] = page[i];
        for (int again = 0; again < 20000; again++)
            check(page[again % THREADS] == before[again % THREADS], "a page that is protected stays as it is");
        while (atomic_load(&refused) < THREADS) sched_yield();
        for (int i = 0; i < THREADS; i++) check(page[i] == before[i], "a page that is protected stays as it is");
        atomic_store(&refused, 0);
        check(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) == 0, "a page is free again");
        atomic_store(&go, round + 1);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    munmap((void *)page, PAGE);
    printf("no write after mprotect\n");
}

// What a page holds that no access reaches any more comes back as it was last written.
static void *count_on(void *argument) {
    volatile long *own = &page[(long)argument * 8];
    volatile long count = 0;
    for (volatile int round = 0; round < ROUNDS; round++) {
        if (sigsetjmp(back, 1) == 0) {
            // The write that was refused was not done, the one before was.
            long found = *own;
            if (found != count && found != count + 1) atomic_fetch_add(&foreign, 1);
            count = found;
            for (;;) {
                *own = count + 1;
                count++;
            }
        }
        wait_for_go(round);
    }
    return NULL;
}

static void no_access(void) {
    pthread_t threads[THREADS];
    page = new_pages(1);
    atomic_store(&go, 0);
    for (long i = 0; i < THREADS; i++) start(&threads[i], count_on, i);
    for (int round = 0; round < ROUNDS; round++) {
        long first = page[0];
        for (int i = 0; i < 1000 && page[0] == first; i++) {}
        check(mprotect((void *)page, PAGE, PROT_NONE) == 0, "a page is closed");
        while (atomic_load(&refused) < THREADS) sched_yield();
        atomic_store(&refused, 0);
        check(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) == 0, "a page is open again");
        atomic_store(&go, round + 1);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    munmap((void *)page, PAGE);
    printf("writes lost to PROT_NONE: %d\n", atomic_load(&foreign));
}

static void *read_on(void *argument) {
    (void)argument;
    for (volatile int round = 0; round < ROUNDS; round++) {
        if (sigsetjmp(back, 1) == 0)
            for (;;)
                if (page[0] != 1 && page[0] != 0) atomic_fetch_add(&foreign, 1);
        wait_for_go(round);
    }
    return NULL;
}

// Nobody reads what a page is used for once it has been given back.
static void unmapping(void) {
    pthread_t threads[THREADS];
    page = new_pages(1);
    page[0] = 1;
    atomic_store(&go, 0);
    for (long i = 0; i < THREADS; i++) start(&threads[i], read_on, i);
    for (int round = 0; round < ROUNDS; round++) {
        volatile long *others = new_pages(16);
        check(munmap((void *)page, PAGE) == 0, "a page is unmapped");
        // Its memory is what the kernel gives next for these, if it gives it.
        for (int i = 0; i < 16; i++) others[i * PAGE / 8] = 77;
        while (atomic_load(&refused) < THREADS) sched_yield();
        atomic_store(&refused, 0);
        void *same = mmap((void *)page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        check(same == (void *)page, "a page is mapped where it was");
        page[0] = 1;
        munmap((void *)others, 16 * PAGE);
        atomic_store(&go, round + 1);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    munmap((void *)page, PAGE);
    printf("foreign content read: %d\n", atomic_load(&foreign));
}

static atomic_long generation;

static void *compare(void *argument) {
    (void)argument;
    while (!atomic_load(&stop)) {
        long known = atomic_load(&generation);
        long seen = page[0];
        // 0: the next page is there already.
        if (seen != 0 && seen < known) atomic_fetch_add(&foreign, 1);
    }
    return NULL;
}

// A page that stands in the place of another is seen by all at once.
static void replacing(void) {
    pthread_t threads[THREADS - 1];
    page = new_pages(1);
    for (long i = 0; i < THREADS - 1; i++) start(&threads[i], compare, i);
    for (long round = 1; round <= 4 * ROUNDS; round++) {
        void *same = mmap((void *)page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        check(same == (void *)page, "a page is replaced");
        page[0] = round;
        atomic_store(&generation, round);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS - 1; i++) pthread_join(threads[i], NULL);
    munmap((void *)page, PAGE);
    printf("old pages seen: %d\n", atomic_load(&foreign));
}

static void *map_and_unmap(void *argument) {
    long number = (long)argument + 1;
    for (int round = 0; round < ROUNDS; round++) {
        int count = 1 + (round * 7 + (int)number) % 9;
        long *pages = new_pages(count), value = number << 32 | round;
        for (int i = 0; i < count * PAGE / 8; i += 64) {
            check(pages[i] == 0, "new memory is empty");
            pages[i] = value;
        }
        if (round % 3 == 0) sched_yield();
        for (int i = 0; i < count * PAGE / 8; i += 64) check(pages[i] == value, "memory holds what its thread wrote");
        if (round % 2 == 0) {
            check(mprotect(pages, count * PAGE, PROT_READ) == 0, "memory is protected");
            check(madvise(pages, count * PAGE, MADV_DONTNEED) == 0 && pages[0] == 0, "memory is empty again");
        }
        check(munmap(pages, count * PAGE) == 0, "memory is given back");
    }
    return NULL;
}

static void churn(void) {
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) start(&threads[i], map_and_unmap, i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("every page held what its thread wrote\n");
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;

static void *take_turns(void *argument) {
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        while (turn % 2 != (int)(long)argument) pthread_cond_wait(&changed, &lock);
        turn++;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void turns(void) {
    pthread_t threads[2];
    for (long i = 0; i < 2; i++) start(&threads[i], take_turns, i);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("turns %d\n", turn);
}

static atomic_int told;

static void on_signal(int signal) {
    (void)signal;
    atomic_fetch_add(&told, 1);
}

static void *spin(void *argument) {
    (void)argument;
    while (!atomic_load(&stop)) {}
    return NULL;
}

// Threads that make no call are reached by signals all the same.
static void signals(void) {
    pthread_t threads[THREADS];
    signal(SIGUSR1, on_signal);
    atomic_store(&stop, 0);
    for (long i = 0; i < THREADS; i++) start(&threads[i], spin, i);
    for (int round = 0; round < ROUNDS; round++) {
        int before = atomic_load(&told);
        check(pthread_kill(threads[round % THREADS], SIGUSR1) == 0, "a signal is sent");
        while (atomic_load(&told) == before) sched_yield();
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("signals %d\n", atomic_load(&told));
}

static void *nothing(void *argument) {
    return argument;
}

static void *start_others(void *argument) {
    for (long i = 0; i < 100; i++) {
        pthread_t thread;
        void *result;
        start(&thread, nothing, i);
        check(pthread_join(thread, &result) == 0 && result == (void *)i, "a thread ends with its result");
    }
    return argument;
}

static void starts(void) {
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) start(&threads[i], start_others, i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("threads come and go\n");
}

// How many processors each source tells of.
static int count(void) {
    char line[256];
    int listed = 0, timed = 0;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) listed += strncmp(line, "processor\t", 10) == 0;
    file = fopen("/proc/stat", "r");
    while (file && fgets(line, sizeof line, file)) timed += strncmp(line, "cpu", 3) == 0 && line[3] != ' ';
    unsigned cpu = 99, node = 99;
    check(getcpu(&cpu, &node) == 0 && node == 0 && CPU_ISSET(cpu, &allowed), "getcpu tells where it runs");
    printf("online %ld, configured %ld, allowed %d, listed %d, timed %d\n", sysconf(_SC_NPROCESSORS_ONLN),
           sysconf(_SC_NPROCESSORS_CONF), CPU_COUNT(&allowed), listed, timed);
    return 0;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    check(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "the processors are told");
    if (argc > 1 && strcmp(argv[1], "count") == 0) return count();
    signal(SIGSEGV, on_fault);
    everywhere();
    at_the_same_time();
    atomics();
    protection();
    no_access();
    unmapping();
    replacing();
    churn();
    turns();
    signals();
    starts();
    // The end of the program ends threads that make no call.
    atomic_store(&stop, 0);
    for (long i = 0; i < THREADS; i++) {
        pthread_t thread;
        start(&thread, spin, i);
    }
    printf("the end\n");
    return 3;
}
