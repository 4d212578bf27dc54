//! What messages carry beside their bytes (cmsg(3)).
use alloc::vec::Vec;
use core::net::IpAddr;
use linux_raw_sys::net;

/// The interface's number (`if_nametoindex` of `eth0`); `lo` is 1.
const INTERFACE: u32 = 2;
/// The bytes of `struct cmsghdr`, and what the next one is aligned to.
const HEADER: u64 = 16;
const ALIGNMENT: usize = 8;

fn entry(level: u32, kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = (HEADER + data.len() as u64).to_ne_bytes().to_vec();
    bytes.extend_from_slice(&level.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes
}

/// Where a datagram was sent to: `struct in_pktinfo` or `struct in6_pktinfo` (ip(7), ipv6(7)).
pub fn destination(address: IpAddr) -> Vec<u8> {
    let interface = if address.to_canonical().is_loopback() { 1 } else { INTERFACE };
    match address {
        IpAddr::V4(address) => {
            let octets = address.octets();
            let data = [interface.to_ne_bytes(), octets, octets].concat();
            entry(net::IPPROTO_IP as u32, net::IP_PKTINFO, &data)
        }
        IpAddr::V6(address) => {
            let data = [&address.octets()[..], &interface.to_ne_bytes()].concat();
            entry(net::IPPROTO_IPV6 as u32, net::IPV6_PKTINFO, &data)
        }
    }
}
