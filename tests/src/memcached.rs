//! The text protocol of memcached (its `doc/protocol.txt`), as far as the tests need: `set` and `get`.
use crate::{Result, ensure, http};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection on which values are stored and read.
pub struct Memcached(TcpStream);

impl Memcached {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Result<Memcached> {
        Ok(Memcached(http::connect(address)?))
    }

    /// Stores a value.
    pub fn set(&mut self, key: &str, value: &[u8]) -> Result {
        let mut command = format!("set {key} 0 0 {}\r\n", value.len()).into_bytes();
        command.extend_from_slice(value);
        command.extend_from_slice(b"\r\n");
        self.0.write_all(&command)?;
        let answer = self.until(b"\r\n")?;
        ensure!(answer == b"STORED\r\n", "set {key}: {}", String::from_utf8_lossy(&answer));
        Ok(())
    }

    /// Reads a value; `None` when there is none.
    pub fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>> {
        self.0.write_all(format!("get {key}\r\n").as_bytes())?;
        let answer = self.until(b"END\r\n")?;
        let body = answer.strip_suffix(b"END\r\n").unwrap_or_default();
        let Some(line) = body.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
        Ok(body.get(line + 2..).and_then(|value| value.strip_suffix(b"\r\n")).map(<[u8]>::to_vec))
    }

    /// Reads until what was received ends so.
    fn until(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        while !received.ends_with(end) {
            let length = self.0.read(&mut buffer).map_err(|error| format!("no answer: {error}"))?;
            ensure!(length > 0, "the connection ended after {:?}", String::from_utf8_lossy(&received));
            received.extend_from_slice(&buffer[..length]);
        }
        Ok(received)
    }
}
