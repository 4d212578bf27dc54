//! The network on a fake card, with a second stack or frames made by hand at the other end of the wire.
mod connections;
mod datagrams;
mod gate;
mod hostile;
mod hosts;
mod lease;
mod listening;
mod loopback;
mod packets;
mod policies;
mod world;
