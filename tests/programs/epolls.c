// Sets of files: levels, edges, once, closing, sets in sets, many members, and errors.
#include "say.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MEMBERS = 2000 };

static int by_data(const void *one, const void *other) {
    return (int)((const struct epoll_event *)one)->data.u32 - (int)((const struct epoll_event *)other)->data.u32;
}

static void told(const char *what, int set) {
    struct epoll_event events[16];
    int count = epoll_wait(set, events, 16, 0);
    printf("%s:", what);
    if (count < 0) printf(" %s", strerrorname_np(errno));
    else qsort(events, count, sizeof *events, by_data);
    for (int i = 0; i < count; i++) printf(" %u=%#x", events[i].data.u32, events[i].events);
    printf("\n");
}

static int control(int set, int operation, int file, unsigned events, unsigned data) {
    struct epoll_event event = {.events = events, .data.u32 = data};
    return epoll_ctl(set, operation, file, &event);
}

static void levels_and_edges(void) {
    int set = epoll_create1(0), level[2], edge[2];
    char byte[8] = {0};
    if (pipe(level) || pipe(edge)) return;
    say("add a level", control(set, EPOLL_CTL_ADD, level[0], EPOLLIN, 1));
    say("add an edge", control(set, EPOLL_CTL_ADD, edge[0], EPOLLIN | EPOLLET, 2));
    told("nothing", set);
    say("write", write(level[1], "ab", 2));
    say("write", write(edge[1], "ab", 2));
    told("both", set);
    told("the level again", set);
    say("read a part", read(edge[0], byte, 1));
    told("no new edge for what is left", set);
    say("write more", write(edge[1], "c", 1));
    told("a new edge", set);
    say("read", read(level[0], byte, 8));
    told("nothing any more", set);
    say("set the edge again", control(set, EPOLL_CTL_MOD, edge[0], EPOLLIN | EPOLLET, 3));
    told("it is told anew", set);
    close(edge[1]);
    told("the writer is gone", set);
    told("and was told", set);
    close(level[1]);
    told("the level's, too", set);
    told("as long as it is so", set);
    close(level[0]);
    close(edge[0]);
    told("closed files are not in the set", set);
    close(set);
}

static void once(void) {
    int set = epoll_create1(0), ends[2];
    if (pipe(ends)) return;
    control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLONESHOT, 1);
    say("write", write(ends[1], "a", 1));
    told("once", set);
    say("write", write(ends[1], "a", 1));
    told("not again", set);
    close(ends[1]);
    told("not even the end", set);
    say("set again", control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 2));
    told("once more", set);
    close(ends[0]);
    close(set);
}

static void duplicates(void) {
    int set = epoll_create1(0), ends[2];
    if (pipe(ends)) return;
    int other = dup(ends[0]);
    say("add", control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN, 1));
    say("add the duplicate", control(set, EPOLL_CTL_ADD, other, EPOLLIN, 2));
    say("write", write(ends[1], "a", 1));
    told("two entries", set);
    int number = ends[0];
    close(ends[0]);
    told("the file is still open", set);
    int reused = dup2(ends[1], number);
    say("the number is used again", reused == number);
    say("a new file under the old number", control(set, EPOLL_CTL_ADD, reused, EPOLLOUT, 3));
    told("all three", set);
    say("only the new one can be named", control(set, EPOLL_CTL_DEL, reused, 0, 0));
    say("and is gone", control(set, EPOLL_CTL_DEL, reused, 0, 0));
    close(other);
    told("the last descriptor was closed", set);
    close(reused);
    close(ends[1]);
    close(set);
}

static void sockets(void) {
    int set = epoll_create1(0), pair[2];
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
    say("add", control(set, EPOLL_CTL_ADD, pair[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 1));
    told("writable", set);
    told("told", set);
    say("the peer writes", write(pair[1], "a", 1));
    told("readable", set);
    say("read", read(pair[0], &byte, 1));
    say("the peer sends no more", shutdown(pair[1], SHUT_WR));
    told("half closed", set);
    close(pair[1]);
    told("closed", set);
    close(pair[0]);
    close(set);
}

static void nested(void) {
    int inner = epoll_create1(0), outer = epoll_create1(0), counter = eventfd(0, EFD_NONBLOCK);
    unsigned long value = 1;
    control(inner, EPOLL_CTL_ADD, counter, EPOLLIN, 1);
    say("a set in a set", control(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 2));
    told("outer: nothing", outer);
    say("count", write(counter, &value, 8));
    told("outer: the inner one", outer);
    told("inner: the counter", inner);
    say("take", read(counter, &value, 8));
    told("outer: nothing again", outer);
    say("itself", control(inner, EPOLL_CTL_ADD, inner, EPOLLIN, 3));
    say("a ring", control(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 3));
    say("exclusive", control(outer, EPOLL_CTL_ADD, epoll_create1(0), EPOLLIN | EPOLLEXCLUSIVE, 3));
    int below = epoll_create1(0), depth = 1;
    while (depth < 20) {
        int above = epoll_create1(0);
        if (control(above, EPOLL_CTL_ADD, below, EPOLLIN, 0)) break;
        below = above;
        depth++;
    }
    printf("no more than so many: %d, %s\n", depth, strerrorname_np(errno));
}

static void many(void) {
    int set = epoll_create1(0);
    static int files[MEMBERS];
    unsigned long value = 1;
    for (int i = 0; i < MEMBERS; i++) {
        files[i] = eventfd(0, 0);
        if (control(set, EPOLL_CTL_ADD, files[i], EPOLLIN, i)) return;
    }
    for (int i = 0; i < MEMBERS; i += 2)
        if (write(files[i], &value, 8) != 8) return;
    // Ten at a time: every member has its turn before any comes again.
    static int seen[MEMBERS];
    int rounds = 0, distinct = 0;
    struct epoll_event events[10];
    while (distinct < MEMBERS / 2 && rounds < MEMBERS) {
        int count = epoll_wait(set, events, 10, 0);
        rounds++;
        for (int i = 0; i < count; i++) distinct += !seen[events[i].data.u32]++;
    }
    printf("%d members ready, seen in %d rounds\n", distinct, rounds);
    for (int i = 0; i < MEMBERS; i++) close(files[i]);
    told("all closed", set);
    close(set);
}

static void *writes_later(void *file) {
    unsigned long value = 5;
    usleep(30000);
    if (write((int)(long)file, &value, 8) != 8) puts("cannot write");
    return NULL;
}

static void nothing_done(int number) { (void)number; }

static void waiting(void) {
    int set = epoll_create1(0), counter = eventfd(0, EFD_NONBLOCK);
    struct epoll_event event;
    pthread_t thread;
    control(set, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLET, 7);
    pthread_create(&thread, NULL, writes_later, (void *)(long)counter);
    say("wait for ever", epoll_wait(set, &event, 1, -1));
    printf("%u=%#x\n", event.data.u32, event.events);
    pthread_join(thread, NULL);
    struct timespec begin, end, limit = {0, 20000000};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    say("no longer than its time", epoll_wait(set, &event, 1, 20));
    say("epoll_pwait2", syscall(SYS_epoll_pwait2, set, &event, 1, &limit, NULL, 8));
    clock_gettime(CLOCK_MONOTONIC, &end);
    long took = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    printf("took at least its time: %d\n", took >= 40);
    // A signal that the call alone lets through.
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGUSR1, nothing_done);
    raise(SIGUSR1);
    say("still blocked", epoll_wait(set, &event, 1, 0));
    say("let through", epoll_pwait(set, &event, 1, -1, &none));
    close(counter);
    close(set);
}

static void errors(void) {
    int set = epoll_create1(0), counter = eventfd(0, 0), file = open("/proc/self/exe", O_RDONLY);
    struct epoll_event event;
    say("epoll_create", epoll_create(0));
    say("epoll_create1", epoll_create1(1));
    say("a file that is always ready", control(set, EPOLL_CTL_ADD, file, EPOLLIN, 0));
    say("no descriptor", control(set, EPOLL_CTL_ADD, 999, EPOLLIN, 0));
    say("no set", control(999, EPOLL_CTL_ADD, counter, EPOLLIN, 0));
    say("not a set", control(counter, EPOLL_CTL_ADD, set, EPOLLIN, 0));
    say("not there", control(set, EPOLL_CTL_MOD, counter, EPOLLIN, 0));
    say("not there", control(set, EPOLL_CTL_DEL, counter, EPOLLIN, 0));
    say("add", control(set, EPOLL_CTL_ADD, counter, EPOLLIN, 0));
    say("there already", control(set, EPOLL_CTL_ADD, counter, EPOLLIN, 0));
    say("no operation", control(set, 77, counter, EPOLLIN, 0));
    say("a bad address", epoll_ctl(set, EPOLL_CTL_MOD, counter, (struct epoll_event *)8));
    say("exclusive later", control(set, EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLEXCLUSIVE, 0));
    say("delete without an event", epoll_ctl(set, EPOLL_CTL_DEL, counter, NULL));
    say("exclusive", control(set, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLEXCLUSIVE, 0));
    say("exclusive changed", control(set, EPOLL_CTL_MOD, counter, EPOLLIN, 0));
    say("exclusive once", control(set, EPOLL_CTL_ADD, dup(counter), EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0));
    say("no events", syscall(SYS_epoll_wait, set, &event, 0, 0));
    say("fewer than none", syscall(SYS_epoll_wait, set, &event, -1, 0));
    say("too many", syscall(SYS_epoll_wait, set, &event, 0x7fffffff, 0));
    say("wait on what is no set", syscall(SYS_epoll_wait, counter, &event, 1, 0));
    say("wait on nothing", syscall(SYS_epoll_wait, 999, &event, 1, 0));
    unsigned long value = 1;
    say("count", write(counter, &value, 8));
    say("a bad place for events", syscall(SYS_epoll_wait, set, (struct epoll_event *)8, 1, 0));
}

int main(void) {
    levels_and_edges();
    once();
    duplicates();
    sockets();
    nested();
    many();
    waiting();
    errors();
    return 0;
}
