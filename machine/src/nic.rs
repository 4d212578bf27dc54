//! The network card: frames of Ethernet, one at a time, in place.

#[cfg(not(feature = "bare"))]
pub use crate::hardware::nic::Wire;
pub use crate::hardware::nic::{Frame, Nic};

/// Whether frames to send wait for [`Nic::flush`].
pub fn waiting() -> bool {
    crate::hardware::nic::waiting()
}

/// The longest frame that the card takes or gives: 14 bytes of Ethernet header and 1,500 of payload, without the FCS.
pub const MAX_FRAME: usize = 1514;
