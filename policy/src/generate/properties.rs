//! What must hold for any bytes. Each function panics where it does not; fuzz targets, the replay of what they found, and
//! generated tests call the same ones.
use super::{Traffic, change, frame, policy_and_frames};
use crate::change::{Applied, Change, Live};
use crate::compile::{Strategy, compile_as};
use crate::policy::{Action, Policy};
use crate::reference;
use arbitrary::Unstructured;
use firewall::lists::{self, Ipv4Set, Ipv6Set, LINE};
use firewall::{Cause, Decision, Fragment, Inspected, Matched, Packet, Patched, Table};
use firewall::{inspect, judge, patch, protocol, table};

/// A property, by the name of its fuzz target.
pub type Property = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Property; 6] = [
    ("frame", parse_frame),
    ("decode", decode_table),
    ("verdict", judge_frame),
    ("lists", look_up),
    ("patch", decode_patch),
    ("changes", judge_changed),
];

/// The bytes as a frame: it is parsed or refused, and what was found stands in the packet and nowhere else.
pub fn parse_frame(frame: &[u8]) {
    let Ok(Inspected::Packet(packet)) = inspect(frame) else { return };
    assert_consistent(&packet);
    let (start, end) = (packet.payload_start as usize, packet.payload_end as usize);
    assert!(start <= end && end <= frame.len(), "{packet:?} in {} bytes", frame.len());
    assert_eq!(packet.payload(frame).len(), end - start);
    let found = Ok(Inspected::Packet(packet));
    assert_eq!(inspect(&frame[..end]), found, "without its padding it is the same packet");
    assert_eq!(inspect(&[frame, &[0xff; 9]].concat()), found, "with more padding it is the same packet");
    for cut in [end - 1, start - 1, start / 2] {
        assert!(!matches!(inspect(&frame[..cut]), Ok(Inspected::Packet(_))), "cut to {cut} bytes it is no packet");
    }
}

/// Facts that come together do, and others do not.
fn assert_consistent(packet: &Packet) {
    let has_header = packet.fragment != Fragment::Later;
    let is_tcp = packet.protocol == protocol::TCP;
    assert_eq!(packet.source.is_ipv4(), packet.destination.is_ipv4(), "{packet:?}");
    assert_eq!(packet.ports.is_some(), has_header && (is_tcp || packet.protocol == protocol::UDP), "{packet:?}");
    assert_eq!(packet.tcp_flags.is_some(), has_header && is_tcp, "{packet:?}");
    let icmp = if packet.source.is_ipv4() { protocol::ICMP } else { protocol::ICMPV6 };
    assert_eq!(packet.icmp.is_some(), has_header && packet.protocol == icmp, "{packet:?}");
}

/// The bytes as a table: it is decoded or refused, and deciding by it does not panic.
pub fn decode_table(bytes: &[u8]) {
    let mut choices = Unstructured::new(bytes);
    let nothing = Policy { rules: vec![], default: Action::Accept, lists: vec![] };
    let frames: Vec<_> = (0..3).filter_map(|_| frame(&mut choices, &nothing, Traffic::WellFormed).ok()).collect();
    decide_by(bytes, &frames);
    decide_by(&sealed(choices.take_rest()), &frames);
}

/// A table whose header and checksum are right: of one byte for default and engine, one for the number of rules, two for the
/// length of the engine's part, that, and the lists.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let [default, rules, low, high, body @ ..] = bytes else { return vec![] };
    let (part, lists) = body.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(body.len()));
    let (engine, default) = (default / 2 % 2, default % 2);
    let default = if default == 0 { firewall::Action::Accept } else { firewall::Action::Drop };
    let end = table::HEADER + part.len();
    let start = if lists.is_empty() { end } else { end.next_multiple_of(LINE) };
    let length = (start + lists.len() + table::CHECKSUM) as u32;
    let header = table::emit_header(engine, default, length, (*rules).into(), part.len() as u32);
    let mut blob = [header.as_slice(), part].concat();
    blob.resize(start, 0);
    blob.extend(lists);
    blob.extend(table::emit_checksum(&blob));
    blob
}

/// The bytes as sets of addresses: they are decoded or refused, and looking an address up does not panic and gives the
/// same answer alone and among others.
pub fn look_up(bytes: &[u8]) {
    look_up_ipv4(bytes);
    let (words, _) = bytes.as_chunks::<8>();
    let Ok(set) = Ipv6Set::decode(words.as_flattened()) else { return };
    let addresses: Vec<u128> =
        words.iter().map(|word| u128::from(u64::from_le_bytes(*word)) * 0x1_0000_0000_0000_0001).collect();
    let mut found = vec![false; addresses.len()];
    set.contains_many(&addresses, &mut found);
    assert!(addresses.iter().zip(found).all(|(address, found)| set.contains(*address) == found));
}

/// One byte for the number of entries that are not empty, 6 for each, place and entry; then the lines.
fn look_up_ipv4(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else { return };
    let (entries, lines) = rest.split_at((usize::from(*count) * 6).min(rest.len()));
    let mut set = vec![0; lists::ipv4::INDEX];
    let mut addresses = vec![];
    for &[a, b, c, d, e, f] in entries.as_chunks().0 {
        let high = u16::from_le_bytes([a, b]);
        set.as_chunks_mut().0[usize::from(high)] = [c, d, e, f];
        let lows = lines.as_chunks().0.iter().take(40).map(|low| u16::from_le_bytes(*low));
        addresses.extend(lows.chain([0, u16::MAX]).map(|low| u32::from(high) << 16 | u32::from(low)));
    }
    set.extend(lines);
    set.resize(set.len().next_multiple_of(LINE), 0);
    let Ok(set) = Ipv4Set::decode(&set) else { return };
    let mut found = vec![false; addresses.len()];
    set.contains_many(&addresses, &mut found);
    assert!(addresses.iter().zip(found).all(|(address, found)| set.contains(*address) == found));
}

/// Decides about packets by a table, if it is one.
pub fn decide_by(blob: &[u8], frames: &[Vec<u8>]) {
    let Ok(table) = Table::decode(blob) else { return };
    for frame in frames {
        let verdict = judge(frame, &table);
        assert_eq!(verdict.cause.action(&table), Some(verdict.action), "a verdict's cause exists, and says the action");
        let packet = match inspect(frame) {
            Ok(Inspected::Packet(packet)) => Some(packet),
            _ => None,
        };
        assert_eq!(verdict.packet, packet, "a verdict has the packet that is in the frame");
        if let Some(decision) = packet.map(|packet| table.decide(&packet)) {
            let expected = (decision.action, decision.cause.into());
            assert_eq!((verdict.action, verdict.cause), expected, "it is judged as its packet is decided about");
        }
    }
}

/// The bytes as a policy and a patch to its table: the patch is decoded or refused, and deciding by it does not panic.
pub fn decode_patch(bytes: &[u8]) {
    let (policy, rest) = bytes.split_at(bytes.len() / 2);
    let (policy, frames) = policy_and_frames(policy, 3, Traffic::WellFormed).expect("a policy and frames");
    for strategy in [Strategy::Linear, Strategy::Forest] {
        let blob = compile_as(&policy, strategy).expect("a generated policy compiles");
        let table = Table::decode(&blob).expect("a compiled policy decodes");
        decide_by_patch(table, rest, &frames);
        decide_by_patch(table, &sealed_patch(&table, rest), &frames);
    }
}

/// A patch whose header and checksum are right: of one byte for the default, one each for the counts of rules, runs, overlays and
/// changed lists, two for the length of its sets, and the rest.
fn sealed_patch(table: &Table<'_>, bytes: &[u8]) -> Vec<u8> {
    let [default, rules, runs, overlays, changes, low, high, body @ ..] = bytes else { return vec![] };
    let default = if default % 2 == 0 { firewall::Action::Accept } else { firewall::Action::Drop };
    let length = (patch::HEADER + body.len() + table::CHECKSUM) as u32;
    let sets = u16::from_le_bytes([*low, *high]);
    let counts = [(*runs).into(), (*overlays).into(), (*changes).into(), sets.into()];
    let bound_to = (table.checksum(), table.rules());
    let mut blob = patch::emit_header(default, length, bound_to, (*rules).into(), counts).to_vec();
    blob.extend(body);
    blob.extend(table::emit_checksum(&blob));
    blob
}

/// Decides about packets by a table with a patch, if it is one.
pub fn decide_by_patch(table: Table<'_>, patch: &[u8], frames: &[Vec<u8>]) {
    let Ok(patched) = Patched::decode(table, patch) else { return };
    for frame in frames {
        let verdict = judge(frame, &patched);
        assert_eq!(
            verdict.cause.action(&patched),
            Some(verdict.action),
            "a verdict's cause exists, and says the action"
        );
    }
    assert!((0..patched.rules()).all(|rule| patched.action(rule).is_some()), "every rule has an action");
    assert_eq!(patched.action(patched.rules()), None);
}

/// The bytes as a policy, changes and frames: the patched table decides as the changed rules read, after each change.
pub fn judge_changed(bytes: &[u8]) {
    let (start, rest) = bytes.split_at(bytes.len() / 2);
    let (policy, _) = policy_and_frames(start, 0, Traffic::Any).expect("a policy");
    let strategy = if bytes.len().is_multiple_of(2) { Strategy::Linear } else { Strategy::Forest };
    let mut live = Live::new(policy, strategy).expect("a generated policy compiles");
    let mut choices = Unstructured::new(rest);
    for _ in 0..8 {
        let policy = live.policy();
        let asked = change(&mut choices, &policy).expect("a change");
        let frames: Vec<_> =
            (0..3).map(|_| frame(&mut choices, &policy, Traffic::WellFormed).expect("a frame")).collect();
        change_and_compare(&mut live, asked, &frames);
    }
}

/// Makes a change; then the patched table decides about these frames as the changed policy reads.
pub fn change_and_compare(live: &mut Live, asked: Change, frames: &[Vec<u8>]) -> Applied {
    let said = format!("{asked:?}");
    let applied = live.apply(asked).unwrap_or_else(|error| panic!("{said}: {error}"));
    let policy = live.policy();
    let table = Table::decode(live.table()).expect("a compiled policy decodes");
    let patched = Patched::decode(table, live.patch()).unwrap_or_else(|error| panic!("{said}: {error}"));
    assert_eq!(patched.rules() as usize, policy.rules.len());
    assert_eq!(live.rules(), policy.rules.len());
    for (number, rule) in (0..).zip(&policy.rules) {
        assert_eq!(patched.action(number), Some(rule.action.into()), "rule {number} after {said}");
        assert_eq!(live.rule_at(number as usize), Some(rule), "rule {number} after {said}");
    }
    let mut packets = vec![];
    for frame in frames {
        let verdict = judge(frame, &patched);
        let expected = expected(&policy, frame);
        assert_eq!((verdict.action, verdict.cause), expected, "{said}: {policy:#?}\n{:?}", inspect(frame));
        packets.extend(verdict.packet);
    }
    let undecided = Decision { action: firewall::Action::Drop, cause: Matched::Rule(u32::MAX) };
    let mut together = vec![undecided; packets.len()];
    patched.decide_burst(&packets, &mut together);
    assert_eq!(together, packets.iter().map(|packet| patched.decide(packet)).collect::<Vec<_>>());
    applied
}

/// The bytes as a policy and a frame: the compiled table decides as the rules read.
pub fn judge_frame(bytes: &[u8]) {
    let (policy, frames) = policy_and_frames(bytes, 4, Traffic::Any).expect("a policy and frames from any bytes");
    assert_agreed(&policy, &frames);
}

/// The compiled table decides about these frames as the rules read.
pub fn assert_agreed(policy: &Policy, frames: &[Vec<u8>]) {
    for strategy in [Strategy::Linear, Strategy::Forest] {
        let blob = compile_as(policy, strategy).expect("a generated policy compiles");
        let table = Table::decode(&blob).expect("a compiled policy decodes");
        assert_eq!(table.rules() as usize, policy.rules.len());
        for frame in frames {
            let verdict = judge(frame, &table);
            let found = (verdict.action, verdict.cause);
            let expected = expected(policy, frame);
            assert_eq!(found, expected, "{strategy:?} {policy:#?}\n{:?}\n{frame:02x?}", inspect(frame));
        }
        assert_alike_together(&table, frames);
    }
}

/// The table decides about packets together as about each.
fn assert_alike_together(table: &Table<'_>, frames: &[Vec<u8>]) {
    let packet = |frame: &Vec<u8>| match inspect(frame) {
        Ok(Inspected::Packet(packet)) => Some(packet),
        _ => None,
    };
    let packets: Vec<_> = frames.iter().filter_map(packet).collect();
    let each: Vec<_> = packets.iter().map(|packet| table.decide(packet)).collect();
    let undecided = Decision { action: firewall::Action::Drop, cause: Matched::Rule(u32::MAX) };
    let mut together = vec![undecided; packets.len() + 1];
    table.decide_burst(&packets, &mut together);
    assert_eq!(together.pop(), Some(undecided), "there is no packet for it");
    assert_eq!(together, each);
}

/// Action and cause as POLICY.md has them: rules see well-formed IP packets and nothing else.
fn expected(policy: &Policy, frame: &[u8]) -> (firewall::Action, Cause) {
    match inspect(frame) {
        Ok(Inspected::Packet(packet)) => {
            let decision = reference::decide(policy, &packet);
            (decision.action, decision.cause.into())
        }
        Ok(Inspected::Arp) => (firewall::Action::Accept, Cause::Arp),
        Ok(Inspected::Other) => (firewall::Action::Drop, Cause::NotIp),
        Err(reason) => (firewall::Action::Drop, Cause::Malformed(reason)),
    }
}
