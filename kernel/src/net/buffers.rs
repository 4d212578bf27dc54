//! How large the buffers of a connection are: large while few are open, small when there are thousands.
//!
//! The smallest buffers are kept free for every connection that there may be. What goes beyond them comes from a budget, of
//! which a connection gets a share of what is left when it begins; its buffers then stay as they are.

/// Bytes to receive and to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes received that the program has not read: the largest window.
    pub receive: usize,
    /// Bytes the program wrote that the peer has not acknowledged.
    pub send: usize,
}

/// What a connection can count on.
pub const LEAST: Sizes = Sizes { receive: 4 << 10, send: 4 << 10 };
/// What connections get without asking, the best first.
const OFFERS: [Sizes; 3] = [
    Sizes { receive: 32 << 10, send: 64 << 10 },
    Sizes { receive: 16 << 10, send: 32 << 10 },
    Sizes { receive: 8 << 10, send: 16 << 10 },
];
/// The most that SO_RCVBUF and SO_SNDBUF get (net.core.rmem_max and wmem_max of Linux).
const MOST: usize = 212_992;
/// What a connection needs besides, in the kernel: its socket, its entries in maps, its descriptor.
const BESIDES: usize = 2 << 10;
/// The part of the budget that is left that one connection may take.
const SHARE: usize = 64;
/// The part that one may take that asks for it.
const ASKED_SHARE: usize = 16;
/// The least and the greatest number of connections that there may be.
const CONNECTIONS: core::ops::RangeInclusive<usize> = 16..=65_536;

impl Sizes {
    fn bytes(self) -> usize {
        self.receive + self.send
    }

    /// What it takes from the budget.
    fn beyond_least(self) -> usize {
        self.bytes().saturating_sub(LEAST.bytes())
    }
}

/// Sizes that the program asked for (SO_RCVBUF, SO_SNDBUF), in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// To receive.
    pub receive: Option<usize>,
    /// To send.
    pub send: Option<usize>,
}

/// The memory for buffers.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Most connections at a time.
    pub limit: usize,
    left: usize,
}

impl Budget {
    /// Of this much memory in bytes: a quarter is for the least of every connection, an eighth for more than that.
    pub fn new(memory: u64) -> Self {
        let part = |divisor: u64| usize::try_from(memory / divisor).unwrap_or(usize::MAX);
        let limit = (part(4) / (LEAST.bytes() + BESIDES)).clamp(*CONNECTIONS.start(), *CONNECTIONS.end());
        Budget { limit, left: part(8) }
    }

    /// Takes the buffers of a connection that begins; `free` is the memory that nobody uses. Give them back with
    /// [`put_back`](Self::put_back).
    pub fn take(&mut self, wish: Wish, free: u64) -> Sizes {
        let left = self.left.min(usize::try_from(free / 2).unwrap_or(usize::MAX));
        let offered = OFFERS.into_iter().find(|offer| offer.beyond_least() <= left / SHARE).unwrap_or(LEAST);
        let size = |asked: Option<usize>, offered: usize, least: usize| {
            // As on Linux, there is room for twice what is asked for; it may be less than what is offered.
            asked.map_or(offered, |bytes| {
                bytes.min(MOST).saturating_mul(2).clamp(least, (left / ASKED_SHARE).max(least))
            })
        };
        let sizes = Sizes {
            receive: size(wish.receive, offered.receive, LEAST.receive),
            send: size(wish.send, offered.send, LEAST.send),
        };
        self.left = self.left.saturating_sub(sizes.beyond_least());
        sizes
    }

    /// Gives back the buffers of a connection that is over.
    pub fn put_back(&mut self, sizes: Sizes) {
        self.left = self.left.saturating_add(sizes.beyond_least());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: u64 = 64 << 30;

    #[test]
    fn the_first_get_much_and_the_last_little() {
        let mut budget = Budget::new(500 << 20);
        let sizes: Vec<Sizes> = (0..budget.limit).map(|_| budget.take(Wish::default(), FREE)).collect();
        assert!(budget.limit >= 10_000, "{} connections", budget.limit);
        assert!(sizes[..256].iter().all(|sizes| *sizes == OFFERS[0]));
        assert!(sizes.is_sorted_by_key(|sizes| core::cmp::Reverse(sizes.bytes())));
        assert_eq!(sizes.last(), Some(&LEAST));
        let bytes: usize = sizes.iter().map(|sizes| sizes.bytes() + BESIDES).sum();
        assert!(bytes <= 3 * (500 << 20) / 8, "{bytes} bytes");
        sizes.into_iter().for_each(|sizes| budget.put_back(sizes));
        assert_eq!(budget.take(Wish::default(), FREE), OFFERS[0]);
    }

    #[test]
    fn little_free_memory_makes_small_buffers() {
        let mut budget = Budget::new(1 << 30);
        assert_eq!(budget.take(Wish::default(), 1 << 20), LEAST);
    }

    #[test]
    fn what_is_asked_for_is_given_as_far_as_there_is_memory() {
        let mut budget = Budget::new(128 << 20);
        let wish = |receive, send| Wish { receive: Some(receive), send: Some(send) };
        assert_eq!(budget.take(wish(100_000, 1), FREE), Sizes { receive: 200_000, send: LEAST.send });
        assert_eq!(budget.take(wish(usize::MAX, usize::MAX), FREE), Sizes { receive: 2 * MOST, send: 2 * MOST });
        let sizes = Budget::new(16 << 20).take(wish(MOST, MOST), FREE);
        assert_eq!(sizes, Sizes { receive: (2 << 20) / ASKED_SHARE, send: (2 << 20) / ASKED_SHARE });
    }
}
