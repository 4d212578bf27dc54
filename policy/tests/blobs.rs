//! A table is decoded as a whole or refused, whatever was done to it.
use firewall::{DecodeError, Table, table};
use policy::compile::{Strategy, compile_as};
use policy::generate::properties::decide_by;
use policy::generate::{Traffic, policy_and_frames};
use policy::policy::Policy;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Of either engine, as the number of bytes has it.
fn blob_and_frames(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (policy, frames) = policy_and_frames(bytes, 4, Traffic::Any).expect("a policy and frames");
    let strategy = if bytes.len().is_multiple_of(2) { Strategy::Linear } else { Strategy::Forest };
    (compile_as(&policy, strategy).expect("a generated policy compiles"), frames)
}

/// Makes length and checksum fit the bytes, so that what is behind them is tested.
fn seal(blob: &mut Vec<u8>) {
    let length = (blob.len() as u32).to_le_bytes();
    blob[8..12].copy_from_slice(&length);
    blob.truncate(blob.len() - table::CHECKSUM);
    blob.extend(table::emit_checksum(blob));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_damaged_table_is_refused(bytes in vec(any::<u8>(), 0..600), at: Index, change in 1..=255_u8) {
        let (mut blob, _) = blob_and_frames(&bytes);
        let at = at.index(blob.len());
        blob[at] ^= change;
        prop_assert!(Table::decode(&blob).is_err());
    }

    #[test]
    fn a_table_that_is_cut_short_or_too_long_is_refused(bytes in vec(any::<u8>(), 0..600), at: Index) {
        let (mut blob, _) = blob_and_frames(&bytes);
        prop_assert!(Table::decode(&blob[..at.index(blob.len())]).is_err());
        blob.push(0);
        prop_assert!(Table::decode(&blob).is_err());
    }

    #[test]
    fn deciding_by_a_changed_table_that_decodes_does_not_panic(
        bytes in vec(any::<u8>(), 0..600),
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Option<Index>>(),
    ) {
        let (mut blob, frames) = blob_and_frames(&bytes);
        for (at, byte) in changes {
            let at = at.index(blob.len());
            blob[at] = byte;
        }
        if let Some(cut) = cut {
            blob.truncate((table::HEADER + table::CHECKSUM).max(cut.index(blob.len())));
        }
        seal(&mut blob);
        decide_by(&blob, &frames);
    }
}

/// A table of one rule: all TCP to ports from 22 to 23.
fn one_rule() -> Vec<u8> {
    use policy::policy::{Action, Ports, Rule, Transport, Values};
    let destination = Some(Values { negated: false, members: vec![22..=23] });
    let transport = Transport::Tcp(Ports { source: None, destination });
    let rule = Rule { network: None, transport: Some(transport), action: Action::Drop, span: 0..0 };
    let policy = Policy { rules: vec![rule], default: Action::Accept, lists: vec![] };
    compile_as(&policy, Strategy::Linear).expect("it compiles")
}

#[test]
fn a_table_has_the_bytes_that_its_format_says() {
    #[rustfmt::skip]
    let expected = [
        b'P', b'C', b'F', b'W', 4, 0, 0, 1,  108, 0, 0, 0, 1, 0, 0, 0, // header: version 4, linear, accept; 108 bytes, 1 rule
        84, 0, 0, 0,                                                   // the engine's part: 84 bytes
        1, 0, 0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0, 0, 0,              // one range of ports, none of addresses, no lists
        0, 0, 6, 0, 0x10, 0, 0, 0,                                     // any version, TCP, drop, destination ports
        0, 0, 0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0, 0, 0,              // addresses
        0, 0, 0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0, 0, 0,              // protocols, source ports
        0, 0, 0, 0, 1, 0, 0, 0,                                        // destination ports: the first range
        0, 0, 0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0, 0, 0,              // lists of addresses
        22, 0, 23, 0,
    ];
    let blob = one_rule();
    assert_eq!(&blob[..blob.len() - 4], expected);
}

/// What becomes of [`one_rule`] with one byte changed and the checksum made to fit.
fn changed(at: usize, byte: u8) -> String {
    let mut blob = one_rule();
    blob[at] = byte;
    let sealed = blob.len() - table::CHECKSUM;
    let checksum = table::emit_checksum(&blob[..sealed]);
    blob[sealed..].copy_from_slice(&checksum);
    Table::decode(&blob).expect_err("it does not decode").to_string()
}

#[test]
fn a_refusal_says_what_is_wrong() {
    assert_eq!(Table::decode(&[]).unwrap_err(), DecodeError::TooShort(0));
    assert_eq!(changed(0, b'X'), "this is not a compiled policy: it starts with [58, 43, 46, 57]");
    let rebuild = "build the image again with the command that this kernel came with";
    let version = "the compiled policy has version 2, this kernel reads version 4: ";
    assert_eq!(changed(4, 2), format!("{version}{rebuild}"));
    assert_eq!(
        changed(6, 9),
        format!("the compiled policy is for engine 9, which this kernel does not have: {rebuild}")
    );
    assert_eq!(changed(7, 2), "the compiled policy has a default action 2, not 0 or 1");
    assert_eq!(changed(8, 109), "the compiled policy is damaged: it says that it has 109 bytes and has 108");
    let body = "the compiled policy does not hold together: ";
    assert_eq!(changed(12, 2), format!("{body}it is not as long as its rules and ranges take"));
    assert_eq!(changed(20, 0), format!("{body}it is not as long as its rules and ranges take"));
    assert_eq!(changed(36, 5), format!("{body}rule 0 is wrong: its IP version is 5, not 0, 4 or 6"));
    assert_eq!(changed(37, 3), format!("{body}rule 0 is wrong: its fragment condition is 3, not 0, 1 or 2"));
    assert_eq!(changed(38, 7), format!("{body}rule 0 is wrong: its protocol is 7, not 0, 1, 6, 17 or 58"));
    assert_eq!(
        changed(38, 0),
        format!("{body}rule 0 is wrong: it names ports, types or codes and no protocol that has them")
    );
    for icmp in [1, 58] {
        let expected = format!("{body}rule 0 is wrong: it asks for ICMP without IPv4, or for ICMPv6 without IPv6");
        assert_eq!(changed(38, icmp), expected);
    }
    assert_eq!(changed(39, 2), format!("{body}rule 0 is wrong: its action is 2, not 0 or 1"));
    assert_eq!(changed(40, 0), format!("{body}rule 0 is wrong: it has bits set that have no meaning"));
    assert_eq!(changed(40, 0x11), format!("{body}rule 0 is wrong: it names addresses and no IP version"));
    assert_eq!(changed(40, 0x90), format!("{body}rule 0 is wrong: it has bits set that have no meaning"));
    assert_eq!(changed(40, 0x30), format!("{body}rule 0 is wrong: it names addresses and no IP version"));
    assert_eq!(changed(41, 1), format!("{body}rule 0 is wrong: it negates addresses and names no list"));
    assert_eq!(changed(41, 4), format!("{body}rule 0 is wrong: it has bits set that have no meaning"));
    assert_eq!(changed(16, 83), format!("{body}its parts do not make up the whole"));
    let set = format!("{body}rule 0 names ranges that are not there or not in order");
    assert_eq!(changed(76, 1), set);
    assert_eq!(changed(80, 2), set);
    assert_eq!(changed(100, 24), set);
}

/// A table of one rule from a list of this many IPv4 hosts, which do not touch; and where the lists start in it.
fn one_list(hosts: u32) -> (Vec<u8>, usize) {
    use policy::policy::{Action, Addresses, List, Member, Network, Prefix, Prefixes, Rule, Values};
    let host = |index: u32| Prefix { address: (index * 2).into(), length: 32 };
    let ipv4 = Prefixes::<std::net::Ipv4Addr>::new((0..hosts).map(host).collect());
    let source = Some(Values { negated: true, members: vec![Member::List(0)] });
    let network = Network::Ipv4(Addresses { source, destination: None, fragment: None, protocol: None });
    let rule = Rule { network: Some(network), transport: None, action: Action::Drop, span: 0..0 };
    let lists = vec![List { name: "l".into(), ipv4, ..List::default() }];
    let policy = Policy { rules: vec![rule], default: Action::Accept, lists };
    let blob = compile_as(&policy, Strategy::Linear).expect("it compiles");
    let part = u32::from_le_bytes(blob[16..20].try_into().expect("4 bytes"));
    let lists = (table::HEADER + part as usize).next_multiple_of(firewall::lists::LINE);
    (blob, lists)
}

#[test]
fn a_refusal_says_what_is_wrong_with_a_list() {
    let refused = |(mut blob, lists): (Vec<u8>, usize), change: &dyn Fn(&mut [u8], &mut [u8])| {
        let (engine, bytes) = blob.split_at_mut(lists);
        change(engine, bytes);
        seal(&mut blob);
        let error = Table::decode(&blob).expect_err("it does not decode").to_string();
        error.strip_prefix("the compiled policy does not hold together: ").expect("where it is wrong").to_string()
    };
    let few = || one_list(17);
    let many = || one_list(3000);
    let set = "address list 0 is of no kind that is known, or not where it should be";
    assert_eq!(refused(few(), &|_, lists| lists[0] = 200), "its address lists are shorter than their entries take");
    assert_eq!(refused(few(), &|_, lists| lists[4] = 9), set);
    assert_eq!(refused(few(), &|_, lists| lists[8] = 4), set);
    assert_eq!(refused(few(), &|_, lists| lists[12] = 7), set);
    assert_eq!(refused(few(), &|_, lists| lists[64] = 9), "address list 0 is wrong: its ranges are not in order");
    let index = "address list 0 is wrong: its index points to what is not there";
    assert_eq!(refused(many(), &|_, lists| lists[64 + 4 * 7] = 1 << 4), index);
    assert_eq!(refused(many(), &|_, lists| lists[64 + 4 * 7 + 3] = 0xff), index);
    let named = "rule 0 names lists that are not there or of the other IP version";
    let reference = |engine: &mut [u8]| table::HEADER + linear_part(engine) - 4;
    assert_eq!(refused(few(), &|engine, _| engine[reference(engine)] = 1), named);
    assert_eq!(refused(few(), &|engine, _| engine[table::HEADER + 16] = 6), named);
    let parts = "its parts do not make up the whole";
    assert_eq!(refused(few(), &|engine, _| *engine.last_mut().expect("a byte") = 1), parts);
}

fn linear_part(engine: &[u8]) -> usize {
    u32::from_le_bytes(engine[16..20].try_into().expect("4 bytes")) as usize
}
