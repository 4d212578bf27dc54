// Timers, clocks and signals that are files; what it prints does not depend on how fast it runs.
#include "say.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t signals;
static volatile int last_code, last_value;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    signals++;
    last_code = info->si_code;
    last_value = info->si_value.sival_int;
}

static int events(int file) {
    struct pollfd poll_file = {.fd = file, .events = POLLIN};
    return poll(&poll_file, 1, 0) < 0 ? -1 : poll_file.revents;
}

static long now_ms(clockid_t clock) {
    struct timespec time;
    return clock_gettime(clock, &time) ? -1 : time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static struct itimerspec after(long ms, long interval_ms) {
    return (struct itimerspec){.it_value = {ms / 1000, ms % 1000 * 1000000},
                               .it_interval = {interval_ms / 1000, interval_ms % 1000 * 1000000}};
}

static void files(void) {
    uint64_t count = 0;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct itimerspec times = after(30, 0), old;
    printf("flags %#x %#x\n", fcntl(timer, F_GETFL), fcntl(timer, F_GETFD));
    say("not set", timerfd_gettime(timer, &old));
    printf("left %ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
    long begin = now_ms(CLOCK_MONOTONIC);
    say("set", timerfd_settime(timer, 0, &times, &old));
    printf("events %#x\n", events(timer));
    say("too early", read(timer, &count, 8));
    say("what is left", timerfd_gettime(timer, &old));
    printf("some: %d, no more: %d\n", old.it_value.tv_nsec > 0, old.it_value.tv_nsec <= 30000000);
    int set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 5};
    say("add", epoll_ctl(set, EPOLL_CTL_ADD, timer, &event));
    say("wait", epoll_wait(set, &event, 1, 10000));
    printf("in time: %d, events %#x\n", now_ms(CLOCK_MONOTONIC) - begin >= 30, events(timer));
    say("too short", read(timer, &count, 7));
    say("read", read(timer, &count, 8));
    printf("once: %lu\n", count);
    say("no more", read(timer, &count, 8));
    times = after(20, 20);
    say("again and again", timerfd_settime(timer, 0, &times, NULL));
    usleep(110000);
    say("read", read(timer, &count, 8));
    printf("more than once: %d\n", count >= 5);
    say("gettime", timerfd_gettime(timer, &old));
    printf("interval %ld, left: %d\n", old.it_interval.tv_nsec, old.it_value.tv_nsec > 0);
    fcntl(timer, F_SETFL, 0);
    say("wait for the next", read(timer, &count, 8));
    times = after(0, 20);
    say("off", timerfd_settime(timer, 0, &times, &old));
    say("gettime", timerfd_gettime(timer, &old));
    printf("left %ld\n", old.it_value.tv_nsec);
    struct timespec wall;
    timer = timerfd_create(CLOCK_REALTIME, 0);
    clock_gettime(CLOCK_REALTIME, &wall);
    times = (struct itimerspec){.it_value = wall};
    say("a time that has come", timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &times, NULL));
    say("read", read(timer, &count, 8));
    printf("%lu\n", count);
    times.it_value.tv_nsec = 1000000000;
    say("no such time", timerfd_settime(timer, 0, &times, NULL));
    times = after(1, 0);
    say("bad flags", timerfd_settime(timer, 77, &times, NULL));
    say("bad flags", timerfd_create(CLOCK_MONOTONIC, 1));
    say("bad clock", timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    say("no timer", timerfd_settime(set, 0, &times, NULL));
    say("no descriptor", timerfd_settime(999, 0, &times, NULL));
    say("a bad place", timerfd_settime(timer, 0, nowhere, NULL));
    say("a bad place", timerfd_gettime(timer, nowhere));
    say("write", write(timer, &count, 8));
    close(set);
}

static void show_signals(int file, int most) {
    struct signalfd_siginfo infos[4];
    memset(infos, 0, sizeof infos);
    ssize_t length = read(file, infos, most * sizeof infos[0]);
    if (length < 0) printf("signals: %s\n", strerrorname_np(errno));
    for (ssize_t i = 0; i < length / (ssize_t)sizeof infos[0]; i++)
        printf("signal %u, code %d, from me: %d\n", infos[i].ssi_signo, infos[i].ssi_code,
               infos[i].ssi_pid == (uint32_t)getpid());
}

static void *sends(void *unused) {
    usleep(20000);
    kill(getpid(), SIGUSR2);
    return unused;
}

static void signal_files(void) {
    sigset_t set, only;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int file = signalfd(-1, &set, SFD_NONBLOCK);
    printf("events %#x\n", events(file));
    show_signals(file, 1);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);
    printf("events %#x\n", events(file));
    show_signals(file, 4);
    show_signals(file, 4);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR2);
    sigemptyset(&only);
    sigaddset(&only, SIGUSR2);
    say("another set", signalfd(file, &only, 0) == file);
    show_signals(file, 4);
    say("set back", signalfd(file, &set, 0) == file);
    show_signals(file, 4);
    char little[100];
    say("too short", read(file, little, sizeof little));
    fcntl(file, F_SETFL, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, sends, NULL);
    show_signals(file, 1);
    pthread_join(thread, NULL);
    say("bad flags", signalfd(-1, &set, 1));
    say("not such a file", signalfd(0, &set, 0));
    say("no descriptor", signalfd(999, &set, 0));
    say("a bad place", syscall(SYS_signalfd4, -1, nowhere, 8, 0));
    say("a bad length", syscall(SYS_signalfd4, -1, &set, 4, 0));
    close(file);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void spin_until(int wanted, long most_ms) {
    long begin = now_ms(CLOCK_MONOTONIC);
    while (signals < wanted && now_ms(CLOCK_MONOTONIC) - begin < most_ms) {}
}

static void posix_timers(void) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    struct itimerspec times = after(20, 0), left;
    say("create", timer_create(CLOCK_MONOTONIC, &event, &timer));
    say("not set", timer_gettime(timer, &left));
    printf("left %ld\n", left.it_value.tv_nsec);
    signals = 0;
    say("set", timer_settime(timer, 0, &times, NULL));
    spin_until(1, 5000);
    printf("signals %d, code %d, value %d\n", (int)signals, last_code, last_value);
    say("gettime", timer_gettime(timer, &left));
    printf("left %ld\n", left.it_value.tv_nsec);
    signals = 0;
    times = after(5, 5);
    say("set", timer_settime(timer, 0, &times, NULL));
    spin_until(5, 5000);
    printf("five: %d\n", signals >= 5);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    usleep(60000);
    siginfo_t info;
    say("wait", sigwaitinfo(&set, &info) == SIGUSR1);
    printf("code %d, value %d, overruns: %d\n", info.si_code, info.si_value.sival_int,
           timer_getoverrun(timer) >= 5);
    times = after(0, 0);
    say("off", timer_settime(timer, 0, &times, &left));
    printf("interval was %ld\n", left.it_interval.tv_nsec);
    say("delete", timer_delete(timer));
    say("deleted", syscall(SYS_timer_delete, timer));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    event.sigev_notify = SIGEV_THREAD_ID;
    event._sigev_un._tid = gettid();
    signals = 0;
    say("for this thread", timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer));
    times = after(10, 10);
    say("set", timer_settime(timer, 0, &times, NULL));
    spin_until(3, 20000);
    printf("as it works: %d\n", signals >= 3);
    say("delete", timer_delete(timer));
    event.sigev_notify = SIGEV_NONE;
    say("silent", timer_create(CLOCK_REALTIME, &event, &timer));
    times = after(10000, 0);
    say("set", timer_settime(timer, 0, &times, NULL));
    say("gettime", timer_gettime(timer, &left));
    printf("nearly all is left: %d\n", left.it_value.tv_sec >= 8);
    say("delete", timer_delete(timer));
    event.sigev_notify = 77;
    say("no such notice", syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 99;
    say("no such signal", syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
    say("no such clock", syscall(SYS_timer_create, 77, NULL, &timer));
    say("no such timer", syscall(SYS_timer_settime, 4711, 0, &times, NULL));
    say("no such timer", syscall(SYS_timer_getoverrun, 4711));
}

static void interval_timers(void) {
    struct itimerval times = {.it_value = {0, 10000}, .it_interval = {0, 10000}}, old;
    static const int kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    for (int i = 0; i < 3; i++) {
        signals = 0;
        say("set", setitimer(kinds[i], &times, NULL));
        spin_until(3, 20000);
        say("get", getitimer(kinds[i], &old));
        printf("signals: %d, interval %ld\n", signals >= 3, (long)old.it_interval.tv_usec);
        struct itimerval off = {0};
        say("off", setitimer(kinds[i], &off, &old));
        say("get", getitimer(kinds[i], &old));
        printf("left %ld\n", (long)old.it_value.tv_usec);
    }
    say("no such timer", setitimer(7, &times, NULL));
    times.it_value.tv_usec = 1000000;
    say("no such time", setitimer(ITIMER_REAL, &times, NULL));
}

static void *idle(void *clock) {
    usleep(100000);
    *(long *)clock = now_ms(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static void clocks(void) {
    long begin = now_ms(CLOCK_THREAD_CPUTIME_ID), wall = now_ms(CLOCK_MONOTONIC);
    while (now_ms(CLOCK_THREAD_CPUTIME_ID) - begin < 50) {}
    printf("working takes time: %d\n", now_ms(CLOCK_MONOTONIC) - wall >= 49);
    begin = now_ms(CLOCK_PROCESS_CPUTIME_ID);
    usleep(100000);
    printf("sleeping takes none: %d\n", now_ms(CLOCK_PROCESS_CPUTIME_ID) - begin < 50);
    pthread_t thread;
    long of_thread = -1;
    pthread_create(&thread, NULL, idle, &of_thread);
    clockid_t clock = 0;
    say("a thread's clock", pthread_getcpuclockid(thread, &clock));
    printf("small: %d\n", now_ms(clock) < 50);
    pthread_join(thread, NULL);
    printf("small: %d\n", of_thread < 50);
    say("of a thread that is gone", clock_gettime(clock, &(struct timespec){0}));
    say("the process's", clock_getcpuclockid(getpid(), &clock));
    printf("grown: %d\n", now_ms(clock) >= 50);
    say("no such clock", clock_gettime(77, &(struct timespec){0}));
    say("a bad place", syscall(SYS_clock_gettime, CLOCK_REALTIME, nowhere));
    say("no resolution asked", clock_getres(CLOCK_MONOTONIC, NULL));
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    long before = now_ms(CLOCK_MONOTONIC);
    time.tv_nsec += 30000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    say("until a time of day", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL));
    printf("in time: %d\n", now_ms(CLOCK_MONOTONIC) - before >= 29);
    say("a time that is over", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){0}, NULL));
    say("no such time", clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 1000000000}, NULL));
    say("no such clock", clock_nanosleep(77, 0, &(struct timespec){0}, NULL));
    say("by its own work", clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){0}, NULL));
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGVTALRM, &action, NULL);
    sigaction(SIGPROF, &action, NULL);
    files();
    signal_files();
    posix_timers();
    interval_timers();
    clocks();
    return 0;
}
