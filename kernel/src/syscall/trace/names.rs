//! Names of numbers: one of several, or bits.
use alloc::string::String;
use core::fmt::Write;

/// Numbers and their names.
pub struct Names {
    /// Those that share bits with others, tried first, under this mask; for bits only. 0 for none.
    pub choice: u64,
    /// Number and name.
    pub known: &'static [(u64, &'static str)],
    /// How one is called that has no name.
    pub unknown: &'static str,
}

impl Names {
    /// The name of a value of 32 bits.
    pub fn name(&self, value: u64) -> Option<&'static str> {
        let known = self.known.iter().find(|(known, _)| *known as u32 == value as u32);
        known.map(|(_, name)| *name)
    }

    /// Writes the name of a value of 32 bits.
    pub fn one(&self, text: &mut String, value: u64) {
        let value = value & 0xffff_ffff;
        match self.name(value) {
            Some(name) => text.push_str(name),
            // Writing to a string does not fail, here and below.
            None => drop(write!(text, "{value:#x} /* {} */", self.unknown)),
        }
    }

    /// Writes the names of the bits of a value of 32 bits.
    pub fn flags(&self, text: &mut String, value: u64) {
        let value = value & 0xffff_ffff;
        let chosen = self.known.iter().find(|(known, _)| self.choice != 0 && *known == value & self.choice);
        let mut left = value;
        let mut any = false;
        if let Some((bits, name)) = chosen {
            text.push_str(name);
            left &= !bits;
            any = true;
        }
        for (bits, name) in self.known.iter().filter(|(bits, _)| *bits & !self.choice != 0) {
            if left & bits == *bits {
                text.push_str(if any { "|" } else { "" });
                text.push_str(name);
                left &= !bits;
                any = true;
            }
        }
        match (any, left) {
            (true, 0) => {}
            (true, left) => drop(write!(text, "|{left:#x}")),
            (false, 0) => match self.known.iter().find(|(bits, _)| *bits == 0) {
                Some((_, name)) => text.push_str(name),
                None => text.push('0'),
            },
            (false, left) => drop(write!(text, "{left:#x} /* {} */", self.unknown)),
        }
    }
}
