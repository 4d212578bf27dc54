//! What a rule of Amazon's asks: a protocol, and two numbers.
use crate::compile::ranges::Range;
use crate::export::block::Block;
use firewall::protocol;

/// A protocol, -1 for any, and what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) protocol: i16,
    pub(super) numbers: Numbers,
}

/// What is asked of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    None,
    /// The first and the last destination port.
    Ports(u16, u16),
    /// A type and a code of ICMP, -1 for any.
    Message(i16, i16),
}

/// All that a block asks in a version of IP, which needs a rule each.
pub(super) fn all(block: &Block, is_v6: bool) -> Vec<Asked> {
    let Some(protocols) = &block.protocols else { return vec![Asked { protocol: -1, numbers: Numbers::None }] };
    let icmp = if is_v6 { protocol::ICMPV6 } else { protocol::ICMP };
    let mut all = Vec::new();
    for number in protocols {
        let mut add = |numbers| all.push(Asked { protocol: (*number).into(), numbers });
        match *number {
            protocol::TCP | protocol::UDP => {
                for (first, last) in block.second.as_deref().unwrap_or(&[(0, 65535)]) {
                    add(Numbers::Ports(*first as u16, *last as u16));
                }
            }
            // ICMP of the other version has no types: it is a protocol like any other.
            number if number == icmp => {
                messages(block).into_iter().for_each(|(of, code)| add(Numbers::Message(of, code)))
            }
            _ => add(Numbers::None),
        }
    }
    all
}

/// Types with codes. Codes of any type are written for every type by itself.
fn messages(block: &Block) -> Vec<(i16, i16)> {
    if !block.is_icmp() {
        return vec![(-1, -1)];
    }
    let each = |ranges: &[Range]| -> Vec<i16> {
        ranges.iter().flat_map(|(first, last)| *first as i16..=*last as i16).collect()
    };
    match (&block.first, &block.second) {
        (None, None) => vec![(-1, -1)],
        (Some(types), None) => each(types).into_iter().map(|of| (of, -1)).collect(),
        (types, Some(codes)) => {
            let codes = each(codes);
            let types = each(types.as_deref().unwrap_or(&[(0, 255)]));
            types.into_iter().flat_map(|of| codes.iter().map(move |code| (of, *code))).collect()
        }
    }
}
