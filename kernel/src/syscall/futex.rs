//! futex(2).
use super::time::{self, Timespec};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::executor;
use crate::program::futex::ANY;
use core::time::Duration;
use linux_raw_sys::general as linux;

pub async fn futex(call: &mut Call<'_>) -> Answer {
    let (address, value, second) = (call.arg::<0>(), call.int::<2>(), call.arg::<4>());
    let operation = call.int::<1>() & linux::FUTEX_CMD_MASK as u32;
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    let (memory, private) = (call.memory(), is_private(call));
    let clock = call.int::<1>() & linux::FUTEX_CLOCK_REALTIME != 0;
    if clock && !matches!(operation, linux::FUTEX_WAIT | linux::FUTEX_WAIT_BITSET) {
        return Err(Errno::ENOSYS);
    }
    // The fourth argument is a time for those that wait, and a count for the others.
    let count = u64::from(call.int::<3>());
    match operation {
        linux::FUTEX_WAIT | linux::FUTEX_WAIT_BITSET => wait(call, address, value, operation).await,
        linux::FUTEX_WAKE => Ok(memory.wake(address, private, u64::from(value), ANY)),
        linux::FUTEX_WAKE_BITSET if call.int::<5>() == 0 => Err(Errno::EINVAL),
        linux::FUTEX_WAKE_BITSET => Ok(memory.wake(address, private, u64::from(value), call.int::<5>())),
        linux::FUTEX_REQUEUE | linux::FUTEX_CMP_REQUEUE
            if (value as i32) < 0 || (count as i32) < 0 || !second.is_multiple_of(4) =>
        {
            Err(Errno::EINVAL)
        }
        linux::FUTEX_REQUEUE => {
            let woken = memory.wake(address, private, u64::from(value), ANY);
            Ok(woken + memory.requeue(address, second, private, count))
        }
        linux::FUTEX_CMP_REQUEUE => {
            if call.memory().get::<u32>(address)? != call.int::<5>() {
                return Err(Errno::EAGAIN);
            }
            let woken = memory.wake(address, private, u64::from(value), ANY);
            Ok(woken + memory.requeue(address, second, private, count))
        }
        linux::FUTEX_WAKE_OP => wake_op(call, address, second, value, count),
        _ => Err(Errno::ENOSYS),
    }
}

/// Whether only threads of this process may wait at the word.
fn is_private(call: &Call<'_>) -> bool {
    call.int::<1>() & linux::FUTEX_PRIVATE_FLAG != 0
}

async fn wait(call: &Call<'_>, address: u64, value: u32, operation: u32) -> Answer {
    let bits = if operation == linux::FUTEX_WAIT { ANY } else { call.int::<5>() };
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    let due = due(call, operation)?;
    match executor::timeout(due, call.memory().wait(address, is_private(call), value, bits)).await {
        Some(result) => result.map(|()| 0),
        None => Err(Errno::ETIMEDOUT),
    }
}

/// When the waiting is over: FUTEX_WAIT says how long, FUTEX_WAIT_BITSET until when.
fn due(call: &Call<'_>, operation: u32) -> Result<Option<Duration>, Errno> {
    if call.arg::<3>() == 0 {
        return Ok(None);
    }
    let limit = call.memory().get::<Timespec>(call.arg::<3>())?.duration()?;
    let realtime = call.int::<1>() & linux::FUTEX_CLOCK_REALTIME != 0;
    Ok(Some(match operation {
        linux::FUTEX_WAIT => machine::time::now().saturating_add(limit),
        _ if realtime => time::since_boot(limit),
        _ => limit,
    }))
}

/// FUTEX_WAKE_OP: changes the second word, wakes at the first, and at the second if its old value says so.
fn wake_op(call: &Call<'_>, first: u64, second: u64, count: u32, second_count: u64) -> Answer {
    let code = call.int::<5>();
    let (mut operand, comparand) = ((code << 8) as i32 >> 20, (code << 20) as i32 >> 20);
    if code >> 28 & 8 != 0 {
        operand = 1_i32.checked_shl(operand as u32).ok_or(Errno::EINVAL)?;
    }
    let operation: fn(i32, i32) -> i32 = match code >> 28 & 7 {
        0 => |_, operand| operand,
        1 => i32::wrapping_add,
        2 => |old, operand| old | operand,
        3 => |old, operand| old & !operand,
        4 => |old, operand| old ^ operand,
        _ => return Err(Errno::ENOSYS),
    };
    let old = call.memory().change(second, |old| operation(old as i32, operand) as u32)? as i32;
    let holds = match code >> 24 & 15 {
        0 => old == comparand,
        1 => old != comparand,
        2 => old < comparand,
        3 => old <= comparand,
        4 => old > comparand,
        5 => old >= comparand,
        _ => return Err(Errno::ENOSYS),
    };
    let (memory, private) = (call.memory(), is_private(call));
    let woken = memory.wake(first, private, u64::from(count), ANY);
    Ok(woken + if holds { memory.wake(second, private, second_count, ANY) } else { 0 })
}
