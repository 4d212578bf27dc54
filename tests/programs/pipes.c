// Pipes: sizes, what is written in one piece, what is told at the end, and errors; counters, which are like them.
#include "say.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int events(int file, int wanted) {
    struct pollfd poll_file = {.fd = file, .events = wanted};
    return poll(&poll_file, 1, 0) < 0 ? -1 : poll_file.revents;
}

static char large[1 << 20];
static int broken;

static void on_broken(int number) {
    (void)number;
    broken++;
}

static void sizes(void) {
    int ends[2], waiting;
    if (pipe2(ends, O_NONBLOCK)) return;
    say("holds", fcntl(ends[0], F_GETPIPE_SZ));
    say("empty", read(ends[0], large, 10));
    say("fill", write(ends[1], large, sizeof large));
    say("full", write(ends[1], large, 1));
    printf("events %#x %#x\n", events(ends[0], POLLIN), events(ends[1], POLLOUT));
    say("waiting", ioctl(ends[0], FIONREAD, &waiting));
    printf("%d\n", waiting);
    say("read a little", read(ends[0], large, 100));
    say("not in one piece", write(ends[1], large, 4096));
    say("read a page", read(ends[0], large, 4096));
    printf("events %#x\n", events(ends[1], POLLOUT));
    say("in one piece", write(ends[1], large, 4096));
    say("smaller than what it holds", fcntl(ends[1], F_SETPIPE_SZ, 4096));
    say("larger", fcntl(ends[1], F_SETPIPE_SZ, 100000));
    say("larger by name of the reader", fcntl(ends[0], F_GETPIPE_SZ));
    say("too large", fcntl(ends[1], F_SETPIPE_SZ, -1));
    say("drain", read(ends[0], large, sizeof large));
    say("small", fcntl(ends[1], F_SETPIPE_SZ, 1));
    say("fill", write(ends[1], large, 10000));
    close(ends[0]);
    close(ends[1]);
}

static void ends_of_pipes(void) {
    int ends[2];
    struct stat status;
    signal(SIGPIPE, on_broken);
    if (pipe(ends)) return;
    fstat(ends[0], &status);
    printf("mode %o, size %ld\n", status.st_mode, (long)status.st_size);
    say("write to the reader", write(ends[0], "a", 1));
    say("read from the writer", read(ends[1], large, 1));
    say("nothing", write(ends[1], "", 0));
    say("seek", lseek(ends[0], 0, SEEK_SET));
    say("pread", pread(ends[0], large, 1, 0));
    say("write", write(ends[1], "abc", 3));
    close(ends[1]);
    printf("events %#x\n", events(ends[0], POLLIN));
    say("read", read(ends[0], large, 10));
    printf("events %#x\n", events(ends[0], POLLIN));
    say("the end", read(ends[0], large, 10));
    close(ends[0]);
    if (pipe(ends)) return;
    close(ends[0]);
    printf("events %#x\n", events(ends[1], POLLOUT));
    say("nobody reads", write(ends[1], "abc", 3));
    printf("signals %d\n", broken);
    close(ends[1]);
    say("a bad place", pipe(nowhere));
    say("bad flags", pipe2(ends, O_APPEND));
    say("read from nowhere", read(ends[1], large, 1));
    if (pipe(ends)) return;
    say("write", write(ends[1], "abc", 3));
    say("read to a bad place", read(ends[0], nowhere, 3));
    say("write from a bad place", write(ends[1], nowhere, 3));
    close(ends[0]);
    close(ends[1]);
}

enum { PIECES = 200, PIECE = 3000, WRITERS = 4 };

static void *writes(void *argument) {
    int file = ((int *)argument)[0];
    char piece[PIECE];
    memset(piece, ((int *)argument)[1], sizeof piece);
    for (int i = 0; i < PIECES; i++)
        if (write(file, piece, sizeof piece) != sizeof piece) puts("cut");
    return NULL;
}

// Pieces of up to PIPE_BUF bytes stay whole, however many write.
static void pieces(void) {
    int ends[2], arguments[WRITERS][2], counts[WRITERS] = {0}, mixed = 0;
    pthread_t threads[WRITERS];
    if (pipe(ends)) return;
    for (int i = 0; i < WRITERS; i++) {
        arguments[i][0] = ends[1];
        arguments[i][1] = 'a' + i;
        pthread_create(&threads[i], NULL, writes, arguments[i]);
    }
    for (int i = 0; i < WRITERS * PIECES; i++) {
        char piece[PIECE];
        int got = 0, count;
        while (got < PIECE && (count = read(ends[0], piece + got, PIECE - got)) > 0) got += count;
        for (int at = 1; at < PIECE; at++) mixed += piece[at] != piece[0];
        counts[piece[0] - 'a']++;
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        printf("writer %d: %d pieces\n", i, counts[i]);
    }
    printf("mixed %d\n", mixed);
}

static void counters(void) {
    int counter = eventfd(3, EFD_NONBLOCK);
    uint64_t value = 0;
    printf("events %#x\n", events(counter, POLLIN | POLLOUT));
    say("take", read(counter, &value, 8));
    printf("value %lu, events %#x\n", value, events(counter, POLLIN | POLLOUT));
    say("nothing", read(counter, &value, 8));
    say("too short", read(counter, &value, 7));
    say("too short", write(counter, &value, 7));
    value = UINT64_MAX;
    say("too large", write(counter, &value, 8));
    value = UINT64_MAX - 1;
    say("the largest", write(counter, &value, 8));
    printf("events %#x\n", events(counter, POLLIN | POLLOUT));
    value = 1;
    say("full", write(counter, &value, 8));
    value = 0;
    say("nothing more", write(counter, &value, 8));
    say("a bad place", read(counter, nowhere, 8));
    say("take", read(counter, large, 100));
    close(counter);
    counter = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
    for (int i = 0; i < 3; i++) {
        say("take one", read(counter, &value, 8));
        printf("value %lu\n", value);
    }
    say("bad flags", eventfd(0, 12345));
    close(counter);
}

int main(void) {
    sizes();
    ends_of_pipes();
    pieces();
    counters();
    return 0;
}
