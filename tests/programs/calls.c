/* Calls whose trace is the same wherever they are made: what they are given and what they give does not depend on
 * addresses or on time. Between two marks, which are paths that do not exist. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nothing(int number) { (void)number; }

static void files(void) {
    char bytes[64] = "";
    struct stat status;
    int file = open("/tmp/calls", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    struct iovec parts[] = {{"one \"two\"\n", 10}, {"\0\1\0019\377", 5}};
    if (writev(file, parts, 2) != 15) perror("writev");
    if (pwrite(file, "a text that is longer than what a trace shows of it", 51, 15) != 51) perror("pwrite");
    lseek(file, 0, SEEK_SET);
    if (read(file, bytes, 15) != 15) perror("read");
    if (pread(file, bytes, 5, 999) != 0) perror("pread");
    fstat(file, &status);
    ftruncate(file, 4);
    fcntl(file, F_GETFD);
    fcntl(file, F_SETFL, O_APPEND | O_NONBLOCK);
    dup2(file, 40);
    dup3(file, file, 0);
    close(40);
    close(file);
    close(file);
    if (read(99, bytes, 5) < 0 && write(-1, "x", 1) < 0) errno = 0;
    rename("/tmp/calls", "/tmp/called");
    symlink("called", "/tmp/calls");
    readlink("/tmp/calls", bytes, sizeof bytes);
    lstat("/tmp/calls", &status);
    access("/tmp/called", R_OK | W_OK);
    unlink("/tmp/calls");
    unlink("/tmp/called");
    unlink("/tmp/called");
    mkdir("/tmp/calls", 0700);
    rmdir("/tmp/calls");
    umask(077);
    umask(022);
    syscall(SYS_openat, AT_FDCWD, 8UL, O_RDONLY);
    syscall(SYS_open, "/nowhere/at/all", O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static void waiting(void) {
    int pair[2], set = epoll_create1(EPOLL_CLOEXEC);
    char byte;
    pipe2(pair, O_NONBLOCK);
    fcntl(pair[1], F_GETFL);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 7};
    epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &event);
    epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &event);
    epoll_wait(set, &event, 1, 0);
    if (read(pair[0], &byte, 1) < 0 && write(pair[1], "x", 1) != 1) perror("write");
    epoll_wait(set, &event, 1, -1);
    struct pollfd polled[] = {{pair[0], POLLIN, 0}, {pair[1], POLLOUT | POLLERR, 0}, {-1, POLLIN, 0}};
    poll(polled, 3, 5);
    fd_set reading;
    FD_ZERO(&reading);
    FD_SET(pair[0], &reading);
    select(pair[0] + 1, &reading, 0, 0, 0);
    close(pair[1]);
    int counter = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
    unsigned long long value;
    if (read(counter, &value, 8) != 8) perror("eventfd");
    nanosleep(&(struct timespec){0, 1000}, 0);
    nanosleep(&(struct timespec){0, -1}, 0);
    close(counter), close(set), close(pair[0]);
}

static void signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, 0);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGUSR1, nothing);
    sigset_t old;
    sigprocmask(SIG_UNBLOCK, &set, &old);
    sigprocmask(99, &set, 0);
    struct timespec none = {0, 0};
    sigprocmask(SIG_BLOCK, &set, 0);
    sigtimedwait(&set, 0, &none);
    sigaction(SIGKILL, &(struct sigaction){.sa_handler = SIG_IGN}, 0);
}

static void sockets(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(4)};
    int one = 1, socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof one;
    setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(socket_, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
    getsockopt(socket_, SOL_SOCKET, SO_ERROR, &one, &length);
    bind(99, (void *)&to, sizeof to);
    shutdown(99, SHUT_RDWR);
    int pair[2];
    char bytes[8];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    struct iovec part = {"abc", 3};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    sendmsg(pair[0], &message, MSG_NOSIGNAL);
    recv(pair[1], bytes, sizeof bytes, MSG_DONTWAIT);
    recv(pair[1], bytes, sizeof bytes, 0);
    close(pair[0]), close(pair[1]), close(socket_);
}

static void others(void) {
    struct timespec time;
    syscall(SYS_clock_gettime, 99, &time);
    munmap((void *)1, 4096);
    mprotect((void *)4097, 4096, PROT_READ | PROT_EXEC);
    getuid(), getegid();
    sched_yield();
    syscall(500, 1UL, 2UL, 3UL, 4UL, 5UL, 0UL);
}

static void *thread(void *pair) {
    /* Long enough for the other to wait in its read, whoever runs first. */
    usleep(100000);
    return (void *)write(((int *)pair)[1], "!", 1);
}

int main(void) {
    access("/begin", F_OK);
    files();
    waiting();
    signals();
    sockets();
    others();
    access("/end", F_OK);
    /* A call that waits while another thread makes one: its line is left unfinished. */
    int pair[2];
    char byte;
    pthread_t other;
    if (pipe(pair) || pthread_create(&other, 0, thread, pair) || read(pair[0], &byte, 1) != 1) return 1;
    pthread_join(other, 0);
    return 7;
}
