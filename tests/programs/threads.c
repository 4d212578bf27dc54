// Threads, a mutex, condition variables and thread-local storage; what it prints does not depend on the schedule.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 8, ROUNDS = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static long total;
static int turn;
static __thread long own = 7;
static pthread_key_t key;
static int destroyed;

static void destroy(void *value) {
    pthread_mutex_lock(&lock);
    destroyed += *(int *)value;
    pthread_mutex_unlock(&lock);
    free(value);
}

static void *work(void *argument) {
    int number = (int)(long)argument;
    int *mine = malloc(sizeof *mine);
    *mine = number;
    pthread_setspecific(key, mine);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        total += number;
        own += 1;
        pthread_mutex_unlock(&lock);
    }
    // Each prints in its turn: a condition variable that many wait on.
    pthread_mutex_lock(&lock);
    while (turn != number) pthread_cond_wait(&turn_changed, &lock);
    printf("worker %d: own %ld, key %d\n", number, own, *(int *)pthread_getspecific(key));
    turn++;
    pthread_cond_broadcast(&turn_changed);
    pthread_mutex_unlock(&lock);
    return (void *)(own * number);
}

int main(void) {
    pthread_t threads[WORKERS];
    long results = 0;
    pthread_key_create(&key, destroy);
    for (long i = 0; i < WORKERS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) return 1;
    for (int i = 0; i < WORKERS; i++) {
        void *result;
        if (pthread_join(threads[i], &result) != 0) return 2;
        results += (long)result;
    }
    printf("total %ld, results %ld, destroyed %d, main's own %ld\n", total, results, destroyed, own);
    return 0;
}
