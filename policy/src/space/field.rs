//! What rules can ask of a packet, as bits in an order.

/// A field of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The version of IP: 0 is IPv4, 1 is IPv6. 1 bit.
    Version,
    /// The protocol. 8 bits.
    Protocol,
    /// Whether it is a fragment other than the first. 1 bit.
    Later,
    /// The source address: 128 bits, of which an IPv4 packet has the first 32; the others do not count then.
    Source,
    /// The destination address, likewise.
    Destination,
    /// The destination port of TCP and UDP; the code of ICMP in its first 8 bits. 16 bits, which do not count in a packet that
    /// has none: one of another protocol, or a fragment other than the first.
    DestinationPort,
    /// The source port; the type of ICMP in its first 8 bits. Likewise.
    SourcePort,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Version,
        Self::Protocol,
        Self::Later,
        Self::Source,
        Self::Destination,
        Self::DestinationPort,
        Self::SourcePort,
    ];

    /// How many bits it has.
    pub const fn width(self) -> u16 {
        match self {
            Self::Version | Self::Later => 1,
            Self::Protocol => 8,
            Self::Source | Self::Destination => 128,
            Self::DestinationPort | Self::SourcePort => 16,
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// In which order diagrams ask the fields. How large they become depends on it, more than on anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    order: [Field; Field::ALL.len()],
    /// Where the bits of each field begin.
    first: [u16; Field::ALL.len()],
}

impl Layout {
    /// Those that are tried. What says what the other bits mean is asked first.
    pub(super) const TRIED: [Self; 3] = {
        use Field::{Destination, DestinationPort, Source, SourcePort};
        [
            Self::of([Source, Destination, DestinationPort, SourcePort]),
            Self::of([DestinationPort, SourcePort, Destination, Source]),
            Self::of([SourcePort, Destination, DestinationPort, Source]),
        ]
    };

    const fn of(last: [Field; 4]) -> Self {
        let order = [Field::Version, Field::Protocol, Field::Later, last[0], last[1], last[2], last[3]];
        let (mut first, mut at, mut level) = ([0; Field::ALL.len()], 0, 0);
        while at < order.len() {
            first[order[at].index()] = level;
            level += order[at].width();
            at += 1;
        }
        Self { order, first }
    }

    /// All fields, in the order in which they are asked.
    pub(super) const fn fields(&self) -> [Field; Field::ALL.len()] {
        self.order
    }

    /// The levels of a field's bits, the highest bit first.
    pub(super) fn levels(&self, field: Field) -> core::ops::Range<u16> {
        let first = self.first[field.index()];
        first..first + field.width()
    }
}
