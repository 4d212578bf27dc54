//! Addresses of sockets: IPv4 in IPv6 sockets (RFC 4291, 2.5.5.2), and what stat(2) tells.
use crate::errno::Errno;
use crate::file::{Status, Version};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use linux_raw_sys::{general, net};

/// The address with a mapped one in its IPv4 form.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// An address as a socket of this version shows it.
pub fn shown(version: Version, (address, port): (IpAddr, u16)) -> SocketAddr {
    let address = match (version, address) {
        (Version::V6, IpAddr::V4(address)) => IpAddr::V6(address.to_ipv6_mapped()),
        (_, address) => address,
    };
    SocketAddr::new(address, port)
}

/// The address that stands for all.
pub fn any(version: Version) -> SocketAddr {
    match version {
        Version::V4 => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        Version::V6 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    }
}

/// An error unless the address is of the socket's version. On Linux one of IPv4 is too short for IPv6.
pub fn check_version(version: Version, address: SocketAddr) -> Result<(), Errno> {
    match (version, address) {
        (Version::V4, SocketAddr::V4(_)) | (Version::V6, SocketAddr::V6(_)) => Ok(()),
        (Version::V4, SocketAddr::V6(_)) => Err(Errno::EAFNOSUPPORT),
        (Version::V6, SocketAddr::V4(_)) => Err(Errno::EINVAL),
    }
}

/// The same for where a datagram goes: a socket of IPv6 sends to both, unless it is for IPv6 alone.
pub fn check_destination(version: Version, only_v6: bool, address: SocketAddr) -> Result<(), Errno> {
    match (version, only_v6, canonical(address)) {
        (Version::V6, true, SocketAddr::V4(_)) => Err(Errno::ENETUNREACH),
        (Version::V6, _, _) => Ok(()),
        (Version::V4, _, _) => check_version(version, address),
    }
}

/// SO_DOMAIN.
pub fn family(version: Version) -> i32 {
    match version {
        Version::V4 => net::AF_INET as i32,
        Version::V6 => net::AF_INET6 as i32,
    }
}

/// What stat(2) tells of a socket.
pub fn status() -> Status {
    Status { mode: general::S_IFSOCK | 0o777, links: 1, ..Status::default() }
}
