//! Ethernet frames from arbitrary bytes, made to meet the rules of a policy.
use super::world::{self, Edges, MESSAGES, PORTS, PROTOCOLS};
use crate::policy::Policy;
use arbitrary::{Result, Unstructured};

/// What kind of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// IP packets whose headers hold together.
    WellFormed,
    /// One in four of them damaged, or something other than IP.
    Any,
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const ICMPV6: u8 = 58;
const NO_NEXT_HEADER: u8 = 59;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const DESTINATION_OPTIONS: u8 = 60;
/// Extension headers that are all of one form.
const OPTIONS: [u8; 3] = [HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS];

/// A frame, with addresses, protocol and ports at the edges of what the policy's rules name, or near them.
///
/// # Errors
/// Never for want of bytes; see [`arbitrary`].
pub fn frame(u: &mut Unstructured, policy: &Policy, traffic: Traffic) -> Result<Vec<u8>> {
    let edges = Edges::of(policy);
    let (ethertype, packet) =
        if u.ratio(1, 3)? { (0x86dd, ipv6(u, &edges, traffic)?) } else { (0x0800, ipv4(u, &edges, traffic)?) };
    let mut frame = ethernet(ethertype, &packet);
    frame.extend(vec![0xee; usize::from(u.int_in_range(0..=3_u8)?) * 7]);
    if traffic == Traffic::Any && u.ratio(1, 4)? {
        damage(u, &mut frame)?;
    }
    Ok(frame)
}

fn ethernet(ethertype: u16, packet: &[u8]) -> Vec<u8> {
    let addresses = [0x52, 0x54, 0, 0x12, 0x34, 0x56, 0x52, 0x55, 0x0a, 0, 2, 2];
    [addresses.as_slice(), &ethertype.to_be_bytes(), packet].concat()
}

/// Cuts a frame short, changes one of its bytes, or changes the ethertype.
fn damage(u: &mut Unstructured, frame: &mut Vec<u8>) -> Result<()> {
    let at = u.choose_index(frame.len().min(90))?;
    match u.int_in_range(0..=3)? {
        0 => frame.truncate(at),
        1 => frame[12..14].copy_from_slice(&u.choose(&[0x0806_u16, 0x8100, 0x86dd, 0x0800, 46])?.to_be_bytes()),
        _ => frame[at] = *u.choose(&[0, 1, 0x40, 0x45, 0x60, 0xff, 0x80, 4])?,
    }
    Ok(())
}

/// Which part of a datagram: offset in 8 bytes, and whether more follow.
fn fragment(u: &mut Unstructured, traffic: Traffic) -> Result<(u16, bool)> {
    Ok(match u.int_in_range(0..=5)? {
        0..=2 => (0, false),
        3 => (0, true),
        4 => (1, u.arbitrary()?),
        _ if traffic == Traffic::WellFormed => (*u.choose(&[2, 185, 8000])?, u.arbitrary()?),
        _ => (u.int_in_range(8180..=0x1fff)?, u.arbitrary()?),
    })
}

fn ipv4(u: &mut Unstructured, edges: &Edges, traffic: Traffic) -> Result<Vec<u8>> {
    let (source, destination) = (near(u, &edges.ipv4, world::ipv4)?, near(u, &edges.ipv4, world::ipv4)?);
    let (offset, more) = fragment(u, traffic)?;
    let protocol = protocol(u, edges, ICMP)?;
    let payload = payload(u, edges, protocol, (offset, more), traffic)?;
    let options = vec![1; usize::from(*u.choose(&[0_u8, 0, 0, 4, 40])?)];
    let header_length = 20 + options.len();
    let total_length = (header_length + payload.len()) as u16;
    let flags = offset | u16::from(more) << 13;
    let mut header = vec![0x40 | (header_length / 4) as u8, 0];
    header.extend(total_length.to_be_bytes());
    header.extend([0x12, 0x34]);
    header.extend(flags.to_be_bytes());
    header.extend([64, protocol, 0, 0]);
    Ok([header.as_slice(), &source.octets(), &destination.octets(), &options, &payload].concat())
}

fn ipv6(u: &mut Unstructured, edges: &Edges, traffic: Traffic) -> Result<Vec<u8>> {
    let (source, destination) = (near(u, &edges.ipv6, world::ipv6)?, near(u, &edges.ipv6, world::ipv6)?);
    let longest = if traffic == Traffic::Any && u.ratio(1, 8)? { 10 } else { 3 };
    let before = (0..u.int_in_range(0..=longest)?).map(|_| extension(u, traffic)).collect::<Result<Vec<_>>>()?;
    let parts = if u.ratio(1, 2)? { Some(fragment(u, traffic)?) } else { None };
    let (offset, more) = parts.unwrap_or_default();
    let after = if offset == 0 {
        (0..*u.choose(&[0, 0, 1, 2])?).map(|_| extension(u, traffic)).collect::<Result<_>>()?
    } else {
        vec![]
    };
    let protocol = protocol(u, edges, ICMPV6)?;
    let is_extension = OPTIONS.contains(&protocol) || [FRAGMENT, AUTHENTICATION].contains(&protocol);
    let protocol = if is_extension && offset == 0 { NO_NEXT_HEADER } else { protocol };
    let payload = payload(u, edges, protocol, (offset, more), traffic)?;

    let parts = parts.map(|(offset, more)| (FRAGMENT, fragment_header(offset, more)));
    let mut chain: Vec<_> = before.into_iter().chain(parts).chain(after).collect();
    if traffic == Traffic::WellFormed {
        chain.iter_mut().skip(1).filter(|(kind, _)| *kind == HOP_BY_HOP).for_each(|(kind, _)| *kind = ROUTING);
    }
    let mut next = protocol;
    let mut body = payload;
    for (kind, mut header) in chain.into_iter().rev() {
        header[0] = next;
        next = kind;
        body = [header, body].concat();
    }
    let [high, low] = (body.len() as u16).to_be_bytes();
    let header = [0x60, 0, 0, 0, high, low, next, 64];
    Ok([header.as_slice(), &source.octets(), &destination.octets(), &body].concat())
}

/// An extension header other than the fragment header, its next header still to be filled in.
fn extension(u: &mut Unstructured, traffic: Traffic) -> Result<(u8, Vec<u8>)> {
    let units = u.int_in_range(1..=3_u8)?;
    if u.ratio(1, 4)? {
        let mut header = vec![0; usize::from(units) * 8 + 8];
        header[1] = if traffic == Traffic::Any && u.ratio(1, 8)? { 0 } else { units * 2 };
        return Ok((AUTHENTICATION, header));
    }
    let mut header = vec![0; usize::from(units) * 8];
    header[1] = units - 1;
    Ok((*u.choose(&OPTIONS)?, header))
}

fn fragment_header(offset: u16, more: bool) -> Vec<u8> {
    let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
    vec![0, 0, high, low, 1, 2, 3, 4]
}

/// The protocol: mostly one that is parsed.
fn protocol(u: &mut Unstructured, edges: &Edges, icmp: u8) -> Result<u8> {
    match u.int_in_range(0..=8)? {
        0..=2 => Ok(TCP),
        3..=5 => Ok(UDP),
        6..=7 => Ok(icmp),
        _ => near(u, &edges.protocols, |u| u.choose(&PROTOCOLS).copied()),
    }
}

/// What follows the IP headers; of a later fragment it looks like a header and is none.
fn payload(
    u: &mut Unstructured,
    edges: &Edges,
    protocol: u8,
    (offset, more): (u16, bool),
    traffic: Traffic,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for _ in 0..2 {
        bytes.extend(near(u, &edges.ports, |u| u.choose(&PORTS).copied())?.to_be_bytes());
    }
    let data = usize::from(*u.choose(&[0_u8, 8, 32])?);
    match protocol {
        TCP => {
            let options = *u.choose(&[0_u8, 0, 4, 40])?;
            bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, (5 + options / 4) << 4, u.arbitrary()?, 0, 0, 0, 0, 0, 0]);
            bytes.extend(vec![1; options.into()]);
        }
        UDP => bytes.extend([0, (8 + data) as u8, 0, 0]),
        ICMP | ICMPV6 => {
            for byte in bytes.iter_mut().take(2) {
                *byte = near(u, &edges.messages, |u| u.choose(&MESSAGES).copied())?;
            }
            bytes.extend([0; 4]);
        }
        _ => bytes.extend([0; 4]),
    }
    bytes.extend(vec![0xdd; data]);
    if traffic == Traffic::Any && u.ratio(1, 12)? {
        bytes.truncate(usize::from(u.int_in_range(0..=21_u8)?));
    }
    if offset > 0 && !more {
        bytes.truncate(usize::from(u.arbitrary::<u8>()?));
    }
    Ok(bytes)
}

/// Mostly one of the edges, if there are any.
fn near<T: Copy>(u: &mut Unstructured, edges: &[T], other: fn(&mut Unstructured) -> Result<T>) -> Result<T> {
    if !edges.is_empty() && u.ratio(3, 4)? { u.choose(edges).copied() } else { other(u) }
}
