// Signals: queued, blocked, on a stack of their own, for faults, to threads, with their errors.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static const char *error(long result) {
    return result == -1 ? strerrorname_np(errno) : "ok";
}

static void install(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

static int values[64], count;

static void collect(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    values[count++ % 64] = info->si_value.sival_int;
}

static void queued(void) {
    sigset_t set, before;
    install(SIGRTMIN + 1, collect, 0);
    install(SIGUSR1, collect, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &before);
    for (int i = 1; i <= 5; i++) sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
    for (int i = 11; i <= 13; i++) sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = i});
    sigset_t pending;
    sigpending(&pending);
    printf("pending: %d %d %d\n", sigismember(&pending, SIGRTMIN + 1), sigismember(&pending, SIGUSR1),
           sigismember(&pending, SIGUSR2));
    sigprocmask(SIG_SETMASK, &before, NULL);
    printf("taken %d:", count);
    int sum = 0, in_order = 1, last = 0;
    for (int i = 0; i < count; i++) {
        sum += values[i];
        if (values[i] < 10) in_order &= values[i] == ++last;
    }
    printf(" sum %d, in order %d\n", sum, in_order);
    printf("to nobody: %s\n", error(sigqueue(999999, SIGUSR1, (union sigval){0})));
    printf("no such signal: %s\n", error(sigqueue(getpid(), 65, (union sigval){0})));
    siginfo_t info = {.si_code = SI_USER};
    printf("as if from a user: %s\n", error(syscall(SYS_rt_sigqueueinfo, getppid() + 900000, SIGUSR1, &info)));
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 77});
    struct timespec none = {0, 0};
    int taken = sigtimedwait(&set, &info, &none);
    printf("waited for: %d, code %d, value %d, from here %d\n", taken == SIGRTMIN + 1, info.si_code,
           info.si_value.sival_int, info.si_pid == getpid());
    printf("none left: %s\n", error(sigtimedwait(&set, &info, &none)));
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    sigpending(&pending);
    printf("ignored is forgotten: %d\n", !sigismember(&pending, SIGUSR1));
    signal(SIGUSR1, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

// A handler that lets the program go on behind the instruction, with another register.
static volatile int trap_number, right_address;
static char *bad;

static void skip(int signal, siginfo_t *info, void *pointer) {
    ucontext_t *context = pointer;
    (void)signal;
    trap_number = context->uc_mcontext.gregs[REG_TRAPNO];
    right_address = info->si_addr == bad && (char *)context->uc_mcontext.gregs[REG_CR2] == bad;
    context->uc_mcontext.gregs[REG_RIP] += 2; // mov (%rcx), %eax
    context->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void repaired(int signal, siginfo_t *info, void *pointer) {
    (void)signal, (void)pointer;
    mprotect(info->si_addr, 4096, PROT_READ | PROT_WRITE);
}

static sigjmp_buf back;
static volatile int code;

static void jump(int signal, siginfo_t *info, void *pointer) {
    (void)pointer;
    code = info->si_code;
    siglongjmp(back, signal);
}

static volatile int zero;

static void faults(void) {
    bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    install(SIGSEGV, skip, 0);
    unsigned result;
    __asm__ volatile("movl (%%rcx), %%eax" : "=a"(result) : "c"(bad));
    printf("went on with %u, trap %d, address %d\n", result, trap_number, right_address);
    double kept = 1.25;
    __asm__ volatile("movl (%%rcx), %%eax" : "=a"(result), "+x"(kept) : "c"(bad));
    printf("a float survives: %g\n", kept);
    install(SIGSEGV, repaired, 0);
    *(volatile char *)bad = 7;
    printf("repaired: %d\n", *bad);
    install(SIGFPE, jump, 0);
    install(SIGILL, jump, 0);
    install(SIGTRAP, jump, 0);
    install(SIGSEGV, jump, 0);
    int signal = sigsetjmp(back, 1);
    // Not 1 / zero: the compiler would divide without dividing.
    if (signal == 0) __asm__ volatile("idivl %0" : : "m"(zero), "a"(1), "d"(0));
    printf("division: %d %d\n", signal, code);
    if ((signal = sigsetjmp(back, 1)) == 0) __asm__ volatile("ud2");
    printf("no instruction: %d %d\n", signal, code);
    if ((signal = sigsetjmp(back, 1)) == 0) __asm__ volatile("int3");
    printf("breakpoint: %d %d\n", signal, code);
    if ((signal = sigsetjmp(back, 1)) == 0) *(volatile char *)0xf0f0f0f0f0f0f0f0 = 1;
    printf("no address at all: %d %d\n", signal, code);
    if ((signal = sigsetjmp(back, 1)) == 0) ((void (*)(void))bad)();
    printf("no code: %d %d\n", signal, code);
}

static char *alternate;
enum { ALTERNATE = 65536 };
static volatile int was_on_it, depth;

static void on_stack(int signal, siginfo_t *info, void *pointer) {
    ucontext_t *context = pointer;
    (void)info;
    char here;
    was_on_it = &here > alternate && &here < alternate + ALTERNATE;
    stack_t now;
    sigaltstack(NULL, &now);
    printf("on it %d, told %d, in the context %d", was_on_it, now.ss_flags, context->uc_stack.ss_flags);
    printf(", changed: %s\n", error(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL)));
    if (signal == SIGUSR1 && depth++ == 0) raise(SIGUSR2);
}

static int endless(int n) {
    volatile char block[4096];
    block[0] = n;
    return n < 0 ? n : endless(n + 1) + block[0];
}

static void stacks(void) {
    alternate = malloc(ALTERNATE);
    stack_t stack = {.ss_sp = alternate, .ss_size = ALTERNATE}, old;
    printf("set: %s\n", error(sigaltstack(&stack, NULL)));
    install(SIGUSR1, on_stack, SA_ONSTACK);
    install(SIGUSR2, on_stack, SA_ONSTACK);
    raise(SIGUSR1);
    printf("too small: %s\n", error(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = 100}, NULL)));
    printf("unknown flags: %s\n", error(sigaltstack(&(stack_t){.ss_flags = 64, .ss_size = ALTERNATE}, NULL)));
    install(SIGSEGV, jump, SA_ONSTACK);
    int signal = sigsetjmp(back, 1);
    if (signal == 0) printf("%d", endless(0));
    printf("the stack has an end: %d %d\n", signal, code);
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, &old);
    printf("given back: %d\n", old.ss_sp == alternate);
}

static volatile int nested, deepest;

static void nest(int signal, siginfo_t *info, void *pointer) {
    (void)info, (void)pointer;
    if (++nested > deepest) deepest = nested;
    if (deepest < 4 && nested < 4) raise(signal);
    nested--;
}

static void flags(void) {
    install(SIGUSR1, nest, SA_NODEFER);
    raise(SIGUSR1);
    printf("nested: %d\n", deepest);
    deepest = 0;
    install(SIGUSR1, collect, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    printf("reset: %d\n", now.sa_handler == SIG_DFL);
    printf("of SIGKILL: %s\n", error(sigaction(SIGKILL, &now, NULL)));
    printf("of 65: %s\n", error(syscall(SYS_rt_sigaction, 65, NULL, &now, 8)));
    printf("another size of set: %s\n", error(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 4)));
    sigset_t all;
    sigfillset(&all);
    printf("how: %s\n", error(sigprocmask(77, &all, NULL)));
    printf("kill nobody: %s\n", error(kill(999999, 0)));
    printf("kill with 99: %s\n", error(kill(getpid(), 99)));
    printf("tgkill nobody: %s\n", error(tgkill(getpid(), 999999, SIGUSR1)));
    printf("tgkill -1: %s\n", error(tgkill(getpid(), -1, SIGUSR1)));
}

static void *waits(void *pipe_end) {
    char byte;
    long result = read(*(int *)pipe_end, &byte, 1);
    printf("a blocked read: %s\n", error(result));
    struct timespec long_time = {100, 0};
    result = nanosleep(&long_time, &long_time);
    printf("a sleep: %s, time left: %d\n", error(result), long_time.tv_sec > 90);
    return NULL;
}

static void nothing(int signal, siginfo_t *info, void *pointer) {
    (void)signal, (void)info, (void)pointer;
}

static void threads(void) {
    int ends[2];
    if (pipe(ends) != 0) return;
    install(SIGUSR2, nothing, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, waits, &ends[0]);
    // Sent until the thread has been where it waits, and has ended.
    while (pthread_tryjoin_np(thread, NULL) != 0) {
        pthread_kill(thread, SIGUSR2);
        usleep(20000);
    }
    install(SIGALRM, nothing, SA_RESTART);
    struct itimerval soon = {.it_value = {0, 30000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        usleep(200000);
        _exit(write(ends[1], "x", 1) != 1);
    }
    char byte;
    printf("a restarted read: %s\n", error(read(ends[0], &byte, 1)));
    waitpid(child, NULL, 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    printf("a broken pipe: %s\n", error(write(ends[1], "x", 1)));
}

static void ends(void) {
    static const int by[] = {SIGTERM, SIGSEGV, SIGKILL, SIGABRT, SIGPIPE};
    for (int i = 0; i < 5; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            signal(by[i], SIG_DFL);
            raise(by[i]);
            _exit(1);
        }
        int status;
        waitpid(child, &status, 0);
        printf("ended by %d: %d\n", by[i], WIFSIGNALED(status) && WTERMSIG(status) == by[i]);
    }
    signal(SIGCHLD, SIG_DFL);
    signal(SIGWINCH, SIG_DFL);
    raise(SIGCHLD);
    raise(SIGWINCH);
    raise(SIGURG);
    raise(SIGCONT);
    printf("what is ignored ends nothing\n");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    queued();
    faults();
    stacks();
    flags();
    threads();
    ends();
    return 0;
}
