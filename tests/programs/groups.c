// Process groups and sessions: who is in which, whom kill and wait mean by a group, and groups that nobody could let go on.
#include "say.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int *shared;

// A child that waits for a signal, in a group of its own if it is to be.
static pid_t waits(int own_group) {
    fflush(stdout);
    shared[0] = 0;
    pid_t child = fork();
    if (child == 0) {
        if (own_group && setpgid(0, 0) < 0) _exit(99);
        shared[0] = 1;
        for (;;) pause();
    }
    while (!shared[0]) usleep(1000);
    return child;
}

static void ended(const char *what, pid_t asked, pid_t expected) {
    int status = 0;
    pid_t who = waitpid(asked, &status, WNOHANG);
    for (int i = 0; who == 0 && i < 500; i++) usleep(1000), who = waitpid(asked, &status, WNOHANG);
    if (who < 0) printf("%s: %s\n", what, strerrorname_np(errno));
    else if (who == 0) printf("%s: nobody\n", what);
    else printf("%s: %s, %#x\n", what, who == expected ? "the child" : "another", status);
}

static void waits_for_groups(void) {
    siginfo_t info;
    say("no group", waitpid(-7777777, NULL, 0));
    say("the lowest number", waitpid(-2147483647 - 1, NULL, WNOHANG));
    pid_t mine = waits(0), own = waits(1);
    printf("groups: %d %d\n", getpgid(mine) == getpgrp(), getpgid(own) == own);
    say("a group without a child of mine", waitpid(-7777777, NULL, 0));
    say("the same, waitid", waitid(P_PGID, 7777777, &info, WEXITED));
    say("a child that leads none", waitpid(-mine, NULL, 0));
    say("kill it as a group", kill(-mine, SIGTERM));
    say("kill the group", kill(-own, SIGTERM));
    usleep(20000);
    say("none of my group", waitpid(0, NULL, WNOHANG));
    say("none of it, waitid", waitid(P_PGID, getpgrp(), &info, WEXITED | WNOHANG));
    ended("the group", -own, own);
    say("it is gone", waitpid(-own, NULL, 0));
    kill(mine, SIGTERM);
    ended("of my group", 0, mine);
    say("nobody of it", waitpid(0, NULL, 0));
}

static void goes_to_groups(void) {
    pid_t one = waits(0), other = waits(0);
    say("one begins a group", setpgid(one, 0));
    say("the other goes there", setpgid(other, one));
    printf("both: %d %d\n", getpgid(one) == one, getpgid(other) == one);
    say("nobody's group", setpgid(other, 7777777));
    say("a bad number", setpgid(other, -1));
    say("not mine", setpgid(7777777, 0));
    say("no process", getpgid(7777777));
    say("both", kill(-one, SIGUSR1));
    pid_t first = waitpid(-one, NULL, 0), second = waitpid(-one, NULL, 0);
    printf("ended: %d\n", (first == one && second == other) || (first == other && second == one));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pid_t self = getpid();
        printf("the session is inherited: %d\n", getsid(0) == getsid(getppid()));
        printf("a new one: %d\n", setsid() == self);
        printf("it leads: %d %d\n", getsid(0) == self, getpgrp() == self);
        say("its group", setpgid(0, getppid()));
        // Nobody of its session could let it go on.
        printf("SIGTSTP: %d\n", raise(SIGTSTP));
        printf("SIGTTIN: %d\n", raise(SIGTTIN));
        printf("SIGTTOU: %d\n", raise(SIGTTOU));
        puts("it did not stop");
        fflush(stdout);
        _exit(0);
    }
    ended("the session's", child, child);
}

static void told(int signal) {
    shared[signal == SIGHUP ? 1 : 2]++;
}

// A stopped grandchild whose parent ends: its group becomes an orphan.
static void orphans(void) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            setpgid(0, 0);
            signal(SIGHUP, told), signal(SIGCONT, told);
            raise(SIGTSTP);
            shared[3] = 1;
            _exit(0);
        }
        int status;
        waitpid(grandchild, &status, WUNTRACED);
        printf("stopped: %d, and came to %d\n", WIFSTOPPED(status), shared[3]);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    for (int i = 0; i < 2000 && !shared[3]; i++) usleep(1000);
    printf("went on: %d, SIGHUP %d, SIGCONT %d\n", shared[3], shared[1], shared[2]);
}

int main(void) {
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    waits_for_groups();
    goes_to_groups();
    orphans();
    static char zeroes[300000];
    int zero = open("/dev/zero", O_RDONLY);
    printf("of /dev/zero at once: %zd\n", read(zero, zeroes, sizeof zeroes));
    return 0;
}
