//! From the very first frame on: a peer that never waits for the machine gets no answer that the policy forbids.
use crate::on_each;
use crate::probe::{self, ECHO_PORT};
use image::report::{Cause, Report};
use libtest_mimic::Trial;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use tests::frame::{self, GATEWAY, NEIGHBOR_SOLICITATION, VM_IPV6};
use tests::launch::Launch;
use tests::seen::{Seen, What};
use tests::wire::Wire;
use tests::{PATIENCE, Result, ensure, http, program, tcp};

const ALLOWED: u16 = 8080;
/// How often the card may be reset before the network starts: by QEMU's own start, and by the driver.
const LOST: u64 = 2;
const PEER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

pub fn cases(trials: &mut Vec<Trial>) {
    trials.extend(on_each("first_frame::nothing_that_the_policy_forbids_is_ever_answered", from_before_the_boot));
}

fn from_before_the_boot(machine: &str) -> Result {
    let wire = Wire::new()?;
    let (stop, stopped) = channel::<()>();
    let sender = std::thread::spawn({
        let wire = wire.clone();
        move || knock(&wire, &stopped)
    });
    let vm = Launch::new(machine)?.wire(&wire).example("tcp-8080-only.json").start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    // Well after the start: ten pages, and a thousand refusals.
    for port in 41000..41010 {
        let page = tcp::exchange(&wire, SocketAddr::new(GATEWAY.into(), port), ALLOWED, &http::request("/", false))?;
        ensure!(page.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&page));
    }
    judge(&wire)?;
    vm.counted(&Cause::Rule(2), false, 1000)?;
    drop(stop);
    let knocks = sender.join().map_err(|_| "the sender failed")??;
    // Every frame was judged, but for those that QEMU itself throws away when the card is reset: one each time.
    let judged = knocks.forbidden.saturating_sub(LOST);
    vm.counted(&Cause::Rule(2), false, judged)?;
    let ended = vm.stop()?;
    judge(&wire)?;
    ensure!(knocks.unheard > 0, "nothing was sent before the machine was there");
    let order: Vec<usize> = [Report::PolicyInForce(3), Report::Started]
        .iter()
        .filter_map(|report| ended.reports.iter().position(|other| other == report))
        .collect();
    ensure!(matches!(order[..], [policy, started] if policy < started), "{:?}", ended.reports);
    Ok(())
}

/// Holds every frame that the machine ever sent against the policy.
fn judge(wire: &Wire) -> Result {
    match wire.since(0).into_iter().find(|seen| !is_allowed(seen)) {
        Some(seen) => Err(format!("the machine sent what the policy forbids: {seen:?}").into()),
        None => Ok(()),
    }
}

struct Knocks {
    /// Frames sent when nobody was on the wire yet.
    unheard: usize,
    /// Frames that the policy drops, sent to the machine.
    forbidden: u64,
}

/// Sends one packet of each forbidden kind, again and again until told to stop.
fn knock(wire: &Wire, stopped: &Receiver<()>) -> Result<Knocks> {
    let mut knocks = Knocks { unheard: 0, forbidden: 0 };
    for round in 0.. {
        let peer = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 2, last));
        let port = 1024 + round % 20000;
        let frames = [
            frame::syn(SocketAddr::new(peer(2), port), 8081),
            frame::syn(SocketAddr::new(peer(3), port), 22),
            frame::syn(SocketAddr::new(PEER_V6.into(), port), 8081),
            frame::echo(peer(2), round, 1),
            frame::echo(peer(3), round, 1),
            frame::echo(PEER_V6.into(), round, 1),
            frame::udp(SocketAddr::new(peer(2), 53), ECHO_PORT, b"udp"),
            frame::udp(SocketAddr::new(peer(3), 68), 9, b"udp"),
            frame::neighbor(NEIGHBOR_SOLICITATION, PEER_V6, VM_IPV6),
        ];
        for frame in &frames {
            match wire.send(frame)? {
                true => knocks.forbidden += 1,
                false => knocks.unheard += 1,
            }
        }
        // So that it could answer: rules do not see ARP.
        wire.send(&frame::arp(etherparse::ArpOperation::REQUEST, GATEWAY, frame::VM_IPV4))?;
        match stopped.recv_timeout(Duration::from_millis(1)) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return Ok(knocks),
        }
    }
    Err(format!("no end after {PATIENCE:?}").into())
}

/// What the first configuration lets a machine send: segments of the open port, and what it says by itself.
fn is_allowed(seen: &Seen) -> bool {
    match seen {
        Seen::Ip { what: What::Tcp(segment), .. } => segment.from == ALLOWED,
        other => probe::is_own(other),
    }
}
