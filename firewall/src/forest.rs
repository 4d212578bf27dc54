//! The engine for rules in any number: a few decision trees, whose leaves are short lists of rules; few rules are one leaf.
//! Bounded by the deepest path of each tree, and cannot panic.
//!
//! A packet is a key of a few words ([`Key`]): its addresses, and its kind with its two ports. A node of a tree names a word
//! and some of its bits; these bits, moved together, number its children. A rule whose bits there are free stands under
//! several children, which a few trees for rules of different shapes keep rare. A leaf has the rules that can still match,
//! in their order, four at a time. What a processor cannot foresee costs it more than what it does in vain: a tree takes the
//! same number of steps for every packet, as far as its paths are alike, and all four rules are compared. What the trees can't hold stays a list for the [linear engine](crate::linear).
//!
//! Rules that name large [`lists`](crate::lists) stand in the trees too: whether an address is in a list is a bit of the
//! key, for [`MOST_LISTS`] lists of each version of IP, which every packet of that version is looked up in.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4, 4..8 | how many rules stand in the list, and its length in bytes, a multiple of 4 |
//! | | their numbers, in order, 4 bytes each |
//! | | the list, as the linear engine has it, then zeroes |
//! | | the action of every rule, a byte each, then zeroes up to a multiple of 4 |
//! | | for IPv4, then for IPv6: how many lists are asked, 4 bytes, then each, see [`Asked`] |
//! | | the trees for IPv4, then those for IPv6, see [`Trees`] |
use crate::classify::Action;
use crate::linear::{Linear, Version};
use crate::lists::Lists;
use crate::packet::Packet;
use crate::plain::Plain;
use crate::shape::{halves, lines};
use crate::table::decode_action;
use core::net::IpAddr;
use cpu::{Bmi2, Extract, Portable};

mod asked;
mod decode;
mod group;
mod key;
mod node;
mod trees;

pub use asked::Asked;
pub use decode::ForestError;
pub use group::{Condition, GROUP, MOST_RULES, NO_RULE, answer};
pub use key::{KIND_LATER, KIND_LISTS, KIND_NUMBERS, Key, MOST_LISTS};
pub use node::{MOST_BITS, Node, SLOT, Slot};
pub use trees::{HEADER, MOST_STEPS, ROOT, Root};

use group::read_answer;
use trees::Trees;

/// 64-bit words of the addresses of both versions of IP.
const V4: usize = 1;
const V6: usize = 4;

/// The trees and what they can't hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forest<'a> {
    numbers: &'a [[u8; 4]],
    list: Linear<'a>,
    actions: &'a [u8],
    v4: Trees<'a, V4, { group::rows(V4) }, 4>,
    v6: Trees<'a, V6, { group::rows(V6) }, 8>,
    asked: [&'a [[u8; 4]]; 2],
    bmi2: Option<Bmi2>,
}

impl<'a> Forest<'a> {
    /// The same rules with other lists, which have all sets that these have.
    pub(crate) fn with_lists(self, lists: Lists<'a>) -> Self {
        Self { list: self.list.with_lists(lists), ..self }
    }

    /// The first rule that matches the packet, and its action.
    #[inline(always)]
    pub(crate) fn first_match(&self, packet: &Packet) -> Option<(u32, Action)> {
        let found = match self.bmi2 {
            Some(bmi2) => self.find(packet, bmi2),
            None => self.find_portable(packet),
        };
        read_answer(if self.numbers.is_empty() { found } else { self.find_listed(packet, found) })
    }

    /// The same for a plain packet; `None` where more than the trees is asked, or the processor lacks what they are fast with.
    #[inline(always)]
    pub(crate) fn first_match_plain(&self, plain: &Plain) -> Option<Option<(u32, Action)>> {
        let extract = self.bmi2?;
        if !self.numbers.is_empty() {
            return None;
        }
        let asked = self.asked[0];
        let lists = if asked.is_empty() { 0 } else { self.members(asked, &plain.packet()) };
        Some(read_answer(self.v4.first_match(&Key::plain(plain, lists), extract)))
    }

    /// The answer of the first rule in the trees that matches; [`NO_RULE`] if there is none.
    #[inline(always)]
    fn find(&self, packet: &Packet, extract: impl Extract) -> u32 {
        match (&packet.source, &packet.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let lists = self.members(self.asked[0], packet);
                self.v4.first_match(&Key::v4(source, destination, packet, lists), extract)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let lists = self.members(self.asked[1], packet);
                self.find_v6(&Key::v6(source, destination, packet, lists), extract)
            }
            // A packet is of one version.
            _ => NO_RULE,
        }
    }

    // Apart from the most common, so that little stands in the way of that.

    #[inline(never)]
    fn find_portable(&self, packet: &Packet) -> u32 {
        self.find(packet, Portable)
    }

    #[inline(never)]
    fn find_v6(&self, key: &Key<8>, extract: impl Extract) -> u32 {
        self.v6.first_match(key, extract)
    }

    /// In which of the lists that are asked an address is: a bit for each.
    #[inline(always)]
    fn members(&self, asked: &[[u8; 4]], packet: &Packet) -> u32 {
        if asked.is_empty() { 0 } else { asked::members(asked, self.list.lists(), packet) }
    }

    /// Brings near what the lists will read for these packets. It decides nothing.
    pub(crate) fn fetch_lists(&self, packets: &[Packet]) {
        asked::fetch(self.asked[0], self.list.lists(), packets);
    }

    /// The answer of the first rule of the list that matches, if it comes before `found`.
    fn find_listed(&self, packet: &Packet, found: u32) -> u32 {
        let before = self.numbers.partition_point(|number| u32::from_le_bytes(*number) < found >> 1);
        let listed = self.list.first_match_of(before, packet).and_then(|index| self.numbers.get(index));
        let Some(rule) = listed.map(|number| u32::from_le_bytes(*number)) else { return found };
        self.action(rule).map_or(found, |action| answer(rule, action))
    }

    /// The action of a rule.
    #[inline]
    pub(crate) fn action(&self, rule: u32) -> Option<Action> {
        decode_action(*self.actions.get(usize::try_from(rule).ok()?)?)
    }

    /// How many trees there are, and how many rules beside them.
    pub(crate) fn parts(&self) -> (usize, usize) {
        (self.v4.len() + self.v6.len(), self.numbers.len())
    }

    /// The most accesses to memory for a packet of this version of IP, see [`Worst`](crate::shape::Worst).
    pub(crate) fn worst(&self, version: Version) -> usize {
        let (trees, roots) = match version {
            Version::V4 => (self.v4.worst(), self.v4.len()),
            Version::V6 => (self.v6.worst(), self.v6.len()),
        };
        // And the action of the one that is found.
        let action = usize::from(!self.numbers.is_empty());
        let listed = halves(self.numbers.len(), 4) + self.list.worst(version) + action;
        let asked = match version {
            Version::V4 => self.asked[0],
            Version::V6 => self.asked[1],
        };
        lines(roots * ROOT) + trees + listed + asked::accesses(asked, self.list.lists())
    }
}
