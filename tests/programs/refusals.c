// Ranges where nothing is mapped, flags that contradict each other, and calls that a Linux may be built without.
#include "say.h"
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void holes(void) {
    char *three = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    three[0] = three[2 * PAGE] = 1;
    munmap(three + PAGE, PAGE);
    unsigned char resident[3];
    say("MADV_DONTNEED", madvise(three, 3 * PAGE, MADV_DONTNEED));
    printf("what is there was dropped: %d %d\n", three[0], three[2 * PAGE]);
    say("MADV_WILLNEED", madvise(three, 3 * PAGE, MADV_WILLNEED));
    say("MADV_NORMAL of the hole", madvise(three + PAGE, PAGE, MADV_NORMAL));
    say("unknown advice", madvise(three, PAGE, 12345));
    say("between pages", madvise(three + 1, PAGE, MADV_NORMAL));
    say("nothing", madvise(three + PAGE, 0, MADV_NORMAL));
    say("too long", madvise(three, -PAGE, MADV_NORMAL));
    say("msync", msync(three, 3 * PAGE, MS_SYNC));
    say("msync of what is there", msync(three, PAGE, MS_SYNC));
    say("msync both", msync(three, PAGE, MS_SYNC | MS_ASYNC));
    say("mincore", mincore(three, 3 * PAGE, resident));
    say("mincore of what is there", mincore(three, PAGE, resident));
    say("mincore to nowhere", mincore(three, PAGE, nowhere));
    say("mincore between pages", mincore(three + 1, PAGE, resident));
    say("mlock", mlock(three, 3 * PAGE));
    say("munlock", munlock(three, 3 * PAGE));
    char *fresh = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say("mlock of two", mlock(fresh, 2 * PAGE));
    say("they are there", mincore(fresh, 2 * PAGE, resident));
    printf("%d %d\n", resident[0] & 1, resident[1] & 1);
    mprotect(fresh, PAGE, PROT_NONE);
    say("mprotect of the hole", mprotect(three, 3 * PAGE, PROT_READ));
}

static void opening(void) {
    char name[64];
    snprintf(name, sizeof name, "/tmp/refusals-%d", (int)getpid());
    say("a directory to be made", open(name, O_CREAT | O_DIRECTORY | O_RDWR, 0600));
    say("is not", access(name, F_OK));
    int fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC | O_NOCTTY | O_TRUNC | O_APPEND, 0600);
    printf("its flags: %#o\n", fcntl(fd, F_GETFL));
    say("more of them", fcntl(fd, F_SETFL, O_NONBLOCK));
    printf("its flags: %#o\n", fcntl(fd, F_GETFL));
    printf("of a path: %#o\n", fcntl(open(name, O_PATH | O_RDWR), F_GETFL));
    printf("of a directory: %#o\n", fcntl(open("/", O_RDONLY | O_DIRECTORY), F_GETFL));
    int ends[2];
    if (pipe(ends) == 0) printf("of a pipe: %#o %#o\n", fcntl(ends[0], F_GETFL), fcntl(ends[1], F_GETFL));
    printf("of a memfd: %#o\n", fcntl(memfd_create("x", 0), F_GETFL));
    unlink(name);
}

static void barriers(void) {
    long kinds = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    printf("barriers: %ld %ld\n", kinds & MEMBARRIER_CMD_GLOBAL, kinds & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    say("of all", syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
    say("not registered", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    say("register", syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    say("registered", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    say("unknown", syscall(SYS_membarrier, 1 << 20, 0, 0));
    say("with flags", syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 77, 0));
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    holes();
    opening();
    barriers();
    return 0;
}
