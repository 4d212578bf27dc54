//! What the files of `/proc` say that depend on who reads them (proc(5)).
use super::space::Protection;
use super::thread::Thread;
use crate::entropy;
use crate::tree::{Generated, Kind, Node};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::Write;
use linux_raw_sys::general as linux;
use machine::memory::PAGE;

/// The text of this file for this thread.
pub fn text(what: Generated, thread: &Thread) -> String {
    match what {
        Generated::Comm => format!("{}\n", name(thread)),
        Generated::CpuList => match machine::cpus::count() {
            1 => "0\n".into(),
            count => format!("0-{}\n", count.saturating_sub(1)),
        },
        Generated::Cpuinfo => cpuinfo(),
        Generated::Loadavg => format!("0.00 0.00 0.00 1/{} {}\n", thread.process.thread_count(), thread.process.id),
        Generated::Maps => maps(thread, false),
        Generated::Meminfo => memory(),
        Generated::Processors => processors(thread),
        Generated::Smaps => maps(thread, true),
        Generated::Stat => stat(thread),
        Generated::Statm => {
            let (size, resident) = pages(thread);
            format!("{size} {resident} 0 0 0 {resident} 0\n")
        }
        Generated::Status => status(thread),
        Generated::Uptime => {
            let now = machine::time::now();
            format!("{}.{:02} 0.00\n", now.as_secs(), now.subsec_millis() / 10)
        }
        Generated::ResolvConf => resolv_conf(thread),
        Generated::Uuid => uuid(),
    }
}

/// resolv.conf(5): the name servers of the lease.
fn resolv_conf(thread: &Thread) -> String {
    let servers = thread.process.world.sockets.name_servers();
    servers.iter().map(|server| format!("nameserver {server}\n")).collect()
}

fn cpuinfo() -> String {
    let count = machine::cpus::count();
    let one = |number| {
        format!(
            "processor\t: {number}\nvendor_id\t: unknown\nmodel name\t: x86_64\nphysical id\t: 0\nsiblings\t: {count}\n\
             core id\t\t: {number}\ncpu cores\t: {count}\n\n"
        )
    };
    (0..count).map(one).collect()
}

/// The path as it is for everybody: `/proc/PID` and `/proc/self/task/TID` of who asks are `/proc/self`.
pub fn path_for_all(path: &str, thread: &Thread) -> Option<String> {
    let mut rest = path.strip_prefix("/proc/")?;
    let head = |rest: &str| rest.split('/').next().and_then(|name| name.parse::<u32>().ok());
    if head(rest) == Some(thread.process.id) {
        rest = rest.split_once('/').map_or("", |(_, rest)| rest);
    } else {
        rest = rest.strip_prefix("self/").or_else(|| rest.strip_prefix("thread-self/"))?;
    }
    if let Some(of_task) = rest.strip_prefix("task/")
        && head(of_task).is_some_and(|id| thread.process.thread(id).is_some())
    {
        rest = of_task.split_once('/').map_or("", |(_, rest)| rest);
    }
    Some(format!("/proc/self/{rest}"))
}

/// What `/proc/self/fd` and `/proc/self/task` hold when they are opened: a directory of now.
pub fn directory(path: &str, thread: &Thread) -> Option<Arc<Node>> {
    let directory = Node::new(Kind::directory(), linux::S_IFDIR | 0o555);
    let mut entries = directory.entries().ok()?.lock();
    match path {
        "/proc/self/fd" => {
            let files = thread.files.lock();
            for number in files.numbers() {
                let target = files.get(u64::from(number)).map(|open| open.path.clone()).unwrap_or_default();
                entries.insert(format!("{number}"), Node::new(Kind::Link(target), linux::S_IFLNK | 0o700));
            }
        }
        "/proc/self/task" => {
            for id in thread.process.thread_ids() {
                entries.insert(format!("{id}"), Node::new(Kind::directory(), linux::S_IFDIR | 0o555));
            }
        }
        _ => return None,
    }
    drop(entries);
    Some(directory)
}

fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    entropy::fill(&mut bytes);
    // Version 4, variant 1 (RFC 9562, 5.4).
    (bytes[6], bytes[8]) = (bytes[6] & 0xf | 0x40, bytes[8] & 0x3f | 0x80);
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let dash = if [4, 6, 8, 10].contains(&index) { "-" } else { "" };
        let _ = write!(text, "{dash}{byte:02x}");
    }
    text.push('\n');
    text
}

fn processors(thread: &Thread) -> String {
    let now = machine::time::now();
    let ticks = now.as_millis() / 10;
    let boot = machine::time::wall().saturating_sub(now).as_secs();
    let times = format!("{ticks} 0 0 0 0 0 0 0 0 0");
    let each: String = (0..machine::cpus::count()).map(|number| format!("cpu{number} {times}\n")).collect();
    let processes = thread.process.world.process_count();
    format!("cpu  {times}\n{each}ctxt 0\nbtime {boot}\nprocesses {processes}\nprocs_running 1\nprocs_blocked 0\n")
}

/// Pages of the whole address space, and of those that are in memory.
fn pages(thread: &Thread) -> (u64, u64) {
    let space = thread.memory.space.lock();
    let size: u64 = space.regions().map(|(range, _)| range.end - range.start).sum();
    (size / PAGE, space.resident() / PAGE)
}

fn memory() -> String {
    let usage = machine::memory::usage();
    let (total, free) = (usage.total / 1024, usage.free / 1024);
    format!(
        "MemTotal:       {total:8} kB\nMemFree:        {free:8} kB\nMemAvailable:   {free:8} kB\nBuffers:               0 kB\n\
         Cached:                0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n"
    )
}

/// /proc/self/maps, or /proc/self/smaps with how much of each is in memory.
fn maps(thread: &Thread, with_sizes: bool) -> String {
    let space = thread.memory.space.lock();
    let heap = space.heap();
    let mut text = String::new();
    for (range, region) in space.regions() {
        let flag = |bit, letter| if region.protection.contains(bit) { letter } else { '-' };
        let (read, write) = (flag(Protection::READ, 'r'), flag(Protection::WRITE, 'w'));
        let execute = flag(Protection::EXECUTE, 'x');
        let shared = if region.backing.is_shared() { 's' } else { 'p' };
        let (offset, inode) = region.backing.file().map_or((0, 0), |(file, offset)| (offset, file.status().inode));
        let name = match range.start {
            start if start == heap.start && !heap.is_empty() => "                          [heap]",
            start if start == space.vdso() && start != 0 => "                          [vdso]",
            start if start + PAGE == space.vdso() => "                          [vvar]",
            _ => "",
        };
        let (start, end) = (range.start, range.end);
        // Writing to a string does not fail.
        let device = if inode == 0 { "00:00" } else { "00:01" };
        let _ = writeln!(text, "{start:x}-{end:x} {read}{write}{execute}{shared} {offset:08x} {device} {inode}{name}");
        if with_sizes {
            let size = (end - start) / 1024;
            let resident = space.resident_in(range) / 1024;
            let _ = writeln!(
                text,
                "Size:           {size:8} kB\nRss:            {resident:8} kB\nPss:            {resident:8} kB\n\
                 Private_Dirty:  {resident:8} kB\nSwap:                  0 kB"
            );
        }
    }
    text
}

fn name(thread: &Thread) -> String {
    let name = thread.name.lock();
    String::from_utf8_lossy(&name[..]).trim_end_matches('\0').into()
}

fn status(thread: &Thread) -> String {
    let process = &thread.process;
    let (size, resident) = pages(thread);
    let (size, resident) = (size * 4, resident * 4);
    let (pending, blocked) = (thread.pending(), thread.blocked());
    let descriptors = thread.files.lock().numbers().count();
    format!(
        "Name:\t{}\nUmask:\t{:04o}\nState:\tR (running)\nTgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t0\n\
         Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t{descriptors}\nGroups:\t0\n\
         VmPeak:\t{size:8} kB\nVmSize:\t{size:8} kB\nVmLck:\t       0 kB\nVmHWM:\t{resident:8} kB\n\
         VmRSS:\t{resident:8} kB\nVmSwap:\t       0 kB\nThreads:\t{}\nSigPnd:\t{pending:016x}\n\
         SigBlk:\t{blocked:016x}\nCapEff:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n\
         Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed_list:\t0\n",
        name(thread),
        thread.place.lock().umask,
        process.id,
        thread.id,
        process.parent(),
        process.thread_count()
    )
}

/// The 52 fields of proc(5).
fn stat(thread: &Thread) -> String {
    let process = &thread.process;
    let (id, parent, threads) = (process.id, process.parent(), process.thread_count());
    let (group, session) = (process.group(), process.session());
    let (size, resident) = pages(thread);
    let size = size * PAGE;
    let ticks = machine::time::now().as_millis() / 10;
    format!(
        "{id} ({}) R {parent} {group} {session} 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 {threads} 0 0 {size} {resident} \
         18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        name(thread)
    )
}
