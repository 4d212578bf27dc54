//! How long it takes to look an address up in a list of a million: `cargo run --release -p policy --example lists`.
use firewall::lists::{Ipv4Set, Ipv6Set};
use policy::compile::{ipv4_set, ipv6_set};
use std::hint::black_box;
use std::time::{Duration, Instant};

const MEMBERS: usize = 1_000_000;
const LOOKUPS: usize = 1 << 20;
/// As many frames as a network card hands over at once.
const BURST: usize = 64;

/// First and last address.
type Range = (u128, u128);

fn main() {
    let mut random = Random(1);
    let mut many = |make: fn(&mut Random) -> u128, count| (0..count).map(|_| make(&mut random)).collect::<Vec<_>>();
    let v4 = |random: &mut Random| random.bits(32);
    let v6 = |random: &mut Random| random.bits(125) | 1 << 125;
    let (others, others_v6) = (many(v4, LOOKUPS), many(v6, LOOKUPS));
    let host = |address: u128| (address, address);
    let near = |random: &mut Random| crowd(random);
    let near_v6 = |random: &mut Random| crowd_v6(random);
    let lists: [(&str, Vec<Range>, Vec<u128>); 6] = [
        ("1M IPv4 hosts", many(v4, MEMBERS).into_iter().map(host).collect(), others.clone()),
        ("1M IPv4 prefixes", many(v4, MEMBERS).into_iter().map(prefix).collect(), others),
        ("1M IPv4 hosts in 2,000 /20", many(near, MEMBERS).into_iter().map(host).collect(), many(near, LOOKUPS)),
        ("1M IPv6 hosts", many(v6, MEMBERS).into_iter().map(host).collect(), others_v6.clone()),
        ("1M IPv6 prefixes", many(v6, MEMBERS).into_iter().map(prefix_v6).collect(), others_v6),
        ("1M IPv6 hosts in 2,000 /48", many(near_v6, MEMBERS).into_iter().map(host).collect(), many(near_v6, LOOKUPS)),
    ];
    for (name, ranges, others) in lists {
        let hits: Vec<u128> = (0..LOOKUPS).map(|_| member(&ranges, &mut random)).collect();
        let ranges = union(ranges);
        if name.contains("IPv4") {
            let narrow = |all: Vec<u128>| all.into_iter().map(|address| address as u32).collect::<Vec<_>>();
            let ranges: Vec<_> = ranges.into_iter().map(|(first, last)| (first as u32, last as u32)).collect();
            let bytes = built(name, ranges.len(), || ipv4_set(&ranges));
            let set = Ipv4Set::decode(&bytes).expect("a set that was made decodes");
            let (single, burst) =
                (|it| set.contains(it), |them: &[u32], found: &mut [bool]| set.contains_many(them, found));
            looked_up(&narrow(others), &narrow(hits), single, burst, |address, zero| address ^ zero);
        } else {
            let bytes = built(name, ranges.len(), || ipv6_set(&ranges));
            let set = Ipv6Set::decode(&bytes).expect("a set that was made decodes");
            let (single, burst) =
                (|it| set.contains(it), |them: &[u128], found: &mut [bool]| set.contains_many(them, found));
            looked_up(&others, &hits, single, burst, |address, zero| address ^ u128::from(zero));
        }
    }
}

fn built(name: &str, ranges: usize, build: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let start = Instant::now();
    let bytes = build();
    let built = start.elapsed();
    let start = Instant::now();
    black_box(firewall::table::emit_checksum(&bytes));
    let summed = start.elapsed();
    let size = bytes.len() as f64 / f64::from(1 << 20);
    println!("{name}: {ranges} ranges, {size:.1} MiB, built in {built:.1?}, its checksum in {summed:.1?}");
    bytes
}

fn looked_up<A: Copy>(
    others: &[A],
    members: &[A],
    contains: impl Fn(A) -> bool,
    contains_many: impl Fn(&[A], &mut [bool]),
    changed: impl Fn(A, u32) -> A,
) {
    for (name, addresses) in [("others", others), ("members", members)] {
        let among = addresses.iter().filter(|address| contains(**address)).count();
        let single = best(|| {
            black_box(addresses.iter().filter(|address| contains(**black_box(address))).count());
        });
        let burst = best(|| {
            let mut found = [false; BURST];
            for addresses in addresses.chunks(BURST) {
                contains_many(addresses, &mut found);
                black_box(&found);
            }
        });
        let waiting = best(|| {
            let after = |last: u32, address: &A| black_box(u32::from(contains(changed(*address, last >> 1))));
            black_box(addresses.iter().fold(0, after));
        });
        let per = |time: Duration| time.as_secs_f64() * 1e9 / addresses.len() as f64;
        println!(
            "  {name}: {:.1} ns, in bursts {:.1} ns, one after the other {:.1} ns ({:.1} % are in it)",
            per(single),
            per(burst),
            per(waiting),
            among as f64 * 100.0 / addresses.len() as f64
        );
    }
}

/// The prefix of an address, of a length as common as among those that routers announce.
fn prefix(address: u128) -> (u128, u128) {
    let length = [24, 24, 24, 24, 24, 24, 22, 23, 20, 21, 19, 18, 17, 16, 24, 24][(address % 16) as usize];
    // Of the addresses that are given out to be used.
    let address = address % 0xdf00_0000 + 0x0100_0000;
    let host = u128::from(u32::MAX >> length);
    (address & !host, address | host)
}

fn prefix_v6(address: u128) -> (u128, u128) {
    let length = [48, 48, 48, 48, 48, 48, 44, 40, 36, 32, 32, 32, 29, 46, 47, 64][(address % 16) as usize];
    let host = u128::MAX >> length;
    (address & !host, address | host)
}

/// An address in one of 2,000 networks of 4,096.
fn crowd(random: &mut Random) -> u128 {
    (random.bits(64) % 2000 * 0x9e37_79b9) & 0xffff_f000 | random.bits(12)
}

/// An address in one of 2,000 networks of those given to sites, in one of 16 of their networks.
fn crowd_v6(random: &mut Random) -> u128 {
    let site = random.bits(64) % 2000 * 0x9e37_79b9;
    0x2a02 << 112 | (site & 0xffff_ffff) << 80 | random.bits(4) << 64 | random.bits(64)
}

/// An address in one of the ranges.
fn member(ranges: &[(u128, u128)], random: &mut Random) -> u128 {
    let (first, last) = ranges[random.bits(64) as usize % ranges.len()];
    first + random.bits(127) % (last - first + 1)
}

/// The least of several runs.
fn best(mut run: impl FnMut()) -> Duration {
    let time = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..9).map(|_| time(&mut run)).min().unwrap_or_default()
}

/// Ranges in order and apart from each other.
fn union(mut ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// Numbers without order, the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn bits(&mut self, bits: u32) -> u128 {
        (u128::from(self.next()) << 64 | u128::from(self.next())) & ((1 << bits) - 1)
    }
}
