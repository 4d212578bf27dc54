//! What the machine is and has (uname(2), sysinfo(2), getrandom(2), prlimit(2)).
use super::{Answer, Call};
use crate::entropy;
use crate::errno::Errno;
use crate::program::stack;
use alloc::vec;
use core::time::Duration;
use linux_raw_sys::general as linux;
use machine::memory::USER_END;

/// The release that uname(2) tells: programs look which calls they may expect.
pub const RELEASE: &str = "6.1.0-portcullis";
const INFINITY: u64 = u64::MAX;
const CHUNK: usize = 4096;

pub fn uname(call: &mut Call<'_>) -> Answer {
    let mut names = [[0; 65]; 6];
    let texts = ["Linux", "portcullis", RELEASE, "#1", "x86_64", "(none)"];
    for (name, text) in names.iter_mut().zip(texts) {
        name.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    }
    call.memory().put(call.arg::<0>(), &names)?;
    Ok(0)
}

/// `struct sysinfo`: 112 bytes, here as words.
pub fn sysinfo(call: &mut Call<'_>) -> Answer {
    let usage = machine::memory::usage();
    let processes = call.world().process_count() as u64;
    let words: [u64; 14] = [
        machine::time::now().as_secs(),
        0,
        0,
        0,
        usage.total,
        usage.free,
        0,
        0,
        0,
        0,
        processes,
        0,
        0,
        1, // mem_unit
    ];
    call.memory().put(call.arg::<0>(), &words)?;
    Ok(0)
}

pub fn getrandom(call: &mut Call<'_>) -> Answer {
    let (at, length) = (call.arg::<0>(), call.arg::<1>().min(0x1ff_ffff));
    let mut buffer = vec![0; (length as usize).min(CHUNK)];
    let mut done = 0;
    while done < length {
        let part = buffer.get_mut(..(length - done).min(CHUNK as u64) as usize).unwrap_or_default();
        entropy::fill(part);
        call.memory().put(at.wrapping_add(done), part)?;
        done += part.len() as u64;
    }
    Ok(done)
}

fn limit(call: &Call<'_>, resource: u32) -> Result<[u64; 2], Errno> {
    Ok(match resource {
        linux::RLIMIT_NOFILE => [call.thread.files.lock().limit() as u64; 2],
        linux::RLIMIT_STACK => [stack::SIZE; 2],
        linux::RLIMIT_CORE => [0; 2],
        linux::RLIMIT_AS | linux::RLIMIT_DATA => [INFINITY; 2],
        0..16 => [INFINITY; 2],
        _ => return Err(Errno::EINVAL),
    })
}

fn set_limit(call: &Call<'_>, resource: u32, [soft, hard]: [u64; 2]) -> Result<(), Errno> {
    if soft > hard {
        return Err(Errno::EINVAL);
    }
    // The others are taken and have no effect.
    if resource == linux::RLIMIT_NOFILE {
        call.thread.files.lock().set_limit(soft.min(1 << 20) as usize);
    }
    Ok(())
}

pub fn prlimit64(call: &mut Call<'_>) -> Answer {
    if ![0, call.thread.process.id].contains(&call.int::<0>()) {
        return Err(Errno::ESRCH);
    }
    let old = limit(call, call.int::<1>())?;
    if call.arg::<2>() != 0 {
        set_limit(call, call.int::<1>(), call.memory().get(call.arg::<2>())?)?;
    }
    if call.arg::<3>() != 0 {
        call.memory().put(call.arg::<3>(), &old)?;
    }
    Ok(0)
}

pub fn getrlimit(call: &mut Call<'_>) -> Answer {
    call.memory().put(call.arg::<1>(), &limit(call, call.int::<0>())?)?;
    Ok(0)
}

pub fn setrlimit(call: &mut Call<'_>) -> Answer {
    limit(call, call.int::<0>())?;
    set_limit(call, call.int::<0>(), call.memory().get(call.arg::<1>())?)?;
    Ok(0)
}

/// `struct rusage`: this processor time, which all counts as the program's own, and this much memory in bytes.
pub fn usage(time: Duration, resident: u64) -> [u64; 18] {
    let mut words = [0; 18];
    words[0] = time.as_secs();
    words[1] = u64::from(time.subsec_micros());
    words[4] = resident >> 10;
    words
}

pub fn getrusage(call: &mut Call<'_>) -> Answer {
    let process = &call.thread.process;
    const CHILDREN: u32 = linux::RUSAGE_CHILDREN as u32;
    let time = match call.int::<0>() {
        linux::RUSAGE_SELF => process.processor_time(),
        CHILDREN => process.children_time(),
        linux::RUSAGE_THREAD => call.thread.processor_time(),
        _ => return Err(Errno::EINVAL),
    };
    let resident = call.memory().space.lock().resident();
    call.memory().put(call.arg::<1>(), &usage(time, resident))?;
    Ok(0)
}

/// arch_prctl(2): the bases of FS and GS.
pub fn arch_prctl(call: &mut Call<'_>) -> Answer {
    const SET_GS: u32 = 0x1001;
    const SET_FS: u32 = 0x1002;
    const GET_FS: u32 = 0x1003;
    const GET_GS: u32 = 0x1004;
    let value = call.arg::<1>();
    match call.int::<0>() {
        // The processor refuses what is no address: never let it come to that.
        SET_FS | SET_GS if value >= USER_END => return Err(Errno::EPERM),
        SET_FS => call.registers.fs_base = value,
        SET_GS => call.registers.gs_base = value,
        GET_FS => call.memory().put(value, &call.registers.fs_base)?,
        GET_GS => call.memory().put(value, &call.registers.gs_base)?,
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}
