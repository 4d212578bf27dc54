//! A TCP client of one exchange, or of many, from any source, over a wire that loses nothing and keeps the order.
use crate::frame;
use crate::seen::{Seen, Segment, What};
use crate::wire::Wire;
use crate::{PATIENCE, Result, ensure};
use etherparse::TcpHeader;
use std::net::{IpAddr, SocketAddr};

/// One connection from `from` to `port` of the machine.
struct Connection<'a> {
    wire: &'a Wire,
    from: SocketAddr,
    port: u16,
    /// The next number of ours, and the next that we expect of the machine.
    next: u32,
    expected: u32,
}

/// Connects, sends `request`, and gives what the machine sends until it closes.
pub fn exchange(wire: &Wire, from: SocketAddr, port: u16, request: &[u8]) -> Result<Vec<u8>> {
    let mut mark = wire.mark();
    let mut connection = Connection { wire, from, port, next: 1000, expected: 0 };
    connection.send(|header| header.syn = true, &[])?;
    let mut received = Vec::new();
    loop {
        let segment = wire
            .find(&mut mark, PATIENCE, |seen| answer_to(seen, from, port))
            .ok_or_else(|| format!("silence from port {port} to {from}, after {} bytes", received.len()))?;
        if segment.rst {
            return Err(format!("port {port} reset the connection of {from}").into());
        }
        if segment.syn {
            connection.expected = segment.sequence.wrapping_add(1);
            connection.send(|header| header.psh = true, request)?;
        } else if segment.sequence == connection.expected {
            let length = u32::try_from(segment.payload.len())?;
            connection.expected = segment.sequence.wrapping_add(length).wrapping_add(segment.fin.into());
            received.extend(segment.payload);
            if segment.fin {
                connection.send(|header| header.fin = true, &[])?;
                return Ok(received);
            }
            if length > 0 {
                connection.send(|_| (), &[])?;
            }
        } else {
            // Seen before: the acknowledgment again.
            connection.send(|_| (), &[])?;
        }
    }
}

/// A connection that stays open.
pub struct Kept<'a>(Connection<'a>);

impl<'a> Kept<'a> {
    /// Connects.
    pub fn open(wire: &'a Wire, from: SocketAddr, port: u16) -> Result<Kept<'a>> {
        let mut mark = wire.mark();
        let mut connection = Connection { wire, from, port, next: 1000, expected: 0 };
        connection.send(|header| header.syn = true, &[])?;
        let answer = connection.next(&mut mark)?;
        ensure!(answer.syn && !answer.rst, "port {port} does not take the connection of {from}");
        connection.expected = answer.sequence.wrapping_add(1);
        connection.send(|_| (), &[])?;
        Ok(Kept(connection))
    }

    /// Sends a request; gives what comes next, an answer of one segment.
    pub fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        let mark = self.send(request)?;
        self.answer(mark)
    }

    /// Sends a request; gives the place on the wire after which its answer comes.
    pub fn send(&mut self, request: &[u8]) -> Result<usize> {
        let mark = self.0.wire.mark();
        self.0.send(|header| header.psh = true, request)?;
        Ok(mark)
    }

    /// What comes next after this place on the wire, an answer of one segment.
    pub fn answer(&mut self, mut mark: usize) -> Result<Vec<u8>> {
        let Kept(connection) = self;
        loop {
            let segment = connection.next(&mut mark)?;
            ensure!(!segment.rst, "port {} reset the connection of {}", connection.port, connection.from);
            if segment.sequence == connection.expected && !segment.payload.is_empty() {
                let length = u32::try_from(segment.payload.len())?;
                connection.expected = connection.expected.wrapping_add(length);
                connection.send(|_| (), &[])?;
                return Ok(segment.payload);
            }
        }
    }
}

/// The segment that a frame carries from `port` of the machine to `to`.
pub fn answer_to(seen: &Seen, to: SocketAddr, port: u16) -> Option<Segment> {
    match seen {
        Seen::Ip { to: address, what: What::Tcp(segment), .. }
            if (*address, segment.to, segment.from) == (to.ip(), to.port(), port) =>
        {
            Some(segment.clone())
        }
        _ => None,
    }
}

/// Gives up a connection that the machine answered with `answer`.
pub fn reset(wire: &Wire, from: IpAddr, answer: &Segment) -> Result {
    let mut header = TcpHeader::new(answer.to, answer.from, answer.acknowledgment, 0);
    header.rst = true;
    wire.send(&frame::tcp(from, header, &[])).map(drop)
}

impl Connection<'_> {
    fn next(&self, mark: &mut usize) -> Result<Segment> {
        let (from, port) = (self.from, self.port);
        let found = self.wire.find(mark, PATIENCE, |seen| answer_to(seen, from, port));
        found.ok_or_else(|| format!("silence from port {port} to {from}").into())
    }

    fn send(&mut self, flags: impl FnOnce(&mut TcpHeader), payload: &[u8]) -> Result {
        let mut header = TcpHeader::new(self.from.port(), self.port, self.next, u16::MAX);
        flags(&mut header);
        if !header.syn {
            header.ack = true;
            header.acknowledgment_number = self.expected;
        }
        self.next = self.next.wrapping_add(u32::try_from(payload.len())?);
        self.next = self.next.wrapping_add(u32::from(header.syn) + u32::from(header.fin));
        self.wire.send(&frame::tcp(self.from.ip(), header, payload)).map(drop)
    }
}
