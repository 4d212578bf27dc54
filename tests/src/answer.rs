//! Waiting for a server's first answer.
use crate::http;
use crate::server::Client;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// An attempt is given up after this, at first: it may have come before there was anybody to take it.
const ATTEMPT: Duration = Duration::from_millis(20);
/// Later it may take this part of the time that has gone by, because a slow server needs time to answer, too.
const PART: u32 = 25;

/// Asks again and again; whether an answer came in time.
pub fn answers(client: Client, port: u16, within: Duration) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let begun = Instant::now();
    while begun.elapsed() < within {
        let patience = ATTEMPT.max(begun.elapsed() / PART);
        if attempt(client, address, patience).unwrap_or(false) {
            return true;
        }
        // A refused connection fails at once: the machine, on the same processors, comes first.
        std::thread::yield_now();
    }
    false
}

fn attempt(client: Client, address: SocketAddr, patience: Duration) -> std::io::Result<bool> {
    let (request, answer): (Vec<u8>, &[u8]) = match client {
        Client::Http => (http::request("/", false), b" 200 "),
        Client::Redis => (b"PING\r\n".to_vec(), b"+PONG\r\n"),
        Client::Memcached => (b"version\r\n".to_vec(), b"VERSION"),
    };
    // `HTTP/1.1` or `HTTP/1.0`, which is what Python says.
    let skipped = if client == Client::Http { b"HTTP/1.1".len() } else { 0 };
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(&request)?;
    let mut start = vec![0; skipped + answer.len()];
    stream.read_exact(&mut start)?;
    Ok(start.get(skipped..) == Some(answer))
}
