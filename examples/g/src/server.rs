//! Connections, and what each request is answered.
use crate::request::{self, Request, RequestError};
use std::io::{self, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(60);

/// Serves connections, each in a thread of its own, for ever: what goes wrong with one is not the others' business.
pub fn serve(listener: &TcpListener) -> ! {
    loop {
        let accepted = listener.accept().and_then(|(stream, _)| {
            stream.set_read_timeout(Some(IDLE))?;
            stream.set_nodelay(true)?;
            thread::Builder::new().stack_size(128 << 10).spawn(move || connection(&stream, &stream))
        });
        if let Err(error) = accepted {
            eprintln!("g: a connection was lost: {error}");
            // Out of descriptors or memory: give the other connections time to end.
            if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Answers request after request until the connection ends.
fn connection(from: impl Read, mut to: impl Write) {
    let mut from = BufReader::new(from);
    loop {
        let (answer, goes_on) = match request::read(&mut from) {
            Ok(Some(request)) => (answer(&request), request.keep_alive),
            Ok(None) | Err(RequestError::Broken) => return,
            Err(RequestError::Bad) => (response(400, "bad request\n", false, true), false),
            Err(RequestError::TooLong(status)) => (response(status, "too long\n", false, true), false),
        };
        // Nobody there to be told of a failure.
        if to.write_all(&answer).and_then(|()| to.flush()).is_err() || !goes_on {
            return;
        }
    }
}

fn answer(request: &Request) -> Vec<u8> {
    let (status, body) = match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "HEAD", "/") => (200, "Hello from g.\n"),
        ("GET" | "HEAD", _) => (404, "not found\n"),
        _ => (405, "only GET and HEAD\n"),
    };
    response(status, body, request.keep_alive, request.method != "HEAD")
}

/// A whole response in one piece, so that it goes out in one segment.
fn response(status: u16, body: &str, keep_alive: bool, with_body: bool) -> Vec<u8> {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        _ => "",
    };
    let allow = if status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
    let connection = if keep_alive { "keep-alive" } else { "close" };
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n{allow}Connection: {connection}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), if with_body { body.as_bytes() } else { b"" }].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Shutdown, TcpStream};

    fn answers(wire: &[u8]) -> String {
        let mut out = Vec::new();
        connection(wire, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_connection_is_answered_until_it_closes() {
        let out = answers(b"GET / HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        let statuses: Vec<_> = out.lines().filter(|line| line.starts_with("HTTP/1.1")).collect();
        assert_eq!(statuses, ["HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.1 200 OK"]);
        assert_eq!(out.matches("Connection: close").count(), 1);
    }

    #[test]
    fn a_head_has_the_length_and_not_the_body() {
        let out = answers(b"HEAD / HTTP/1.1\r\n\r\n");
        assert!(out.contains("Content-Length: 14\r\n") && out.ends_with("\r\n\r\n"), "{out}");
    }

    #[test]
    fn a_bad_request_ends_the_connection() {
        let out = answers(b"what?\r\nGET / HTTP/1.1\r\n\r\n");
        assert!(out.starts_with("HTTP/1.1 400") && out.matches("HTTP/1.1").count() == 1, "{out}");
        assert!(answers(b"PUT / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    }

    #[test]
    fn connections_are_served_side_by_side() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || serve(&listener));
        // The first is broken off in the middle of a request, the second stays silent.
        let mut broken = TcpStream::connect(address).unwrap();
        broken.write_all(b"GET / HT").unwrap();
        broken.shutdown(Shutdown::Both).unwrap();
        let _silent = TcpStream::connect(address).unwrap();
        let mut third = TcpStream::connect(address).unwrap();
        third.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut out = String::new();
        third.read_to_string(&mut out).unwrap();
        assert!(out.ends_with("Hello from g.\n"), "{out}");
    }
}
