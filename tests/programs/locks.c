// Locks on files between open files and between processes: flock, fcntl, and those of open file descriptions.
#include "say.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char name[64];

static int again(int flags) {
    return open(name, flags);
}

static int change(int fd, int command, int kind, int origin, long start, long length) {
    struct flock lock = {.l_type = kind, .l_whence = origin, .l_start = start, .l_len = length};
    return fcntl(fd, command, &lock);
}

static void look(const char *what, int fd, int command, int kind, long start, long length, pid_t owner) {
    struct flock lock = {.l_type = kind, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (fcntl(fd, command, &lock) < 0) printf("%s: %s\n", what, strerrorname_np(errno));
    else if (lock.l_type == F_UNLCK) printf("%s: free\n", what);
    else
        printf("%s: %s from %ld, %ld long, by %s\n", what, lock.l_type == F_WRLCK ? "write" : "read", (long)lock.l_start,
               (long)lock.l_len, lock.l_pid == owner ? "that process" : lock.l_pid == -1 ? "an open file" : "else");
}

// Runs `body` in a child, and tells how it ended.
#define in_child(body)                                                            \
    do {                                                                          \
        fflush(stdout);                                                           \
        if (fork() == 0) {                                                        \
            body;                                                                 \
            fflush(stdout);                                                       \
            _exit(0);                                                             \
        }                                                                         \
        int status_of_child;                                                      \
        wait(&status_of_child);                                                   \
        if (status_of_child != 0) printf("the child: %#x\n", status_of_child);    \
    } while (0)

static void of_open_files(void) {
    int one = again(O_RDONLY), other = again(O_RDONLY), copy = dup(one);
    say("shared", flock(one, LOCK_SH));
    say("shared too", flock(other, LOCK_SH | LOCK_NB));
    say("exclusive", flock(other, LOCK_EX | LOCK_NB));
    say("the other's is lost by that", flock(one, LOCK_EX | LOCK_NB));
    say("again", flock(one, LOCK_EX | LOCK_NB));
    say("by a copy of the descriptor", flock(copy, LOCK_EX | LOCK_NB));
    say("kept out", flock(other, LOCK_SH | LOCK_NB));
    in_child(say("of the parent, inherited", flock(one, LOCK_SH | LOCK_NB)));
    say("made shared by the child", flock(other, LOCK_SH | LOCK_NB));
    say("given up", flock(copy, LOCK_UN));
    say("so it can be had", flock(other, LOCK_EX | LOCK_NB));
    close(other);
    say("closed", flock(one, LOCK_EX | LOCK_NB));
    close(one);
    other = again(O_RDONLY);
    say("a copy is still open", flock(other, LOCK_EX | LOCK_NB));
    close(copy);
    say("the last is closed", flock(other, LOCK_EX | LOCK_NB));
    say("unknown", flock(other, 77));
    say("no descriptor", flock(-1, LOCK_SH));
    say("a path alone", flock(again(O_PATH), LOCK_SH));
    // It waits for a child, which holds one for a while.
    say("given up", flock(other, LOCK_UN));
    int *step = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    if (fork() == 0) {
        flock(again(O_RDONLY), LOCK_EX);
        *(volatile int *)step = 1;
        usleep(50000);
        *(volatile int *)step = 2;
        _exit(0);
    }
    while (*(volatile int *)step == 0) usleep(1000);
    say("waited for", flock(other, LOCK_EX));
    printf("until step %d\n", *(volatile int *)step);
    wait(NULL);
    close(other);
}

static void of_processes(void) {
    int fd = again(O_RDWR), reading = again(O_RDONLY), writing = again(O_WRONLY);
    pid_t self = getpid();
    if (pwrite(fd, "0123456789", 10, 0) != 10) puts("write");
    say("write 10 to 19", change(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, 10));
    say("read 0 to 4", change(fd, F_SETLK, F_RDLCK, SEEK_SET, 0, 5));
    look("its own are not in its way", reading, F_GETLK, F_WRLCK, 0, 0, self);
    in_child({
        int own = again(O_RDWR);
        look("all", own, F_GETLK, F_WRLCK, 0, 0, self);
        look("from 5 on", own, F_GETLK, F_RDLCK, 5, 0, self);
        look("0 to 4 for reading", own, F_GETLK, F_RDLCK, 0, 5, self);
        say("read 0 to 4", change(own, F_SETLK, F_RDLCK, SEEK_SET, 0, 5));
        say("write 4", change(own, F_SETLK, F_WRLCK, SEEK_SET, 4, 1));
        say("write 5 to 9", change(own, F_SETLK, F_WRLCK, SEEK_SET, 5, 5));
        say("5 to 10", change(own, F_SETLK, F_WRLCK, SEEK_SET, 5, 6));
        say("flock does not mind", flock(own, LOCK_EX | LOCK_NB));
    });
    say("12 to 13 given up", change(fd, F_SETLK, F_UNLCK, SEEK_SET, 12, 2));
    say("16 made a read", change(fd, F_SETLK, F_RDLCK, SEEK_SET, 16, 1));
    in_child({
        look("before", fd, F_GETLK, F_WRLCK, 10, 10, self);
        look("between", fd, F_GETLK, F_WRLCK, 12, 2, self);
        look("behind", fd, F_GETLK, F_WRLCK, 12, 100, self);
        look("one that is read", fd, F_GETLK, F_WRLCK, 16, 1, self);
        look("the rest", fd, F_GETLK, F_WRLCK, 17, 0, self);
    });
    say("12 to 16 again", change(fd, F_SETLK, F_WRLCK, SEEK_SET, 12, 5));
    in_child(look("one again", fd, F_GETLK, F_WRLCK, 0, 0, self); look("joined", fd, F_GETLK, F_WRLCK, 6, 0, self));
    lseek(fd, 3, SEEK_SET);
    say("from where it stands, backwards", change(fd, F_SETLK, F_WRLCK, SEEK_CUR, 100, -3));
    say("from its end on", change(fd, F_SETLK, F_WRLCK, SEEK_END, 200, 0));
    in_child({
        look("103 backwards", fd, F_GETLK, F_WRLCK, 60, 100, self);
        look("to the end", fd, F_GETLK, F_WRLCK, 150, 0, self);
    });
    close(dup(writing));
    in_child(look("a descriptor of it was closed", fd, F_GETLK, F_WRLCK, 0, 0, self));
    say("before its start", change(fd, F_SETLK, F_RDLCK, SEEK_SET, -1, 5));
    say("ends before its start", change(fd, F_SETLK, F_RDLCK, SEEK_SET, 5, -6));
    say("too far", change(fd, F_SETLK, F_RDLCK, SEEK_CUR, 0x7fffffffffffffff, 5));
    say("an unknown kind", change(fd, F_SETLK, 7, SEEK_SET, 0, 5));
    say("an unknown origin", change(fd, F_SETLK, F_RDLCK, 7, 0, 5));
    say("asked of nothing", change(fd, F_GETLK, F_UNLCK, SEEK_SET, 0, 5));
    say("write, open for reading", change(reading, F_SETLK, F_WRLCK, SEEK_SET, 0, 5));
    say("read, open for writing", change(writing, F_SETLK, F_RDLCK, SEEK_SET, 0, 5));
    say("nowhere", fcntl(fd, F_SETLK, nowhere));
    close(fd), close(reading), close(writing);
}

static void at_the_end(void) {
    const long last = 0x7fffffffffffffff;
    int fd = again(O_RDWR);
    pid_t self = getpid();
    say("from 1, as long as can be", change(fd, F_SETLK, F_WRLCK, SEEK_SET, 1, last));
    in_child(look("all but the first", fd, F_GETLK, F_WRLCK, 0, 0, self));
    say("all", change(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
    say("the last byte", change(fd, F_SETLK, F_WRLCK, SEEK_SET, last, 0));
    in_child({
        look("it is there", fd, F_GETLK, F_WRLCK, 0, 0, self);
        look("not before it", fd, F_GETLK, F_WRLCK, 0, last, self);
    });
    say("the same", change(fd, F_SETLK, F_WRLCK, SEEK_SET, last, 1));
    say("one more", change(fd, F_SETLK, F_WRLCK, SEEK_SET, last, 2));
    say("from 2, too long", change(fd, F_SETLK, F_WRLCK, SEEK_SET, 2, last));
    say("the one before it", change(fd, F_SETLK, F_WRLCK, SEEK_SET, last, -1));
    in_child(look("both", fd, F_GETLK, F_WRLCK, 0, 0, self));
    close(fd);
}

static int waiting;

static void *wait_for_lock(void *unused) {
    say("closed while it waits", change(waiting, F_SETLKW, F_WRLCK, SEEK_SET, 0, 1));
    return unused;
}

// Another thread closes the descriptor of one that waits for a lock: it has none when it is its turn.
static void closed_meanwhile(void) {
    int fd = again(O_RDWR), ends[2], done[2];
    if (pipe(ends) < 0 || pipe(done) < 0) return;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        change(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 1);
        if (write(ends[1], "", 1) != 1 || read(done[0], &byte, 1) != 1) _exit(1);
        change(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 1);
        if (read(done[0], &byte, 1) != 1) _exit(1);
        say("nobody has it", change(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
        fflush(stdout);
        _exit(0);
    }
    char byte;
    if (read(ends[0], &byte, 1) != 1) return;
    waiting = again(O_RDWR);
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_lock, NULL);
    usleep(50000);
    close(waiting);
    if (write(done[1], "", 1) != 1) return;
    pthread_join(thread, NULL);
    fflush(stdout);
    if (write(done[1], "", 1) != 1) return;
    waitpid(child, NULL, 0);
    close(fd);
}

static void waits_for_each_other(void) {
    int fd = again(O_RDWR);
    change(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 1);
    int ends[2];
    if (pipe(ends) < 0) return;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        change(fd, F_SETLK, F_WRLCK, SEEK_SET, 1, 1);
        if (write(ends[1], "", 1) != 1) _exit(1);
        // It waits for its parent, which then would wait for it.
        _exit(change(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 1) == 0 ? 0 : 1);
    }
    char byte;
    if (read(ends[0], &byte, 1) != 1) return;
    usleep(50000);
    say("each would wait for the other", change(fd, F_SETLKW, F_WRLCK, SEEK_SET, 1, 1));
    change(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 1);
    int status;
    waitpid(child, &status, 0);
    printf("the child had it: %d\n", status == 0);
    say("its end gave it up", change(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 0));
    close(fd);
}

static void of_descriptions(void) {
    int one = again(O_RDWR), other = again(O_RDWR);
    say("write 0 to 9", change(one, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 10));
    look("asked by the other", other, F_OFD_GETLK, F_RDLCK, 0, 0, 0);
    say("kept out", change(other, F_OFD_SETLK, F_RDLCK, SEEK_SET, 9, 1));
    say("kept out, as a process", change(one, F_SETLK, F_RDLCK, SEEK_SET, 9, 1));
    say("10", change(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 10, 1));
    close(again(O_RDONLY));
    say("another descriptor was closed", change(other, F_OFD_SETLK, F_RDLCK, SEEK_SET, 9, 1));
    in_child(say("inherited", change(one, F_OFD_SETLK, F_UNLCK, SEEK_SET, 9, 1)));
    say("so it can be had", change(other, F_OFD_SETLK, F_RDLCK, SEEK_SET, 9, 1));
    close(one);
    say("all, once it is closed", change(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 0));
    struct flock lock = {.l_type = F_WRLCK, .l_pid = 1};
    say("with a process", fcntl(other, F_OFD_SETLK, &lock));
    close(other);
}

static void nothing(int signal) {
    (void)signal;
}

static void interrupted(void) {
    int one = again(O_RDWR), other = again(O_RDWR);
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    flock(one, LOCK_EX);
    ualarm(30000, 0);
    say("interrupted", flock(other, LOCK_EX));
    change(one, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 0);
    ualarm(30000, 0);
    say("interrupted", change(other, F_SETLKW, F_WRLCK, SEEK_SET, 0, 0));
}

int main(void) {
    snprintf(name, sizeof name, "/tmp/locks-%d", (int)getpid());
    close(open(name, O_CREAT | O_RDWR, 0600));
    of_open_files();
    of_processes();
    at_the_end();
    closed_meanwhile();
    waits_for_each_other();
    of_descriptions();
    interrupted();
    unlink(name);
    return 0;
}
