// malloc(3) from many threads at once, small and large, with realloc and calloc; every byte is checked.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 6, BLOCKS = 64, ROUNDS = 40 };

static void *churn(void *argument) {
    uint32_t seed = (uint32_t)(uintptr_t)argument * 2654435761u + 1;
    unsigned char *blocks[BLOCKS] = {0};
    size_t sizes[BLOCKS] = {0};
    long bad = 0;
    for (int round = 0; round < ROUNDS * BLOCKS; round++) {
        seed = seed * 1664525u + 1013904223u;
        int i = (seed >> 8) % BLOCKS;
        // One in sixteen is past the threshold where malloc asks mmap(2).
        size_t size = (seed >> 28) == 0 ? 150000 + (seed >> 12) % 50000 : 1 + (seed >> 16) % 3000;
        for (size_t at = 0; at < sizes[i]; at += 97) bad += blocks[i][at] != (unsigned char)i;
        if (seed & 1) {
            free(blocks[i]);
            blocks[i] = calloc(1, size);
            for (size_t at = 0; at < size; at += 61) bad += blocks[i][at] != 0;
        } else {
            blocks[i] = realloc(blocks[i], size);
        }
        memset(blocks[i], i, size);
        sizes[i] = size;
    }
    for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
    return (void *)bad;
}

int main(void) {
    pthread_t threads[THREADS];
    long bad = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, churn, (void *)i) != 0) return 1;
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        bad += (long)result;
    }
    printf("%d threads, %d rounds each, %ld bytes wrong\n", THREADS, ROUNDS * BLOCKS, bad);
    return bad != 0;
}
