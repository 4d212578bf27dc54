// Memory of the program's own: mmap, mprotect, mremap, madvise, mincore, with their errors.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

static sigjmp_buf back;
static volatile sig_atomic_t code;
static volatile int at_address;
static void *touched;

static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)context;
    code = info->si_code;
    at_address = info->si_addr == touched;
    siglongjmp(back, signal);
}

static const char *error(long result) {
    return result == -1 ? strerrorname_np(errno) : "ok";
}

static const char *mapped(void *result) {
    return result == MAP_FAILED ? strerrorname_np(errno) : "ok";
}

// What becomes of an access: the signal and its code, or none.
static void attempt(const char *what, char *at, int write) {
    touched = at;
    int signal = sigsetjmp(back, 1);
    if (signal == 0) {
        if (write) *(volatile char *)at = 1;
        else (void)*(volatile char *)at;
        printf("%s: works\n", what);
    } else {
        printf("%s: signal %d, code %d, at the address: %d\n", what, signal, (int)code, at_address);
    }
}

static void *anonymous(size_t length, int protection) {
    return mmap(NULL, length, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void run_made_code(void) {
    // mov eax, 42; ret
    static const unsigned char made[] = {0xb8, 42, 0, 0, 0, 0xc3};
    unsigned char *code = anonymous(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    memcpy(code, made, sizeof made);
    printf("code made where it runs: %d\n", ((int (*)(void))code)());
    code[1] = 43;
    printf("changed where it runs: %d\n", ((int (*)(void))code)());
    printf("to execute only: %s\n", error(mprotect(code, PAGE, PROT_READ | PROT_EXEC)));
    printf("it still runs: %d\n", ((int (*)(void))code)());
    attempt("a write to code", (char *)code, 1);
    printf("and back: %s\n", error(mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC)));
    code[1] = 44;
    printf("changed again: %d\n", ((int (*)(void))code)());
}

static void protections(void) {
    char *pages = anonymous(4 * PAGE, PROT_READ | PROT_WRITE);
    memset(pages, 'a', 4 * PAGE);
    printf("none: %s\n", error(mprotect(pages + PAGE, PAGE, PROT_NONE)));
    attempt("read of none", pages + PAGE + 5, 0);
    attempt("write of none", pages + PAGE + 5, 1);
    attempt("its neighbour", pages + 2 * PAGE, 1);
    printf("read: %s\n", error(mprotect(pages + PAGE, PAGE, PROT_READ)));
    printf("it kept %c\n", pages[PAGE + 5]);
    attempt("write of read", pages + PAGE + 5, 1);
    munmap(pages + 3 * PAGE, PAGE);
    attempt("read of nothing", pages + 3 * PAGE, 0);
    printf("over a hole: %s\n", error(mprotect(pages, 4 * PAGE, PROT_READ)));
    printf("not on a page: %s\n", error(mprotect(pages + 1, PAGE, PROT_READ)));
    printf("unknown bits: %s\n", error(mprotect(pages, PAGE, 0x40)));
    printf("nothing: %s\n", error(mprotect(pages, 0, PROT_READ)));
    printf("a system call reads none: ");
    mprotect(pages + PAGE, PAGE, PROT_NONE);
    printf("%s\n", error(write(1, pages + PAGE, 1)));
}

static void places(void) {
    char *pages = anonymous(4 * PAGE, PROT_READ | PROT_WRITE);
    strcpy(pages, "first");
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    printf("no replace: %s\n", mapped(mmap(pages, PAGE, PROT_READ, flags | MAP_FIXED_NOREPLACE, -1, 0)));
    printf("fixed: %d\n", mmap(pages, PAGE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1, 0) == pages);
    printf("it begins with %d\n", pages[0]);
    printf("fixed between pages: %s\n", mapped(mmap(pages + 1, PAGE, PROT_READ, flags | MAP_FIXED, -1, 0)));
    printf("no length: %s\n", mapped(anonymous(0, PROT_READ)));
    printf("too long: %s\n", mapped(anonymous(1ul << 60, PROT_READ)));
    printf("neither shared nor private: %s\n", mapped(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0)));
    printf("no such file: %s\n", mapped(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0)));
    char *low = mmap(NULL, PAGE, PROT_READ, flags | MAP_32BIT, -1, 0);
    printf("low: %d\n", (uintptr_t)low < 1ul << 31);
    char *hinted = mmap(pages + 64 * PAGE, PAGE, PROT_READ, flags, -1, 0);
    printf("a free hint is taken or not: %s\n", mapped(hinted));
    char *vast = mmap(NULL, 64ul << 30, PROT_NONE, flags | MAP_NORESERVE, -1, 0);
    printf("64 GiB of nothing: %s\n", mapped(vast));
    printf("a part of it: %s\n", error(mprotect(vast + (33ul << 30), 2 * PAGE, PROT_READ | PROT_WRITE)));
    vast[(33ul << 30) + PAGE] = 1;
    printf("given back: %s\n", error(munmap(vast, 64ul << 30)));
    printf("unmapped twice: %s\n", error(munmap(vast, PAGE)));
    printf("unmapped between pages: %s\n", error(munmap(pages + 1, PAGE)));
    printf("unmapped without length: %s\n", error(munmap(pages, 0)));
    char *ready = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags | MAP_POPULATE | MAP_STACK, -1, 0);
    unsigned char in_memory[4];
    printf("told: %s", error(mincore(ready, 4 * PAGE, in_memory)));
    printf(" %d%d%d%d\n", in_memory[0], in_memory[1], in_memory[2], in_memory[3]);
    char *lazy = anonymous(4 * PAGE, PROT_READ | PROT_WRITE);
    lazy[2 * PAGE] = 1;
    mincore(lazy, 4 * PAGE, in_memory);
    printf("touched: %d%d%d%d\n", in_memory[0], in_memory[1], in_memory[2], in_memory[3]);
    munmap(lazy, PAGE);
    printf("told of a hole: %s\n", error(mincore(lazy, PAGE, in_memory)));
    printf("told between pages: %s\n", error(mincore(lazy + 1, PAGE, in_memory)));
    printf("told nowhere: %s\n", error(mincore(ready, PAGE, (void *)8)));
}

static void moves(void) {
    char *pages = anonymous(3 * PAGE, PROT_READ | PROT_WRITE);
    strcpy(pages + PAGE, "moved");
    char *wall = mmap(pages + 3 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("in place, against a wall: %s\n", mapped(mremap(pages, 3 * PAGE, 4 * PAGE, 0)));
    printf("shorter: %d\n", mremap(pages, 3 * PAGE, 2 * PAGE, 0) == pages);
    printf("longer again: %d\n", mremap(pages, 2 * PAGE, 3 * PAGE, 0) == pages);
    char *moved = mremap(pages, 3 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    printf("elsewhere: %d, with \"%s\" and %d\n", moved != pages, moved + PAGE, moved[60 * PAGE]);
    attempt("where it was", pages + PAGE, 0);
    char *target = anonymous(2 * PAGE, PROT_READ);
    char *there = mremap(moved + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    printf("to a place: %d, \"%s\"\n", there == target, there);
    char *left = mremap(there, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    printf("left behind: \"%s\" there, \"%s\" here\n", left, there);
    printf("fixed only: %s\n", mapped(mremap(left, PAGE, PAGE, MREMAP_FIXED, target)));
    printf("onto itself: %s\n", mapped(mremap(left, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, left + PAGE)));
    printf("no length: %s\n", mapped(mremap(left, PAGE, 0, MREMAP_MAYMOVE)));
    munmap(wall, PAGE);
    printf("of nothing: %s\n", mapped(mremap(wall, PAGE, 2 * PAGE, MREMAP_MAYMOVE)));
    printf("unknown flag: %s\n", mapped(mremap(left, PAGE, PAGE, 64)));
    printf("between pages: %s\n", mapped(mremap(left + 1, PAGE, PAGE, 0)));
}

static void advice(void) {
    char *pages = anonymous(4 * PAGE, PROT_READ | PROT_WRITE);
    memset(pages, 'x', 4 * PAGE);
    printf("not needed: %s\n", error(madvise(pages + PAGE, PAGE, MADV_DONTNEED)));
    printf("holds %d, its neighbours %c %c\n", pages[PAGE], pages[PAGE - 1], pages[2 * PAGE]);
    printf("free: %s\n", error(madvise(pages, PAGE, MADV_FREE)));
    pages[0] = 'y';
    printf("written after: %c\n", pages[0]);
    printf("populated: %s\n", error(madvise(pages, 4 * PAGE, MADV_POPULATE_WRITE)));
    printf("will need: %s\n", error(madvise(pages, 4 * PAGE, MADV_WILLNEED)));
    printf("unknown: %s\n", error(madvise(pages, PAGE, 1234)));
    printf("between pages: %s\n", error(madvise(pages + 1, PAGE, MADV_DONTNEED)));
    mprotect(pages, PAGE, PROT_READ);
    printf("populated for writing what is read: %s\n", error(madvise(pages, PAGE, MADV_POPULATE_WRITE)));
    munmap(pages + 2 * PAGE, PAGE);
    printf("over a hole: %s\n", error(madvise(pages, 4 * PAGE, MADV_DONTNEED)));
    printf("sync: %s\n", error(msync(pages, PAGE, MS_SYNC)));
    printf("sync over a hole: %s\n", error(msync(pages, 4 * PAGE, MS_SYNC)));
    printf("sync both ways: %s\n", error(msync(pages, PAGE, MS_SYNC | MS_ASYNC)));
    printf("lock: %s\n", error(mlock(pages, PAGE)));
    printf("lock over a hole: %s\n", error(mlock(pages, 4 * PAGE)));
    printf("unlock: %s\n", error(munlock(pages, PAGE)));
}

// Thousands of regions, every second page another protection; then one again.
static void many(void) {
    enum { COUNT = 20000 };
    char *pages = anonymous((size_t)COUNT * PAGE, PROT_READ | PROT_WRITE);
    int failed = 0;
    for (int i = 0; i < COUNT; i += 2) failed += mprotect(pages + (size_t)i * PAGE, PAGE, PROT_READ) != 0;
    for (int i = 1; i < COUNT; i += 2) pages[(size_t)i * PAGE] = 1;
    for (int i = 0; i < 1000; i++) {
        void *one = anonymous(PAGE, PROT_READ);
        failed += one == MAP_FAILED || munmap(one, PAGE) != 0;
    }
    printf("many regions: %d failed\n", failed);
    printf("one again: %s\n", error(mprotect(pages, (size_t)COUNT * PAGE, PROT_READ | PROT_WRITE)));
    printf("given back: %s\n", error(munmap(pages, (size_t)COUNT * PAGE)));
}

static void heap(void) {
    char *start = sbrk(0);
    printf("heap grows: %s\n", error(brk(start + 5 * PAGE)));
    start[5 * PAGE - 1] = 1;
    printf("heap shrinks: %s\n", error(brk(start + PAGE)));
    printf("heap grows again: %s, ", error(brk(start + 5 * PAGE)));
    printf("zeroed: %d\n", start[5 * PAGE - 1] == 0);
    printf("heap below its start: %s\n", error(brk((void *)(16 * PAGE))));
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    run_made_code();
    protections();
    places();
    moves();
    advice();
    many();
    heap();
    return 0;
}
