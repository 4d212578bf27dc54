//! Control data of messages between sockets of the machine: open files and who sent them (cmsg(3), unix(7)).
use super::Call;
use crate::errno::Errno;
use crate::program::descriptors::Open;
use crate::program::unix::rights::{MOST, Rights};
use alloc::sync::Arc;
use alloc::vec::Vec;
use linux_raw_sys::net::{self, SCM_CREDENTIALS, SCM_RIGHTS};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The most control data that is looked at (Linux: `net.core.optmem_max`).
const MOST_CONTROL: u64 = 20 << 10;
const HEADER: usize = 16;
const ALIGN: usize = 8;
/// `struct ucred` where nobody was noted.
const NOBODY: [u32; 3] = [0, 65_534, 65_534];

/// `struct cmsghdr`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Header {
    length: u64,
    level: u32,
    kind: u32,
}

/// The open files that a message to be sent carries.
pub fn rights(call: &Call<'_>, (at, length): (u64, u64)) -> Result<Rights, Errno> {
    if at == 0 || length == 0 {
        return Ok(Rights::default());
    }
    if length > MOST_CONTROL {
        return Err(Errno::ENOBUFS);
    }
    let bytes = call.memory().bytes(at, length as usize)?;
    let mut rest = bytes.as_slice();
    let mut files: Vec<Arc<Open>> = Vec::new();
    while let Ok((header, behind)) = Header::read_from_prefix(rest) {
        let length = (header.length as usize).checked_sub(HEADER).ok_or(Errno::EINVAL)?;
        let data = behind.get(..length).ok_or(Errno::EINVAL)?;
        match (header.level, header.kind) {
            (net::SOL_SOCKET, SCM_RIGHTS) => {
                for number in data.chunks_exact(4).filter_map(|chunk| chunk.first_chunk()) {
                    files.push(call.open_number(u64::from(u32::from_le_bytes(*number)))?);
                }
                if files.len() > MOST {
                    return Err(Errno::EINVAL);
                }
            }
            // Who sends is known.
            (net::SOL_SOCKET, SCM_CREDENTIALS) => credentials(call, data)?,
            (net::SOL_SOCKET, _) => return Err(Errno::EINVAL),
            _ => {}
        }
        rest = behind.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
    }
    Rights::new(files)
}

/// A process may only say of itself who it is.
fn credentials(call: &Call<'_>, data: &[u8]) -> Result<(), Errno> {
    let words = <[u32; 3]>::read_from_bytes(data).map_err(|_| Errno::EINVAL)?;
    if words == [call.thread.process.id, 0, 0] { Ok(()) } else { Err(Errno::EPERM) }
}

/// Gives the program descriptors for the files that arrived, and tells who sent them: the length of the control data,
/// and whether there was no room for all. `sender`: whether it is told, and who it is if that was noted.
pub fn put(
    call: &Call<'_>,
    (at, room): (u64, u64),
    sender: Option<Option<u32>>,
    files: Vec<Arc<Open>>,
    close_on_exec: bool,
) -> Result<(u64, bool), Errno> {
    let room = if at == 0 { 0 } else { room.min(MOST_CONTROL) as usize };
    let (mut bytes, mut cut) = (Vec::new(), false);
    if let Some(sender) = sender {
        let words = sender.map_or(NOBODY, |sender| [sender, 0, 0]);
        let data: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        cut |= !append(&mut bytes, room, SCM_CREDENTIALS, &data);
    }
    let most = room.saturating_sub(bytes.len() + HEADER) / 4;
    cut |= files.len() > most;
    let mut numbers = Vec::new();
    for open in files.into_iter().take(most) {
        match call.thread.files.lock().add(open, close_on_exec, 0) {
            Ok(number) => numbers.extend_from_slice(&(number as u32).to_le_bytes()),
            Err(_) => cut = true,
        }
    }
    if !numbers.is_empty() {
        append(&mut bytes, room, SCM_RIGHTS, &numbers);
    }
    call.memory().put(at, bytes.as_slice())?;
    Ok((bytes.len() as u64, cut))
}

/// Adds a header and its data, padded as far as there is room; `false` if there is none for the data.
fn append(bytes: &mut Vec<u8>, room: usize, kind: u32, data: &[u8]) -> bool {
    if bytes.len() + HEADER + data.len() > room {
        return false;
    }
    let header = Header { length: (HEADER + data.len()) as u64, level: net::SOL_SOCKET, kind };
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    let padded = bytes.len().next_multiple_of(ALIGN).min(room);
    bytes.resize(padded.max(bytes.len()), 0);
    true
}
