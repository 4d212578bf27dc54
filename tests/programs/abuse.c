/* A program that means harm, and a server in it that does not. Its arguments are the numbers of all calls that the kernel
 * serves. It passes pointers of every bad kind to every argument of each of them, then makes a million random calls from
 * four threads; the seed is fixed. Every call must come back, and the server must go on.
 *
 * A timer interrupts whatever waits: the first thread, which passes the signal on to the others. Left out is only what ends the program or hands it to somebody else. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define THREADS 4
#define CALLS 1000000
#define PAGE 4096
#define MEMORY (1 << 20)

/* Ends the program or a thread, starts another, or would be spoken for by others: signals with the default action. */
static const long ending[] = {
    SYS_exit, SYS_exit_group, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_execve, SYS_execveat, SYS_rt_sigreturn,
    SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal,
    SYS_seccomp, SYS_setitimer, SYS_alarm,
};
/* Takes away the memory, the registers or the descriptors that this program itself stands on. */
static const long undermining[] = {
    SYS_munmap, SYS_mremap, SYS_mprotect, SYS_mmap, SYS_madvise, SYS_brk, SYS_arch_prctl, SYS_remap_file_pages,
    SYS_pkey_mprotect, SYS_shmat, SYS_close, SYS_close_range, SYS_dup2, SYS_dup3, SYS_process_vm_writev,
};
/* Holds back the timer, so that nothing would end a wait, or has signals end the program: not at random. */
static const long patient[] = {
    SYS_rt_sigprocmask, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_ppoll, SYS_pselect6, SYS_epoll_pwait,
    SYS_epoll_pwait2, SYS_signalfd, SYS_signalfd4, SYS_prlimit64, SYS_setrlimit, SYS_timer_create, SYS_rt_sigaction,
    SYS_sigaltstack,
};
/* Waits until the timer comes: now and then is enough. */
static const long waiting[] = {
    SYS_pause, SYS_nanosleep, SYS_clock_nanosleep, SYS_poll, SYS_select, SYS_epoll_wait, SYS_futex, SYS_read, SYS_readv,
    SYS_preadv, SYS_accept, SYS_accept4, SYS_connect, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_sendto, SYS_sendmsg,
    SYS_sendmmsg, SYS_write, SYS_writev, SYS_wait4, SYS_waitid, SYS_splice, SYS_tee, SYS_vmsplice, SYS_sendfile,
    SYS_copy_file_range, SYS_getrandom, SYS_preadv2, SYS_pwritev2, SYS_pwritev, SYS_pread64, SYS_pwrite64, SYS_flock,
};

#define IS_IN(list, number) is_in(list, sizeof list / sizeof *list, number)

static int is_in(const long *list, size_t count, long number) {
    for (size_t i = 0; i < count; i++)
        if (list[i] == number) return 1;
    return 0;
}

/* Not by the C library: it would keep an errno in memory that a call may have changed. */
static long call(long number, const uint64_t *a) {
    long result;
    register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void say(const char *text) {
    uint64_t a[6] = {1001, (uint64_t)text, strlen(text)};
    call(SYS_write, a);
}

static char *memory;
static uint64_t bad[16];
static int bad_count;

static char *pages(size_t count, int protection) {
    char *at = mmap(0, count * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) exit(90);
    return at;
}

/* One pointer of every kind that must be refused, or that must not be followed past its end. */
static void prepare(void) {
    memory = pages(MEMORY / PAGE, PROT_READ | PROT_WRITE);
    char *hole = pages(3, PROT_READ | PROT_WRITE);
    munmap(hole + PAGE, PAGE);
    uint64_t kinds[] = {
        0,
        8,                                        /* in the page that is never mapped */
        (uint64_t)hole + PAGE,                    /* unmapped */
        (uint64_t)hole + PAGE - 1,                /* the last byte before an unmapped page */
        (uint64_t)hole + PAGE - 12,
        (uint64_t)pages(1, PROT_READ),            /* not to be written */
        (uint64_t)pages(1, PROT_NONE),            /* not to be touched */
        0x7ffffffff000 - 8,                       /* the end of what may be the program's */
        0x7ffffffffff8,
        0x800000000000,                           /* no address at all */
        0xffff800000000000,                       /* the kernel's */
        0xffffffff80100000,
        UINT64_MAX - 7,                           /* goes round */
        UINT64_MAX,
    };
    bad_count = sizeof kinds / sizeof *kinds;
    memcpy(bad, kinds, sizeof kinds);
}

static int zeroes;

static void bad_pointers(long number) {
    for (int shape = 0; shape < 3; shape++)
        for (int at = 0; at < 6; at++)
            for (int kind = 0; kind < bad_count; kind++) {
                uint64_t a[6];
                for (int i = 0; i < 6; i++) {
                    /* What makes a call look at its pointers: a descriptor first, small numbers, or memory. */
                    uint64_t good = (uint64_t)memory + 8192 * i, shapes[] = {i ? good : (uint64_t)zeroes, 1, good};
                    a[i] = shapes[shape];
                }
                if (shape == 0 && at != 2) a[2] = 16;
                a[at] = bad[kind];
                memset(memory, 0, 6 * 8192);
                call(number, a);
            }
}

/* The calls that are left out there, with nothing but addresses that nobody may use. */
static void bad_addresses(void) {
    static const long numbers[] = {SYS_clone3, SYS_execve, SYS_execveat, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_mmap,
                                   SYS_madvise, SYS_brk, SYS_remap_file_pages, SYS_pkey_mprotect, SYS_shmat};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (int kind = 7; kind < bad_count; kind++) {
            uint64_t a[6] = {bad[kind], numbers[i] == SYS_clone3 ? 88 : bad[kind], 3, 0x32, UINT64_MAX, bad[kind]};
            call(numbers[i], a);
        }
    for (int kind = 7; kind < bad_count; kind++) {
        uint64_t base[6] = {0x1001, bad[kind]};
        call(SYS_arch_prctl, base);
    }
}

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t argument(uint64_t *state) {
    switch (next(state) % 10) {
    case 0: return next(state);
    case 1: return next(state) % 64;
    case 2: return 0;
    case 3: return bad[next(state) % bad_count];
    case 4: return (uint64_t)memory + next(state) % MEMORY;
    case 5: return (uint64_t)memory + MEMORY - next(state) % 64;
    case 6: return (uint64_t)-1 - next(state) % 4096;
    case 7: return 1ULL << next(state) % 64;
    case 8: return next(state) & 0xffffffff;
    default: return 3 + next(state) % 16;
    }
}

static int done;
static long threads[THREADS];

static void *random_calls(void *number_of_thread) {
    uint64_t which = (uint64_t)number_of_thread, state = 20260711 * (which + 1), none[6] = {0};
    __atomic_store_n(&threads[which], call(SYS_gettid, none), __ATOMIC_SEQ_CST);
    for (int made = 0; made < CALLS / THREADS; made++) {
        long number = next(&state) % 512;
        uint64_t a[6];
        for (int i = 0; i < 6; i++) a[i] = argument(&state);
        if (IS_IN(ending, number) || IS_IN(undermining, number) || IS_IN(patient, number) ||
            (IS_IN(waiting, number) && next(&state) % 256))
            number = SYS_fstat;
        call(number, a);
    }
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    for (;;) call(SYS_pause, none);
    return 0;
}

/* Answers every connection, on a descriptor that no random number meets. */
static void *serve(void *listener) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    int listening = (intptr_t)listener;
    for (;;) {
        int taken = accept(listening, 0, 0);
        int connection = fcntl(taken, F_DUPFD, 2000);
        close(taken);
        char request[1024];
        if (connection >= 0 && read(connection, request, sizeof request) > 0)
            if (write(connection, answer, sizeof answer - 1) < 0) shutdown(connection, SHUT_RDWR);
        close(connection);
    }
    return 0;
}

static void listen_at(int port, int descriptor) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    if (bind(listener, (void *)&any, sizeof any) || listen(listener, 64)) exit(91);
    if (fcntl(listener, F_DUPFD, descriptor) != descriptor) exit(92);
    close(listener);
    if (pthread_create(&thread, 0, serve, (void *)(intptr_t)descriptor)) exit(93);
}

static void nothing(int number) { (void)number; }

int main(int count, char **numbers) {
    if (dup2(1, 1001) < 0) return 94;
    prepare();
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarms, 0);
    listen_at(8080, 1100);
    listen_at(8081, 1101);
    pthread_sigmask(SIG_UNBLOCK, &alarms, 0);
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = nothing}, 0);
    /* What it writes from now on is not for us. */
    int null = open("/dev/null", O_RDWR);
    zeroes = dup2(open("/dev/zero", O_RDWR), 20);
    if (null < 0 || zeroes != 20 || dup2(null, 1) != 1 || dup2(null, 2) != 2) return 95;
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 2000}, {0, 2000}}, 0);
    say("ready\n");
    for (int i = 1; i < count; i++) {
        long number = atol(numbers[i]);
        if (!IS_IN(ending, number) && !IS_IN(undermining, number)) bad_pointers(number);
    }
    bad_addresses();
    say("every bad pointer was refused\n");
    for (uint64_t thread = 0; thread < THREADS; thread++) {
        pthread_t made;
        if (pthread_create(&made, 0, random_calls, (void *)thread)) return 96;
    }
    uint64_t none[6] = {0};
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < THREADS) {
        call(SYS_pause, none);
        for (int i = 0; i < THREADS; i++) {
            uint64_t a[6] = {getpid(), __atomic_load_n(&threads[i], __ATOMIC_SEQ_CST), SIGALRM};
            if (a[1]) call(SYS_tgkill, a);
        }
    }
    say("every call came back\n");
    for (;;) call(SYS_pause, none);
}
