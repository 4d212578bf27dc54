/* A program that means harm: it reads and writes addresses of every kind, executes what only a kernel may, and makes
 * system calls with arguments that are mostly wrong. The seed is fixed. It must be able to do nothing but hurt itself:
 * every access is a signal that it catches, every call returns, and it ends with 0. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define CALLS 200000

static uint64_t state = 20260711;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Where a caught signal goes on. Not setjmp(3): the program must not trust its own stack pointer here. */
static volatile uint64_t resume_at, resume_stack;
static volatile int caught;

static void on_signal(int number, siginfo_t *info, void *context) {
    ucontext_t *interrupted = context;
    (void)info;
    caught = number;
    if (resume_at == 0) _exit(90);
    interrupted->uc_mcontext.gregs[REG_RIP] = resume_at;
    interrupted->uc_mcontext.gregs[REG_RSP] = resume_stack;
    interrupted->uc_mcontext.gregs[REG_EFL] = 0x202;
}

/* Runs CODE; a signal that it causes ends it. */
#define ATTEMPT(code, ...)                                                                                    \
    do {                                                                                                      \
        caught = 0;                                                                                           \
        __asm__ volatile("lea 1f(%%rip), %%rax\n mov %%rax, %0\n mov %%rsp, %1\n" code "\n1:"                 \
                         : "=m"(resume_at), "=m"(resume_stack)                                                \
                         : __VA_ARGS__                                                                        \
                         : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");      \
        resume_at = 0;                                                                                        \
    } while (0)

/* One address of every kind that there is in the kernel's half, and at the edges of the program's. */
static const uint64_t kernel_addresses[] = {
    0,                  0xfff,              0x7ffffffff000,     0x7ffffffffff8,     0x800000000000,
    0xffff7fffffffffff, 0xffff800000000000, 0xffff800000100000, 0xffff800001000000, 0xffff8080fee00000,
    0xffff8080fec00000, 0xffff810000000000, 0xffff810000010000, 0xffffffff80000000,
    0xffffffff80100000, 0xffffffff80200000, 0xffffffffff600000, 0xfffffffffffffff8, 0xffffffffffffffff,
};
#define ADDRESSES (sizeof kernel_addresses / sizeof *kernel_addresses)

static int wrong;

static void expect_signal(const char *what, uint64_t at) {
    if (caught) return;
    printf("%s at %#llx went well\n", what, (unsigned long long)at);
    wrong = 1;
}

static void touch_the_kernel(void) {
    for (unsigned i = 0; i < ADDRESSES; i++) {
        uint64_t at = kernel_addresses[i];
        ATTEMPT("mov (%2), %%rbx", "D"(at));
        expect_signal("reading", at);
        ATTEMPT("mov %%rbx, (%2)", "D"(at));
        expect_signal("writing", at);
        ATTEMPT("jmp *%2", "D"(at));
        expect_signal("executing", at);
    }
}

static void use_what_is_the_kernels(void) {
#define FORBIDDEN(code)        \
    ATTEMPT(code, "D"(0ULL));  \
    expect_signal(code, 0)
    FORBIDDEN("cli");
    FORBIDDEN("sti");
    FORBIDDEN("hlt");
    FORBIDDEN("mov $0xf4, %%dx\n mov $0, %%eax\n out %%eax, %%dx");
    FORBIDDEN("mov $0xe9, %%dx\n in %%dx, %%al");
    FORBIDDEN("mov $0xcf8, %%dx\n in %%dx, %%eax");
    FORBIDDEN("mov %%cr0, %%rbx");
    FORBIDDEN("mov %%cr3, %%rbx");
    FORBIDDEN("mov %%rdi, %%cr3");
    FORBIDDEN("mov %%rdi, %%cr4");
    FORBIDDEN("mov %%dr7, %%rbx");
    FORBIDDEN("mov %%rdi, %%dr0");
    FORBIDDEN("mov $0xc0000082, %%ecx\n rdmsr");
    FORBIDDEN("mov $0xc0000082, %%ecx\n xor %%eax, %%eax\n xor %%edx, %%edx\n wrmsr");
    FORBIDDEN("swapgs");
    FORBIDDEN("sysretq");
    FORBIDDEN("invlpg (%%rdi)");
    FORBIDDEN("lidt (%%rsp)");
    FORBIDDEN("lgdt (%%rsp)");
    FORBIDDEN("ltr %%di");
    FORBIDDEN("int $0x20");
    FORBIDDEN("int $0x0e");
    FORBIDDEN("int $0x80");
    FORBIDDEN("ud2");
    FORBIDDEN("xor %%edx, %%edx\n xor %%ecx, %%ecx\n div %%rcx");
    /* Flags that are not the program's are left out of popf without a word; the stack may be anywhere. */
    ATTEMPT("pushq $0x47fd7\n popfq\n nop", "D"(0ULL));
    ATTEMPT("mov %2, %%rsp\n push %%rax", "D"(0x800000000000ULL));
    expect_signal("pushing", 0x800000000000ULL);
    ATTEMPT("mov %2, %%rsp\n push %%rax", "D"(0xffff800000000000ULL));
    expect_signal("pushing", 0xffff800000000000ULL);
}

/* Segments: of the kernel, of a local table that must not be there, of 32-bit code. */
static void load_segments(void) {
    static const uint16_t kernels[] = {0x08, 0x10, 0x38, 0x23, 0x20, 0x0f, 0x17, 0x1007, 0xfff7};
    for (unsigned i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        ATTEMPT("mov %w2, %%es", "D"((uint64_t)kernels[i]));
        expect_signal("loading segment", kernels[i]);
    }
    uint8_t *code = mmap((void *)0x20000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (code == MAP_FAILED) exit(91);
    memcpy(code, "\x0f\x05\xf4", 3); /* syscall; hlt */
    mprotect(code, 4096, PROT_READ | PROT_EXEC);
    struct __attribute__((packed)) {
        uint32_t offset;
        uint16_t segment;
    } far = {0x20000, 0x23};
    ATTEMPT("ljmpl *(%2)", "D"(&far));
    expect_signal("32-bit code", far.segment);
    far.segment = 0x08;
    ATTEMPT("ljmpl *(%2)", "D"(&far));
    expect_signal("the kernel's code", far.segment);
}

/* A call with the stack pointer, flags and floating-point state as the program likes. */
static void call_in_odd_states(void) {
    uint32_t modes[] = {0, 0x1f80, 0x7f80, 0xffff & ~0x1f80, 0x9fc0};
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        ATTEMPT("ldmxcsr (%2)\n mov $39, %%eax\n syscall", "D"(&modes[i]));
        ATTEMPT("ldmxcsr (%2)\n mov $0, %%rbx\n mov (%%rbx), %%rbx", "D"(&modes[i]));
    }
    uint32_t usual = 0x1f80;
    ATTEMPT("ldmxcsr (%2)", "D"(&usual));
    ATTEMPT("mov %2, %%rsp\n mov $39, %%eax\n syscall\n mov %1, %%rsp", "D"(0xffff800000000000ULL));
    ATTEMPT("std\n mov $39, %%eax\n syscall\n cld", "D"(0ULL));
    ATTEMPT("std\n mov 0, %%rbx", "D"(0ULL));
    ATTEMPT("pushq $0x40202\n popfq\n mov 0, %%rbx", "D"(0ULL)); /* AC */
    ATTEMPT("pushq $0x302\n popfq\n nop\n nop", "D"(0ULL));       /* TF */
    ATTEMPT("pushq $0x302\n popfq\n mov $39, %%eax\n syscall\n nop", "D"(0ULL));
}

static char *memory;

static uint64_t argument(void) {
    switch (next() % 10) {
    case 0: return next();
    case 1: return next() % 64;
    case 2: return 0;
    case 3: return kernel_addresses[next() % ADDRESSES];
    case 4: return (uint64_t)memory + next() % (1 << 20);
    case 5: return (uint64_t)memory + (1 << 20) - next() % 64; /* across the end */
    case 6: return (uint64_t)-1 - next() % 4096;
    case 7: return 1ULL << next() % 64;
    case 8: return next() & 0xffffffff;
    default: return 3 + next() % 16;
    }
}

/* Those that would end the program, wait for good, take its memory, or speak for it. */
static int is_left_out(long number) {
    static const long out[] = {
        SYS_exit,          SYS_exit_group,    SYS_pause,        SYS_rt_sigsuspend, SYS_rt_sigreturn,   SYS_execve,
        SYS_fork,          SYS_vfork,         SYS_clone,        SYS_clone3,        SYS_kill,           SYS_tkill,
        SYS_tgkill,        SYS_rt_sigaction,  SYS_rt_sigprocmask, SYS_sigaltstack, SYS_rt_sigtimedwait, SYS_futex,
        SYS_nanosleep,     SYS_clock_nanosleep, SYS_poll,       SYS_ppoll,         SYS_select,         SYS_pselect6,
        SYS_epoll_wait,    SYS_epoll_pwait,   441,              SYS_alarm,         SYS_setitimer,      SYS_munmap,
        SYS_mprotect,      SYS_mremap,        SYS_madvise,      SYS_brk,           SYS_arch_prctl,     SYS_set_tid_address,
        SYS_set_robust_list, SYS_write,       SYS_writev,       SYS_pwrite64,      SYS_sendfile,       SYS_wait4,
        SYS_dup2,          SYS_dup3,          SYS_close,        SYS_close_range,   SYS_accept,         SYS_accept4,
        SYS_connect,       SYS_recvfrom,      SYS_recvmsg,      SYS_read,          SYS_readv,          SYS_sendto,
        SYS_sendmsg,       SYS_prlimit64,     SYS_setrlimit,    SYS_mmap,
    };
    for (unsigned i = 0; i < sizeof out / sizeof *out; i++)
        if (out[i] == number) return 1;
    return 0;
}

/* A file that reading never waits for. */
static int zeroes;

/* Of those that are left out, the ones that cannot wait on a descriptor that is none, or that can only fail: pointers
 * to nowhere, and lengths of any size. */
static void call_with_bad_pointers(void) {
    static const long reading[] = {SYS_write, SYS_writev, SYS_read, SYS_readv, SYS_sendto, SYS_recvfrom, SYS_sendmsg,
                                   SYS_recvmsg, SYS_poll, SYS_futex, SYS_rt_sigaction, SYS_rt_sigprocmask,
                                   SYS_sigaltstack, SYS_nanosleep, SYS_wait4, SYS_mmap, SYS_munmap, SYS_mprotect,
                                   SYS_mremap, SYS_madvise, SYS_brk, SYS_arch_prctl};
    long number = reading[next() % (sizeof reading / sizeof *reading)];
    uint64_t bad = kernel_addresses[2 + next() % (ADDRESSES - 2)];
    switch (number) {
    case SYS_read: case SYS_readv: syscall(number, zeroes, bad, 1 + next() % 4096); break;
    case SYS_write: case SYS_writev:
    case SYS_sendto: case SYS_recvfrom: case SYS_sendmsg: case SYS_recvmsg:
        syscall(number, 3 + next() % 32, bad, 1 + next() % 4096, 0x40, 0, 0);
        break;
    case SYS_poll: syscall(number, bad, next() % 100000, 0); break;
    case SYS_futex: syscall(number, bad, next() % 16, argument(), 0, bad, argument()); break;
    case SYS_wait4: syscall(number, -1, bad, 1, bad); break;
    case SYS_arch_prctl: syscall(number, next() & 1 ? 0x1001 : 0x1003, bad); break;
    case SYS_mmap: syscall(number, bad, argument(), next() % 8, 0x22 | (next() & 0x10), -1, 0); break;
    case SYS_brk: syscall(number, bad); break;
    default: syscall(number, bad, bad, bad, 8); break;
    }
}

int main(void) {
    static char stack[65536];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, 0);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);
    signal(SIGPIPE, SIG_IGN);

    touch_the_kernel();
    use_what_is_the_kernels();
    load_segments();
    call_in_odd_states();
    if (wrong) return 1;
    puts("the kernel kept to itself");
    fflush(stdout);

    memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    zeroes = open("/dev/zero", O_RDONLY);
    if (memory == MAP_FAILED || zeroes < 0) return 92;
    for (int call = 0; call < CALLS; call++) {
        long number = next() % 460;
        if (is_left_out(number))
            call_with_bad_pointers();
        else
            syscall(number, argument(), argument(), argument(), argument(), argument(), argument());
    }
    /* Not by the C library: what it holds may be anything by now. */
    static const char done[] = "every call came back\n";
    syscall(SYS_write, 1, done, sizeof done - 1);
    syscall(SYS_exit_group, 0);
}
