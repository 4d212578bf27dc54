use super::*;
use crate::linear::{self, Record, Set};
use crate::table::{self, emit_checksum, emit_header};
use std::vec;
use std::vec::Vec;

/// A table of one rule: UDP to port 53 is dropped; all else is accepted.
fn no_dns() -> Vec<u8> {
    let destination_port_or_code = Some(Set { first: 0, count: 1 });
    let rule = Record { transport: Some(17), destination_port_or_code, ..Record::every(Action::Drop) };
    let header = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let body = [header.as_slice(), rule.emit().as_flattened(), &[53, 0, 53, 0]].concat();
    assert_eq!(body.len(), linear::HEADER + linear::RECORD + 4);
    let length = (table::HEADER + body.len() + table::CHECKSUM) as u32;
    let mut blob = emit_header(table::engine::LINEAR, Action::Accept, length, 1, body.len() as u32).to_vec();
    blob.extend(body);
    blob.extend(emit_checksum(&blob));
    blob
}

fn udp_frame(destination_port: u8) -> Vec<u8> {
    let mut frame = vec![0x52, 0x54, 0, 0x12, 0x34, 0x56, 0x52, 0x55, 10, 0, 2, 2, 0x08, 0x00];
    frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15]);
    frame.extend([0x9c, 0x40, 0, destination_port, 0, 8, 0, 0]);
    frame
}

fn with_ethertype(ethertype: [u8; 2]) -> Vec<u8> {
    let mut frame = udp_frame(53);
    frame[12..14].copy_from_slice(&ethertype);
    frame
}

#[test]
fn a_verdict_has_its_cause() {
    let blob = no_dns();
    let table = Table::decode(&blob).unwrap();
    let of = |frame: &[u8]| {
        let verdict = judge(frame, &table);
        assert_eq!(verdict.cause.action(&table), Some(verdict.action));
        (verdict.action, verdict.cause, verdict.packet.is_some())
    };
    assert_eq!(of(&udp_frame(53)), (Action::Drop, Cause::Rule(0), true));
    assert_eq!(of(&udp_frame(54)), (Action::Accept, Cause::Default, true));
    assert_eq!(of(&with_ethertype([0x08, 0x06])), (Action::Accept, Cause::Arp, false));
    assert_eq!(of(&with_ethertype([0x81, 0x00])), (Action::Drop, Cause::NotIp, false));
    let mismatch = Cause::Malformed(Malformed::VersionMismatch);
    assert_eq!(of(&with_ethertype([0x86, 0xdd])), (Action::Drop, mismatch, false));
}

#[test]
fn every_cause_has_a_counter_of_its_own() {
    let mut slots = vec![Counter::default(); Counters::slots(3)];
    let mut counters = Counters::new(&mut slots, 3).unwrap();
    let causes: Vec<Cause> = counters.iter().map(|(cause, _)| cause).collect();
    assert_eq!(causes.len(), Counters::slots(3));
    assert_eq!(causes[..3], [Cause::Rule(0), Cause::Rule(1), Cause::Rule(2)]);
    for (index, cause) in causes.iter().enumerate() {
        (0..=index).for_each(|_| counters.count(cause, 60));
    }
    for (index, (cause, counter)) in counters.iter().enumerate() {
        let packets = index as u64 + 1;
        assert_eq!(counter, Counter { packets, bytes: packets * 60 }, "{cause:?}");
    }
}

#[test]
fn a_rule_that_the_table_does_not_have_is_not_counted() {
    let mut slots = vec![Counter::default(); Counters::slots(1)];
    let mut counters = Counters::new(&mut slots, 1).unwrap();
    counters.count(&Cause::Rule(1), 60);
    counters.count(&Cause::Rule(u32::MAX), 60);
    assert!(counters.iter().all(|(_, counter)| counter == Counter::default()));
    assert_eq!(counters.get(&Cause::Rule(1)), Counter::default());
}

#[test]
fn counters_need_their_number_of_slots() {
    let mut slots = vec![Counter::default(); Counters::slots(2)];
    assert!(Counters::new(&mut slots, 1).is_none());
    assert!(Counters::new(&mut slots, 3).is_none());
    assert!(Counters::new(&mut slots, 2).is_some());
}

#[test]
fn every_counter_has_its_cause() {
    let mut slots = vec![Counter::default(); Counters::slots(3)];
    let counters = Counters::new(&mut slots, 3).unwrap();
    for (cause, _) in counters.iter() {
        assert_eq!(Cause::of_slot(cause.slot()), Some(cause));
    }
    assert_eq!(Cause::of_slot(Counters::slots(u32::MAX) + 1), None);
}
