//! Why the boot stopped.
use crate::program::StartError;
use core::fmt;
use firewall::DecodeError;
use image::archive::ImageError;

/// Why the boot stopped; nothing runs, and no frame was taken.
#[derive(Debug)]
pub enum BootError {
    /// The loader gave no image.
    NoImage,
    /// The image is not what it should be.
    Image(ImageError),
    /// The policy cannot be decoded.
    Policy(DecodeError),
    /// There is no source of randomness.
    NoEntropy,
    /// There is no network card.
    NoNetwork,
    /// The program cannot be started.
    Program(StartError),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootError::NoImage => write!(
                f,
                "no image: give the kernel one as its first module (QEMU: -initrd IMAGE), or have it in memory and say \
                 where: image=START+LENGTH, in bytes, on the command line"
            ),
            BootError::Image(error) => write!(f, "the image cannot be read: {error}"),
            BootError::Policy(error) => {
                write!(
                    f,
                    "the policy cannot be decoded: {error}; nothing runs without its policy: build the image again"
                )
            }
            BootError::NoEntropy => {
                write!(f, "no source of randomness: give the machine a virtio-rng device or a processor with RDRAND")
            }
            BootError::NoNetwork => write!(f, "no network card: give the machine a virtio-net device"),
            BootError::Program(error) => write!(f, "the program cannot be started: {error}"),
        }
    }
}

impl core::error::Error for BootError {}

impl From<ImageError> for BootError {
    fn from(error: ImageError) -> Self {
        BootError::Image(error)
    }
}

impl From<DecodeError> for BootError {
    fn from(error: DecodeError) -> Self {
        BootError::Policy(error)
    }
}

impl From<StartError> for BootError {
    fn from(error: StartError) -> Self {
        BootError::Program(error)
    }
}
