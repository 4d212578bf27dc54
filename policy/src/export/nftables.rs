//! nftables: a table for nft(8), the packet filter of Linux, and what such a text means.
//!
//! Rules stand in a chain at the hook `prerouting`, before fragments are put together (priority -400), so that packets are
//! seen as they come. Fragments other than the first have a chain of their own: they have no ports, and the protocol of one in
//! IPv6 is what its fragment header says, which `meta l4proto` does not tell for all protocols.
mod lex;
mod matches;
mod read;
mod rule;
mod values;
mod write;

pub use read::read;
pub use write::{hides_authenticated, write};
