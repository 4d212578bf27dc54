// Ends as its argument says.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int deeper(int depth) {
    volatile char frame[4096];
    if (depth < 0) return 0;
    frame[0] = (char)depth;
    return deeper(depth + 1) + frame[0];
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "exit") == 0) {
        printf("arguments %d, last %s, variable %s\n", argc, argv[argc - 1], getenv("GATE") ? getenv("GATE") : "unset");
        fputs("to standard error\n", stderr);
        return atoi(argv[2]);
    }
    if (strcmp(how, "write") == 0) *(volatile int *)0xdead0000 = 1;
    if (strcmp(how, "read") == 0) return *(volatile int *)0xbeef0;
    if (strcmp(how, "kernel") == 0) return *(volatile int *)0xffffffff80000000;
    if (strcmp(how, "stack") == 0) return deeper(0);
    if (strcmp(how, "illegal") == 0) __asm__ volatile("ud2");
    if (strcmp(how, "privileged") == 0) __asm__ volatile("cli");
    if (strcmp(how, "port") == 0) __asm__ volatile("outb %0, %1" : : "a"((char)0), "Nd"((short)0x80));
    if (strcmp(how, "data") == 0) {
        // A page that can be written is no code.
        char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        page[0] = (char)0xc3;
        ((void (*)(void))page)();
    }
    if (strcmp(how, "abort") == 0) abort();
    return 2;
}
