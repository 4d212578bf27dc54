//! What the kernel itself puts into the tree: `/dev`, `/proc`, `/sys`, and what the C library looks up in `/etc`.
use super::{Device, Generated};

/// Files that runtimes read, with what they find here. The image may bring others in their place.
pub const FIXED: &[(&str, &str)] = &[
    ("/etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"),
    ("/etc/hosts", "127.0.0.1\tlocalhost portcullis\n::1\tlocalhost\n"),
    ("/etc/nsswitch.conf", "hosts: files dns\n"),
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n\
         nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    ),
    ("/proc/filesystems", "nodev\ttmpfs\nnodev\tproc\nnodev\tsysfs\n"),
    ("/proc/self/cgroup", "0::/\n"),
    (
        "/proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n\
         Max stack size            8388608              unlimited            bytes     \n\
         Max core file size        0                    unlimited            bytes     \n\
         Max processes             unlimited            unlimited            processes \n\
         Max open files            65536                65536                files     \n\
         Max address space         unlimited            unlimited            bytes     \n",
    ),
    (
        "/proc/self/mountinfo",
        "1 0 0:1 / / rw - tmpfs tmpfs rw\n2 1 0:2 / /proc rw - proc proc rw\n3 1 0:3 / /sys rw - sysfs sysfs rw\n",
    ),
    ("/proc/self/mounts", MOUNTS),
    ("/proc/mounts", MOUNTS),
    ("/proc/self/oom_score_adj", "0\n"),
    ("/proc/self/oom_score", "0\n"),
    ("/proc/sys/fs/file-max", "9223372036854775807\n"),
    ("/proc/sys/fs/nr_open", "1048576\n"),
    ("/proc/sys/fs/pipe-max-size", "1048576\n"),
    ("/proc/sys/kernel/cap_last_cap", "40\n"),
    ("/proc/sys/kernel/hostname", "portcullis\n"),
    ("/proc/sys/kernel/ngroups_max", "65536\n"),
    ("/proc/sys/kernel/osrelease", "6.1.0-portcullis\n"),
    ("/proc/sys/kernel/ostype", "Linux\n"),
    ("/proc/sys/kernel/pid_max", "4194304\n"),
    ("/proc/sys/kernel/random/boot_id", "00000000-0000-4000-8000-000000000000\n"),
    ("/proc/sys/kernel/random/entropy_avail", "256\n"),
    ("/proc/sys/kernel/threads-max", "65536\n"),
    ("/proc/sys/kernel/version", "#1\n"),
    ("/proc/sys/net/core/somaxconn", "4096\n"),
    ("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
    ("/proc/sys/vm/max_map_count", "65530\n"),
    ("/proc/sys/vm/mmap_min_addr", "65536\n"),
    ("/proc/sys/vm/overcommit_memory", "1\n"),
    ("/proc/sys/vm/overcommit_ratio", "50\n"),
    ("/proc/version", "Linux version 6.1.0-portcullis #1\n"),
    ("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"),
];

const MOUNTS: &str = "tmpfs / tmpfs rw 0 0\nproc /proc proc rw 0 0\nsysfs /sys sysfs rw 0 0\n";

/// Files whose text is made when they are opened.
pub const GENERATED: &[(&str, Generated)] = &[
    ("/etc/resolv.conf", Generated::ResolvConf),
    ("/proc/cpuinfo", Generated::Cpuinfo),
    ("/proc/loadavg", Generated::Loadavg),
    ("/proc/meminfo", Generated::Meminfo),
    ("/proc/self/comm", Generated::Comm),
    ("/proc/self/maps", Generated::Maps),
    ("/proc/self/smaps", Generated::Smaps),
    ("/proc/self/stat", Generated::Stat),
    ("/proc/self/statm", Generated::Statm),
    ("/proc/self/status", Generated::Status),
    ("/proc/stat", Generated::Processors),
    ("/sys/devices/system/cpu/online", Generated::CpuList),
    ("/sys/devices/system/cpu/possible", Generated::CpuList),
    ("/sys/devices/system/cpu/present", Generated::CpuList),
    ("/proc/sys/kernel/random/uuid", Generated::Uuid),
    ("/proc/uptime", Generated::Uptime),
];

/// Devices (null(4), full(4), random(4), tty(4)).
pub const DEVICES: &[(&str, Device)] = &[
    ("/dev/null", Device::Null),
    ("/dev/zero", Device::Zero),
    ("/dev/full", Device::Full),
    ("/dev/random", Device::Random),
    ("/dev/urandom", Device::Random),
    ("/dev/tty", Device::Terminal),
];

/// Directories that everybody may write to.
pub const OPEN_TO_ALL: &[&str] = &["/tmp", "/dev/shm", "/var/tmp"];

/// Directories that are empty until they are opened: the descriptors and threads of who opens them.
pub const OF_THE_PROCESS: &[&str] = &["/proc/self/fd", "/proc/self/task"];

/// Links: the names by which descriptors are known.
pub const LINKS: &[(&str, &str)] = &[
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];
