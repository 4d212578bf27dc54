// From file to file without the program, positions, and what descriptors themselves can do.
#include "say.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char text[1 << 20];

static int scratch(const char *content) {
    static int number;
    char path[64];
    snprintf(path, sizeof path, "/tmp/portcullis-splice-%d", number++);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink(path);
    if (write(file, content, strlen(content)) < 0) puts("cannot write");
    lseek(file, 0, SEEK_SET);
    return file;
}

static void show(const char *what, int file, int length) {
    memset(text, 0, length + 1);
    ssize_t count = read(file, text, length);
    printf("%s: %zd %.*s\n", what, count, count > 0 ? (int)count : 0, text);
}

static void splices(void) {
    int ends[2], other[2], pair[2], file = scratch("hello, file");
    if (pipe(ends) || pipe(other) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
    say("file to pipe", splice(file, NULL, ends[1], NULL, 5, 0));
    loff_t offset = 7;
    say("from a position", splice(file, &offset, ends[1], NULL, 100, 0));
    printf("position %ld, the file's own %ld\n", (long)offset, (long)lseek(file, 0, SEEK_CUR));
    say("tee", tee(ends[0], other[1], 100, 0));
    show("the copy", other[0], 100);
    say("pipe to socket", splice(ends[0], NULL, pair[0], NULL, 100, 0));
    show("the socket", pair[1], 100);
    say("write to the socket", write(pair[1], "and back", 8));
    say("socket to pipe", splice(pair[0], NULL, ends[1], NULL, 100, 0));
    say("pipe to pipe", splice(ends[0], NULL, other[1], NULL, 3, 0));
    show("the other", other[0], 100);
    int target = scratch("....................");
    offset = 4;
    say("pipe to file", splice(ends[0], NULL, target, &offset, 100, 0));
    printf("position %ld\n", (long)offset);
    show("the file", target, 100);
    say("nothing there", splice(ends[0], NULL, target, NULL, 100, SPLICE_F_NONBLOCK));
    say("nothing there", tee(ends[0], other[1], 100, SPLICE_F_NONBLOCK));
    say("nothing asked", splice(ends[0], NULL, target, NULL, 0, 0));
    say("no pipe", splice(file, NULL, target, NULL, 100, 0));
    say("the same pipe", splice(ends[0], NULL, ends[1], NULL, 100, 0));
    say("the same pipe", tee(ends[0], ends[1], 100, 0));
    say("the wrong end", splice(ends[1], NULL, target, NULL, 100, 0));
    say("the wrong end", splice(file, NULL, ends[0], NULL, 100, 0));
    say("a position of a pipe", splice(ends[0], &offset, target, NULL, 100, 0));
    say("bad flags", splice(ends[0], NULL, target, NULL, 100, 77));
    say("no descriptor", splice(999, NULL, target, NULL, 100, 0));
    say("the end of the file", splice(file, &(loff_t){100}, ends[1], NULL, 100, 0));
    struct iovec parts[2] = {{"one ", 4}, {"two", 3}};
    say("from memory", vmsplice(ends[1], parts, 2, 0));
    show("the pipe", ends[0], 100);
    say("from memory to no pipe", vmsplice(file, parts, 2, 0));
    close(ends[1]);
    say("the end", splice(ends[0], NULL, target, NULL, 100, 0));
    close(ends[0]);
    close(other[0]);
    close(other[1]);
    close(pair[0]);
    close(pair[1]);
    close(file);
    close(target);
}

static void *drains(void *file) {
    long sum = 0;
    ssize_t count;
    static unsigned char part[50000];
    while ((count = read((int)(long)file, part, sizeof part)) > 0)
        for (ssize_t i = 0; i < count; i++) sum = (sum * 31 + part[i]) % 1000000007;
    return (void *)sum;
}

static void sendfiles(void) {
    int pair[2], file = scratch(""), target = scratch("....");
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * 7 + i / 256);
    for (int i = 0; i < 4; i++)
        if (write(file, text, sizeof text) != sizeof text) puts("cannot write");
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
    pthread_t thread;
    void *sum;
    pthread_create(&thread, NULL, drains, (void *)(long)pair[1]);
    off_t offset = 1000;
    say("all to a socket", sendfile(pair[0], file, &offset, 1 << 30));
    printf("position %ld, own %ld\n", (long)offset, (long)lseek(file, 0, SEEK_CUR));
    shutdown(pair[0], SHUT_WR);
    pthread_join(thread, &sum);
    printf("sum %ld\n", (long)sum);
    lseek(file, 5, SEEK_SET);
    say("to a file", sendfile(target, file, NULL, 3));
    printf("own %ld and %ld\n", (long)lseek(file, 0, SEEK_CUR), (long)lseek(target, 0, SEEK_CUR));
    say("at the end", sendfile(target, file, &(off_t){1 << 30}, 3));
    say("before the beginning", sendfile(target, file, &(off_t){-1}, 3));
    say("from a socket", sendfile(target, pair[0], NULL, 3));
    say("to what is only read", sendfile(open("/dev/null", O_RDONLY), file, NULL, 3));
    say("no descriptor", sendfile(999, file, NULL, 3));
    say("a bad place", sendfile(target, file, nowhere, 3));
    int one = scratch("0123456789"), other = scratch("..........");
    loff_t from = 2, to = 5;
    say("copy_file_range", copy_file_range(one, &from, other, &to, 4, 0));
    printf("positions %ld %ld\n", (long)from, (long)to);
    show("copied", other, 20);
    say("past the end", copy_file_range(one, &(loff_t){8}, other, NULL, 100, 0));
    say("over itself", copy_file_range(one, &(loff_t){0}, one, &(loff_t){2}, 5, 0));
    say("to a pipe", copy_file_range(one, NULL, pair[0], NULL, 5, 0));
    say("bad flags", copy_file_range(one, NULL, other, NULL, 5, 1));
    close(pair[0]);
    close(pair[1]);
}

static void positions(void) {
    int file = scratch("0123456789"), ends[2];
    char a[4] = {0}, b[4] = {0};
    struct iovec parts[2] = {{a, 3}, {b, 3}};
    if (pipe(ends)) return;
    say("preadv", preadv(file, parts, 2, 2));
    printf("%s %s, own %ld\n", a, b, (long)lseek(file, 0, SEEK_CUR));
    say("preadv2 with its own", preadv2(file, parts, 2, -1, 0));
    printf("%s %s, own %ld\n", a, b, (long)lseek(file, 0, SEEK_CUR));
    say("pwritev2 at the end", pwritev2(file, parts, 1, 0, RWF_APPEND));
    say("size", lseek(file, 0, SEEK_END));
    say("preadv2 of a pipe", preadv2(ends[0], parts, 1, 0, 0));
    say("that would wait", preadv2(ends[0], parts, 1, -1, RWF_NOWAIT));
    say("bad flags", preadv2(file, parts, 1, 0, 0x4000));
    say("negative", preadv(file, parts, 1, -5));
    say("too many", syscall(SYS_readv, file, parts, 1025));
    lseek(file, 0, SEEK_SET);
    say("read to a bad place", read(file, nowhere, 5));
    printf("own %ld\n", (long)lseek(file, 0, SEEK_CUR));
    say("seek before the beginning", lseek(file, -1, SEEK_SET));
    say("no such origin", lseek(file, 0, 77));
}

static void descriptors(void) {
    int file = scratch("x"), ends[2];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (pipe(ends)) return;
    say("lock", fcntl(file, F_SETLK, &lock));
    say("who has it", fcntl(file, F_GETLK, &lock));
    printf("nobody else: %d\n", lock.l_type == F_UNLCK);
    lock.l_type = 77;
    say("no such lock", fcntl(file, F_SETLK, &lock));
    lock.l_type = F_WRLCK;
    say("of what is only read", fcntl(open("/dev/null", O_RDONLY), F_SETLK, &lock));
    say("a bad place", fcntl(file, F_SETLK, nowhere));
    say("no descriptor", fcntl(999, F_GETFD));
    say("no such command", fcntl(file, 7777));
    say("dup2 of none", dup2(999, 5));
    say("dup3 to itself", syscall(SYS_dup3, file, file, 0));
    say("dup3 with bad flags", syscall(SYS_dup3, file, 50, O_NONBLOCK));
    say("dup3", syscall(SYS_dup3, file, 50, O_CLOEXEC));
    printf("closed on exec %d\n", fcntl(50, F_GETFD));
    say("dup2 to a negative one", dup2(file, -1));
    say("the lowest from 60 on", fcntl(file, F_DUPFD, 60));
    say("and with the flag", fcntl(file, F_DUPFD_CLOEXEC, 60));
    say("negative", fcntl(file, F_DUPFD, -1));
    say("flag a range", syscall(SYS_close_range, 60, 61, 4));
    printf("closed on exec %d %d\n", fcntl(60, F_GETFD), fcntl(61, F_GETFD));
    say("close a range", syscall(SYS_close_range, 50, 1000, 0));
    say("closed", fcntl(60, F_GETFD));
    say("a bad range", syscall(SYS_close_range, 9, 8, 0));
    say("close twice", close(50));
    int on = 1;
    say("FIONBIO", ioctl(ends[0], FIONBIO, &on));
    say("would wait", read(ends[0], text, 1));
    say("FIOASYNC off", ioctl(ends[0], FIOASYNC, &(int){0}));
    say("F_SETOWN", fcntl(ends[0], F_SETOWN, 0));
    say("F_GETOWN", fcntl(ends[0], F_GETOWN));
    say("no such request", ioctl(ends[0], 0x7777, &on));
    say("pipe size of a file", fcntl(file, F_GETPIPE_SZ));
}

int main(void) {
    splices();
    sendfiles();
    positions();
    descriptors();
    return 0;
}
