//! What the arguments of each call are. A call without a row is shown with numbers; a test demands a row for every
//! call that is served.
use super::known::*;
use super::names::Names;
use super::network as net;
use super::printer::Kind::{self, Flags, Later, Now, One, Rest, RestLater};
use super::structures as of;
use super::{special, values as v};

const FD: Kind = Now(v::int);
const DIR: Kind = Now(v::directory);
const INT: Kind = Now(v::int);
const LONG: Kind = Now(v::long);
const UINT: Kind = Now(v::unsigned);
const SIZE: Kind = Now(v::size);
const HEX: Kind = Now(v::hexadecimal);
const POINTER: Kind = Now(v::pointer);
const FILLED: Kind = Later(v::pointer);
const PATH: Kind = Now(v::path);
const MODE: Kind = Now(v::mode);
const BUFFER: Kind = Now(v::buffer);
const BUFFER_OUT: Kind = Later(v::buffer_out);
const VECTOR: Kind = Now(net::vector);
const VECTOR_OUT: Kind = Later(net::vector_out);
const SET: Kind = Now(v::set);
const SET_OUT: Kind = Later(v::set_out);
const SIGNAL: Kind = Now(v::signal);
const TIME: Kind = Now(v::timespec);
const TIME_OUT: Kind = Later(v::timespec_out);
const TIME_LEFT: Kind = Later(v::timespec_left);
const ADDRESS: Kind = Now(net::address);
const ADDRESS_OUT: Kind = Later(net::address_out);
/// The length of an address that the kernel fills in.
pub const LENGTH_OUT: Kind = Later(net::length_out);
const STATUS: Kind = Later(of::status_out);
const INT_OUT: Kind = Later(v::int_out);
const FD_SET: Kind = Now(of::descriptors);
const OPEN_MODE: Kind = Rest(special::open_mode);
const POSITION: Kind = Now(v::position);

const fn flags(names: &'static Names) -> Kind {
    Flags(names)
}

const fn one(names: &'static Names) -> Kind {
    One(names)
}

macro_rules! signatures {
    ($($name:ident($($kind:expr),*);)*) => {
        /// The arguments of the call of this name.
        pub fn of_call(name: &str) -> Option<&'static [Kind]> {
            Some(match name {
                $(stringify!($name) => { const KINDS: &[Kind] = &[$($kind),*]; KINDS })*
                _ => return None,
            })
        }
    };
}

signatures! {
    read(FD, BUFFER_OUT, SIZE);
    write(FD, BUFFER, SIZE);
    readv(FD, VECTOR_OUT, INT);
    writev(FD, VECTOR, INT);
    pread64(FD, BUFFER_OUT, SIZE, LONG);
    pwrite64(FD, BUFFER, SIZE, LONG);
    preadv(FD, VECTOR_OUT, INT, LONG);
    pwritev(FD, VECTOR, INT, LONG);
    preadv2(FD, VECTOR_OUT, INT, LONG, HEX);
    pwritev2(FD, VECTOR, INT, LONG, HEX);
    sendfile(FD, FD, POSITION, SIZE);
    copy_file_range(FD, POSITION, FD, POSITION, SIZE, HEX);
    splice(FD, POSITION, FD, POSITION, SIZE, flags(&SPLICE));
    tee(FD, FD, SIZE, flags(&SPLICE));
    vmsplice(FD, VECTOR, SIZE, flags(&SPLICE));
    lseek(FD, LONG, one(&SEEK));
    readahead(FD, LONG, SIZE);
    openat2(DIR, PATH, POINTER, SIZE);

    close(FD);
    close_range(UINT, UINT, flags(&CLOSE_RANGE));
    dup(FD);
    dup2(FD, FD);
    dup3(FD, FD, flags(&OPEN_ONLY));
    fcntl(FD, Rest(special::fcntl));
    ioctl(FD, RestLater(special::ioctl));

    open(PATH, flags(&OPEN), OPEN_MODE);
    openat(DIR, PATH, flags(&OPEN), OPEN_MODE);
    creat(PATH, MODE);
    access(PATH, flags(&ACCESS));
    faccessat(DIR, PATH, flags(&ACCESS));
    faccessat2(DIR, PATH, flags(&ACCESS), flags(&AT_ACCESS));
    mkdir(PATH, MODE);
    mkdirat(DIR, PATH, MODE);
    mknod(PATH, MODE, HEX);
    mknodat(DIR, PATH, MODE, HEX);
    rmdir(PATH);
    unlink(PATH);
    unlinkat(DIR, PATH, flags(&AT));
    rename(PATH, PATH);
    renameat(DIR, PATH, DIR, PATH);
    renameat2(DIR, PATH, DIR, PATH, flags(&RENAME));
    link(PATH, PATH);
    linkat(DIR, PATH, DIR, PATH, flags(&AT));
    symlink(PATH, PATH);
    symlinkat(PATH, DIR, PATH);
    readlink(PATH, BUFFER_OUT, SIZE);
    readlinkat(DIR, PATH, BUFFER_OUT, SIZE);
    getcwd(Later(v::path_out), SIZE);
    chdir(PATH);
    fchdir(FD);
    chroot(PATH);
    umask(MODE);
    chmod(PATH, MODE);
    fchmod(FD, MODE);
    fchmodat(DIR, PATH, MODE);
    chown(PATH, INT, INT);
    lchown(PATH, INT, INT);
    fchown(FD, INT, INT);
    fchownat(DIR, PATH, INT, INT, flags(&AT));
    truncate(PATH, LONG);
    ftruncate(FD, LONG);
    fallocate(FD, flags(&FALLOCATE), LONG, LONG);
    utime(PATH, POINTER);
    utimes(PATH, POINTER);
    futimesat(DIR, PATH, POINTER);
    utimensat(DIR, PATH, Now(v::two_times), flags(&AT));
    getdents(FD, FILLED, SIZE);
    getdents64(FD, Later(special::entries_out), SIZE);
    fsync(FD);
    fdatasync(FD);
    sync();
    syncfs(FD);
    sync_file_range(FD, LONG, LONG, HEX);
    flock(FD, flags(&LOCK));
    fadvise64(FD, LONG, LONG, one(&FADVICE));
    stat(PATH, STATUS);
    lstat(PATH, STATUS);
    fstat(FD, STATUS);
    newfstatat(DIR, PATH, STATUS, flags(&AT));
    statx(DIR, PATH, flags(&AT_STATX), flags(&STATX), Later(of::extended_status_out));
    statfs(PATH, FILLED);
    fstatfs(FD, FILLED);
    getxattr(PATH, PATH, FILLED, SIZE);
    lgetxattr(PATH, PATH, FILLED, SIZE);
    fgetxattr(FD, PATH, FILLED, SIZE);
    setxattr(PATH, PATH, POINTER, SIZE, HEX);
    lsetxattr(PATH, PATH, POINTER, SIZE, HEX);
    fsetxattr(FD, PATH, POINTER, SIZE, HEX);
    listxattr(PATH, FILLED, SIZE);
    llistxattr(PATH, FILLED, SIZE);
    flistxattr(FD, FILLED, SIZE);
    removexattr(PATH, PATH);
    lremovexattr(PATH, PATH);
    fremovexattr(FD, PATH);
    memfd_create(PATH, flags(&MEMFD));
    inotify_init();
    inotify_init1(flags(&INOTIFY_INIT));
    inotify_add_watch(FD, PATH, flags(&INOTIFY));
    inotify_rm_watch(FD, INT);

    mmap(POINTER, SIZE, flags(&PROTECTION), flags(&MAP), FD, HEX);
    mprotect(POINTER, SIZE, flags(&PROTECTION));
    munmap(POINTER, SIZE);
    mremap(POINTER, SIZE, SIZE, Rest(special::remap));
    brk(POINTER);
    madvise(POINTER, SIZE, one(&ADVICE));
    msync(POINTER, SIZE, flags(&MSYNC));
    mincore(POINTER, SIZE, FILLED);
    mlock(POINTER, SIZE);
    mlock2(POINTER, SIZE, HEX);
    munlock(POINTER, SIZE);
    mlockall(HEX);
    munlockall();
    mbind(POINTER, SIZE, INT, POINTER, SIZE, HEX);
    set_mempolicy(INT, POINTER, SIZE);
    get_mempolicy(FILLED, FILLED, SIZE, POINTER, HEX);
    pkey_mprotect(POINTER, SIZE, flags(&PROTECTION), INT);

    clone(Rest(special::clone));
    clone3(Now(of::clone_arguments), SIZE);
    fork();
    vfork();
    execve(PATH, Rest(special::program));
    execveat(DIR, PATH, POINTER, POINTER, flags(&AT));
    exit(INT);
    exit_group(INT);
    wait4(INT, Later(of::wait_status_out), flags(&WAIT), FILLED);
    waitid(one(&WAIT_FOR), INT, FILLED, flags(&WAIT), FILLED);
    prctl(Rest(special::prctl));
    set_tid_address(POINTER);
    set_robust_list(POINTER, SIZE);
    get_robust_list(INT, FILLED, FILLED);
    sched_yield();
    futex(POINTER, Rest(special::futex));
    personality(HEX);
    ptrace(INT, INT, POINTER, POINTER);

    rt_sigaction(SIGNAL, Now(of::action), Later(of::action_out), SIZE);
    rt_sigprocmask(one(&SIGPROCMASK), SET, SET_OUT, SIZE);
    rt_sigreturn(Now(of::frame_mask));
    rt_sigpending(SET_OUT, SIZE);
    rt_sigtimedwait(SET, Later(of::info_out), TIME, SIZE);
    rt_sigsuspend(SET, SIZE);
    rt_sigqueueinfo(INT, SIGNAL, POINTER);
    rt_tgsigqueueinfo(INT, INT, SIGNAL, POINTER);
    pause();
    sigaltstack(Now(of::stack), Later(of::stack_out));
    kill(INT, SIGNAL);
    tkill(INT, SIGNAL);
    tgkill(INT, INT, SIGNAL);
    signalfd(FD, SET, SIZE);
    signalfd4(FD, SET, SIZE, flags(&SIGNALFD));
    pidfd_open(INT, HEX);
    pidfd_send_signal(FD, SIGNAL, POINTER, HEX);

    clock_gettime(one(&CLOCK), TIME_OUT);
    clock_settime(one(&CLOCK), TIME);
    clock_getres(one(&CLOCK), TIME_OUT);
    gettimeofday(Later(v::timeval_out), FILLED);
    settimeofday(Now(v::timeval), POINTER);
    time(INT_OUT);
    times(FILLED);
    adjtimex(POINTER);
    clock_adjtime(one(&CLOCK), POINTER);
    nanosleep(TIME, TIME_LEFT);
    clock_nanosleep(one(&CLOCK), flags(&TIMER), TIME, TIME_LEFT);
    alarm(UINT);
    setitimer(one(&ITIMER), Now(v::itimerval), Later(v::itimerval_out));
    getitimer(one(&ITIMER), Later(v::itimerval_out));
    timer_create(one(&CLOCK), POINTER, INT_OUT);
    timer_settime(INT, flags(&TIMER), Now(v::itimerspec), Later(v::itimerspec_out));
    timer_gettime(INT, Later(v::itimerspec_out));
    timer_getoverrun(INT);
    timer_delete(INT);
    timerfd_create(one(&CLOCK), flags(&TIMERFD));
    timerfd_settime(FD, flags(&TIMERFD_SET), Now(v::itimerspec), Later(v::itimerspec_out));
    timerfd_gettime(FD, Later(v::itimerspec_out));

    poll(Now(of::polled), INT, INT);
    ppoll(Now(of::polled), INT, TIME, SET, SIZE);
    select(INT, FD_SET, FD_SET, FD_SET, Now(v::timeval));
    pselect6(INT, FD_SET, FD_SET, FD_SET, TIME, POINTER);
    pipe(Later(v::two_out));
    pipe2(Later(v::two_out), flags(&OPEN_ONLY));
    eventfd(UINT);
    eventfd2(UINT, flags(&EVENTFD));
    epoll_create(INT);
    epoll_create1(flags(&EPOLL_CREATE));
    epoll_ctl(FD, one(&EPOLL_CTL), FD, Now(of::event));
    epoll_wait(FD, Later(of::events_out), INT, INT);
    epoll_pwait(FD, Later(of::events_out), INT, INT, SET, SIZE);
    epoll_pwait2(FD, Later(of::events_out), INT, TIME, SET, SIZE);

    socket(one(&FAMILY), flags(&SOCKET_TYPE), Now(net::protocol));
    socketpair(one(&FAMILY), flags(&SOCKET_TYPE), Now(net::protocol), Later(v::two_out));
    bind(FD, ADDRESS, INT);
    listen(FD, INT);
    accept(FD, ADDRESS_OUT, LENGTH_OUT);
    accept4(FD, ADDRESS_OUT, LENGTH_OUT, flags(&SOCKET_FLAGS));
    connect(FD, ADDRESS, INT);
    sendto(FD, BUFFER, SIZE, flags(&MESSAGE), ADDRESS, UINT);
    sendmsg(FD, Now(net::message), flags(&MESSAGE));
    sendmmsg(FD, POINTER, UINT, flags(&MESSAGE));
    recvfrom(FD, BUFFER_OUT, SIZE, flags(&MESSAGE), ADDRESS_OUT, LENGTH_OUT);
    recvmsg(FD, Later(net::message_out), flags(&MESSAGE));
    recvmmsg(FD, FILLED, UINT, flags(&MESSAGE), TIME);
    shutdown(FD, one(&SHUT));
    getsockname(FD, ADDRESS_OUT, LENGTH_OUT);
    getpeername(FD, ADDRESS_OUT, LENGTH_OUT);
    setsockopt(FD, Now(net::set_option));
    getsockopt(FD, Now(net::option), RestLater(net::option_out));

    getpid();
    gettid();
    getppid();
    getuid();
    getgid();
    geteuid();
    getegid();
    getresuid(INT_OUT, INT_OUT, INT_OUT);
    getresgid(INT_OUT, INT_OUT, INT_OUT);
    setuid(INT);
    setgid(INT);
    setreuid(INT, INT);
    setregid(INT, INT);
    setresuid(INT, INT, INT);
    setresgid(INT, INT, INT);
    setfsuid(INT);
    setfsgid(INT);
    setgroups(INT, POINTER);
    getgroups(INT, FILLED);
    getpgrp();
    getpgid(INT);
    getsid(INT);
    setsid();
    setpgid(INT, INT);
    capget(POINTER, FILLED);
    capset(POINTER, POINTER);

    uname(Later(of::names_out));
    sysinfo(FILLED);
    getrandom(Later(v::random_out), SIZE, flags(&RANDOM));
    prlimit64(INT, one(&LIMIT), Now(v::limit), Later(v::limit_out));
    getrlimit(one(&LIMIT), Later(v::limit_out));
    setrlimit(one(&LIMIT), Now(v::limit));
    getrusage(one(&USAGE), Later(of::usage_out));
    getpriority(INT, INT);
    setpriority(INT, INT, INT);
    sched_getaffinity(INT, SIZE, Later(of::processors_out));
    sched_setaffinity(INT, SIZE, Now(of::processors));
    ioprio_set(INT, INT, INT);
    ioprio_get(INT, INT);
    sched_getparam(INT, FILLED);
    sched_setparam(INT, POINTER);
    sched_getscheduler(INT);
    sched_setscheduler(INT, INT, POINTER);
    sched_get_priority_max(INT);
    sched_get_priority_min(INT);
    sched_rr_get_interval(INT, TIME_OUT);
    sched_getattr(INT, FILLED, UINT, UINT);
    sched_setattr(INT, POINTER, UINT);
    getcpu(INT_OUT, INT_OUT, POINTER);
    arch_prctl(one(&ARCH), RestLater(special::base));
    sethostname(BUFFER, SIZE);
    setdomainname(BUFFER, SIZE);

    rseq(POINTER, HEX, HEX, HEX);
    membarrier(HEX, HEX, INT);
    seccomp(HEX, HEX, POINTER);
    bpf(HEX, POINTER, UINT);
    userfaultfd(HEX);
    io_uring_setup(UINT, POINTER);
    io_uring_enter(FD, UINT, UINT, HEX, SET, SIZE);
    io_uring_register(FD, HEX, POINTER, UINT);
    io_setup(UINT, POINTER);
    io_destroy(HEX);
    io_getevents(HEX, INT, INT, POINTER, TIME);
    io_submit(HEX, INT, POINTER);
    io_cancel(HEX, POINTER, POINTER);
    pkey_alloc(HEX, HEX);
    pkey_free(INT);
    add_key(PATH, PATH, POINTER, SIZE, INT);
    request_key(PATH, PATH, PATH, INT);
    keyctl(INT, HEX, HEX, HEX, HEX);
    perf_event_open(POINTER, INT, INT, INT, HEX);
    landlock_create_ruleset(POINTER, SIZE, HEX);
    landlock_add_rule(FD, HEX, POINTER, HEX);
    landlock_restrict_self(FD, HEX);
    kcmp(INT, INT, INT, SIZE, SIZE);
    process_vm_readv(INT, POINTER, SIZE, POINTER, SIZE, HEX);
    process_vm_writev(INT, POINTER, SIZE, POINTER, SIZE, HEX);
}
