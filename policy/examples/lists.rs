//! How long it takes to look an address up in a list of a million: `cargo run --release -p policy --example lists`.
use firewall::lists::Ipv4Set;
use policy::compile::ipv4_set;
use std::hint::black_box;
use std::time::{Duration, Instant};

const MEMBERS: usize = 1_000_000;
const LOOKUPS: usize = 1 << 20;
/// As many frames as a network card hands over at once.
const BURST: usize = 64;

fn main() {
    let mut random = Random(1);
    let hosts: Vec<(u32, u32)> = (0..MEMBERS).map(|_| random.next()).map(|address| (address, address)).collect();
    let others: Vec<u32> = (0..LOOKUPS).map(|_| random.next()).collect();
    report_ipv4("1M IPv4 hosts", hosts, &others, &mut random);
    let prefixes: Vec<(u32, u32)> = (0..MEMBERS).map(|_| prefix(&mut random)).collect();
    report_ipv4("1M IPv4 prefixes", prefixes, &others, &mut random);
    let crowded: Vec<(u32, u32)> = (0..MEMBERS).map(|_| crowd(&mut random)).map(|address| (address, address)).collect();
    let near: Vec<u32> = (0..LOOKUPS).map(|_| crowd(&mut random)).collect();
    report_ipv4("1M IPv4 hosts, in a few networks", crowded, &near, &mut random);
}

/// A prefix of a length as common as among those that routers announce.
fn prefix(random: &mut Random) -> (u32, u32) {
    let length = match random.next() % 100 {
        0..60 => 24,
        60..71 => 22,
        71..81 => 23,
        81..86 => 21,
        86..91 => 20,
        91..95 => 19,
        95..97 => 18,
        97..98 => 17,
        _ => 16,
    };
    // Of the addresses that are given out to be used.
    let address = random.next() % 0xdf00_0000 + 0x0100_0000;
    let host = u32::MAX >> length;
    (address & !host, address | host)
}

/// An address in one of 2,000 networks of 4,096.
fn crowd(random: &mut Random) -> u32 {
    (random.next() % 2000).wrapping_mul(0x9e37_79b9) & 0xffff_f000 | random.next() >> 20
}

fn report_ipv4(name: &str, ranges: Vec<(u32, u32)>, others: &[u32], random: &mut Random) {
    let hits: Vec<u32> = (0..LOOKUPS)
        .map(|_| {
            let (first, last) = ranges[random.next() as usize % ranges.len()];
            first + random.next() % (last - first + 1)
        })
        .collect();
    let start = Instant::now();
    let ranges = union(ranges);
    let sorted = start.elapsed();
    let start = Instant::now();
    let bytes = ipv4_set(&ranges);
    let built = start.elapsed();
    let start = Instant::now();
    let set = Ipv4Set::decode(&bytes).expect("a set that was made decodes");
    let decoded = start.elapsed();
    println!("{name}: {} ranges, {:.1} MiB", ranges.len(), bytes.len() as f64 / f64::from(1 << 20));
    let start = Instant::now();
    black_box(firewall::table::emit_checksum(&bytes));
    let summed = start.elapsed();
    println!("  sorted in {sorted:.1?}, built in {built:.1?}, checked in {decoded:.1?}, its checksum in {summed:.1?}");
    for (name, addresses) in [("others", others), ("members", &hits)] {
        let among = addresses.iter().filter(|address| set.contains(**address)).count();
        let single = best(|| {
            black_box(addresses.iter().filter(|address| set.contains(**black_box(address))).count());
        });
        let burst = best(|| {
            let mut found = [false; BURST];
            for addresses in addresses.chunks(BURST) {
                set.contains_many(addresses, &mut found);
                black_box(&found);
            }
        });
        let waiting = best(|| {
            black_box(
                addresses.iter().fold(0, |last, address| black_box(u32::from(set.contains(address ^ last >> 1)))),
            );
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
fn union(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
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
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ word >> 31) as u32
    }
}
