//! Frames of somebody who means harm: none stops the machine, and each is accounted for.
use crate::on_each;
use etherparse::IpNumber;
use image::report::Cause;
use libtest_mimic::Trial;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tests::frame::{self, GATEWAY};
use tests::launch::Launch;
use tests::machine::Machine;
use tests::seen::Seen;
use tests::wire::Wire;
use tests::{Result, ensure, http, program, tcp};

const FRAMES: u32 = 5000;

pub fn cases(trials: &mut Vec<Trial>) {
    trials.extend(on_each("hostile::damaged_frames_stop_nothing", damaged));
    trials.extend(on_each("hostile::handshakes_that_nobody_completes_shut_nobody_out", half_open));
    trials.extend(on_each("hostile::datagrams_that_never_complete_stop_nothing", incomplete));
}

/// Starts the program `gate` behind a policy that lets everything in but TCP to one port: the stack sees all the rest.
fn start(machine: &str, wire: &Wire) -> Result<Machine> {
    let launch = Launch::new(machine)?.wire(wire).rules(r#"{"tcp": {"dest": 8081}}"#)?;
    let vm = launch.start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    Ok(vm)
}

fn serves(wire: &Wire, vm: &Machine) -> Result {
    let from = SocketAddr::new(GATEWAY.into(), 50000);
    let page =
        tcp::exchange(wire, from, 8080, &http::request("/", false)).map_err(|error| vm.complain(&error.to_string()))?;
    ensure!(page.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&page));
    Ok(())
}

/// Good frames with bytes changed and the end cut off, always the same ones.
fn damaged(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = start(machine, &wire)?;
    let (v4, v6): (IpAddr, IpAddr) = (Ipv4Addr::new(10, 0, 2, 9).into(), "fe80::9".parse()?);
    let good = [
        frame::syn(SocketAddr::new(v4, 9), 8080),
        frame::syn(SocketAddr::new(v6, 9), 8080),
        frame::udp_with_options(SocketAddr::new(v4, 9), 5000, &[7; 40], Some(&[1, 1, 1, 0])),
        frame::udp(SocketAddr::new(v6, 9), 5000, &[7; 40]),
        frame::echo(v4, 9, 9),
        frame::echo(v6, 9, 9),
        frame::fragment(Ipv4Addr::new(10, 0, 2, 9), IpNumber::UDP, 9, 64, true, &[9; 64]),
        frame::arp(etherparse::ArpOperation::REQUEST, Ipv4Addr::new(10, 0, 2, 9), frame::VM_IPV4),
        frame::neighbor(frame::NEIGHBOR_SOLICITATION, "fe80::9".parse()?, frame::VM_IPV6),
    ];
    let mut state = 20_260_726_u32;
    let mut next = |below: usize| {
        // The constants of Numerical Recipes; the high bits are the better ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below.max(1)
    };
    for _ in 0..FRAMES {
        let mut frame = good[next(good.len())].clone();
        for _ in 0..=next(3) {
            let at = 12 + next(frame.len() - 12);
            frame[at] = next(256) as u8;
        }
        if next(4) == 0 {
            frame.truncate(14 + next(frame.len() - 14));
        }
        wire.send(&frame)?;
    }
    serves(&wire, &vm)?;
    let ended = vm.stop()?;
    let malformed = |cause: &Cause| matches!(cause, Cause::Malformed(_));
    let reasons = ended.causes().filter(|cause| malformed(cause)).count();
    ensure!(reasons >= 5, "only {reasons} reasons in {:?}", ended.reports);
    let broken = wire.since(0).into_iter().find(|seen| matches!(seen, Seen::Broken(_)));
    ensure!(broken.is_none(), "the machine sent a frame that does not hold together: {broken:?}");
    Ok(())
}

/// First pieces without their rest, and rests without their first piece.
fn incomplete(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = start(machine, &wire)?;
    for number in 0..2000_u16 {
        let from = Ipv4Addr::new(10, 0, 2, 100 + (number % 50) as u8);
        let (offset, more) = [(0, true), (1480, false), (64_000, true)][usize::from(number % 3)];
        wire.send(&frame::fragment(from, IpNumber::UDP, number, offset, more, &[1; 1000]))?;
    }
    serves(&wire, &vm)
}

/// Far more handshakes than a listener keeps; then a client that asks again each second, as any does, for four seconds.
fn half_open(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = start(machine, &wire)?;
    for number in 0..3000_u16 {
        let from = SocketAddr::from(([10, 0, 2, 100 + (number % 50) as u8], 1024 + number));
        wire.send(&frame::syn(from, 8080))?;
    }
    let from = SocketAddr::new(GATEWAY.into(), 50001);
    let mut mark = wire.mark();
    let mut ask = || -> Result<_> {
        wire.send(&frame::syn(from, 8080))?;
        Ok(wire.find(&mut mark, Duration::from_secs(1), |seen| tcp::answer_to(seen, from, 8080)))
    };
    for _ in 0..4 {
        if let Some(answer) = ask()? {
            ensure!(answer.syn && answer.ack, "{answer:?}");
            return tcp::reset(&wire, from.ip(), &answer);
        }
    }
    Err(vm.complain("nobody else is let in").into())
}
