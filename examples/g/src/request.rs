//! Requests of HTTP/1.1 (RFC 9112), as much as a small server needs.
use std::io::{self, BufRead, Read};

/// The longest head of a request, in bytes; also the most that a line of a chunked body may have.
const LONGEST_HEAD: u64 = 16 << 10;

/// The longest body that is read and thrown away, in bytes.
const LONGEST_BODY: u64 = 16 << 20;

/// A request, its body gone by.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The target without its query.
    pub path: String,
    /// Whether the connection goes on after the answer.
    pub keep_alive: bool,
}

/// Why there is no request.
#[derive(Debug)]
pub enum RequestError {
    /// The bytes are no request: answer 400.
    Bad,
    /// Its head or body is too long: answer 431 or 413.
    TooLong(u16),
    /// The connection is broken.
    Broken,
}

impl From<io::Error> for RequestError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData => RequestError::Bad,
            _ => RequestError::Broken,
        }
    }
}

/// Reads the next request and its body; `None` at the end of the connection.
pub fn read(from: &mut impl BufRead) -> Result<Option<Request>, RequestError> {
    let mut head = from.take(LONGEST_HEAD);
    let Some(start) = line(&mut head)? else { return Ok(None) };
    let mut request = start_line(&start)?;
    let (mut length, mut chunked) = (None, false);
    loop {
        let header = line(&mut head)?.ok_or(RequestError::Broken)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').ok_or(RequestError::Bad)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            // RFC 9112 section 6.3: two lengths that differ are an attack.
            "content-length" => {
                let new = Some(decimal(value)?);
                if length.is_some() && length != new {
                    return Err(RequestError::Bad);
                }
                length = new;
            }
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => chunked = true,
            "transfer-encoding" => return Err(RequestError::Bad),
            "connection" if value.eq_ignore_ascii_case("close") => request.keep_alive = false,
            "connection" if value.eq_ignore_ascii_case("keep-alive") => request.keep_alive = true,
            _ => {}
        }
    }
    match (chunked, length) {
        (true, Some(_)) => return Err(RequestError::Bad),
        (true, None) => skip_chunks(from)?,
        (false, length) => skip(from, length.unwrap_or(0))?,
    }
    Ok(Some(request))
}

/// A line without its end; `None` at the end of the connection.
fn line(from: &mut io::Take<impl BufRead>) -> Result<Option<String>, RequestError> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return if from.limit() == 0 { Err(RequestError::TooLong(431)) } else { Ok(None) };
    }
    match line.strip_suffix('\n') {
        Some(line) => Ok(Some(line.strip_suffix('\r').unwrap_or(line).to_string())),
        None if from.limit() == 0 => Err(RequestError::TooLong(431)),
        None => Err(RequestError::Broken),
    }
}

fn start_line(line: &str) -> Result<Request, RequestError> {
    let parts: Vec<&str> = line.split(' ').collect();
    let &[method, target, version] = parts.as_slice() else { return Err(RequestError::Bad) };
    let keep_alive = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return Err(RequestError::Bad),
    };
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) || !target.starts_with(['/', '*']) {
        return Err(RequestError::Bad);
    }
    let path = target.split('?').next().unwrap_or(target);
    Ok(Request { method: method.to_string(), path: path.to_string(), keep_alive })
}

fn decimal(text: &str) -> Result<u64, RequestError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(RequestError::Bad)
}

fn skip(from: &mut impl BufRead, length: u64) -> Result<(), RequestError> {
    if length > LONGEST_BODY {
        return Err(RequestError::TooLong(413));
    }
    match io::copy(&mut from.take(length), &mut io::sink())? {
        copied if copied == length => Ok(()),
        _ => Err(RequestError::Broken),
    }
}

/// RFC 9112 section 7.1: chunks, then trailers up to an empty line.
fn skip_chunks(from: &mut impl BufRead) -> Result<(), RequestError> {
    let mut total = 0_u64;
    loop {
        let size = line(&mut from.take(LONGEST_HEAD))?.ok_or(RequestError::Broken)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| RequestError::Bad)?;
        if size == 0 {
            break;
        }
        total = total.saturating_add(size);
        if total > LONGEST_BODY {
            return Err(RequestError::TooLong(413));
        }
        skip(from, size)?;
        if !line(&mut from.take(2))?.ok_or(RequestError::Broken)?.is_empty() {
            return Err(RequestError::Bad);
        }
    }
    let mut trailers = from.take(LONGEST_HEAD);
    while !line(&mut trailers)?.ok_or(RequestError::Broken)?.is_empty() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8]) -> Vec<Request> {
        std::iter::from_fn(|| read(&mut bytes).unwrap()).collect()
    }

    fn get(path: &str, keep_alive: bool) -> Request {
        Request { method: "GET".into(), path: path.into(), keep_alive }
    }

    #[test]
    fn requests_follow_each_other_and_bodies_go_by() {
        let wire = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\
            POST /x?y=1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET \
            POST /z HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nTrailer: t\r\n\r\n\
            GET /last HTTP/1.1\r\nConnection: close\r\n\r\n";
        let post = |path: &str| Request { method: "POST".into(), ..get(path, true) };
        assert_eq!(all(wire), [get("/", true), post("/x"), post("/z"), get("/last", false)]);
    }

    #[test]
    fn an_old_client_gets_one_answer_unless_it_asks_for_more() {
        assert_eq!(all(b"GET / HTTP/1.0\n\n"), [get("/", false)]);
        assert_eq!(all(b"GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n"), [get("/", true)]);
    }

    #[test]
    fn what_is_no_request_is_bad() {
        for wire in [
            "\r\n",
            "GET\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "get / HTTP/1.1\r\n\r\n",
            "GET x HTTP/1.1\r\n\r\n",
            "GET /  HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nno header\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
            "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        ] {
            assert!(matches!(read(&mut wire.as_bytes()), Err(RequestError::Bad)), "{wire:?}");
        }
        assert!(matches!(read(&mut &b"GET /\xff HTTP/1.1\r\n\r\n"[..]), Err(RequestError::Bad)));
    }

    #[test]
    fn what_has_no_end_is_too_long() {
        let endless = [b"GET /".to_vec(), vec![b'x'; 20 << 10]].concat();
        assert!(matches!(read(&mut endless.as_slice()), Err(RequestError::TooLong(431))));
        let headers = [b"GET / HTTP/1.1\r\n".to_vec(), b"a: b\r\n".repeat(4 << 10)].concat();
        assert!(matches!(read(&mut headers.as_slice()), Err(RequestError::TooLong(431))));
        let body = b"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n";
        assert!(matches!(read(&mut &body[..]), Err(RequestError::TooLong(413))));
    }

    #[test]
    fn a_connection_cut_anywhere_is_broken_or_over() {
        let wire = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        assert!(read(&mut &wire[..0]).unwrap().is_none());
        for length in 1..wire.len() {
            assert!(matches!(read(&mut &wire[..length]), Err(RequestError::Broken)), "{length}");
        }
    }
}
