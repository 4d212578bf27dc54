//! Loads the program: an ELF file for x86-64, and the dynamic linker it names, if any (gABI; psABI x86-64, chapter 5).
use super::space::{Backing, Protection, Space, page_of, page_up};
use crate::entropy;
use crate::file::File;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use elf::abi;
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::segment::{ProgramHeader, SegmentTable};
use machine::memory::{PAGE, USER_END};

const HEADER: usize = 64;
const ENTRY: usize = 56;
const MAX_SEGMENTS: u16 = 128;
/// The longest path of a dynamic linker in bytes.
const MAX_PATH: u64 = 4096;
/// Where a position-independent program goes, and how many pages it is shifted by at most.
const PIE_BASE: u64 = 0x5555_0000_0000;
const PIE_PAGES: u64 = 1 << 22;

/// Why the program cannot be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The tree has no file of this path that can be read.
    NotFound(String),
    /// It is no ELF file, or its header is damaged; in words.
    NotElf(String),
    /// It is for another machine; in words.
    OtherMachine(String),
    /// The dynamic linker it names is not in the tree.
    NoLinker(String),
    /// The dynamic linker it names cannot be loaded.
    BadLinker(String, Box<StartError>),
    /// The program header of this number is wrong; in words.
    BadSegment(usize, String),
    /// Its arguments and environment are longer than this many bytes.
    TooManyArguments(usize),
    /// It does not fit into the memory.
    OutOfMemory,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(path) => write!(f, "the image has no program {path}"),
            Self::NotElf(why) => write!(f, "the program is no ELF file that can be read: {why}"),
            Self::OtherMachine(what) => write!(f, "the program is for {what}, this machine is x86-64"),
            Self::NoLinker(path) => {
                write!(f, "its dynamic linker {path} is not in the image: build the image where the program runs")
            }
            Self::BadLinker(path, error) => write!(f, "its dynamic linker {path} cannot be loaded: {error}"),
            Self::BadSegment(number, why) => write!(f, "the program's segment {number} cannot be loaded: {why}"),
            Self::TooManyArguments(limit) => write!(f, "arguments and environment take more than {limit} bytes"),
            Self::OutOfMemory => write!(f, "the program does not fit into the memory: give the machine more"),
        }
    }
}

impl core::error::Error for StartError {}

/// What the program's start needs to know of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The first instruction to run: the dynamic linker's, or the program's own.
    pub start: u64,
    /// The program's first instruction.
    pub entry: u64,
    /// Where the dynamic linker begins in memory, 0 without one.
    pub linker: u64,
    /// Where its program headers are in memory, 0 if nowhere.
    pub headers: u64,
    /// How many there are.
    pub header_count: u64,
}

/// The size of a program header in bytes.
pub const HEADER_SIZE: u64 = ENTRY as u64;

struct Parsed {
    entry: u64,
    headers_at: u64,
    pie: bool,
    segments: Vec<(usize, ProgramHeader)>,
    linker: Option<String>,
    count: u64,
}

/// Maps the program's segments, and those of its dynamic linker, which `open` finds by its path. The heap begins behind
/// the program.
pub fn load(
    space: &mut Space,
    file: &Arc<dyn File>,
    open: impl FnOnce(&str) -> Option<Arc<dyn File>>,
) -> Result<Loaded, StartError> {
    let parsed = parse(&**file)?;
    let base = if parsed.pie { PIE_BASE + entropy::number() % PIE_PAGES * PAGE } else { 0 };
    let (end, headers) = map(space, file, &parsed, base)?;
    space.set_heap(end);
    let entry = base.wrapping_add(parsed.entry);
    let (linker, start) = match &parsed.linker {
        Some(path) => {
            let file = open(path).ok_or_else(|| StartError::NoLinker(path.clone()))?;
            load_linker(space, &file).map_err(|error| StartError::BadLinker(path.clone(), Box::new(error)))?
        }
        None => (0, entry),
    };
    Ok(Loaded { start, entry, linker, headers, header_count: parsed.count })
}

/// Maps the dynamic linker where other mappings go: where it begins, and its first instruction.
fn load_linker(space: &mut Space, file: &Arc<dyn File>) -> Result<(u64, u64), StartError> {
    let parsed = parse(&**file)?;
    let first = parsed.segments.first().map_or(0, |(_, segment)| page_of(segment.p_vaddr));
    let last = parsed.segments.last().map_or(0, |(_, segment)| segment.p_vaddr + segment.p_memsz);
    let base = match parsed.pie {
        true => space.find_free(last - first).map_err(|_| StartError::OutOfMemory)?.start.wrapping_sub(first),
        false => 0,
    };
    map(space, file, &parsed, base)?;
    Ok((base, base.wrapping_add(parsed.entry)))
}

/// Maps the segments, moved by `base`: where they end, and where the program headers are, 0 if nowhere.
fn map(space: &mut Space, file: &Arc<dyn File>, parsed: &Parsed, base: u64) -> Result<(u64, u64), StartError> {
    let (mut end, mut headers) = (0, 0);
    for (number, segment) in &parsed.segments {
        let wrong = |why: &str| StartError::BadSegment(*number, why.to_string());
        let segment_end = map_segment(space, file, segment, base).map_err(|why| wrong(&why))?;
        end = end.max(segment_end);
        let file_range = segment.p_offset..segment.p_offset + segment.p_filesz;
        if file_range.contains(&parsed.headers_at) {
            headers = base + segment.p_vaddr + (parsed.headers_at - segment.p_offset);
        }
    }
    Ok((end, headers))
}

fn parse(file: &dyn File) -> Result<Parsed, StartError> {
    let mut start = [0; HEADER];
    if read_all(file, &mut start, 0).is_none() {
        return Err(StartError::NotElf("it is shorter than an ELF header".into()));
    }
    let broken = |error: elf::ParseError| StartError::NotElf(error.to_string());
    if start.get(5) == Some(&abi::ELFDATA2MSB) {
        return Err(StartError::OtherMachine("a big-endian machine".into()));
    }
    let ident = parse_ident::<LittleEndian>(&start).map_err(broken)?;
    if ident.1 != Class::ELF64 {
        return Err(StartError::OtherMachine("a 32-bit machine".into()));
    }
    let header = FileHeader::parse_tail(ident, start.get(16..).unwrap_or_default()).map_err(broken)?;
    if header.e_machine != abi::EM_X86_64 {
        return Err(StartError::OtherMachine(format!("machine number {}", header.e_machine)));
    }
    let pie = match header.e_type {
        abi::ET_EXEC => false,
        abi::ET_DYN => true,
        other => return Err(StartError::NotElf(format!("its type is {other}, not a program (2 or 3)"))),
    };
    let (segments, linker) = read_segments(file, &header)?;
    let entry_ok = segments.iter().any(|(_, segment)| {
        segment.p_flags & abi::PF_X != 0 && header.e_entry.wrapping_sub(segment.p_vaddr) < segment.p_memsz
    });
    if !entry_ok {
        return Err(StartError::NotElf(format!("its entry {:#x} is in no executable segment", header.e_entry)));
    }
    let count = u64::from(header.e_phnum);
    Ok(Parsed { entry: header.e_entry, headers_at: header.e_phoff, pie, segments, linker, count })
}

/// Segments to load, each with its number, and the path of the dynamic linker.
type Segments = (Vec<(usize, ProgramHeader)>, Option<String>);

/// The segments to load, in order of their addresses; checked.
fn read_segments(file: &dyn File, header: &FileHeader<LittleEndian>) -> Result<Segments, StartError> {
    if header.e_phnum == 0 || header.e_phnum > MAX_SEGMENTS || usize::from(header.e_phentsize) != ENTRY {
        let (count, size) = (header.e_phnum, header.e_phentsize);
        return Err(StartError::NotElf(format!("it has {count} program headers of {size} bytes")));
    }
    let mut bytes = vec![0; ENTRY * usize::from(header.e_phnum)];
    if read_all(file, &mut bytes, header.e_phoff).is_none() {
        return Err(StartError::NotElf("its program headers are past its end".into()));
    }
    let (mut loads, mut linker) = (Vec::new(), None);
    let mut last_end = 0;
    for (number, segment) in SegmentTable::new(LittleEndian, Class::ELF64, &bytes).iter().enumerate() {
        match segment.p_type {
            abi::PT_INTERP => linker = Some(linker_path(file, &segment)?),
            abi::PT_LOAD if segment.p_memsz > 0 => {
                let wrong = |why: String| StartError::BadSegment(number, why);
                let range = check_segment(&segment, file.status().size).map_err(wrong)?;
                if range.start < last_end {
                    return Err(wrong(format!(
                        "it overlaps the one before, or is not behind it, at {:#x}",
                        range.start
                    )));
                }
                last_end = range.end;
                loads.push((number, segment));
            }
            _ => {}
        }
    }
    Ok((loads, linker))
}

/// The pages of a segment, before they are shifted.
fn check_segment(segment: &ProgramHeader, file_size: u64) -> Result<Range<u64>, String> {
    if segment.p_filesz > segment.p_memsz {
        return Err(format!("it has {} bytes in the file and {} in memory", segment.p_filesz, segment.p_memsz));
    }
    if segment.p_offset.checked_add(segment.p_filesz).is_none_or(|end| end > file_size) {
        return Err("it goes past the end of the file".into());
    }
    if segment.p_offset % PAGE != segment.p_vaddr % PAGE {
        return Err("its address and its offset differ within a page".into());
    }
    let end = segment.p_vaddr.checked_add(segment.p_memsz).and_then(page_up).filter(|end| *end <= USER_END / 2);
    match end {
        Some(end) => Ok(page_of(segment.p_vaddr)..end),
        None => Err(format!("its address {:#x} is not the program's", segment.p_vaddr)),
    }
}

/// Maps one segment and tells where it ends.
fn map_segment(space: &mut Space, file: &Arc<dyn File>, segment: &ProgramHeader, base: u64) -> Result<u64, String> {
    let mut protection = Protection::empty();
    for (flag, bit) in [(abi::PF_R, Protection::READ), (abi::PF_W, Protection::WRITE), (abi::PF_X, Protection::EXECUTE)]
    {
        protection.set(bit, segment.p_flags & flag != 0);
    }
    let start = base + segment.p_vaddr;
    let first = page_of(start);
    let file_end = page_up(start + segment.p_filesz).unwrap_or(first);
    let end = page_up(start + segment.p_memsz).unwrap_or(first);
    let refused = |errno| format!("its address {start:#x} cannot be mapped: {errno:?}");
    if segment.p_filesz > 0 {
        let offset = page_of(segment.p_offset);
        let backing = Backing::File { file: file.clone(), offset, end: segment.p_offset + segment.p_filesz };
        space.map(first..file_end, protection, backing).map_err(refused)?;
    }
    let zeroes = if segment.p_filesz > 0 { file_end } else { first };
    if end > zeroes {
        space.map(zeroes..end, protection, Backing::Zero).map_err(refused)?;
    }
    Ok(end)
}

/// The path that a `PT_INTERP` segment holds, its zero left out.
fn linker_path(file: &dyn File, segment: &ProgramHeader) -> Result<String, StartError> {
    let unreadable = || StartError::NotElf("the name of its dynamic linker cannot be read".into());
    if segment.p_filesz > MAX_PATH {
        return Err(unreadable());
    }
    let mut name = vec![0; segment.p_filesz as usize];
    read_all(file, &mut name, segment.p_offset).ok_or_else(unreadable)?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    core::str::from_utf8(name).map(ToString::to_string).map_err(|_| unreadable())
}

fn read_all(file: &dyn File, bytes: &mut [u8], offset: u64) -> Option<()> {
    let mut done = 0;
    while done < bytes.len() {
        let at = offset.checked_add(done as u64)?;
        match file.read(bytes.get_mut(done..)?, at) {
            Ok(count) if count > 0 => done += count,
            _ => return None,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
