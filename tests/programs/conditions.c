// Barriers, reader-writer locks, condition variables, semaphores and mutexes with time limits.
#include "say.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 6, ROUNDS = 200 };

static const char *name(int error) {
    return error == 0 ? "done" : strerrorname_np(error);
}

static struct timespec in(clockid_t clock, long milliseconds) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000, time.tv_nsec %= 1000000000;
    return time;
}

static pthread_barrier_t barrier;
static atomic_int arrived, serial, early;

static void *meet(void *unused) {
    for (int round = 0; round < ROUNDS; round++) {
        arrived++;
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) serial++;
        early += arrived < (round + 1) * THREADS;
        pthread_barrier_wait(&barrier);
    }
    return unused;
}

static void run(void *(*work)(void *)) {
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static long one, two, torn;

static void *read_or_write(void *number) {
    for (int round = 0; round < ROUNDS; round++) {
        if ((long)number % 3 == 0) {
            pthread_rwlock_wrlock(&rwlock);
            one++, two++;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            if (one != two) torn++;
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return NULL;
}

static void *try_locks(void *unused) {
    struct timespec soon = in(CLOCK_REALTIME, 30);
    printf("timedrdlock: %s\n", name(pthread_rwlock_timedrdlock(&rwlock, &soon)));
    soon = in(CLOCK_MONOTONIC, 30);
    printf("clockwrlock: %s\n", name(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &soon)));
    printf("tryrdlock: %s\n", name(pthread_rwlock_tryrdlock(&rwlock)));
    return unused;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int ready, passed;

static void *wait_ready(void *unused) {
    pthread_mutex_lock(&mutex);
    struct timespec late = in(CLOCK_REALTIME, 20000);
    int result = 0;
    while (!ready && result == 0) result = pthread_cond_timedwait(&condition, &mutex, &late);
    passed += result == 0;
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void *announce(void *unused) {
    usleep(30000);
    pthread_mutex_lock(&mutex);
    ready = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void *try_mutex(void *unused) {
    struct timespec soon = in(CLOCK_REALTIME, 30), bad = {1, 1000000000};
    printf("timedlock: %s\n", name(pthread_mutex_timedlock(&mutex, &soon)));
    soon = in(CLOCK_MONOTONIC, 30);
    printf("clocklock: %s\n", name(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &soon)));
    printf("a bad time: %s\n", name(pthread_mutex_timedlock(&mutex, &bad)));
    return unused;
}

static sem_t semaphore;

static void *post(void *unused) {
    sem_post(&semaphore);
    return unused;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, THREADS);
    run(meet);
    printf("arrived %d, one told of each round: %d, too early %d\n", (int)arrived, (int)serial, (int)early);

    run(read_or_write);
    printf("written %ld, torn %ld\n", one, torn);
    pthread_rwlock_wrlock(&rwlock);
    pthread_create(&thread, NULL, try_locks, NULL);
    pthread_join(thread, NULL);
    pthread_rwlock_unlock(&rwlock);

    pthread_create(&thread, NULL, announce, NULL);
    run(wait_ready);
    pthread_join(thread, NULL);
    printf("passed %d\n", passed);
    pthread_mutex_lock(&mutex);
    struct timespec soon = in(CLOCK_REALTIME, 30);
    printf("timedwait: %s\n", name(pthread_cond_timedwait(&condition, &mutex, &soon)));
    soon = in(CLOCK_MONOTONIC, 30);
    printf("clockwait: %s\n", name(pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &soon)));
    struct timespec past = {0, 0};
    printf("until the past: %s\n", name(pthread_cond_timedwait(&condition, &mutex, &past)));
    pthread_create(&thread, NULL, try_mutex, NULL);
    pthread_join(thread, NULL);
    pthread_mutex_unlock(&mutex);

    sem_init(&semaphore, 0, 0);
    say("trywait", sem_trywait(&semaphore));
    soon = in(CLOCK_REALTIME, 30);
    say("timedwait", sem_timedwait(&semaphore, &soon));
    run(post);
    for (int i = 0; i < THREADS; i++) sem_wait(&semaphore);
    say("all were had", sem_trywait(&semaphore));
    return 0;
}
