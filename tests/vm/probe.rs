//! Probes: packets of which the policy says whether the machine may answer.
use image::report::Cause;
use std::net::{IpAddr, SocketAddr};
use tests::frame::{self, NEIGHBOR_SOLICITATION, VM_IPV6};
use tests::machine::{Ended, Machine};
use tests::seen::{Seen, What};
use tests::tcp;
use tests::wire::Wire;
use tests::{PATIENCE, Result, ensure};

/// The UDP port on which the program `gate` echoes.
pub const ECHO_PORT: u16 = 5000;

/// What a probe sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// An echo request.
    Ping,
    /// A segment that asks for a connection to this port.
    Syn(u16),
    /// A datagram from this port to [`ECHO_PORT`].
    UdpFrom(u16),
    /// A datagram from a port like any other to [`ECHO_PORT`].
    Udp,
    /// A solicitation of the machine's link-local address.
    Solicitation,
}

/// A packet to the machine.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    what: Send,
    from: IpAddr,
    /// What decides on it, and whether it lets it in.
    cause: &'static Cause,
    accepted: bool,
}

/// A packet that must be answered; `from` is an address.
pub fn let_in(what: Send, from: &str, cause: &'static Cause) -> Probe {
    Probe { what, from: from.parse().expect("an address of a test"), cause, accepted: true }
}

/// A packet that must not be answered in any way.
pub fn refused(what: Send, from: &str, cause: &'static Cause) -> Probe {
    Probe { accepted: false, ..let_in(what, from, cause) }
}

/// Sends all probes to a machine, first those that it must refuse: when it answers one that came later, it has decided
/// on all that came before. Then holds every frame that it sent against the probes that it may answer, stops it, and
/// holds its counters against what it had to refuse.
pub fn check(wire: &Wire, machine: Machine, probes: &[Probe]) -> Result<Ended> {
    let numbered: Vec<(u16, &Probe)> = (0..).zip(probes).collect();
    introduce(wire, probes)?;
    let mark = wire.mark();
    for (number, probe) in numbered.iter().filter(|(_, probe)| !probe.accepted) {
        wire.send(&probe.frame(*number))?;
    }
    for (number, probe) in numbered.iter().filter(|(_, probe)| probe.accepted) {
        let mut from = wire.mark();
        wire.send(&probe.frame(*number))?;
        let answer = wire.find(&mut from, PATIENCE, |seen| probe.answered_by(*number, seen).then(|| seen.clone()));
        let answer = answer.ok_or_else(|| machine.complain(&format!("no answer to {probe:?}")))?;
        if let Seen::Ip { what: What::Tcp(segment), .. } = &answer {
            ensure!(segment.syn && segment.ack, "{probe:?}: {segment:?}");
            tcp::reset(wire, probe.from, segment)?;
        }
    }
    for seen in wire.since(mark) {
        ensure!(!matches!(seen, Seen::Broken(_)), "{seen:?}");
        let allowed = numbered.iter().any(|(number, probe)| probe.accepted && probe.answered_by(*number, &seen));
        ensure!(allowed || is_own(&seen), "the machine sent what it must not: {seen:?}");
    }
    let sent = |cause, accepted| {
        let of_cause = |probe: &&Probe| probe.cause == cause && probe.accepted == accepted;
        probes.iter().filter(of_cause).count() as u64
    };
    for probe in probes {
        machine.counted(probe.cause, probe.accepted, sent(probe.cause, probe.accepted))?;
    }
    let ended = machine.stop()?;
    for Probe { cause, .. } in probes.iter().filter(|probe| !probe.accepted) {
        let (sent, dropped) = (sent(cause, false), ended.dropped(cause));
        ensure!(sent == dropped, "{cause:?}: {sent} to be dropped, {dropped} counted: {:?}", ended.reports);
    }
    Ok(ended)
}

/// Makes the sources known to the machine, so that no answer is lost while it asks for a hardware address.
fn introduce(wire: &Wire, probes: &[Probe]) -> Result {
    wire.introduce(frame::GATEWAY)?;
    for probe in probes {
        if let IpAddr::V4(source) = probe.from
            && frame::on_link(probe.from)
        {
            wire.introduce(source)?;
        }
    }
    Ok(())
}

/// Whether the machine sends such a frame by itself: ARP, and what an IPv6 host says and asks on its link.
pub fn is_own(seen: &Seen) -> bool {
    match seen {
        Seen::Arp { .. } => true,
        Seen::Ip { what: What::NeighborSolicitation(_), .. } => true,
        // Router solicitation (RFC 4861) and reports of multicast groups (RFC 3810, RFC 3376).
        Seen::Ip { to: IpAddr::V6(_), what: What::Icmp(133 | 143, 0, _), .. } => true,
        Seen::Ip { what: What::Protocol(2), .. } => true,
        _ => false,
    }
}

impl Probe {
    fn frame(&self, number: u16) -> Vec<u8> {
        let source = self.source(number);
        match (self.what, self.from) {
            (Send::Ping, from) => frame::echo(from, number, 1),
            (Send::Syn(port), _) => frame::syn(source, port),
            (Send::Udp | Send::UdpFrom(_), _) => frame::udp(source, ECHO_PORT, &number.to_be_bytes()),
            (Send::Solicitation, IpAddr::V6(from)) => frame::neighbor(NEIGHBOR_SOLICITATION, from, VM_IPV6),
            (Send::Solicitation, IpAddr::V4(source)) => {
                frame::arp(etherparse::ArpOperation::REQUEST, source, frame::VM_IPV4)
            }
        }
    }

    /// Its source, one for each number unless the port is given.
    fn source(&self, number: u16) -> SocketAddr {
        let port = match self.what {
            Send::UdpFrom(port) => port,
            _ => 20000 + number,
        };
        SocketAddr::new(self.from, port)
    }

    /// Whether a frame of the machine answers it, be it with a refusal.
    fn answered_by(&self, number: u16, seen: &Seen) -> bool {
        let Seen::Ip { to, what, .. } = seen else { return false };
        *to == self.from
            && match (self.what, what) {
                (Send::Ping, What::EchoReply(id, _)) => *id == number,
                (Send::Syn(port), What::Tcp(segment)) => {
                    (segment.from, segment.to) == (port, self.source(number).port())
                }
                (Send::Udp | Send::UdpFrom(_), What::Udp { from, payload, .. }) => {
                    (*from, &payload[..]) == (ECHO_PORT, &number.to_be_bytes())
                }
                (Send::Solicitation, What::NeighborAdvertisement(address)) => *address == VM_IPV6,
                _ => false,
            }
    }
}
