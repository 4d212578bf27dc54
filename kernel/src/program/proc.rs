//! What the files of `/proc` say that depend on who reads them (proc(5)).
use super::space::Protection;
use super::thread::Thread;
use crate::tree::Generated;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;

/// The text of this file for this thread.
pub fn text(what: Generated, thread: &Thread) -> String {
    match what {
        Generated::Cpuinfo => "processor\t: 0\nvendor_id\t: unknown\nmodel name\t: x86_64\ncpu cores\t: 1\n\n".into(),
        Generated::Meminfo => memory(),
        Generated::Uptime => {
            let now = machine::time::now();
            format!("{}.{:02} 0.00\n", now.as_secs(), now.subsec_millis() / 10)
        }
        Generated::ResolvConf => resolv_conf(thread),
        Generated::Maps => maps(thread),
        Generated::Status => status(thread),
        Generated::Stat => stat(thread),
    }
}

/// resolv.conf(5): the name servers of the lease.
fn resolv_conf(thread: &Thread) -> String {
    let servers = thread.process.world.sockets.name_servers();
    servers.iter().map(|server| format!("nameserver {server}\n")).collect()
}

fn memory() -> String {
    let usage = machine::memory::usage();
    let (total, free) = (usage.total / 1024, usage.free / 1024);
    format!(
        "MemTotal:       {total:8} kB\nMemFree:        {free:8} kB\nMemAvailable:   {free:8} kB\nBuffers:               0 kB\n\
         Cached:                0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n"
    )
}

fn maps(thread: &Thread) -> String {
    let space = thread.memory.space.lock();
    let heap = space.heap();
    let mut text = String::new();
    for (range, region) in space.regions() {
        let (protection, offset) = (region.protection, region.backing.file().map(|(_, offset)| offset));
        let flag = |bit, letter| if protection.contains(bit) { letter } else { '-' };
        let (read, write) = (flag(Protection::READ, 'r'), flag(Protection::WRITE, 'w'));
        let execute = flag(Protection::EXECUTE, 'x');
        let name = if range.start == heap.start && !heap.is_empty() { " [heap]" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:x}-{:x} {read}{write}{execute}p {:08x} 00:00 0{name}",
            range.start,
            range.end,
            offset.unwrap_or(0)
        );
    }
    text
}

fn name(thread: &Thread) -> String {
    let name = thread.name.lock();
    String::from_utf8_lossy(&name[..]).trim_end_matches('\0').into()
}

fn status(thread: &Thread) -> String {
    let process = &thread.process;
    let resident = thread.memory.space.lock().resident() / 1024;
    format!(
        "Name:\t{}\nState:\tR (running)\nTgid:\t{}\nPid:\t{}\nPPid:\t{}\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n\
         VmRSS:\t{resident:8} kB\nThreads:\t{}\n",
        name(thread),
        process.id,
        process.id,
        process.parent(),
        process.thread_count()
    )
}

fn stat(thread: &Thread) -> String {
    let process = &thread.process;
    let (id, parent, threads) = (process.id, process.parent(), process.thread_count());
    let resident = thread.memory.space.lock().resident() / 4096;
    format!("{id} ({}) R {parent} {id} {id} 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 0 0 {resident}\n", name(thread))
}
