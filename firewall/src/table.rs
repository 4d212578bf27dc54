//! The compiled policy: a versioned, position-independent blob, little-endian, decoded with every bound checked.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | [`MAGIC`] |
//! | 4..6 | [`VERSION`] |
//! | 6 | the engine: [`LINEAR`](engine::LINEAR) or [`FOREST`](engine::FOREST) |
//! | 7 | what happens to a packet that no rule matches: 0 drop, 1 accept |
//! | 8..12 | length of the whole blob |
//! | 12..16 | how many rules there are |
//! | 16..20 | length of the engine's own part |
//! | 20.. | the engine's own part |
//! | ..n-4 | nothing, or from the next multiple of [`LINE`] on the [`lists`](crate::lists) |
//! | n-4..n | CRC-32 of all before it |
use crate::classify::Action;
use crate::crc;
use crate::forest::{Forest, ForestError};
use crate::linear::{Linear, LinearError};
use crate::lists::{LINE, Lists, ListsError};
use crate::shape::{Shape, Worst};
use core::fmt;

/// The first bytes of every table.
pub const MAGIC: [u8; 4] = *b"PCFW";
/// The version of this format.
pub const VERSION: u16 = 4;
/// Bytes of the header.
pub const HEADER: usize = 20;
/// Bytes of the checksum at the end.
pub const CHECKSUM: usize = 4;

/// The engines, by the number that stands for them in a table.
pub mod engine {
    /// [`linear`](crate::linear).
    pub const LINEAR: u8 = 0;
    /// [`forest`](crate::forest).
    pub const FOREST: u8 = 1;
}

/// A compiled policy. A value of this type is valid as a whole: deciding by it cannot fail.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    pub(crate) default: Action,
    pub(crate) engine: Engine<'a>,
    rules: u32,
    pub(crate) lists: Lists<'a>,
    checksum: u32,
}

/// How a table finds the rule that decides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine<'a> {
    Linear(Linear<'a>),
    Forest(Forest<'a>),
}

impl<'a> Table<'a> {
    /// Decodes a table and checks all of it.
    ///
    /// # Errors
    /// The first thing that is wrong with it; then nothing may be decided by it.
    pub fn decode(blob: &'a [u8]) -> Result<Self, DecodeError> {
        let header = blob.first_chunk::<HEADER>().ok_or(DecodeError::TooShort(blob.len()))?;
        let [m0, m1, m2, m3, v0, v1, engine, default, l0, l1, l2, l3, r0, r1, r2, r3, p0, p1, p2, p3] = *header;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(DecodeError::Magic([m0, m1, m2, m3]));
        }
        match u16::from_le_bytes([v0, v1]) {
            VERSION => (),
            other => return Err(DecodeError::Version(other)),
        }
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        if usize::try_from(length) != Ok(blob.len()) {
            return Err(DecodeError::Length { said: length, found: blob.len() });
        }
        let (sealed, checksum) = blob.split_last_chunk::<CHECKSUM>().ok_or(DecodeError::TooShort(blob.len()))?;
        let (said, found) = (u32::from_le_bytes(*checksum), crc::checksum(sealed));
        if said != found {
            return Err(DecodeError::Checksum { said, found });
        }
        let default = decode_action(default).ok_or(DecodeError::DefaultAction(default))?;
        let rules = u32::from_le_bytes([r0, r1, r2, r3]);
        let (part, lists) = split_parts(sealed, u32::from_le_bytes([p0, p1, p2, p3])).ok_or(DecodeError::Parts)?;
        let lists = Lists::decode(lists).map_err(DecodeError::Lists)?;
        Ok(Self { checksum: found, ..Self::of_part(engine, default, part, rules, lists)? })
    }

    /// Decodes an engine's own part, whose rules may name these lists. It has no checksum.
    pub(crate) fn of_part(
        engine: u8,
        default: Action,
        part: &'a [u8],
        rules: u32,
        lists: Lists<'a>,
    ) -> Result<Self, DecodeError> {
        let engine = match engine {
            engine::LINEAR => Engine::Linear(Linear::decode(part, rules, lists).map_err(DecodeError::Linear)?),
            engine::FOREST => Engine::Forest(Forest::decode(part, rules, lists).map_err(DecodeError::Forest)?),
            other => return Err(DecodeError::Engine(other)),
        };
        Ok(Self { default, engine, rules, lists, checksum: 0 })
    }

    /// The same rules with other lists, which have all sets that these have.
    pub(crate) fn with_lists(self, lists: Lists<'a>) -> Self {
        let engine = match self.engine {
            Engine::Linear(linear) => Engine::Linear(linear.with_lists(lists)),
            Engine::Forest(forest) => Engine::Forest(forest.with_lists(lists)),
        };
        Self { engine, lists, ..self }
    }

    /// The checksum at its end, by which a patch knows its table.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// How many rules there are.
    pub fn rules(&self) -> u32 {
        self.rules
    }

    /// What it is made of, and what a verdict may cost.
    pub fn shape(&self) -> Shape {
        let rules = self.rules as usize;
        let ((trees, listed), worst) = match &self.engine {
            Engine::Linear(linear) => ((0, rules), Worst::of(|version| linear.worst(version))),
            Engine::Forest(forest) => (forest.parts(), Worst::of(|version| forest.worst(version))),
        };
        Shape { rules, trees, listed, lists: self.lists.len(), list_bytes: self.lists.bytes(), worst }
    }

    /// What happens to a packet that no rule matches.
    pub fn default_action(&self) -> Action {
        self.default
    }
}

/// The engine's own part, and the lists: all but the checksum is that, the header, and zeros between them.
fn split_parts(sealed: &[u8], length: u32) -> Option<(&[u8], &[u8])> {
    let end = HEADER.checked_add(usize::try_from(length).ok()?)?;
    let part = sealed.get(HEADER..end)?;
    if end == sealed.len() {
        return Some((part, &[]));
    }
    let start = end.checked_next_multiple_of(LINE)?;
    let between = sealed.get(end..start)?;
    between.iter().all(|byte| *byte == 0).then_some((part, sealed.get(start..)?))
}

/// The header of a table that is `length` bytes long as a whole, `part` of which are the engine's own.
pub fn emit_header(engine: u8, default: Action, length: u32, rules: u32, part: u32) -> [u8; HEADER] {
    let [m0, m1, m2, m3] = MAGIC;
    let [v0, v1] = VERSION.to_le_bytes();
    let [l0, l1, l2, l3] = length.to_le_bytes();
    let [r0, r1, r2, r3] = rules.to_le_bytes();
    let [p0, p1, p2, p3] = part.to_le_bytes();
    [m0, m1, m2, m3, v0, v1, engine, emit_action(default), l0, l1, l2, l3, r0, r1, r2, r3, p0, p1, p2, p3]
}

/// The checksum that ends a table, of all its other bytes.
pub fn emit_checksum(sealed: &[u8]) -> [u8; CHECKSUM] {
    crc::checksum(sealed).to_le_bytes()
}

/// The byte that stands for an action.
pub const fn emit_action(action: Action) -> u8 {
    match action {
        Action::Drop => 0,
        Action::Accept => 1,
    }
}

/// The first `count` arrays of `N` bytes, and what follows them; `None` when there are fewer.
pub(crate) fn split_chunks<const N: usize>(bytes: &[u8], count: u32) -> Option<(&[[u8; N]], &[u8])> {
    let length = usize::try_from(count).ok()?.checked_mul(N)?;
    let (taken, rest) = bytes.split_at_checked(length)?;
    Some((taken.as_chunks().0, rest))
}

pub(crate) const fn decode_action(byte: u8) -> Option<Action> {
    match byte {
        0 => Some(Action::Drop),
        1 => Some(Action::Accept),
        _ => None,
    }
}

/// Why bytes are not a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// There are only this many bytes, less than the header and the checksum take.
    TooShort(usize),
    /// It starts with other bytes than [`MAGIC`].
    Magic([u8; 4]),
    /// It is of another version.
    Version(u16),
    /// It is not as long as its header says, in bytes.
    Length {
        /// What the header says.
        said: u32,
        /// What there is.
        found: usize,
    },
    /// It was changed after it was made.
    Checksum {
        /// The checksum at its end.
        said: u32,
        /// The checksum of its bytes.
        found: u32,
    },
    /// The action for a packet that no rule matches is none that is known.
    DefaultAction(u8),
    /// It is for an engine that is not known.
    Engine(u8),
    /// The engine's part and the lists do not make up the whole.
    Parts,
    /// The lists are wrong.
    Lists(ListsError),
    /// The part of the linear engine is wrong.
    Linear(LinearError),
    /// The part of the forest is wrong.
    Forest(ForestError),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(length) => write!(f, "the compiled policy is cut short: it has only {length} bytes"),
            Self::Magic(bytes) => write!(f, "this is not a compiled policy: it starts with {bytes:02x?}"),
            Self::Version(version) => {
                write!(f, "the compiled policy has version {version}, this kernel reads version {VERSION}: ")?;
                f.write_str("build the image again with the command that this kernel came with")
            }
            Self::Length { said, found } => {
                write!(f, "the compiled policy is damaged: it says that it has {said} bytes and has {found}")
            }
            Self::Checksum { said, found } => {
                write!(f, "the compiled policy is damaged: its checksum is {found:08x}, not {said:08x}")
            }
            Self::DefaultAction(byte) => write!(f, "the compiled policy has a default action {byte}, not 0 or 1"),
            Self::Engine(engine) => {
                write!(f, "the compiled policy is for engine {engine}, which this kernel does not have: ")?;
                f.write_str("build the image again with the command that this kernel came with")
            }
            Self::Parts => {
                f.write_str("the compiled policy does not hold together: its parts do not make up the whole")
            }
            Self::Lists(error) => write!(f, "the compiled policy does not hold together: {error}"),
            Self::Forest(error) => write!(f, "the compiled policy does not hold together: {error}"),
            Self::Linear(error) => write!(f, "the compiled policy does not hold together: {error}"),
        }
    }
}

impl core::error::Error for DecodeError {}
