//! The crates that are there: hashbrown with ahash, prefix-trie, treebitmap.
use crate::clock;
use crate::contender::{Built, Contender};
use crate::entries::{Keys, List};
use hashbrown::HashSet;
use num_traits::{CheckedShr, PrimInt, Unsigned, Zero};
use prefix_trie::PrefixSet;
use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use tests::Result;
use treebitmap::IpLookupTable;

/// An address that the crates take too.
pub trait Address: crate::address::Address + Unsigned + PrimInt + Zero + CheckedShr {
    /// A treebitmap of a list: whether an address is in it, and how many bytes it has.
    fn treebitmap(list: &List<Self>) -> (impl Fn(Self) -> bool + 'static, usize);
}

// What treebitmap asks of its addresses has no name outside of it.
macro_rules! address {
    ($number:ty, $native:ty) => {
        impl Address for $number {
            fn treebitmap(list: &List<Self>) -> (impl Fn(Self) -> bool + 'static, usize) {
                let mut map = IpLookupTable::new();
                for &(first, length) in list {
                    map.insert(<$native>::from_bits(first), length.into(), ());
                }
                let (nodes, results) = map.mem_usage();
                (move |address| map.longest_match(<$native>::from_bits(address)).is_some(), nodes + results)
            }
        }
    };
}

address!(u32, Ipv4Addr);
address!(u128, Ipv6Addr);

/// A table by what tells whether an address is in it.
struct Table<F> {
    name: &'static str,
    built: Built,
    position: usize,
    contains: F,
}

/// Builds the tables of all crates: the hash table of a list of hosts, the others of every list.
pub fn add<A: Address>(
    list: &List<A>,
    hosts: bool,
    contenders: &mut Vec<Box<dyn Contender<Keys<A>> + '_>>,
    _notes: &mut Vec<String>,
) {
    if hosts {
        let begun = clock::taken();
        let mut set: HashSet<A, ahash::RandomState> = HashSet::default();
        set.extend(list.iter().map(|(address, _)| *address));
        let built = built(begun, set.allocation_size());
        contenders.push(table("hashbrown with ahash", built, move |address| set.contains(&address)));
    }
    let begun = clock::taken();
    let set: PrefixSet<(A, u8)> = list.iter().copied().collect();
    let of_trie = built(begun, set.mem_size());
    contenders.push(table("prefix-trie", of_trie, move |address| set.get_lpm(&(address, A::BITS)).is_some()));
    let begun = clock::taken();
    let (contains, bytes) = A::treebitmap(list);
    contenders.push(table("treebitmap", built(begun, bytes), contains));
}

fn built(begun: Duration, bytes: usize) -> Built {
    Built { time: Some(clock::taken() - begun), bytes: Some(bytes as u64), accesses: None }
}

fn table<A: Address>(
    name: &'static str,
    built: Built,
    contains: impl Fn(A) -> bool + 'static,
) -> Box<dyn Contender<Keys<A>>> {
    Box::new(Table { name, built, position: 0, contains })
}

impl<A: Address, F: Fn(A) -> bool> Contender<Keys<A>> for Table<F> {
    fn name(&self) -> String {
        self.name.into()
    }

    fn built(&self) -> Built {
        self.built.clone()
    }

    fn answers(&mut self, keys: &Keys<A>) -> Result<Vec<u32>> {
        Ok(keys.addresses.iter().map(|address| (self.contains)(*address).into()).collect())
    }

    fn round(&mut self, keys: &Keys<A>, least: Duration) -> Result<f64> {
        Ok(clock::rate(&keys.addresses, &mut self.position, 64, least, |addresses| {
            for address in addresses {
                black_box((self.contains)(black_box(*address)));
            }
        }))
    }
}
