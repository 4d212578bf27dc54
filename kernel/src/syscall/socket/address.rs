//! Addresses as the program has them (`struct sockaddr`; ip(7), ipv6(7)).
use crate::errno::Errno;
use crate::syscall::Call;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use linux_raw_sys::net;

/// The address that the program has at `at` (ip(7), ipv6(7)).
pub fn get_address(call: &Call<'_>, at: u64, length: u32) -> Result<SocketAddr, Errno> {
    let family: u16 = if length < 2 { return Err(Errno::EINVAL) } else { call.memory().get(at)? };
    match (u32::from(family), length) {
        (net::AF_INET, 16..) => {
            let [_, _, high, low, a, b, c, d]: [u8; 8] = call.memory().get(at)?;
            Ok((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])).into())
        }
        (net::AF_INET6, 24..) => {
            let [_, _, high, low, _, _, _, _]: [u8; 8] = call.memory().get(at)?;
            let address: [u8; 16] = call.memory().get(at.wrapping_add(8))?;
            let scope: u32 = if length >= 28 { call.memory().get(at.wrapping_add(24))? } else { 0 };
            Ok(SocketAddrV6::new(Ipv6Addr::from(address), u16::from_be_bytes([high, low]), 0, scope).into())
        }
        (net::AF_INET | net::AF_INET6, _) => Err(Errno::EINVAL),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// Whether the address is of the family that stands for none (connect(2), AF_UNSPEC).
pub fn is_unspecified(call: &Call<'_>, at: u64, length: u32) -> Result<bool, Errno> {
    Ok(length >= 2 && call.memory().get::<u16>(at)? == net::AF_UNSPEC as u16)
}

fn encode_address(address: SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(28);
    let port = address.port().to_be_bytes();
    match address {
        SocketAddr::V4(v4) => {
            bytes.extend_from_slice(&(net::AF_INET as u16).to_le_bytes());
            bytes.extend_from_slice(&port);
            bytes.extend_from_slice(&v4.ip().octets());
            bytes.extend_from_slice(&[0; 8]);
        }
        SocketAddr::V6(v6) => {
            bytes.extend_from_slice(&(net::AF_INET6 as u16).to_le_bytes());
            bytes.extend_from_slice(&port);
            bytes.extend_from_slice(&v6.flowinfo().to_be_bytes());
            bytes.extend_from_slice(&v6.ip().octets());
            bytes.extend_from_slice(&v6.scope_id().to_le_bytes());
        }
    }
    bytes
}

/// Tells the program an address: cut to the room it has, with the length it has in full.
pub fn put_address(call: &Call<'_>, address: SocketAddr, at: u64, length_at: u64) -> Result<(), Errno> {
    if at == 0 || length_at == 0 {
        return Ok(());
    }
    let room: u32 = call.memory().get(length_at)?;
    let length = put_cut(call, address, at, room)?;
    call.memory().put(length_at, &length)
}

/// The same, where the room is known: gives the length it has in full.
pub fn put_cut(call: &Call<'_>, address: SocketAddr, at: u64, room: u32) -> Result<u32, Errno> {
    if room as i32 <= 0 && room != 0 {
        return Err(Errno::EINVAL);
    }
    let bytes = encode_address(address);
    call.memory().put(at, bytes.get(..bytes.len().min(room as usize)).unwrap_or_default())?;
    Ok(bytes.len() as u32)
}
