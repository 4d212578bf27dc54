//! The arguments of one call, as text.
use super::names::Names;
use crate::program::memory::Memory;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use zerocopy::{FromBytes, IntoBytes};

/// Prints the argument of this index.
pub type Print = fn(&mut Printer<'_>, usize);

/// What an argument is.
#[derive(Clone, Copy)]
pub enum Kind {
    /// What the program passes.
    Now(Print),
    /// What the kernel fills in: it is there when the call is over.
    Later(Print),
    /// Bits.
    Flags(&'static Names),
    /// One value of several.
    One(&'static Names),
    /// This argument and all that follow, which depend on others.
    Rest(Print),
    /// The same, once the call is over.
    RestLater(Print),
}

/// Writes the arguments of a call.
pub struct Printer<'a> {
    /// The program's memory.
    pub memory: &'a Memory,
    /// The arguments.
    pub args: [u64; 6],
    /// What the call gave, once it is over: `rax`.
    pub result: Option<u64>,
    /// What a length that the kernel changes was before.
    pub before: u32,
    /// The text.
    pub text: String,
}

impl Printer<'_> {
    /// An argument.
    pub fn arg(&self, index: usize) -> u64 {
        self.args.get(index).copied().unwrap_or(0)
    }

    /// Whether the call is over and went well.
    pub fn succeeded(&self) -> bool {
        self.result.is_some_and(|rax| rax <= -4096_i64 as u64)
    }

    /// What a call that went well gave, as a length.
    pub fn length(&self) -> usize {
        self.result.filter(|_| self.succeeded()).map_or(0, |rax| rax as usize)
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds text: `p.put(format_args!(...))`.
    pub fn put(&mut self, text: core::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(text);
    }

    /// The name of a value.
    pub fn one(&mut self, names: &Names, value: u64) {
        names.one(&mut self.text, value);
    }

    /// The names of bits.
    pub fn flags(&mut self, names: &Names, value: u64) {
        names.flags(&mut self.text, value);
    }

    /// An address, `NULL` for 0.
    pub fn pointer(&mut self, address: u64) {
        match address {
            0 => self.push("NULL"),
            address => self.put(format_args!("{address:#x}")),
        }
    }

    /// The value at this address, if it is the program's and can be read.
    pub fn value<T: FromBytes + IntoBytes>(&self, address: u64) -> Option<T> {
        if address == 0 { None } else { self.memory.get(address).ok() }
    }

    /// The bytes there, at most 4,096.
    pub fn bytes(&self, address: u64, length: u64) -> Option<Vec<u8>> {
        if address == 0 { None } else { self.memory.bytes(address, length.min(4096) as usize).ok() }
    }

    /// The value at this address as `print` has it, or the address itself.
    pub fn pointed<T: FromBytes + IntoBytes>(&mut self, address: u64, print: impl FnOnce(&mut Self, T)) {
        match self.value(address) {
            Some(value) => print(self, value),
            None => self.pointer(address),
        }
    }

    /// The same for what the kernel fills in when all goes well.
    pub fn filled<T: FromBytes + IntoBytes>(&mut self, address: u64, print: impl FnOnce(&mut Self, T)) {
        if self.succeeded() { self.pointed(address, print) } else { self.pointer(address) }
    }

    /// Elements in brackets, no more than are shown; `print` tells whether there was one.
    pub fn array(&mut self, count: u64, mut print: impl FnMut(&mut Self, u64) -> bool) {
        self.push("[");
        for index in 0..count {
            if index > 0 {
                self.push(", ");
            }
            if index == super::text::SHOWN as u64 || !print(self, index) {
                self.push("...");
                break;
            }
        }
        self.push("]");
    }

    /// Prints the arguments from `from` on as they are at the time; gives the first that is not printed yet.
    pub fn arguments(&mut self, kinds: &[Kind], from: usize) -> usize {
        let over = self.result.is_some();
        for (index, kind) in kinds.iter().enumerate().skip(from) {
            if index > 0 && !matches!(kind, Kind::Rest(_) | Kind::RestLater(_)) && (index > from || from == 0) {
                self.push(", ");
            }
            match kind {
                Kind::Later(_) | Kind::RestLater(_) if !over => return index,
                Kind::Now(print) | Kind::Later(print) | Kind::Rest(print) | Kind::RestLater(print) => {
                    print(self, index)
                }
                Kind::Flags(names) => names.flags(&mut self.text, self.args.get(index).copied().unwrap_or(0)),
                Kind::One(names) => names.one(&mut self.text, self.args.get(index).copied().unwrap_or(0)),
            }
        }
        kinds.len()
    }
}
