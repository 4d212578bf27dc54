//! Large lists of addresses and prefixes, and addresses to look for in them.
use crate::address::Address;
use crate::random::Random;
use std::collections::HashSet;

/// How many entries a list has.
const ENTRIES: usize = 1_000_000;
/// How many addresses are looked for: more than caches hold the paths of.
const KEYS: usize = 1 << 20;

/// Prefixes: each the first address under it, and its length. No two are the same.
pub type List<A> = Vec<(A, u8)>;

/// How long the prefixes of a list are: each length as often as the number beside it says.
pub type Lengths = [(u64, u8)];

/// Addresses alone.
pub const HOSTS: &Lengths = &[(1, 32)];
/// About as in the routers of the Internet, of IPv4.
pub const ROUTES_V4: &Lengths = &[
    (2, 8),
    (2, 9),
    (4, 10),
    (10, 11),
    (30, 12),
    (60, 13),
    (120, 14),
    (210, 15),
    (1400, 16),
    (850, 17),
    (1400, 18),
    (2600, 19),
    (4500, 20),
    (5200, 21),
    (11500, 22),
    (10200, 23),
    (61500, 24),
    (100, 28),
    (300, 32),
];
/// The same, of IPv6, and networks of sites besides.
pub const ROUTES_V6: &Lengths =
    &[(20, 29), (120, 32), (50, 36), (80, 40), (70, 44), (480, 48), (30, 56), (140, 64), (10, 128)];

/// Addresses in the order in which they are looked for.
pub struct Keys<A> {
    /// How they were chosen.
    pub name: &'static str,
    /// The addresses.
    pub addresses: Vec<A>,
}

/// A list of this kind. Long prefixes stand together, as those of one network do.
pub fn list<A: Address>(lengths: &Lengths) -> List<A> {
    let mut random = Random::new(u64::from(A::BITS));
    let mut known = HashSet::with_capacity(ENTRIES);
    let mut near = A::any(&mut random);
    while known.len() < ENTRIES {
        let length = random.weighted(lengths);
        near = if random.below(4) == 0 { A::any(&mut random) } else { near.first(length.min(A::BITS / 2)) };
        near = near.under(length.min(A::BITS / 2), &mut random);
        known.insert((near.first(length), length));
    }
    let mut list: List<A> = known.into_iter().collect();
    // The order of a hash table is another in every run.
    list.sort_unstable();
    list
}

/// Addresses to look for that are chosen from all, and from under the prefixes of the list.
pub fn keys<A: Address>(list: &List<A>, plain: &Plain<A>, misses_only: bool) -> [Keys<A>; 2] {
    let mut random = Random::new(7);
    let mut random_address = || loop {
        let address = A::any(&mut random);
        if !(misses_only && plain.contains(address)) {
            return address;
        }
    };
    let others = (0..KEYS).map(|_| random_address()).collect();
    let mut random = Random::new(8);
    let mut hit = || {
        let (first, length) = random.choose(list);
        first.under(length, &mut random)
    };
    let hits = (0..KEYS).map(|_| hit()).collect();
    [
        Keys { name: if misses_only { "miss" } else { "random" }, addresses: others },
        Keys { name: "hit", addresses: hits },
    ]
}

/// The plainest of searches: the prefixes by their first addresses, each with the last of all addresses that those up
/// to it have.
pub struct Plain<A>(Vec<(A, u128)>);

impl<A: Address> Plain<A> {
    /// Of a list, which is in order.
    pub fn new(list: &List<A>) -> Self {
        let mut last = 0;
        let entries = list.iter().map(|(first, length)| {
            last = last.max(first.wide() | A::free(*length));
            (*first, last)
        });
        Self(entries.collect())
    }

    /// Whether an address is under a prefix of it.
    pub fn contains(&self, address: A) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= address);
        after.checked_sub(1).is_some_and(|at| address.wide() <= self.0[at].1)
    }
}
