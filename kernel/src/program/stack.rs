//! The first thread's stack: arguments, environment, auxiliary vector (psABI x86-64, 3.4.1; getauxval(3)).
use super::elf::{HEADER_SIZE, Loaded, StartError};
use super::space::{Backing, Protection, Space};
use crate::entropy;
use alloc::string::String;
use alloc::vec::Vec;
use linux_raw_sys::auxvec as aux;
use machine::memory::{PAGE, USER_END};

/// The size of the first stack in bytes; its pages come when they are touched.
pub const SIZE: u64 = 8 << 20;
/// How many bytes arguments, environment and their pointers may take.
const MAX_ARGUMENTS: usize = 1 << 20;
/// The pages that the top of the stack is shifted by at most, and those left free under it.
const SHIFT_PAGES: u64 = 1 << 20;
const GAP: u64 = 16 << 20;

/// Where the stack ends, by chance.
pub fn choose_top() -> u64 {
    USER_END - entropy::number() % SHIFT_PAGES * PAGE
}

/// Where the mappings under a stack that ends at `top` may begin, by chance.
pub fn mappings_under(top: u64) -> u64 {
    top - SIZE - GAP - entropy::number() % SHIFT_PAGES * PAGE
}

/// Maps the stack that ends at `top` and fills it; gives the first stack pointer.
pub fn build(
    space: &mut Space,
    top: u64,
    loaded: &Loaded,
    path: &str,
    args: &[String],
    env: &[String],
) -> Result<u64, StartError> {
    let memory = |_| StartError::OutOfMemory;
    space.map(top - SIZE..top, Protection::READ | Protection::WRITE, Backing::Zero).map_err(memory)?;
    let too_many = StartError::TooManyArguments(MAX_ARGUMENTS);
    let words = args.len() + env.len() + 64;
    let strings: usize = args.iter().chain(env).map(|text| text.len() + 1).sum();
    if strings.saturating_add(words.saturating_mul(8)).saturating_add(path.len()) > MAX_ARGUMENTS {
        return Err(too_many);
    }
    let mut block = Block { bytes: Vec::with_capacity(strings + 64 + path.len()), offsets: Vec::new() };
    block.push_text(path);
    block.push_text("x86_64");
    let mut random = [0; 16];
    entropy::fill(&mut random);
    block.push(&random);
    args.iter().chain(env).for_each(|text| block.push_text(text));
    // The strings go to the top, the words under them.
    let strings_at = (top - block.bytes.len() as u64 - 16) & !15;
    let mut at = block.offsets.iter().map(|offset| strings_at + *offset);
    let (execfn, platform, random) = (next(&mut at), next(&mut at), next(&mut at));
    let mut words: Vec<u64> = Vec::with_capacity(words);
    words.push(args.len() as u64);
    words.extend(at.by_ref().take(args.len()));
    words.push(0);
    words.extend(at);
    words.push(0);
    for (key, value) in auxiliary(loaded, space.vdso(), execfn, platform, random) {
        words.extend([u64::from(key), value]);
    }
    let stack_pointer = (strings_at - 8 * words.len() as u64) & !15;
    let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
    space.write(strings_at, &block.bytes).map_err(memory)?;
    space.write(stack_pointer, &bytes).map_err(memory)?;
    Ok(stack_pointer)
}

fn next(at: &mut impl Iterator<Item = u64>) -> u64 {
    at.next().unwrap_or(0)
}

fn auxiliary(loaded: &Loaded, vdso: u64, execfn: u64, platform: u64, random: u64) -> [(u32, u64); 19] {
    [
        (aux::AT_PHDR, loaded.headers),
        (aux::AT_PHENT, HEADER_SIZE),
        (aux::AT_PHNUM, loaded.header_count),
        (aux::AT_PAGESZ, PAGE),
        (aux::AT_BASE, loaded.linker),
        (aux::AT_FLAGS, 0),
        (aux::AT_ENTRY, loaded.entry),
        (aux::AT_UID, 0),
        (aux::AT_EUID, 0),
        (aux::AT_GID, 0),
        (aux::AT_EGID, 0),
        (aux::AT_SECURE, 0),
        (aux::AT_CLKTCK, 100),
        (aux::AT_HWCAP, 0),
        (aux::AT_RANDOM, random),
        (aux::AT_EXECFN, execfn),
        (aux::AT_PLATFORM, platform),
        (aux::AT_SYSINFO_EHDR, vdso),
        (aux::AT_NULL, 0),
    ]
}

struct Block {
    bytes: Vec<u8>,
    offsets: Vec<u64>,
}

impl Block {
    fn push(&mut self, bytes: &[u8]) {
        self.offsets.push(self.bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    fn push_text(&mut self, text: &str) {
        self.push(text.as_bytes());
        self.bytes.push(0);
    }
}
