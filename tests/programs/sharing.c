// Memory that is shared: files as memory, anonymous memory across a fork, memfd_create.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static sigjmp_buf back;

static void on_fault(int signal) {
    siglongjmp(back, signal);
}

static const char *error(long result) {
    return result == -1 ? strerrorname_np(errno) : "ok";
}

static const char *mapped(void *result) {
    return result == MAP_FAILED ? strerrorname_np(errno) : "ok";
}

static void attempt(const char *what, volatile char *at) {
    int signal = sigsetjmp(back, 1);
    if (signal == 0) printf("%s: %d\n", what, *at);
    else printf("%s: signal %d\n", what, signal);
}

static char name[64];

static int file(const char *content) {
    snprintf(name, sizeof name, "/tmp/sharing-%d", (int)getpid());
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (write(fd, content, strlen(content)) < 0) printf("write: %s\n", error(-1));
    return fd;
}

static void shared_file(void) {
    int fd = file("what the file holds");
    char *one = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *other = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    printf("%s | %s | %s\n", one, other, own);
    own[0] = '!';
    memcpy(one, "ABCD", 4);
    char read_back[5] = {0};
    printf("read: %s", error(pread(fd, read_back, 4, 0)));
    printf(" %s\n", read_back);
    printf("the other mapping: %.6s\n", other);
    printf("write: %s\n", error(pwrite(fd, "1234", 4, 5)));
    printf("both: %.10s %.10s\n", one, other);
    printf("a private write: %.1s, the file: %.4s\n", own, one);
    printf("behind the end, in its page: %d\n", one[100]);
    attempt("behind its last page", one + PAGE);
    printf("longer: %s\n", error(ftruncate(fd, 2 * PAGE)));
    attempt("behind what was its last page", one + PAGE);
    one[PAGE] = 'z';
    printf("read there: %s", error(pread(fd, read_back, 1, PAGE)));
    printf(" %c\n", read_back[0]);
    printf("synced: %s\n", error(msync(one, PAGE, MS_SYNC)));
    printf("forgotten: %s, ", error(madvise(one, PAGE, MADV_DONTNEED)));
    printf("still there: %.4s\n", one);
    printf("seen once more: ");
    char *again = mremap(other, 0, PAGE, MREMAP_MAYMOVE);
    printf("%s %.4s\n", mapped(again), again);
    close(fd);
    printf("the mapping outlives the descriptor: %.4s\n", one);
    printf("and the name: %s", error(unlink(name)));
    printf(" %.4s\n", one);
}

static void rights(void) {
    int fd = file("rights");
    int reading = open(name, O_RDONLY), writing = open(name, O_WRONLY);
    printf("shared and writable of one open for reading: %s\n",
           mapped(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reading, 0)));
    printf("private and writable: %s\n",
           mapped(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reading, 0)));
    char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reading, 0);
    printf("shared: %s, made writable: %s\n", mapped(shared), error(mprotect(shared, PAGE, PROT_READ | PROT_WRITE)));
    printf("of one open for writing: %s\n", mapped(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, writing, 0)));
    printf("between pages of it: %s\n", mapped(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reading, 1)));
    int directory = open("/", O_RDONLY);
    printf("of a directory: %s\n", mapped(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, directory, 0)));
    int ends[2];
    if (pipe(ends) == 0) printf("of a pipe: %s\n", mapped(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0)));
    int zero = open("/dev/zero", O_RDWR);
    char *zeroes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    printf("of /dev/zero: %s %d\n", mapped(zeroes), zeroes[7]);
    unlink(name);
    close(fd);
}

static void across_fork(void) {
    int fd = memfd_create("across", MFD_CLOEXEC);
    printf("memfd: %d, sized: %s\n", fd >= 0, error(ftruncate(fd, PAGE)));
    int *anonymous = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *of_file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *anonymous = *of_file = *own = 1;
    // Never touched before the fork.
    int *later = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        *anonymous += 10;
        *of_file += 20;
        *own += 30;
        *later = 40;
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    printf("after the child: %d %d %d %d\n", *anonymous, *of_file, *own, *later);
    int seen = 0;
    printf("in the file: %s", error(pread(fd, &seen, sizeof seen, 0)));
    printf(" %d\n", seen);
    struct stat status_of;
    printf("its size: %s", error(fstat(fd, &status_of)));
    printf(" %ld, a file: %d\n", (long)status_of.st_size, S_ISREG(status_of.st_mode));
    printf("unknown flags: %s\n", error(memfd_create("x", 0x4000)));
    char longer[300];
    memset(longer, 'a', sizeof longer);
    longer[299] = 0;
    printf("a long name: %s\n", error(memfd_create(longer, 0)));
    int shm = shm_open("/sharing-test", O_RDWR | O_CREAT | O_EXCL, 0600);
    printf("shm_open: %d, again: %s\n", shm >= 0, error(shm_open("/sharing-test", O_RDWR | O_CREAT | O_EXCL, 0600)));
    printf("shm_unlink: %s\n", error(shm_unlink("/sharing-test")));
}

// A file with holes, one that grows by many small writes, and one that is cut.
static void sizes(void) {
    int fd = file("");
    printf("far out: %ld\n", (long)pwrite(fd, "x", 1, 1l << 32));
    char hole[8] = {1};
    printf("a hole: %ld", (long)pread(fd, hole, 8, 4096 * 100));
    printf(" %d\n", hole[0]);
    printf("emptied: %s\n", error(ftruncate(fd, 0)));
    long total = 0;
    char block[1000];
    memset(block, 'b', sizeof block);
    for (int i = 0; i < 4000; i++) total += pwrite(fd, block, sizeof block, total);
    struct stat status;
    fstat(fd, &status);
    printf("grown: %ld %ld\n", total, (long)status.st_size);
    printf("cut: %s\n", error(ftruncate(fd, 1500)));
    printf("longer: %s\n", error(ftruncate(fd, 3000)));
    char around[4];
    printf("around the cut: %ld", (long)pread(fd, around, 4, 1498));
    printf(" %c %c %d %d\n", around[0], around[1], around[2], around[3]);
    printf("negative: %s\n", error(ftruncate(fd, -1)));
    unlink(name);
    close(fd);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    shared_file();
    rights();
    across_fork();
    sizes();
    return 0;
}
