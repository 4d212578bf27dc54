// Mutexes whose owner ends (pthread_mutexattr_setrobust(3)), within a process and between two.
#include "say.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *name(int error) {
    return error == 0 ? "taken" : strerrorname_np(error);
}

static pthread_mutex_t *mutex(int shared, int kind) {
    pthread_mutex_t *made = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
    pthread_mutexattr_settype(&attributes, kind);
    pthread_mutex_init(made, &attributes);
    return made;
}

static void *take_and_end(void *lock) {
    pthread_mutex_lock(lock);
    usleep(50000);
    return NULL;
}

static void *wait_for(void *lock) {
    int result = pthread_mutex_lock(lock);
    if (result == EOWNERDEAD) pthread_mutex_consistent(lock);
    pthread_mutex_unlock(lock);
    return (void *)(long)result;
}

static void threads(int kind) {
    pthread_mutex_t *lock = mutex(0, kind);
    pthread_t owner, waiters[3];
    pthread_create(&owner, NULL, take_and_end, lock);
    usleep(20000);
    // They wait already when the owner ends: one is told, the others take what it mended.
    for (int i = 0; i < 3; i++) pthread_create(&waiters[i], NULL, wait_for, lock);
    pthread_join(owner, NULL);
    int told = 0, took = 0;
    for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(waiters[i], &result);
        told += (long)result == EOWNERDEAD, took += result == NULL;
    }
    printf("told %d, took %d\n", told, took);

    pthread_create(&owner, NULL, take_and_end, lock);
    pthread_join(owner, NULL);
    printf("trylock: %s\n", name(pthread_mutex_trylock(lock)));
    pthread_mutex_unlock(lock);
    // Nobody mended it.
    printf("then: %s\n", name(pthread_mutex_lock(lock)));
    printf("consistent: %s\n", name(pthread_mutex_consistent(lock)));
}

static void processes(void) {
    pthread_mutex_t *lock = mutex(1, PTHREAD_MUTEX_NORMAL);
    int kinds[] = {0, 1};
    for (int i = 0; i < 2; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            pthread_mutex_lock(lock);
            usleep(50000);
            if (kinds[i]) abort();
            _exit(0);
        }
        usleep(20000);
        printf("of a process: %s\n", name(pthread_mutex_lock(lock)));
        printf("mended: %s\n", name(pthread_mutex_consistent(lock)));
        pthread_mutex_unlock(lock);
        printf("free: %s\n", name(pthread_mutex_trylock(lock)));
        pthread_mutex_unlock(lock);
        int status;
        waitpid(child, &status, 0);
        printf("it ended: %s\n", WIFSIGNALED(status) ? "killed" : "itself");
    }
}

int main(void) {
    threads(PTHREAD_MUTEX_NORMAL);
    threads(PTHREAD_MUTEX_RECURSIVE);
    processes();
    return 0;
}
