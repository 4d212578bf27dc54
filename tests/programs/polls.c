// Waiting for one of several files: poll, ppoll, select, pselect; time that is left, signals, and errors.
#include "say.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int first[2], second[2];

static void nothing_done(int number) { (void)number; }

static void *writes_later(void *file) {
    usleep(30000);
    if (write((int)(long)file, "x", 1) != 1) puts("cannot write");
    return NULL;
}

static void *sends_later(void *thread) {
    usleep(30000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void polls(void) {
    struct pollfd files[4] = {{first[0], POLLIN, 0}, {second[0], POLLIN | POLLRDNORM, 0}, {-1, POLLIN, 77}, {999, 0, 0}};
    pthread_t thread;
    say("nothing", poll(files, 3, 0));
    printf("%#x %#x %#x\n", files[0].revents, files[1].revents, files[2].revents);
    say("no such file", poll(files, 4, 1000));
    printf("%#x\n", files[3].revents);
    pthread_create(&thread, NULL, writes_later, (void *)(long)second[1]);
    say("wait", poll(files, 3, -1));
    printf("%#x %#x %#x\n", files[0].revents, files[1].revents, files[2].revents);
    pthread_join(thread, NULL);
    files[0] = (struct pollfd){first[1], POLLOUT | POLLWRNORM, 0};
    say("both", poll(files, 2, -1));
    printf("%#x %#x\n", files[0].revents, files[1].revents);
    int null = open("/dev/null", O_RDWR);
    files[0] = (struct pollfd){null, POLLIN | POLLOUT, 0};
    say("a device", poll(files, 1, -1));
    printf("%#x\n", files[0].revents);
    close(null);
    char byte;
    say("read", read(second[0], &byte, 1));
    say("none at all", poll(NULL, 0, 10));
    say("a bad place", syscall(SYS_poll, nowhere, 1, 0));
    say("too many", syscall(SYS_poll, files, 1U << 30, 0));
}

static void with_time(void) {
    struct pollfd file = {first[0], POLLIN, 0};
    struct timespec limit = {0, 20000000}, begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    say("ppoll", syscall(SYS_ppoll, &file, 1, &limit, NULL, 8));
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("in time: %d, left %ld %ld\n", (end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec >= 20000000,
           (long)limit.tv_sec, limit.tv_nsec);
    limit = (struct timespec){5, 0};
    file = (struct pollfd){first[1], POLLOUT, 0};
    say("ppoll", syscall(SYS_ppoll, &file, 1, &limit, NULL, 8));
    printf("nearly all is left: %d\n", limit.tv_sec >= 3 && limit.tv_sec < 6);
    limit = (struct timespec){0, 1000000000};
    say("no such time", ppoll(&file, 1, &limit, NULL));
    limit = (struct timespec){-1, 0};
    say("no such time", ppoll(&file, 1, &limit, NULL));
    sigset_t set;
    sigemptyset(&set);
    say("a bad length", syscall(SYS_ppoll, &file, 1, NULL, &set, 4));
}

static void with_signals(void) {
    struct pollfd file = {first[0], POLLIN, 0};
    sigset_t none, blocked;
    pthread_t self = pthread_self(), thread;
    struct sigaction action = {.sa_handler = nothing_done, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_create(&thread, NULL, sends_later, &self);
    say("interrupted", poll(&file, 1, -1));
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    say("blocked", poll(&file, 1, 0));
    say("let through", ppoll(&file, 1, NULL, &none));
    raise(SIGUSR1);
    fd_set reads;
    FD_ZERO(&reads);
    FD_SET(first[0], &reads);
    say("let through", pselect(first[0] + 1, &reads, NULL, NULL, NULL, &none));
    say("blocked again", poll(&file, 1, 0));
    pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
}

static void selects(void) {
    fd_set reads, writes, excepts;
    FD_ZERO(&reads);
    FD_ZERO(&writes);
    FD_ZERO(&excepts);
    FD_SET(first[0], &reads);
    FD_SET(first[1], &writes);
    FD_SET(second[0], &reads);
    FD_SET(second[0], &excepts);
    struct timeval limit = {5, 0};
    int most = second[1] + 1;
    say("select", select(most, &reads, &writes, &excepts, &limit));
    printf("%d %d %d %d\n", FD_ISSET(first[0], &reads) != 0, FD_ISSET(first[1], &writes) != 0,
           FD_ISSET(second[0], &reads) != 0, FD_ISSET(second[0], &excepts) != 0);
    printf("time left: %d\n", limit.tv_sec >= 3);
    FD_ZERO(&reads);
    FD_SET(first[0], &reads);
    limit = (struct timeval){0, 20000};
    say("no longer than its time", select(most, &reads, NULL, NULL, &limit));
    printf("set %d, left %ld %ld\n", FD_ISSET(first[0], &reads) != 0, (long)limit.tv_sec, (long)limit.tv_usec);
    pthread_t thread;
    pthread_create(&thread, NULL, writes_later, (void *)(long)first[1]);
    FD_SET(first[0], &reads);
    say("wait", select(most, &reads, NULL, NULL, NULL));
    printf("set %d\n", FD_ISSET(first[0], &reads) != 0);
    pthread_join(thread, NULL);
    char byte;
    say("read", read(first[0], &byte, 1));
    FD_ZERO(&reads);
    FD_SET(900, &reads);
    limit = (struct timeval){0, 0};
    say("no such file, and none could be there", select(901, &reads, NULL, NULL, &limit));
    FD_ZERO(&reads);
    FD_SET(40, &reads);
    say("no such file", select(41, &reads, NULL, NULL, &limit));
    say("fewer than none", select(-1, NULL, NULL, NULL, &limit));
    limit = (struct timeval){-1, 0};
    say("no such time", select(0, NULL, NULL, NULL, &limit));
    limit = (struct timeval){0, 1500000};
    FD_ZERO(&writes);
    FD_SET(first[1], &writes);
    say("microseconds beyond a second", select(most, NULL, &writes, NULL, &limit));
    say("a bad place", syscall(SYS_select, 5, nowhere, NULL, NULL, NULL));
    say("only the time", select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}));
}

static void ends(void) {
    int pair[2];
    struct pollfd file;
    fd_set reads;
    close(first[1]);
    file = (struct pollfd){first[0], POLLIN, 0};
    say("the writer is gone", poll(&file, 1, -1));
    printf("%#x\n", file.revents);
    FD_ZERO(&reads);
    FD_SET(first[0], &reads);
    say("select", select(first[0] + 1, &reads, NULL, NULL, NULL));
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
    close(pair[1]);
    file = (struct pollfd){pair[0], POLLIN | POLLOUT | POLLRDHUP, 0};
    say("the peer is gone", poll(&file, 1, -1));
    printf("%#x\n", file.revents);
    close(pair[0]);
}

int main(void) {
    if (pipe(first) || pipe(second)) return 1;
    polls();
    with_time();
    with_signals();
    selects();
    ends();
    return 0;
}
