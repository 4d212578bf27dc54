//! Connections to one machine that ask at once, again and again.
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tests::{Result, ensure, http};

/// The connections; each has a request under way in a burst.
pub struct Client {
    connections: Vec<TcpStream>,
    request: Vec<u8>,
    /// Every answer is as long as the first was.
    length: usize,
}

impl Client {
    /// Connects to a port of this host.
    pub fn connect(port: u16, connections: usize) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut connections = (0..connections).map(|_| http::connect(address)).collect::<Result<Vec<_>>>()?;
        let request = http::request("/", true);
        let mut length = 0;
        for connection in &mut connections {
            connection.write_all(&request)?;
            length = first_answer(connection)?;
        }
        Ok(Self { connections, request, length })
    }

    /// Asks on all connections until so much time is over; how many answers came, and in which time.
    pub fn burst(&mut self, time: Duration) -> Result<(usize, Duration)> {
        let (begun, mut count) = (Instant::now(), 0);
        let mut answer = vec![0; self.length];
        while begun.elapsed() < time {
            for connection in &mut self.connections {
                connection.write_all(&self.request)?;
            }
            for connection in &mut self.connections {
                connection.read_exact(&mut answer)?;
                ensure!(answer.get(8..13) == Some(b" 200 "), "{:?}", String::from_utf8_lossy(&answer));
                count += 1;
            }
        }
        Ok((count, begun.elapsed()))
    }
}

/// How long it is, with its head.
fn first_answer(connection: &mut TcpStream) -> Result<usize> {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = connection.read(&mut buffer)?;
        ensure!(length > 0, "the connection ended after {} bytes of the answer", received.len());
        received.extend_from_slice(&buffer[..length]);
        if let Some((response, length)) = http::parse(&received, false)? {
            ensure!(response.status == 200 && length == received.len(), "{response:?}");
            return Ok(length);
        }
    }
}
