//! Every system call that is served: its number, its name, who serves it, and what of it is there.
use super::*;
use crate::host;
use alloc::collections::BTreeSet;
use alloc::format;
use image::report::Report;
use spin::Mutex;

/// A system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number (`linux/unistd.h`).
    pub number: u64,
    /// Its name.
    pub name: &'static str,
    /// What of it is there; empty for all that a program is likely to want.
    pub note: &'static str,
    /// Whether it is there at all.
    pub served: bool,
}

/// `now`: it never waits. `wait`: it may. `again`: it may, and after a handler with SA_RESTART it is started again.
/// `off`: it is not there, and asking is no news.
macro_rules! table {
    ($($number:literal $name:ident: $kind:ident $($handler:ident)::* $note:literal;)*) => {
        /// All of them, in order of their families.
        pub const ALL: &[Entry] = &[$(Entry {
            number: $number,
            name: stringify!($name),
            note: $note,
            served: table!(@served $kind),
        }),*];

        /// Serves one; a number that is not in the table is `ENOSYS`, and the user is told once.
        pub async fn dispatch(number: u64, call: &mut Call<'_>) -> Answer {
            match number {
                $($number => table!(@run $kind $($handler)::*, call),)*
                _ => unknown(number, call),
            }
        }

        /// Whether it is started again after a handler with SA_RESTART.
        pub fn restarts(number: u64) -> bool {
            match number {
                $($number => table!(@restarts $kind),)*
                _ => false,
            }
        }

    };
    (@run now $handler:path, $call:ident) => { $handler($call) };
    (@run wait $handler:path, $call:ident) => { $handler($call).await };
    (@run again $handler:path, $call:ident) => { $handler($call).await };
    (@run off $handler:path, $call:ident) => { $handler($call) };
    (@served off) => { false };
    (@served $kind:ident) => { true };
    (@restarts again) => { true };
    (@restarts $kind:ident) => { false };
}

table! {
    0 read: again io::read "";
    1 write: again io::write "";
    19 readv: again io::readv "";
    20 writev: again io::writev "";
    17 pread64: again io::pread "";
    18 pwrite64: again io::pwrite "";
    295 preadv: again io::preadv "";
    296 pwritev: again io::pwritev "";
    327 preadv2: again io::preadv2 "RWF_NOWAIT; other flags are taken without effect";
    328 pwritev2: again io::pwritev2 "RWF_APPEND; other flags are taken without effect";
    40 sendfile: again splice::sendfile "from files with positions";
    275 splice: again splice::splice "";
    276 tee: again splice::tee "";
    278 vmsplice: again splice::vmsplice "pages are copied";
    326 copy_file_range: wait splice::copy_file_range "";
    8 lseek: now io::lseek "";

    3 close: now descriptor::close "";
    436 close_range: now descriptor::close_range "";
    32 dup: now descriptor::dup "";
    33 dup2: now descriptor::dup2 "";
    292 dup3: now descriptor::dup3 "";
    72 fcntl: again descriptor::fcntl "descriptors, flags, locks, sizes of pipes; F_SETOWN has no effect";
    16 ioctl: now descriptor::ioctl "FIONBIO, FIONREAD, FIOCLEX, FIONCLEX; FIOASYNC has no effect; there is no terminal";

    2 open: now path::open "";
    257 openat: now path::openat "";
    85 creat: now path::creat "";
    319 memfd_create: now path::memfd_create "no seals, no huge pages";
    21 access: now path::access "the caller is root: only whether it exists";
    269 faccessat: now path::faccessat "as access";
    439 faccessat2: now path::faccessat "as access";
    83 mkdir: now path::mkdir "";
    258 mkdirat: now path::mkdirat "";
    84 rmdir: now path::rmdir "";
    87 unlink: now path::unlink "";
    263 unlinkat: now path::unlinkat "";
    82 rename: now path::rename "";
    264 renameat: now path::renameat "";
    316 renameat2: now path::renameat2 "RENAME_NOREPLACE";
    86 link: now path::link "";
    265 linkat: now path::linkat "";
    88 symlink: now path::symlink "";
    266 symlinkat: now path::symlinkat "";
    89 readlink: now path::readlink "";
    267 readlinkat: now path::readlinkat "";
    79 getcwd: now path::getcwd "";
    80 chdir: now path::chdir "";
    81 fchdir: now path::fchdir "";
    95 umask: now path::umask "";
    90 chmod: now path::chmod "kept, not enforced";
    91 fchmod: now path::fchmod "kept, not enforced";
    268 fchmodat: now path::fchmodat "kept, not enforced";
    92 chown: now path::chown "nothing changes";
    94 lchown: now path::chown "nothing changes";
    93 fchown: now path::check_descriptor "nothing changes";
    260 fchownat: now path::fchownat "nothing changes";
    76 truncate: now path::truncate "";
    77 ftruncate: now path::ftruncate "";
    280 utimensat: now path::utimensat "the time of the last change";
    132 utime: now storage::utime "the time of the last change";
    235 utimes: now storage::utimes "the time of the last change";
    261 futimesat: now storage::futimesat "the time of the last change";
    437 openat2: now storage::openat2 "without RESOLVE_BENEATH and its like";
    133 mknod: now storage::mknod "files; no devices and FIFOs";
    259 mknodat: now storage::mknodat "files; no devices and FIFOs";
    285 fallocate: wait storage::fallocate "FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE";
    162 sync: now storage::sync "nothing to do";
    306 syncfs: now path::check_descriptor "nothing to do";
    277 sync_file_range: now path::check_descriptor "nothing to do";
    188 setxattr: now storage::set_attribute "EOPNOTSUPP";
    189 lsetxattr: now storage::set_attribute "EOPNOTSUPP";
    190 fsetxattr: now storage::set_attribute_of_descriptor "EOPNOTSUPP";
    191 getxattr: now storage::no_attribute "no file has any";
    192 lgetxattr: now storage::no_attribute "no file has any";
    193 fgetxattr: now storage::no_attribute_of_descriptor "no file has any";
    194 listxattr: now storage::list_attributes "no file has any";
    195 llistxattr: now storage::list_attributes "no file has any";
    196 flistxattr: now path::check_descriptor "no file has any";
    197 removexattr: now storage::no_attribute "no file has any";
    198 lremovexattr: now storage::no_attribute "no file has any";
    199 fremovexattr: now storage::no_attribute_of_descriptor "no file has any";
    217 getdents64: now path::getdents64 "";
    74 fsync: now path::check_descriptor "nothing to do";
    75 fdatasync: now path::check_descriptor "nothing to do";
    73 flock: again lock::flock "";
    221 fadvise64: now path::check_descriptor "nothing to do";
    4 stat: now status::stat "";
    6 lstat: now status::lstat "";
    5 fstat: now status::fstat "";
    262 newfstatat: now status::newfstatat "";
    332 statx: now status::statx "the basic fields";
    137 statfs: now status::statfs "";
    138 fstatfs: now status::fstatfs "";

    9 mmap: wait memory::mmap "no huge pages; MAP_LOCKED makes the pages ready as MAP_POPULATE does, MAP_NORESERVE lets a mapping be larger than the memory, MAP_GROWSDOWN is a plain mapping";
    10 mprotect: now memory::mprotect "";
    329 pkey_mprotect: now memory::pkey_mprotect "without a key";
    11 munmap: now memory::munmap "";
    25 mremap: now memory::mremap "MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP";
    12 brk: now memory::brk "";
    28 madvise: wait advice::madvise "MADV_DONTNEED, MADV_FREE (taken at once), MADV_POPULATE_READ, MADV_POPULATE_WRITE; other advice is ignored, but for what must not be";
    27 mincore: wait advice::mincore "";
    26 msync: now advice::msync "nothing to do";
    149 mlock: wait advice::mlock "";
    325 mlock2: wait advice::mlock2 "";
    150 munlock: now advice::munlock "nothing to do";
    151 mlockall: now advice::mlockall "nothing to do";
    152 munlockall: now advice::munlockall "nothing to do";

    56 clone: wait thread::clone "threads, and processes that are copies; no namespaces";
    435 clone3: wait thread::clone3 "as clone";
    57 fork: wait thread::fork "";
    58 vfork: wait thread::vfork "";
    59 execve: now thread::execve "refused: one program per machine";
    60 exit: now thread::exit "";
    231 exit_group: now thread::exit_group "";
    61 wait4: again child::wait4 "a group of processes is all children";
    247 waitid: again child::waitid "as wait4; no P_PIDFD";
    157 prctl: now thread::prctl "PR_SET_NAME, PR_GET_NAME; some others are taken without effect";
    218 set_tid_address: now thread::set_tid_address "";
    273 set_robust_list: now thread::set_robust_list "";
    274 get_robust_list: now thread::get_robust_list "the caller's own";
    322 execveat: now thread::execveat "refused: one program per machine";
    142 sched_setparam: now scheduling::sched_setparam "checked, without effect";
    143 sched_getparam: now scheduling::sched_getparam "";
    144 sched_setscheduler: now scheduling::sched_setscheduler "checked, without effect";
    145 sched_getscheduler: now scheduling::sched_getscheduler "SCHED_OTHER";
    146 sched_get_priority_max: now scheduling::sched_get_priority_max "";
    147 sched_get_priority_min: now scheduling::sched_get_priority_min "";
    148 sched_rr_get_interval: now scheduling::sched_rr_get_interval "";
    314 sched_setattr: now scheduling::sched_setattr "checked, without effect";
    315 sched_getattr: now scheduling::sched_getattr "SCHED_OTHER";
    140 getpriority: now scheduling::getpriority "the nice value is 0";
    141 setpriority: now scheduling::setpriority "without effect";
    251 ioprio_set: now scheduling::ioprio "without effect";
    252 ioprio_get: now scheduling::ioprio "none";
    24 sched_yield: wait thread::sched_yield "";
    202 futex: again futex::futex "WAIT, WAKE, their BITSETs, REQUEUE, CMP_REQUEUE, WAKE_OP; words in shared memory are the same for all copies of the program; no priority inheritance";

    13 rt_sigaction: now signal::rt_sigaction "";
    14 rt_sigprocmask: now signal::rt_sigprocmask "";
    15 rt_sigreturn: now signal::rt_sigreturn "";
    127 rt_sigpending: now signal::rt_sigpending "";
    128 rt_sigtimedwait: wait signal::rt_sigtimedwait "";
    130 rt_sigsuspend: wait signal::rt_sigsuspend "";
    34 pause: wait signal::pause "";
    131 sigaltstack: now signal::sigaltstack "";
    62 kill: now signal::kill "one process";
    129 rt_sigqueueinfo: now signal::rt_sigqueueinfo "";
    297 rt_tgsigqueueinfo: now signal::rt_tgsigqueueinfo "";
    200 tkill: now signal::tkill "";
    234 tgkill: now signal::tgkill "";

    228 clock_gettime: now time::clock_gettime "";
    229 clock_getres: now time::clock_getres "";
    96 gettimeofday: now time::gettimeofday "";
    201 time: now time::time "";
    100 times: now time::times "";
    35 nanosleep: wait time::nanosleep "";
    230 clock_nanosleep: wait time::clock_nanosleep "";
    37 alarm: now time::alarm "";
    38 setitimer: now time::setitimer "ITIMER_VIRTUAL counts the kernel's time, too";
    36 getitimer: now time::getitimer "";
    222 timer_create: now timer::timer_create "";
    223 timer_settime: now timer::timer_settime "";
    224 timer_gettime: now timer::timer_gettime "";
    225 timer_getoverrun: now timer::timer_getoverrun "";
    226 timer_delete: now timer::timer_delete "";
    283 timerfd_create: now timerfd::timerfd_create "";
    286 timerfd_settime: now timerfd::timerfd_settime "the clock is never set: TFD_TIMER_CANCEL_ON_SET has no effect";
    287 timerfd_gettime: now timerfd::timerfd_gettime "";

    7 poll: wait poll::poll "";
    271 ppoll: wait poll::ppoll "";
    23 select: wait poll::select "";
    270 pselect6: wait poll::pselect6 "";
    22 pipe: now event::pipe "";
    293 pipe2: now event::pipe2 "O_NONBLOCK, O_CLOEXEC";
    284 eventfd: now event::eventfd "";
    290 eventfd2: now event::eventfd2 "";
    282 signalfd: now signalfd::signalfd "";
    289 signalfd4: now signalfd::signalfd4 "";
    213 epoll_create: now event::epoll_create "";
    291 epoll_create1: now event::epoll_create1 "";
    233 epoll_ctl: now event::epoll_ctl "EPOLLEXCLUSIVE wakes all";
    232 epoll_wait: wait event::epoll_wait "";
    281 epoll_pwait: wait event::epoll_pwait "";
    441 epoll_pwait2: wait event::epoll_pwait2 "";

    41 socket: now socket::socket "TCP and UDP over IPv4 and IPv6; AF_UNIX";
    53 socketpair: now socket::socketpair "AF_UNIX";
    49 bind: now socket::bind "";
    50 listen: now socket::listen "";
    43 accept: again socket::accept "";
    288 accept4: again socket::accept4 "";
    42 connect: again socket::connect "";
    44 sendto: again socket::sendto "MSG_DONTWAIT, MSG_NOSIGNAL, MSG_MORE";
    46 sendmsg: again socket::sendmsg "of control data SCM_RIGHTS and SCM_CREDENTIALS, for AF_UNIX";
    307 sendmmsg: again socket::sendmmsg "as sendmsg";
    45 recvfrom: again socket::recvfrom "MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, MSG_TRUNC";
    47 recvmsg: again socket::recvmsg "of control data IP_PKTINFO, IPV6_PKTINFO, SCM_RIGHTS, SCM_CREDENTIALS";
    299 recvmmsg: again socket::recvmmsg "as recvmsg";
    48 shutdown: now socket::shutdown "";
    51 getsockname: now socket::getsockname "";
    52 getpeername: now socket::getpeername "";
    54 setsockopt: now socket::setsockopt "options whose value is an int, and the time limits";
    55 getsockopt: now socket::getsockopt "options whose value is an int, and the time limits";

    39 getpid: now identity::getpid "";
    186 gettid: now identity::gettid "";
    110 getppid: now identity::getppid "";
    102 getuid: now identity::root "always root";
    104 getgid: now identity::root "always root";
    107 geteuid: now identity::root "always root";
    108 getegid: now identity::root "always root";
    118 getresuid: now identity::three_roots "always root";
    120 getresgid: now identity::three_roots "always root";
    105 setuid: now identity::stay_root "taken without effect";
    106 setgid: now identity::stay_root "taken without effect";
    113 setreuid: now identity::stay_root "taken without effect";
    114 setregid: now identity::stay_root "taken without effect";
    117 setresuid: now identity::stay_root "taken without effect";
    119 setresgid: now identity::stay_root "taken without effect";
    116 setgroups: now identity::stay_root "taken without effect";
    115 getgroups: now identity::getgroups "none";
    111 getpgrp: now identity::getpgrp "";
    121 getpgid: now identity::getpgid "";
    124 getsid: now identity::getsid "the first process leads one";
    112 setsid: now identity::setsid "the first process may, and stays in its own";
    109 setpgid: now identity::setpgid "the first process stays in its own group";

    125 capget: now identity::capget "root has all";
    126 capset: now identity::capset "taken without effect";
    135 personality: now identity::personality "taken without effect";

    63 uname: now system::uname "";
    99 sysinfo: now system::sysinfo "";
    318 getrandom: now system::getrandom "";
    302 prlimit64: now system::prlimit64 "RLIMIT_NOFILE has an effect";
    97 getrlimit: now system::getrlimit "";
    160 setrlimit: now system::setrlimit "RLIMIT_NOFILE has an effect";
    98 getrusage: now system::getrusage "processor time, as user time, and memory in use now";
    204 sched_getaffinity: now processor::sched_getaffinity "";
    203 sched_setaffinity: wait processor::sched_setaffinity "";
    324 membarrier: now processor::membarrier "MEMBARRIER_CMD_GLOBAL, MEMBARRIER_CMD_PRIVATE_EXPEDITED";
    309 getcpu: now processor::getcpu "";
    158 arch_prctl: now system::arch_prctl "ARCH_SET_FS, ARCH_GET_FS, ARCH_SET_GS, ARCH_GET_GS";

    330 pkey_alloc: off no_key "ENOSPC: there are no keys";
    331 pkey_free: off no_such_key "EINVAL: there are no keys";
    334 rseq: off missing "not there; the C library does without";
    425 io_uring_setup: off missing "not there; runtimes do without";
    426 io_uring_enter: off missing "not there; runtimes do without";
    427 io_uring_register: off missing "not there; runtimes do without";
    206 io_setup: off missing "not there, as in a Linux without CONFIG_AIO";
    207 io_destroy: off missing "not there, as in a Linux without CONFIG_AIO";
    208 io_getevents: off missing "not there, as in a Linux without CONFIG_AIO";
    209 io_submit: off missing "not there, as in a Linux without CONFIG_AIO";
    210 io_cancel: off missing "not there, as in a Linux without CONFIG_AIO";
    237 mbind: off missing "not there, as in a Linux without CONFIG_NUMA";
    238 set_mempolicy: off missing "not there, as in a Linux without CONFIG_NUMA";
    239 get_mempolicy: off missing "not there, as in a Linux without CONFIG_NUMA";
    248 add_key: off missing "not there, as in a Linux without CONFIG_KEYS";
    249 request_key: off missing "not there, as in a Linux without CONFIG_KEYS";
    250 keyctl: off missing "not there, as in a Linux without CONFIG_KEYS";
    298 perf_event_open: off missing "not there, as in a Linux without CONFIG_PERF_EVENTS";
    312 kcmp: off missing "not there, as in a Linux without CONFIG_KCMP";
    317 seccomp: off missing "not there, as in a Linux without CONFIG_SECCOMP";
    321 bpf: off missing "not there, as in a Linux without CONFIG_BPF_SYSCALL";
    323 userfaultfd: off missing "not there, as in a Linux without CONFIG_USERFAULTFD";
    444 landlock_create_ruleset: off missing "not there, as in a Linux without CONFIG_SECURITY_LANDLOCK";
    445 landlock_add_rule: off missing "not there, as in a Linux without CONFIG_SECURITY_LANDLOCK";
    446 landlock_restrict_self: off missing "not there, as in a Linux without CONFIG_SECURITY_LANDLOCK";
}

/// A call that programs try and do without.
fn missing(_call: &mut Call<'_>) -> Answer {
    Err(Errno::ENOSYS)
}

/// pkey_alloc(2) where the processor has no keys.
fn no_key(call: &mut Call<'_>) -> Answer {
    Err(if call.int::<0>() != 0 || call.int::<1>() & !3 != 0 { Errno::EINVAL } else { Errno::ENOSPC })
}

/// pkey_free(2): none was ever allocated.
fn no_such_key(_call: &mut Call<'_>) -> Answer {
    Err(Errno::EINVAL)
}

/// The numbers that were asked for and are not there.
static TOLD: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
/// How many of them are told: a program could ask for all.
const MOST_TOLD: usize = 64;

fn unknown(number: u64, call: &Call<'_>) -> Answer {
    let mut told = TOLD.lock();
    if told.len() < MOST_TOLD && told.insert(number) {
        let program = call.world().tree.program();
        let name = numbers::name(number).unwrap_or("unknown");
        host::report(&Report::Notice(format!(
            "{program}: system call {number} ({name}) is not there and fails with ENOSYS, told once; \
             `--trace` shows what the program makes of it, docs/linux-abi.md lists what is there"
        )));
    }
    Err(Errno::ENOSYS)
}
