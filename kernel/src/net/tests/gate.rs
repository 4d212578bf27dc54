//! Nothing passes the guard unjudged, and what it drops leaves no trace but a counter.
use super::packets::{arp_reply, arp_request, ethernet, ping, syn};
use super::world::{MAC, OURS, PEER, STATIC, World, table};
use crate::net::Net;
use core::time::Duration;
use image::report::Cause;
use machine::nic::Nic;

#[test]
fn frames_before_the_policy_is_in_force_are_lost() {
    let (nic, wire) = Nic::fake(MAC);
    for frame in [ping(PEER, b"early"), syn(5000, 80).frame(), arp_request(OURS)] {
        wire.push(&frame);
    }
    let net = Net::new(nic, table("[]"), STATIC, 1);
    std::iter::from_fn(|| wire.pop()).for_each(drop);
    net.poll(Duration::ZERO);
    assert!(net.counters().iter().all(|counter| counter.packets == 0));
    assert_eq!(wire.pop(), None);
    // The same frames now get answers: it was not for another reason that there were none.
    wire.push(&arp_request(OURS));
    net.poll(Duration::ZERO);
    assert!(wire.pop().is_some());
}

#[test]
fn a_dropped_frame_moves_its_counter_and_nothing_else() {
    let mut world = World::with(table(r#"[{"tcp": {"dest": 80}}, {"udp": {"dest": 80}}]"#), STATIC);
    world.exchange(&arp_reply());
    let frame = syn(5000, 80).frame();
    let before = world.net.counters();
    assert_eq!(world.exchange(&frame), Vec::<Vec<u8>>::new());
    for (before, after) in before.iter().zip(world.net.counters()) {
        let expected = u64::from(after.cause == Cause::Rule(0));
        assert_eq!(after.packets - before.packets, expected, "{:?}", after.cause);
        assert_eq!(after.bytes - before.bytes, expected * frame.len() as u64);
    }
    assert!(world.net.counters().iter().all(|counter| counter.cause != Cause::Rule(0) || !counter.accepted));
}

#[test]
fn dropped_frames_do_not_hold_up_those_behind_them() {
    let mut world = World::with(table(r#"[{"tcp": {}}]"#), STATIC);
    world.exchange(&arp_reply());
    for port in 0..20 {
        world.wire.push(&syn(5000 + port, 80).frame());
    }
    let sent = world.exchange(&ping(PEER, b"behind"));
    assert_eq!(sent.len(), 1);
    assert_eq!(world.counted(Cause::Rule(0)), 20);
}

#[test]
fn what_is_neither_ip_nor_arp_is_dropped_and_counted() {
    let mut world = World::open();
    let before = world.sent().len();
    assert!(before > 0, "multicast reports are sent at the start");
    assert_eq!(world.exchange(&ethernet(MAC, 0x88cc, &[0; 46])), Vec::<Vec<u8>>::new());
    assert_eq!(world.counted(Cause::NotIp), 1);
    world.exchange(&arp_request(OURS));
    assert_eq!(world.counted(Cause::Arp), 1);
}

#[test]
fn a_turn_is_bounded_and_says_that_more_waits() {
    let world = World::with(table("[{}]"), STATIC);
    for port in 0..100 {
        world.wire.push(&syn(5000 + port, 80).frame());
    }
    assert_eq!(world.net.poll(world.now), Some(world.now));
    assert_eq!(world.counted(Cause::Rule(0)), 64);
    world.net.poll(world.now);
    assert_eq!(world.counted(Cause::Rule(0)), 100);
}

#[test]
fn a_hundred_thousand_refused_frames_leave_nothing_behind() {
    let mut world = World::with(table(r#"[{"tcp": {"dest": 8080}, "action": "accept"}, {}]"#), STATIC);
    let _listener = world.listener(8080, 8);
    world.exchange(&arp_reply());
    for number in 0..100_000_u32 {
        let mut segment = syn(number as u16, 80);
        segment.from.0 = core::net::Ipv4Addr::from(0x0a00_0000 + number).into();
        world.wire.push(&segment.frame());
        world.net.poll(world.now);
    }
    assert_eq!(world.counted(Cause::Rule(1)), 100_000);
    assert_eq!(world.wire.pop(), None);
    let stack = world.net.stack();
    assert_eq!((stack.connections.len(), stack.connections.capacity(), stack.flows.capacity()), (0, 0, 0));
    assert_eq!(stack.timers.next(), None);
}

#[test]
fn what_is_told_of_counters_is_what_changed() {
    let mut world = World::with(table(r#"[{"tcp": {"dest": 80}}, {"udp": {"dest": 80}}]"#), STATIC);
    let told = |world: &World| {
        let counters = world.net.take_changed_counters().into_iter();
        counters.map(|counter| (counter.cause, counter.packets)).collect::<Vec<_>>()
    };
    // Of few rules all are told at first.
    assert_eq!(told(&world), [(Cause::Default, 0), (Cause::Rule(0), 0), (Cause::Rule(1), 0)]);
    assert_eq!(told(&world), []);
    world.exchange(&arp_reply());
    for port in [5000, 5001] {
        world.exchange(&syn(port, 80).frame());
    }
    assert_eq!(told(&world), [(Cause::Arp, 1), (Cause::Rule(0), 2)]);
    assert_eq!(told(&world), []);
    world.exchange(&syn(5002, 80).frame());
    assert_eq!(told(&world), [(Cause::Rule(0), 3)]);
}

#[test]
fn of_many_rules_only_what_counted_is_told() {
    let rules: Vec<String> = (0..2000).map(|port| format!(r#"{{"tcp": {{"dest": {port}}}}}"#)).collect();
    let mut world = World::with(table(&format!("[{}]", rules.join(","))), STATIC);
    world.exchange(&arp_reply());
    world.exchange(&syn(5000, 1999).frame());
    let told = world.net.take_changed_counters();
    let told: Vec<_> = told.iter().map(|counter| (&counter.cause, counter.packets)).collect();
    assert_eq!(told, [(&Cause::Default, 0), (&Cause::Arp, 1), (&Cause::Rule(1999), 1)]);
}
