//! IPv6 on the host's side. QEMU's user networking listens on IPv4 alone, so for an IPv6 address we listen ourselves and
//! pass each connection on to a port of 127.0.0.1 that QEMU forwards.
use crate::ports::{Forward, PortError, Protocol};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Starts to listen where an IPv6 address is asked for; returns what QEMU is to forward.
pub fn start(forwards: &[Forward]) -> Result<Vec<Forward>, PortError> {
    forwards.iter().map(|forward| if forward.host.is_ipv6() { relayed(*forward) } else { Ok(*forward) }).collect()
}

fn relayed(forward: Forward) -> Result<Forward, PortError> {
    let refused = |error: io::Error| PortError::Refused(forward, error.kind());
    if forward.protocol == Protocol::Udp {
        return Err(PortError::UdpOverIpv6(forward.host));
    }
    let listener = TcpListener::bind(forward.host).map_err(refused)?;
    // The system gives out a free port, and QEMU takes it a moment later.
    let free =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).map_err(refused)?;
    thread::spawn(move || serve(&listener, free));
    Ok(Forward { host: free, ..forward })
}

fn serve(listener: &TcpListener, to: SocketAddr) {
    for client in listener.incoming() {
        // A connection that fails concerns its client, who sees it closed.
        let _ = client.and_then(|client| join(client, TcpStream::connect(to)?));
    }
}

/// Copies both ways, each until its end.
fn join(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (client_back, server_back) = (client.try_clone()?, server.try_clone()?);
    thread::Builder::new().spawn(move || copy(&client, &server))?;
    thread::Builder::new().spawn(move || copy(&server_back, &client_back))?;
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::parse;
    use std::io::{Read, Write};

    #[test]
    fn a_connection_to_an_ipv6_address_reaches_the_ipv4_port() {
        let free = TcpListener::bind("[::1]:0").and_then(|listener| listener.local_addr());
        let free = free.expect("this test needs IPv6 on the host's loopback");
        let asked = parse(Protocol::Tcp, &format!("[::1]:{}:80", free.port())).unwrap();
        let [forward] = start(&asked).unwrap().try_into().unwrap();
        assert_eq!((forward.host.ip(), forward.guest), (Ipv4Addr::LOCALHOST.into(), 80));
        let server = TcpListener::bind(forward.host).unwrap();
        let mut client = TcpStream::connect(free).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        client.write_all(b"ping").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        accepted.read_to_string(&mut text).unwrap();
        accepted.write_all(b"pong").unwrap();
        drop(accepted);
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "pingpong");
    }

    #[test]
    fn ipv4_stays_as_it_is_and_udp_over_ipv6_is_refused() {
        let ipv4 = parse(Protocol::Udp, "53").unwrap();
        assert_eq!(start(&ipv4), Ok(ipv4));
        let ipv6 = parse(Protocol::Udp, "[::1]:53").unwrap();
        assert_eq!(start(&ipv6), Err(PortError::UdpOverIpv6(ipv6[0].host)));
    }
}
