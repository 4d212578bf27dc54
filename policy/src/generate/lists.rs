//! Address lists from arbitrary bytes: small ones of prefixes at edges, and large ones that follow from few bytes.
use super::rules::{prefix_v4, prefix_v6};
use super::world;
use crate::policy::{List, Prefix, Prefixes};
use arbitrary::{Result, Unstructured};
use core::net::{Ipv4Addr, Ipv6Addr};

/// What lies between two members of a large list, by bit: neighbours, neighbours but one, and far apart.
const STEPS_V4: [u32; 7] = [1, 2, 3, 0x40, 0x101, 0x0001_0003, 0x0123_4567];
const STEPS_V6: [u128; 6] = [1, 2, 3, 1 << 40, 1 << 64, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef];

/// The members of large lists: on either side of what each form of a set holds.
const SIZES: [u32; 8] = [15, 16, 17, 18, 33, 100, 700, 5000];

/// Up to three lists; two policies of three have none.
pub(super) fn lists(u: &mut Unstructured) -> Result<Vec<List>> {
    let count = if u.ratio(1, 3)? { u.int_in_range(1..=3)? } else { 0 };
    (0..count).map(|number| list(u, number)).collect()
}

fn list(u: &mut Unstructured, number: usize) -> Result<List> {
    let mut ipv4 = (0..u.int_in_range(0..=4)?).map(|_| prefix_v4(u)).collect::<Result<Vec<_>>>()?;
    let mut ipv6 = (0..u.int_in_range(0..=4)?).map(|_| prefix_v6(u)).collect::<Result<Vec<_>>>()?;
    for _ in 0..*u.choose(&[0, 1, 1, 2])? {
        if u.arbitrary()? {
            ipv4.extend(many_v4(u)?);
        } else {
            ipv6.extend(many_v6(u)?);
        }
    }
    let (ipv4, ipv6) = (Prefixes::<Ipv4Addr>::new(ipv4), Prefixes::<Ipv6Addr>::new(ipv6));
    Ok(List { name: format!("list{number}"), ipv4, ipv6 })
}

/// Prefixes of one length, one step after another.
fn many_v4(u: &mut Unstructured) -> Result<impl Iterator<Item = Prefix<Ipv4Addr>>> {
    let start = world::ipv4(u)?.to_bits();
    let (step, length) = (*u.choose(&STEPS_V4)?, *u.choose(&[24, 28, 31, 32, 32, 32])?);
    let mask = u32::MAX << (32 - u32::from(length));
    let address = move |index: u32| Ipv4Addr::from_bits(start.wrapping_add(index.wrapping_mul(step)) & mask);
    Ok((0..*u.choose(&SIZES)?).map(move |index| Prefix { address: address(index), length }))
}

/// Prefixes of one length, one step after another.
fn many_v6(u: &mut Unstructured) -> Result<impl Iterator<Item = Prefix<Ipv6Addr>>> {
    let start = world::ipv6(u)?.to_bits();
    let (step, length) = (*u.choose(&STEPS_V6)?, *u.choose(&[48, 64, 100, 127, 128, 128])?);
    let mask = u128::MAX << (128 - u32::from(length));
    let address = move |index: u128| Ipv6Addr::from_bits(start.wrapping_add(index.wrapping_mul(step)) & mask);
    Ok((0..*u.choose(&SIZES)?).map(move |index| Prefix { address: address(index.into()), length }))
}
