// Takes memory until there is none: in small pieces, in large ones, by reading into it, by locking it, in a file's mapping. The
// machine ends the program where it touches more than there is; a single mapping larger than that is refused.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static void *map(size_t length) {
    return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void *take_pieces(void *unused) {
    char *piece;
    while ((piece = malloc(64 << 10))) memset(piece, 1, 64 << 10);
    puts("malloc gave nothing");
    exit(3);
    return unused;
}

int main(int count, char **args) {
    const char *how = count > 1 ? args[1] : "";
    setvbuf(stdout, NULL, _IONBF, 0);
    if (strcmp(how, "large") == 0) {
        printf("one obviously too large: %s\n", map(1ul << 36) == MAP_FAILED ? strerrorname_np(errno) : "mapped");
        char *part;
        // More than there is in all: each could be had.
        for (int i = 0; i < 64; i++)
            if (map(8 * MIB) == MAP_FAILED) puts("a part was refused");
        puts("mapped");
        while ((part = map(8 * MIB)) != MAP_FAILED) memset(part, 1, 8 * MIB);
        puts("mmap gave nothing");
        return 3;
    }
    if (strcmp(how, "threads") == 0) {
        pthread_t other;
        pthread_create(&other, NULL, take_pieces, NULL);
    }
    if (strcmp(how, "read") == 0) {
        int zero = open("/dev/zero", O_RDONLY);
        for (;;)
            if (read(zero, map(8 * MIB), 8 * MIB) < 0) {
                puts("read failed");
                return 3;
            }
    }
    take_pieces(NULL);
    return 3;
}
