//! Addresses in texts that are read back: an address, a prefix, or a range.
use crate::policy::Prefix;
use core::net::{Ipv4Addr, Ipv6Addr};

/// The prefixes that `10.0.2.2`, `10.0.2.0/24` or `10.0.2.2-10.0.2.9` stands for.
pub(super) fn prefixes_v4(text: &str) -> Option<Vec<Prefix<Ipv4Addr>>> {
    let number = |text: &str| text.parse::<Ipv4Addr>().ok().map(|address| u128::from(address.to_bits()));
    let of = |(first, length)| Prefix { address: Ipv4Addr::from_bits(first as u32), length };
    Some(split(text, number, 32)?.into_iter().map(of).collect())
}

/// The same in IPv6.
pub(super) fn prefixes_v6(text: &str) -> Option<Vec<Prefix<Ipv6Addr>>> {
    let number = |text: &str| text.parse::<Ipv6Addr>().ok().map(Ipv6Addr::to_bits);
    let of = |(first, length)| Prefix { address: Ipv6Addr::from_bits(first), length };
    Some(split(text, number, 128)?.into_iter().map(of).collect())
}

/// First addresses and lengths of prefixes. A prefix with a host part is refused.
fn split(text: &str, number: impl Fn(&str) -> Option<u128>, width: u8) -> Option<Vec<(u128, u8)>> {
    if let Some((address, length)) = text.split_once('/') {
        let (address, length) = (number(address)?, length.parse::<u8>().ok().filter(|length| *length <= width)?);
        let hosts = size(width - length);
        return (address & hosts == 0).then(|| vec![(address, length)]);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(cover(number(first)?, number(last)?, width))
}

/// The fewest prefixes that have the addresses from one to another, of so many bits.
fn cover(first: u128, last: u128, width: u8) -> Vec<(u128, u8)> {
    let (mut all, mut next) = (Vec::new(), (first <= last).then_some(first));
    while let Some(address) = next {
        // The largest block that begins here and does not go on behind the last.
        let fits = |bits: u8| address & size(bits) == 0 && address | size(bits) <= last;
        let bits = (0..=width).take_while(|bits| fits(*bits)).last().unwrap_or(0);
        all.push((address, width - bits));
        next = (address | size(bits)).checked_add(1).filter(|next| *next <= last);
    }
    all
}

/// So many ones.
fn size(bits: u8) -> u128 {
    u128::MAX.checked_shr(128 - u32::from(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_become_the_fewest_prefixes() {
        let of = |text| {
            prefixes_v4(text).map(|all| all.iter().map(|p| format!("{}/{}", p.address, p.length)).collect::<Vec<_>>())
        };
        assert_eq!(of("0.0.0.0-255.255.255.255").unwrap(), ["0.0.0.0/0"]);
        assert_eq!(of("10.0.0.1-10.0.0.6").unwrap(), ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"]);
        assert_eq!(of("255.255.255.255").unwrap(), ["255.255.255.255/32"]);
        assert_eq!(of("10.0.0.0/8").unwrap(), ["10.0.0.0/8"]);
        for wrong in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0", "::1", ""] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        let v6 = prefixes_v6("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").unwrap();
        assert_eq!((v6.len(), v6[0].length), (1, 0));
    }
}
