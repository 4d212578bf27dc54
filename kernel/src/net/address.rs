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

/// `EAFNOSUPPORT` unless the address is of the socket's version.
pub fn check_version(version: Version, address: SocketAddr) -> Result<(), Errno> {
    if address.is_ipv4() == (version == Version::V4) { Ok(()) } else { Err(Errno::EAFNOSUPPORT) }
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
