//! The network on a fake card.
