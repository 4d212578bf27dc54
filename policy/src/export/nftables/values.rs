//! Addresses and numbers as nft(8) writes them.
use crate::compile::ranges::{self, Range};
use crate::policy::{List, Member, Network, Policy, Prefix, Values};
use core::fmt::Write;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

/// A longer name of a set is refused by the kernel (256 bytes, its end and our own words included).
const LONGEST_NAME: usize = 200;

/// Characters of a line of elements.
const LINE: usize = 100;

/// Ways to say one thing, of which any will do; each is some matches. None: no packet has it.
pub(super) type Ways = Vec<String>;

/// An address of either version.
pub(super) trait Address: Copy {
    /// Bits.
    const WIDTH: u32;
    /// `ip` or `ip6`.
    const WORD: &'static str;
    /// The last part of the name of a set.
    const SUFFIX: &'static str;

    /// The first address under a prefix, and the last.
    fn bounds(prefix: &Prefix<Self>) -> Range;
    /// The members of a list that are of this version.
    fn of_list(list: &List) -> &[Prefix<Self>];
    /// As text.
    fn text(bits: u128) -> String;
}

impl Address for Ipv4Addr {
    const WIDTH: u32 = 32;
    const WORD: &'static str = "ip";
    const SUFFIX: &'static str = "4";

    fn bounds(prefix: &Prefix<Self>) -> Range {
        let (first, last) = prefix.bounds();
        (first.into(), last.into())
    }

    fn of_list(list: &List) -> &[Prefix<Self>] {
        &list.ipv4
    }

    fn text(bits: u128) -> String {
        Self::from_bits(bits as u32).to_string()
    }
}

impl Address for Ipv6Addr {
    const WIDTH: u32 = 128;
    const WORD: &'static str = "ip6";
    const SUFFIX: &'static str = "6";

    fn bounds(prefix: &Prefix<Self>) -> Range {
        prefix.bounds()
    }

    fn of_list(list: &List) -> &[Prefix<Self>] {
        &list.ipv6
    }

    fn text(bits: u128) -> String {
        Self::from_bits(bits).to_string()
    }
}

/// What is asked of an address, which `what` names.
pub(super) fn addresses<A: Address>(what: &str, asked: &Option<Values<Member<Prefix<A>>>>, policy: &Policy) -> Ways {
    let Some(asked) = asked else { return any() };
    let all = u128::MAX >> (128 - A::WIDTH);
    let (mut named, mut lists) = (Vec::new(), Vec::new());
    for member in &asked.members {
        match member {
            Member::Prefix(prefix) => named.push(A::bounds(prefix)),
            Member::List(number) => {
                let Some(list) = policy.lists.get(*number) else { continue };
                match A::of_list(list) {
                    [] => {}
                    [one] if A::bounds(one) == (0, all) => named.push((0, all)),
                    _ => lists.push(format!("@{}", set_name::<A>(*number, list))),
                }
            }
        }
    }
    let named = ranges::union(named);
    if named == [(0, all)] {
        return if asked.negated { Ways::new() } else { any() };
    }
    let named = (!named.is_empty()).then(|| braced(named.iter().map(|range| range_text::<A>(*range)).collect()));
    let members = named.into_iter().chain(lists);
    let subject = format!("{} {what}", A::WORD);
    if asked.negated {
        vec![members.map(|member| format!("{subject} != {member} ")).collect()]
    } else {
        members.map(|member| format!("{subject} {member} ")).collect()
    }
}

/// What is asked of a number from 0 to `most`, which `what` names.
pub(super) fn numbers<N: Copy + Into<u128>>(what: &str, asked: &Option<Values<RangeInclusive<N>>>, most: u128) -> Ways {
    let Some(asked) = asked else { return any() };
    let bounds = asked.members.iter().map(|range| ((*range.start()).into(), (*range.end()).into()));
    of_ranges(what, asked.negated, &ranges::union(bounds.collect()), most)
}

/// The same, of numbers that stand alone.
pub(super) fn bytes(what: &str, asked: &Option<Values<u8>>) -> Ways {
    let Some(asked) = asked else { return any() };
    let bounds = asked.members.iter().map(|number| (u128::from(*number), u128::from(*number)));
    of_ranges(what, asked.negated, &ranges::union(bounds.collect()), 255)
}

/// Numbers of ranges in order and apart; negated, all others.
pub(super) fn of_ranges(what: &str, negated: bool, ranges: &[Range], most: u128) -> Ways {
    if ranges.is_empty() || ranges == [(0, most)] {
        return if ranges.is_empty() == negated { any() } else { Ways::new() };
    }
    let members = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let members = braced(members.collect());
    vec![if negated { format!("{what} != {members} ") } else { format!("{what} {members} ") }]
}

/// Every packet has it.
pub(super) fn any() -> Ways {
    vec![String::new()]
}

/// Every way for one thing with every way for the other.
pub(super) fn both(one: &Ways, other: &Ways) -> Ways {
    one.iter().flat_map(|one| other.iter().map(move |other| format!("{one}{other}"))).collect()
}

/// The lists that rules name, as sets, each version by itself.
pub(super) fn sets(policy: &Policy) -> String {
    let mut out = String::new();
    for (number, list) in policy.lists.iter().enumerate() {
        set::<Ipv4Addr>(&mut out, number, list, policy);
        set::<Ipv6Addr>(&mut out, number, list, policy);
    }
    out
}

fn set<A: Address>(out: &mut String, number: usize, list: &List, policy: &Policy) {
    let elements = A::of_list(list);
    if elements.is_empty() || !is_named::<A>(number, policy) {
        return;
    }
    let (name, kind) = (set_name::<A>(number, list), if A::WIDTH == 32 { "ipv4_addr" } else { "ipv6_addr" });
    let _ = write!(out, "\tset {name} {{\n\t\ttype {kind}\n\t\tflags interval\n\t\telements = {{\n");
    let mut line = String::new();
    for prefix in elements {
        let text = range_text::<A>(A::bounds(prefix));
        if !line.is_empty() && line.len() + text.len() > LINE {
            let _ = writeln!(out, "\t\t\t{line}");
            line.clear();
        }
        let _ = write!(line, "{}{text},", if line.is_empty() { "" } else { " " });
    }
    let _ = write!(out, "\t\t\t{line}\n\t\t}}\n\t}}\n\n");
}

/// Whether a rule names a list among addresses of this version.
fn is_named<A: Address>(number: usize, policy: &Policy) -> bool {
    fn names<P>(values: &Option<Values<Member<P>>>, number: usize) -> bool {
        let mut members = values.iter().flat_map(|values| &values.members);
        members.any(|member| matches!(member, Member::List(list) if *list == number))
    }
    policy.rules.iter().any(|rule| match &rule.network {
        Some(Network::Ipv4(asked)) if A::WIDTH == 32 => {
            names(&asked.source, number) || names(&asked.destination, number)
        }
        Some(Network::Ipv6(asked)) if A::WIDTH == 128 => {
            names(&asked.source, number) || names(&asked.destination, number)
        }
        _ => false,
    })
}

/// A name begins with a letter, and no two lists have the same.
fn set_name<A: Address>(number: usize, list: &List) -> String {
    match list.name.len() <= LONGEST_NAME {
        true => format!("list_{}_{}", list.name, A::SUFFIX),
        false => format!("long-{number}_{}", A::SUFFIX),
    }
}

fn braced(members: Vec<String>) -> String {
    match members.as_slice() {
        [one] => one.clone(),
        _ => format!("{{ {} }}", members.join(", ")),
    }
}

/// An address, a prefix or a range.
fn range_text<A: Address>((first, last): Range) -> String {
    let hosts = (first ^ last).count_ones();
    let is_prefix = u128::MAX.checked_shr(128 - hosts).unwrap_or(0) == first ^ last && first & (first ^ last) == 0;
    match (first == last, is_prefix) {
        (true, _) => A::text(first),
        (_, true) => format!("{}/{}", A::text(first), A::WIDTH - hosts),
        _ => format!("{}-{}", A::text(first), A::text(last)),
    }
}
