// Children that are stopped and go on, and what their parent is told of them: wait4, waitid, SIGCHLD.
#include "say.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int told, code_told, status_told;

static void on_child(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    told++, code_told = info->si_code, status_told = info->si_status;
}

static void status_of(const char *what, pid_t child, int options) {
    int status = 0;
    pid_t who = waitpid(child, &status, options);
    printf("%s: %s", what, who == child ? "the child" : who == 0 ? "nobody" : strerrorname_np(errno));
    if (who > 0 && WIFSTOPPED(status)) printf(" stopped by %d", WSTOPSIG(status));
    if (who > 0 && WIFCONTINUED(status)) printf(" goes on");
    if (who > 0 && WIFEXITED(status)) printf(" ended with %d", WEXITSTATUS(status));
    if (who > 0 && WIFSIGNALED(status)) printf(" killed by %d", WTERMSIG(status));
    puts("");
}

static void id_of(const char *what, idtype_t kind, id_t id, int options, pid_t child) {
    siginfo_t info;
    memset(&info, 0x55, sizeof info);
    int result = waitid(kind, id, &info, options);
    if (result == 0)
        printf("%s: signal %d code %d status %d, the child: %d\n", what, info.si_signo, info.si_code,
               info.si_pid == 0 ? 0 : info.si_status, info.si_pid == child);
    else
        printf("%s: %s\n", what, strerrorname_np(errno));
}

static volatile int *shared;

static void *count(void *unused) {
    for (;;) shared[0]++, usleep(1000);
    return unused;
}

// One that stops itself, with another thread that counts.
static void stops_itself(void) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pthread_t other;
        pthread_create(&other, NULL, count, NULL);
        while (shared[0] < 3) usleep(1000);
        raise(SIGSTOP);
        shared[1] = 1;
        int before = shared[0];
        while (shared[0] < before + 3) usleep(1000);
        _exit(7);
    }
    status_of("stopped", child, WUNTRACED);
    printf("SIGCHLD: code %d status %d\n", code_told, status_told);
    usleep(20000);
    int count = shared[0];
    usleep(50000);
    printf("all its threads: %s, and it: %d\n", shared[0] == count ? "stand still" : "run", shared[1]);
    status_of("told once", child, WUNTRACED | WNOHANG);
    say("SIGCONT", kill(child, SIGCONT));
    status_of("continued", child, WCONTINUED);
    status_of("then", child, 0);
    printf("SIGCHLD: code %d status %d\n", code_told, status_told);
    status_of("nobody is left", child, 0);
}

static void by_others(void) {
    int ends[2];
    say("pipe", pipe(ends));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        // A read that a stop does not end.
        int code = read(ends[0], &byte, 1) == 1 ? byte : 99;
        usleep(100000);
        _exit(code);
    }
    say("SIGSTOP", kill(child, SIGSTOP));
    id_of("is stopped, and stays so", P_PID, child, WSTOPPED | WNOWAIT, child);
    id_of("is stopped", P_ALL, 0, WSTOPPED, child);
    id_of("no news", P_PID, child, WSTOPPED | WEXITED | WCONTINUED | WNOHANG, child);
    if (write(ends[1], "\5", 1) != 1) puts("write");
    usleep(20000);
    id_of("it has not read", P_PID, child, WEXITED | WNOHANG, child);
    say("SIGCONT", kill(child, SIGCONT));
    id_of("goes on", P_PID, child, WCONTINUED, child);
    id_of("ended, and stays", P_PID, child, WEXITED | WNOWAIT, child);
    id_of("it stops no more", P_PID, child, WSTOPPED | WCONTINUED, child);
    id_of("ended", P_PID, child, WEXITED, child);
    id_of("gone", P_PID, child, WEXITED, child);

    fflush(stdout);
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTSTP);
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(SIGTSTP);
        shared[2] = 1;
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        shared[2] = 2;
        pause();
    }
    status_of("SIGTSTP, blocked at first", child, WUNTRACED);
    printf("it came to: %d\n", shared[2]);
    say("SIGTERM waits", kill(child, SIGTERM));
    usleep(20000);
    status_of("still", child, WNOHANG);
    say("SIGCONT", kill(child, SIGCONT));
    status_of("ended", child, 0);

    fflush(stdout);
    child = fork();
    if (child == 0) pause();
    say("SIGSTOP", kill(child, SIGSTOP));
    status_of("stopped", child, WUNTRACED);
    say("SIGKILL", kill(child, SIGKILL));
    status_of("killed", child, 0);
}

static void errors(void) {
    siginfo_t info;
    say("no option", waitid(P_ALL, 0, &info, 0));
    say("an unknown one", waitid(P_ALL, 0, &info, WEXITED | 0x100));
    say("an unknown kind", waitid(77, 0, &info, WEXITED));
    say("no child", waitid(P_ALL, 0, &info, WEXITED));
    say("number 0", waitid(P_PID, 0, &info, WEXITED));
    say("wait4, an unknown option", wait4(-1, NULL, 0x100, NULL));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(3);
    say("nowhere to tell it", waitid(P_PID, child, NULL, WEXITED | WNOWAIT));
    say("a bad place", syscall(SYS_waitid, P_PID, child, nowhere, WEXITED, NULL));
    say("gone", waitpid(child, NULL, 0));
}

static long used(int who) {
    struct rusage usage;
    getrusage(who, &usage);
    return usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 + usage.ru_stime.tv_sec * 1000 +
           usage.ru_stime.tv_usec / 1000;
}

static void *idle(void *unused) {
    usleep(100000);
    printf("a thread that slept: %s\n", used(RUSAGE_THREAD) < 60 ? "little" : "much");
    return unused;
}

static void times(void) {
    long before = used(RUSAGE_SELF);
    usleep(200000);
    printf("asleep: %s\n", used(RUSAGE_SELF) - before < 100 ? "little" : "much");
    while (used(RUSAGE_SELF) - before < 100) {}
    printf("awake: more\n");
    pthread_t thread;
    pthread_create(&thread, NULL, idle, NULL);
    pthread_join(thread, NULL);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        while (used(RUSAGE_SELF) < 50) {}
        _exit(0);
    }
    long of_children = used(RUSAGE_CHILDREN);
    struct rusage usage;
    if (wait4(child, NULL, 0, &usage) != child) puts("wait4");
    printf("a child's: %d, all children's: %d\n", usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 40000,
           used(RUSAGE_CHILDREN) - of_children >= 40);
    say("of whom", getrusage(77, &usage));
    say("to where", syscall(SYS_getrusage, RUSAGE_SELF, nowhere));
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGCHLD, &action, NULL);
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    stops_itself();
    action.sa_flags |= SA_NOCLDSTOP;
    sigaction(SIGCHLD, &action, NULL);
    told = 0;
    by_others();
    printf("SIGCHLD for three ends: %s\n", told == 3 ? "3" : "else");
    signal(SIGCHLD, SIG_DFL);
    errors();
    times();
    return 0;
}
