//! What an ELF object needs to run: its dynamic linker and its shared libraries (gABI, chapter 5; ld.so(8)).
use elf::ElfBytes;
use elf::abi::{
    DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, EM_X86_64, ET_DYN, ET_EXEC, PT_DYNAMIC, PT_INTERP, PT_LOAD,
};
use elf::endian::AnyEndian;
use elf::file::Class;
use elf::parse::ParsingIterator;
use elf::segment::ProgramHeader;

/// The dynamic part of a program or a shared library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// The path of its dynamic linker; a library has none.
    pub linker: Option<String>,
    /// The libraries it names, in its order.
    pub needed: Vec<String>,
    /// Where it looks for them first, with all that it loads (DT_RPATH, if there is no DT_RUNPATH).
    pub rpath: Vec<String>,
    /// Where it looks for its own (DT_RUNPATH).
    pub runpath: Vec<String>,
}

impl Object {
    /// Reads a file; `None` if it is no program or library for x86-64, or damaged.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&elf::abi::ELFMAGIC) {
            return None;
        }
        let file = ElfBytes::<AnyEndian>::minimal_parse(bytes).ok()?;
        let header = file.ehdr;
        let fits = header.e_machine == EM_X86_64 && header.class == Class::ELF64;
        if !fits || !matches!(header.e_type, ET_EXEC | ET_DYN) {
            return None;
        }
        let mut object = Object::default();
        let Some(segments) = file.segments() else { return Some(object) };
        for segment in segments {
            match segment.p_type {
                PT_INTERP => object.linker = text(file.segment_data(&segment).ok()?, 0),
                PT_DYNAMIC => object.read_dynamic(bytes, &file, segments.iter())?,
                _ => {}
            }
        }
        Some(object)
    }

    fn read_dynamic(
        &mut self,
        bytes: &[u8],
        file: &ElfBytes<'_, AnyEndian>,
        segments: ParsingIterator<'_, AnyEndian, ProgramHeader>,
    ) -> Option<()> {
        let entries: Vec<_> = file.dynamic().ok()??.iter().map(|entry| (entry.d_tag, entry.d_val())).collect();
        let value = |tag| entries.iter().find(|(other, _)| *other == tag).map(|(_, value)| *value);
        let (Some(at), Some(length)) = (value(DT_STRTAB), value(DT_STRSZ)) else { return Some(()) };
        // The dynamic section tells addresses; sections, which would tell offsets, may be stripped.
        let strings = segments.filter(|segment| segment.p_type == PT_LOAD).find_map(|segment| {
            let inside = at.checked_sub(segment.p_vaddr).filter(|inside| *inside < segment.p_filesz)?;
            let start = usize::try_from(segment.p_offset.checked_add(inside)?).ok()?;
            bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
        })?;
        let paths = |tag| -> Vec<String> {
            let list = value(tag).and_then(|at| text(strings, at)).unwrap_or_default();
            list.split(':').filter(|path| !path.is_empty()).map(str::to_string).collect()
        };
        self.runpath = paths(DT_RUNPATH);
        self.rpath = if value(DT_RUNPATH).is_some() { Vec::new() } else { paths(DT_RPATH) };
        let needed = entries.iter().filter(|(tag, _)| *tag == DT_NEEDED);
        self.needed = needed.filter_map(|(_, at)| text(strings, *at)).collect();
        Some(())
    }
}

/// The text that begins at this byte and ends at a zero.
fn text(bytes: &[u8], at: u64) -> Option<String> {
    let rest = bytes.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_needs_its_linker_and_the_c_library() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let object = Object::parse(&bytes).unwrap();
        assert!(object.linker.unwrap().contains("ld-linux-x86-64"));
        assert!(object.needed.contains(&"libc.so.6".to_string()));
    }

    #[test]
    fn what_is_no_object_and_what_is_cut_is_refused_or_needs_nothing_false() {
        assert_eq!(Object::parse(b"#!/bin/sh\n"), None);
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let whole = Object::parse(&bytes).unwrap();
        for length in (0..4096).chain((4096..bytes.len()).step_by(100_003)) {
            if let Some(object) = Object::parse(&bytes[..length]) {
                assert!(object.needed.iter().all(|name| whole.needed.contains(name)), "{length}: {object:?}");
            }
        }
    }
}
