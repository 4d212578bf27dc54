//! HTTP/1.1 requests (RFC 9112), as far as the tests need: GET, and an answer that states its length.
use crate::{PATIENCE, Result};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status, 200 for success.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// The bytes of a request for `path`.
pub fn request(path: &str, keep_alive: bool) -> Vec<u8> {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!("GET {path} HTTP/1.1\r\nHost: vm\r\nConnection: {connection}\r\n\r\n").into_bytes()
}

/// A connection that waits no longer than [`PATIENCE`].
pub fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One request on a connection of its own.
pub fn get(address: SocketAddr, path: &str) -> Result<Response> {
    ask(&mut connect(address)?, path, false)
}

/// One request on a connection that may go on.
pub fn ask(stream: &mut (impl Read + Write), path: &str, keep_alive: bool) -> Result<Response> {
    stream.write_all(&request(path, keep_alive))?;
    let mut received = Vec::new();
    loop {
        if let Some((response, _)) = parse(&received, false)? {
            return Ok(response);
        }
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).map_err(|error| format!("no answer: {error}"))?;
        if length == 0 {
            return match parse(&received, true)? {
                Some((response, _)) => Ok(response),
                None => Err(format!("the connection ended after {} bytes of the answer", received.len()).into()),
            };
        }
        received.extend_from_slice(&buffer[..length]);
    }
}

/// The answer at the start of `bytes` and its length; `None` while some of it is missing. Without a length of its own
/// the body goes on to the end of the connection.
pub fn parse(bytes: &[u8], ended: bool) -> Result<Option<(Response, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(bytes)? else { return Ok(None) };
    let stated = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = match stated {
        Some(header) => std::str::from_utf8(header.value)?.trim().parse()?,
        None if ended => bytes.len() - start,
        None => return Ok(None),
    };
    let Some(body) = bytes.get(start..start + length) else { return Ok(None) };
    let status = head.code.ok_or("an answer without a status")?;
    Ok(Some((Response { status, body: body.to_vec() }, start + length)))
}
