//! An image: a `newc` archive (cpio(5)).
