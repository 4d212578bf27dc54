//! A set as few regions that a reader can take in.
use super::build::{self, FOLLOWED};
use super::diagram::{Diagrams, FULL, Id, NONE, Op, TooLarge};
use super::field::Field;
use super::region::{Region, Regions};
use super::witness::Point;
use super::{Set, Space};
use crate::compile::ranges::{Range, complement, union};
use firewall::protocol::{ICMP, ICMPV6, TCP, UDP};
use std::collections::HashMap;

/// Values of every field; a packet is in it if all of its are.
pub(super) type Product = [Id; Field::ALL.len()];

/// In which order a region is widened: the best for one set is not the best for another.
const ORDERS: [[Field; 4]; 6] = {
    use Field::{Destination, DestinationPort, Source, SourcePort};
    [
        [SourcePort, Source, Destination, DestinationPort],
        [SourcePort, Destination, DestinationPort, Source],
        [Source, Destination, SourcePort, DestinationPort],
        [DestinationPort, SourcePort, Destination, Source],
        [Destination, SourcePort, DestinationPort, Source],
        [DestinationPort, Source, SourcePort, Destination],
    ]
};

impl Space {
    /// A set as regions that together have its packets and no others; they may overlap. Each is as wide as it can be, and is
    /// begun with the widest that is found; after `most` the rest is left, and said so.
    pub fn regions(&mut self, set: Set, most: usize) -> Result<Regions, TooLarge> {
        let possible = self.possible.0;
        let diagrams = &mut self.diagrams;
        let outside = diagrams.without(possible, set.0)?;
        let (mut rest, mut found) = (set.0, Vec::new());
        while let Some(point) = diagrams.point(rest) {
            if found.len() == most {
                break;
            }
            let mut best: Option<(f64, Product, Id)> = None;
            for order in &ORDERS {
                for protocol_first in [false, true] {
                    let values = diagrams.widen(&point, order, protocol_first, outside)?;
                    let inside = diagrams.product(&values)?;
                    let new = diagrams.apply(Op::And, inside, rest)?;
                    let size = diagrams.size(new);
                    if best.as_ref().is_none_or(|(most, ..)| size > *most) {
                        best = Some((size, values, inside));
                    }
                }
            }
            let Some((_, values, inside)) = best else { break };
            rest = diagrams.without(rest, inside)?;
            found.push(values);
        }
        let found = self.needed(found, set, rest)?;
        let regions = found.iter().map(|values| self.region(values)).collect::<Result<Vec<Region>, _>>()?;
        Ok(Regions { regions, is_all: rest == NONE, rest: Set(rest) })
    }

    /// Without those that the others have whole.
    fn needed(&mut self, mut found: Vec<Product>, set: Set, rest: Id) -> Result<Vec<Product>, TooLarge> {
        let wanted = self.diagrams.without(set.0, rest)?;
        for at in (0..found.len()).rev() {
            let mut left = wanted;
            for (_, values) in found.iter().enumerate().filter(|(other, _)| *other != at) {
                let inside = self.diagrams.product(values)?;
                left = self.diagrams.without(left, inside)?;
            }
            if left == NONE {
                found.remove(at);
            }
        }
        Ok(found)
    }

    fn region(&mut self, values: &Product) -> Result<Region, TooLarge> {
        let inside = self.diagrams.product(values)?;
        let set = self.and(Set(inside), self.possible)?;
        let [version, protocol, later, source, destination, second, first] = *values;
        let diagrams = &self.diagrams;
        let of = |id: Id, field: Field, width: u16| (id != FULL).then(|| diagrams.ranges(id, field, width));
        let version = of(version, Field::Version, 1).map(|ranges| ranges == [(1, 1)]);
        let address_width = if version == Some(true) { 128 } else { 32 };
        let is_later = of(later, Field::Later, 1).map(|ranges| ranges == [(1, 1)]);
        let protocols = of(protocol, Field::Protocol, 8);
        let protocols = match (version, is_later) {
            (Some(true), Some(false)) => protocols.map(without_followed),
            _ => protocols,
        };
        let is = |number: u8| protocols.as_deref() == Some(&[(u128::from(number), u128::from(number))]);
        let is_icmp = is(ICMP) && version == Some(false) || is(ICMPV6) && version == Some(true);
        let number_width = if is_icmp { 8 } else { 16 };
        Ok(Region {
            set,
            is_v6: version,
            is_later,
            is_icmp,
            source: of(source, Field::Source, address_width),
            destination: of(destination, Field::Destination, address_width),
            source_port_or_type: of(first, Field::SourcePort, number_width),
            destination_port_or_code: of(second, Field::DestinationPort, number_width),
            protocols,
        })
    }
}

impl Diagrams {
    /// The values of a point, widened field by field as far as nothing outside the set comes in.
    fn widen(
        &mut self,
        point: &Point,
        order: &[Field],
        protocol_first: bool,
        outside: Id,
    ) -> Result<Product, TooLarge> {
        let mut values = [FULL; Field::ALL.len()];
        for field in Field::ALL {
            values[field.index()] = self.pin(field, point[field.index()])?;
        }
        if protocol_first {
            self.widen_protocol(&mut values, point, outside)?;
        }
        for field in order {
            values[field.index()] = self.wide(&values, *field, outside)?;
        }
        self.widen_protocol(&mut values, point, outside)?;
        let [numbers, addresses] = [[Field::SourcePort, Field::DestinationPort], [Field::Source, Field::Destination]];
        let are_free = |values: &Product, fields: [Field; 2]| fields.iter().all(|field| values[field.index()] == FULL);
        // Values of these fields mean something else where there are no ports, and in the other version.
        if are_free(&values, numbers) {
            values[Field::Later.index()] = self.wide(&values, Field::Later, outside)?;
        }
        if are_free(&values, addresses) && (are_free(&values, numbers) || has_ports(point)) {
            values[Field::Version.index()] = self.wide(&values, Field::Version, outside)?;
        }
        Ok(values)
    }

    fn widen_protocol(&mut self, values: &mut Product, point: &Point, outside: Id) -> Result<(), TooLarge> {
        let wide = self.wide(values, Field::Protocol, outside)?;
        let numbers = [Field::SourcePort, Field::DestinationPort];
        let is_free = numbers.iter().all(|field| values[field.index()] == FULL);
        let protocol = &mut values[Field::Protocol.index()];
        if is_free {
            *protocol = wide;
        } else if has_ports(point) {
            let ranges = [TCP, UDP].map(|protocol| (protocol.into(), protocol.into()));
            let alike = build::of_field(self, Field::Protocol, 8, ranges.into())?;
            *protocol = self.apply(Op::And, wide, alike)?;
        }
        Ok(())
    }

    /// All values of a field with which the others lead to nothing outside.
    fn wide(&mut self, values: &Product, field: Field, outside: Id) -> Result<Id, TooLarge> {
        let mut others = *values;
        others[field.index()] = FULL;
        let others = self.product(&others)?;
        let wrong = self.apply(Op::And, others, outside)?;
        let wrong = self.project(wrong, field)?;
        self.others(wrong)
    }

    /// The packets that have these values.
    pub(super) fn product(&mut self, values: &Product) -> Result<Id, TooLarge> {
        values.iter().rev().try_fold(FULL, |all, values| self.apply(Op::And, *values, all))
    }

    /// The values of a field that packets of a set have.
    pub(super) fn project(&mut self, id: Id, field: Field) -> Result<Id, TooLarge> {
        let levels = self.layout.levels(field);
        self.projected(id, &levels, &mut HashMap::new())
    }

    fn projected(
        &mut self,
        id: Id,
        levels: &core::ops::Range<u16>,
        known: &mut HashMap<Id, Id>,
    ) -> Result<Id, TooLarge> {
        let Some(node) = self.node(id).filter(|node| node.level < levels.end) else {
            return Ok(if id == NONE { NONE } else { FULL });
        };
        if let Some(found) = known.get(&id) {
            return Ok(*found);
        }
        let low = self.projected(node.sides[0], levels, known)?;
        let high = self.projected(node.sides[1], levels, known)?;
        let result = match levels.contains(&node.level) {
            true => self.ask(node.level, [low, high])?,
            false => self.apply(Op::Or, low, high)?,
        };
        known.insert(id, result);
        Ok(result)
    }

    /// The values of a set of one field, as ranges of its first `width` bits, in order and apart.
    pub(super) fn ranges(&self, id: Id, field: Field, width: u16) -> Vec<(u128, u128)> {
        let mut ranges = Vec::new();
        self.add_ranges(id, self.layout.levels(field).start, width, 0, &mut ranges);
        ranges
    }

    fn add_ranges(&self, id: Id, level: u16, bits: u16, first: u128, ranges: &mut Vec<(u128, u128)>) {
        let node = self.node(id).filter(|_| bits > 0);
        match node {
            None if id == NONE => {}
            None => {
                let last = first | u128::MAX.checked_shr(128 - u32::from(bits)).unwrap_or(0);
                match ranges.last_mut() {
                    Some((_, end)) if end.checked_add(1) == Some(first) => *end = last,
                    _ => ranges.push((first, last)),
                }
            }
            Some(node) => {
                let sides = if node.level == level { node.sides } else { [id; 2] };
                self.add_ranges(sides[0], level + 1, bits - 1, first, ranges);
                self.add_ranges(sides[1], level + 1, bits - 1, first | 1 << (bits - 1), ranges);
            }
        }
    }
}

/// Protocols of IPv6 packets that are no later fragments, without those that none of them has, where that takes no more words.
fn without_followed(protocols: Vec<Range>) -> Vec<Range> {
    let others = complement(&protocols, 255).into_iter();
    let followed = FOLLOWED.map(|number| (number.into(), number.into()));
    let possible = complement(&union(others.chain(followed).collect()), 255);
    let words = |ranges: &[Range]| ranges.len().min(complement(ranges, 255).len());
    if words(&possible) <= words(&protocols) { possible } else { protocols }
}

/// Whether it is a packet with ports.
fn has_ports(point: &Point) -> bool {
    let protocol = point[Field::Protocol.index()];
    (protocol == u128::from(TCP) || protocol == u128::from(UDP)) && point[Field::Later.index()] == 0
}
