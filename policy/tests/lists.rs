//! Sets of addresses against ranges looked at one by one, at every boundary.
use core::fmt::LowerHex;
use firewall::lists::{Ipv4Set, Ipv6Set};
use policy::compile::{ipv4_set, ipv6_set};
use proptest::collection::vec;
use proptest::prelude::*;

/// As a set has them: in order and apart.
fn union(ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    let wide = ranges.into_iter().map(|(first, last)| (first.into(), last.into())).collect();
    union_v6(wide).into_iter().map(|(first, last)| (first as u32, last as u32)).collect()
}

fn union_v6(mut ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u128, u128)> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// Both answers about each address, alone and among others, are what the ranges say.
fn compare<T: Copy + Ord + LowerHex>(
    ranges: &[(T, T)],
    addresses: &[T],
    contains: impl Fn(T) -> bool,
    among_others: &[bool],
) {
    assert_eq!(addresses.len(), among_others.len());
    for (&address, &found) in addresses.iter().zip(among_others) {
        let next = ranges.partition_point(|(first, _)| *first <= address);
        let expected = next.checked_sub(1).is_some_and(|before| address <= ranges[before].1);
        assert_eq!(contains(address), expected, "{address:#x} alone");
        assert_eq!(found, expected, "{address:#x} among others");
    }
}

/// Checks both ways of looking up, at both ends of every range, beside them, and in their middle.
fn check(ranges: &[(u32, u32)], others: &[u32]) -> usize {
    let bytes = ipv4_set(ranges);
    let set = Ipv4Set::decode(&bytes).expect("a set that was made decodes");
    let edges = ranges.iter().flat_map(|&(first, last)| {
        [first.wrapping_sub(1), first, first + (last - first) / 2, last, last.wrapping_add(1)]
    });
    let addresses: Vec<u32> = edges.chain(others.iter().copied()).chain([0, u32::MAX]).collect();
    let mut found = vec![false; addresses.len()];
    set.contains_many(&addresses, &mut found);
    compare(ranges, &addresses, |address| set.contains(address), &found);
    bytes.len()
}

/// Every address of a few containers, so that no value is left out.
fn check_all(parts: &[(u32, u32)]) {
    let all: Vec<u32> = (0x0a00_fff0..=0x0a02_000f).collect();
    check(&union(parts.iter().map(|&(first, last)| (0x0a01_0000 + first, 0x0a01_0000 + last)).collect()), &all);
}

#[test]
fn every_value_of_every_form_is_as_written() {
    let many = |count: u32, step: u32, length: u32| -> Vec<(u32, u32)> {
        (0..count).map(|index| (index * step, index * step + length - 1)).collect()
    };
    for parts in [
        vec![],
        vec![(0, 0xffff)],
        vec![(0, 0xfffe)],
        vec![(1, 0xffff)],
        vec![(0, 0)],
        vec![(0xffff, 0xffff)],
        vec![(0, 0), (0xffff, 0xffff)],
        vec![(0, 0x7fff)],
        vec![(0x0100, 0x01ff), (0xff00, 0xffff)],
        many(31, 3, 1),
        many(32, 2047, 1),
        many(33, 1985, 1),
        many(64, 1000, 1),
        many(65, 1000, 1),
        many(1023, 64, 1),
        many(1024, 64, 1),
        many(1025, 63, 1),
        many(16, 4000, 100),
        many(17, 3855, 100),
        many(512, 128, 100),
        many(513, 127, 100),
        many(128, 512, 256),
        many(30_000, 2, 1),
        [many(10, 6000, 3), vec![(0xfff0, 0xffff)]].concat(),
        [many(500, 100, 1), vec![(0xc000, 0xffff)]].concat(),
    ] {
        check_all(&parts);
    }
}

#[test]
fn ranges_go_on_over_many_containers() {
    check(&[(0, u32::MAX)], &[0x1234_5678]);
    check(&[(0x0a00_8000, 0x0a05_0003), (0x0a05_0005, 0x0a05_0005)], &[0x0a02_0000, 0x0a03_ffff, 0x0a04_1234]);
    check(&[(0, 0), (0x0001_0000, 0x0002_ffff), (0xfffe_ffff, u32::MAX)], &[]);
}

#[test]
fn a_large_set_is_right_and_small() {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    let others: Vec<u32> = (0..20_000).map(|_| next()).collect();
    let hosts = union((0..100_000).map(|_| next()).map(|address| (address, address)).collect());
    assert!(check(&hosts, &others) < 5 << 20);
    let prefixes = (0..50_000).map(|_| (next(), next() % 17 + 12)).map(|(address, length)| {
        let host = u32::MAX >> length;
        (address & !host, address | host)
    });
    let prefixes = union(prefixes.collect());
    assert!(check(&prefixes, &others) < 6 << 20);
    let crowded = union((0..100_000).map(|_| next() >> 12).map(|address| (address, address)).collect());
    assert!(check(&crowded, &others) < 1 << 20);
}

/// As [`check`].
fn check_v6(ranges: &[(u128, u128)], others: &[u128]) -> usize {
    let bytes = ipv6_set(ranges);
    let set = Ipv6Set::decode(&bytes).expect("a set that was made decodes");
    let edges = ranges.iter().flat_map(|&(first, last)| {
        let middle = first + (last - first) / 2;
        // What differs only in a bit that a node may have skipped.
        let far = [first ^ 1 << 127, first ^ 1 << 90, last ^ 1 << 64, last ^ 1 << 40, middle ^ 1 << 20];
        [[first.wrapping_sub(1), first, middle, last, last.wrapping_add(1)], far].concat()
    });
    let addresses: Vec<u128> = edges.chain(others.iter().copied()).chain([0, u128::MAX]).collect();
    let mut found = vec![false; addresses.len()];
    set.contains_many(&addresses, &mut found);
    compare(ranges, &addresses, |address| set.contains(address), &found);
    bytes.len()
}

#[test]
fn ipv6_ranges_of_every_shape_are_as_written() {
    let doc = 0x2001_0db8_u128 << 96;
    let many = |count: u128, step: u128, length: u128| -> Vec<(u128, u128)> {
        let start = |index: u128| doc + index * step;
        (0..count).map(|index| (start(index), start(index) + length - 1)).collect()
    };
    for parts in [
        vec![],
        vec![(0, u128::MAX)],
        vec![(0, 0)],
        vec![(u128::MAX, u128::MAX)],
        vec![(0, 0), (u128::MAX, u128::MAX)],
        vec![(1, u128::MAX - 1)],
        many(4, 2, 1),
        many(5, 2, 1),
        many(300, 2, 1),
        many(300, 1 << 64, 1),
        many(300, 1 << 65, 1 << 64),
        many(300, 1 << 66, 3 << 64),
        many(300, 1 << 80, 1 << 40),
        many(9, 1 << 64, (1 << 64) - 1),
        many(3000, 0x0123_4567_89ab_cdef_0123_4567_89ab, 77),
        // Each half as far as the one before: a tree that skips nothing is as deep as an address is long.
        (2..128).map(|bit| (1 << bit, 1 << bit)).collect(),
        (2..128).map(|bit| ((1 << bit) + 1, (1 << bit) + (1 << (bit - 1)))).collect(),
        [vec![(0, 1 << 126)], many(100, 2, 1), vec![(u128::MAX - (1 << 126), u128::MAX)]].concat(),
    ] {
        check_v6(&union_v6(parts), &[doc, doc + 1, doc + (1 << 64), 1 << 127]);
    }
}

#[test]
fn a_large_ipv6_set_is_right_and_small() {
    let mut state = 1_u128;
    let mut next = || {
        state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(0x5851_f42d_4c95_7f2d);
        state >> 64 ^ state << 64
    };
    let others: Vec<u128> = (0..10_000).map(|_| next()).collect();
    let hosts = union_v6((0..50_000).map(|_| next()).map(|address| (address, address)).collect());
    assert!(check_v6(&hosts, &others) < 2 << 20);
    let prefixes = (0..50_000).map(|_| (next() >> 3 | 1 << 125, next() % 37 + 28)).map(|(address, length)| {
        let host = u128::MAX >> length;
        (address & !host, address | host)
    });
    assert!(check_v6(&union_v6(prefixes.collect()), &others) < 2 << 20);
    let crowded = union_v6((0..50_000).map(|_| 0x2a02 << 112 | next() & 0xffff_ffff).map(|it| (it, it)).collect());
    assert!(check_v6(&crowded, &others) < 2 << 20);
}

fn ranges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let start = prop_oneof![any::<u32>(), 0x0a00_0000..0x0a03_0000_u32, Just(0), Just(u32::MAX)];
    let length = prop_oneof![Just(0), 0..4_u32, 0..600_u32, any::<u32>()];
    let range = (start, length).prop_map(|(first, length)| (first, first.saturating_add(length)));
    vec(range, 0..200).prop_map(union)
}

fn ranges_v6() -> impl Strategy<Value = Vec<(u128, u128)>> {
    let near = (0..64_u32, any::<u16>()).prop_map(|(shift, number)| 0x2001_0db8 << 96 | u128::from(number) << shift);
    let start = prop_oneof![any::<u128>(), near, any::<u8>().prop_map(u128::from), Just(u128::MAX)];
    let length = prop_oneof![Just(0), 0..4_u128, Just(u64::MAX.into()), Just(u128::MAX >> 48), any::<u128>()];
    let range = (start, length).prop_map(|(first, length)| (first, first.saturating_add(length)));
    vec(range, 0..200).prop_map(union_v6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_ranges_are_as_written(ranges in ranges(), others in vec(any::<u32>(), 0..50)) {
        check(&ranges, &others);
    }

    #[test]
    fn any_ipv6_ranges_are_as_written(ranges in ranges_v6(), others in vec(any::<u128>(), 0..50)) {
        check_v6(&ranges, &others);
    }
}
