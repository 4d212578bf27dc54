//! Room for connections that arrive together at a forwarded port.
//!
//! QEMU's user networking (libslirp) listens on a forwarded port with a backlog of 1 (listen(2)): of many connections
//! that arrive at once, the host's kernel then lets most wait for a second and more before it tries again. A second
//! listen(2) on a socket that listens changes its backlog, and pidfd_getfd(2) lends us a child's socket for it.
use rustix::io::{Errno, Result};
use rustix::net::sockopt::socket_acceptconn;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::fs;
use std::os::fd::AsFd;

/// As many as the host's kernel allows by default (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Widens the backlog of every socket that this process, a child of ours, listens on; tells how many there were.
///
/// # Errors
/// A host that forbids it (an old kernel, a seccomp filter). Connections then wait, but none is lost.
pub fn widen(process: u32) -> Result<usize> {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    let mut widened = 0;
    for entry in fs::read_dir(format!("/proc/{process}/fd")).map_err(|_| Errno::SRCH)?.flatten() {
        let is_socket =
            fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str().as_encoded_bytes().starts_with(b"socket:"));
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()).filter(|_| is_socket) else {
            continue;
        };
        let socket = pidfd_getfd(&handle, number, PidfdGetfdFlags::empty())?;
        if socket_acceptconn(socket.as_fd()) == Ok(true) {
            rustix::net::listen(&socket, BACKLOG)?;
            widened += 1;
        }
    }
    Ok(widened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketType};
    use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
    use std::time::Duration;

    #[test]
    fn many_connections_find_room_that_a_backlog_of_one_had_not() {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        rustix::net::listen(&socket, 1).unwrap();
        let address = SocketAddr::try_from(rustix::net::getsockname(&socket).unwrap()).unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300));

        let few: Vec<_> = (0..20).map_while(|_| connect().ok()).collect();
        assert!(few.len() < 20, "the backlog was not full");
        assert!(widen(std::process::id()).unwrap() >= 1);
        let many: Vec<_> = (0..20).map_while(|_| connect().ok()).collect();
        assert_eq!(many.len(), 20);
    }
}
