//! ELF files that are right, and many that are not.
use super::*;
use crate::tree::Snapshot;
use proptest::prelude::*;

const TEXT: u64 = 0x40_1000;
const DATA: u64 = 0x40_3010;

fn header(kind: u32, flags: u32, offset: u64, address: u64, file: u64, memory: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(flags.to_le_bytes());
    for word in [offset, address, address, file, memory, PAGE] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

/// A program: its headers and code in one segment, data with zeroes behind it in another.
fn program(kind: u16, headers: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    bytes.resize(16, 0);
    bytes.extend(kind.to_le_bytes());
    bytes.extend(62_u16.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    for word in [TEXT + 0x200, 64, 0] {
        bytes.extend(u64::to_le_bytes(word));
    }
    bytes.extend(0_u32.to_le_bytes());
    for half in [64, 56, headers.len() as u16, 64, 0, 0] {
        bytes.extend(u16::to_le_bytes(half));
    }
    headers.iter().for_each(|header| bytes.extend(header));
    bytes.resize(0x1000, 0x90);
    bytes.extend([0xdd; 0x20]);
    bytes
}

fn usual() -> [Vec<u8>; 2] {
    [
        header(abi::PT_LOAD, abi::PF_R | abi::PF_X, 0, TEXT, 0x1000, 0x1000),
        header(abi::PT_LOAD, abi::PF_R | abi::PF_W, 0x1010, DATA, 0x10, 0x3000),
    ]
}

fn load_bytes(bytes: Vec<u8>) -> (Space, Result<Loaded, StartError>) {
    let mut space = Space::new(0x7000_0000_0000).unwrap();
    let file: Arc<dyn File> = Arc::new(Snapshot(bytes));
    let loaded = load(&mut space, &file, |_| None);
    (space, loaded)
}

/// A program that names `/ld.so`, and loaded with this file there.
fn load_dynamic(linker: Option<Vec<u8>>) -> (Space, Result<Loaded, StartError>) {
    let [text, data] = usual();
    let mut bytes = program(abi::ET_EXEC, &[text, data, header(abi::PT_INTERP, 4, 0x1010, 0, 8, 8)]);
    bytes[0x1010..0x1018].copy_from_slice(b"/ld.so\0\0");
    let mut space = Space::new(0x7000_0000_0000).unwrap();
    let file: Arc<dyn File> = Arc::new(Snapshot(bytes));
    let loaded = load(&mut space, &file, |path| {
        assert_eq!(path, "/ld.so");
        linker.map(|bytes| Arc::new(Snapshot(bytes)) as Arc<dyn File>)
    });
    (space, loaded)
}

#[test]
fn a_dynamic_program_begins_in_its_linker() {
    let (mut space, loaded) = load_dynamic(Some(program(abi::ET_DYN, &usual())));
    let loaded = loaded.unwrap();
    assert_eq!((loaded.entry, loaded.header_count), (TEXT + 0x200, 3));
    assert_eq!(loaded.start, loaded.linker + TEXT + 0x200);
    assert!(loaded.linker.is_multiple_of(PAGE) && loaded.linker > TEXT);
    let mut bytes = [0; 4];
    space.read(loaded.start, &mut bytes).unwrap();
    assert_eq!(bytes, [0x90; 4]);
    // The heap is the program's, not the linker's.
    assert_eq!(space.heap().start, 0x40_7000);
}

#[test]
fn a_linker_that_is_missing_or_broken_is_named() {
    let said = |linker| load_dynamic(linker).1.unwrap_err().to_string();
    assert_eq!(said(None), "its dynamic linker /ld.so is not in the image: build the image where the program runs");
    let said = said(Some(b"#!/bin/sh".to_vec()));
    assert!(said.starts_with("its dynamic linker /ld.so cannot be loaded: ") && said.contains("ELF"), "{said}");
}

fn refusal(headers: &[Vec<u8>]) -> String {
    load_bytes(program(abi::ET_EXEC, headers)).1.unwrap_err().to_string()
}

#[test]
fn a_static_program_is_where_it_says() {
    let (mut space, loaded) = load_bytes(program(abi::ET_EXEC, &usual()));
    assert_eq!(
        loaded,
        Ok(Loaded { start: TEXT + 0x200, entry: TEXT + 0x200, linker: 0, headers: TEXT + 64, header_count: 2 })
    );
    let mut bytes = [0; 18];
    space.read(DATA, &mut bytes).unwrap();
    // 16 bytes of the file, then zeroes although the file goes on.
    assert_eq!(bytes, [[0xdd; 16].as_slice(), &[0; 2]].concat().as_slice());
    space.write(DATA + 0x2ff0, b"bss").unwrap();
    assert_eq!(space.write(TEXT, b"x"), Err(crate::errno::Errno::EFAULT));
    assert_eq!(space.heap().start, 0x40_7000);
}

#[test]
fn a_position_independent_program_is_moved_as_a_whole() {
    let (mut space, loaded) = load_bytes(program(abi::ET_DYN, &usual()));
    let loaded = loaded.unwrap();
    let base = loaded.entry - TEXT - 0x200;
    assert!(base >= PIE_BASE && base.is_multiple_of(PAGE));
    assert_eq!(loaded.headers, base + TEXT + 64);
    space.write(base + DATA, b"x").unwrap();
}

#[test]
fn the_stack_holds_what_the_abi_says() {
    use crate::program::stack;
    let (mut space, loaded) = load_bytes(program(abi::ET_EXEC, &usual()));
    let top = stack::choose_top();
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (args, env) = (texts(&["g", "-p"]), texts(&["A=1"]));
    let at = stack::build(&mut space, top, &loaded.unwrap(), "/g", &args, &env).unwrap();
    assert_eq!(at % 16, 0);
    let memory = crate::program::memory::Memory::new(space);
    let words: [u64; 6] = memory.get(at).unwrap();
    assert_eq!((words[0], words[3], words[5]), (2, 0, 0));
    let text = |at| memory.path(at).unwrap();
    assert_eq!([text(words[1]), text(words[2]), text(words[4])], ["g", "-p", "A=1"]);
    let auxiliary: [[u64; 2]; 19] = memory.get(at + 48).unwrap();
    let value = |key: u32| auxiliary.iter().find(|entry| entry[0] == u64::from(key)).unwrap()[1];
    assert_eq!(value(linux_raw_sys::auxvec::AT_ENTRY), TEXT + 0x200);
    assert_eq!(text(value(linux_raw_sys::auxvec::AT_EXECFN)), "/g");
    assert_ne!(memory.get::<[u8; 16]>(value(linux_raw_sys::auxvec::AT_RANDOM)).unwrap(), [0; 16]);
    assert_eq!(auxiliary[18][0], 0);
}

#[test]
fn arguments_that_are_too_long_are_refused() {
    let (mut space, loaded) = load_bytes(program(abi::ET_EXEC, &usual()));
    let args = ["x".repeat(2 << 20)];
    let built =
        super::super::stack::build(&mut space, super::super::stack::choose_top(), &loaded.unwrap(), "/g", &args, &[]);
    assert!(matches!(built, Err(StartError::TooManyArguments(_))));
}

#[test]
fn what_cannot_run_is_refused_with_the_reason() {
    let segment = |flags, offset, address, file, memory| header(abi::PT_LOAD, flags, offset, address, file, memory);
    let [text, data] = usual();
    let rx = abi::PF_R | abi::PF_X;
    let cases = [
        (vec![text.clone(), header(abi::PT_INTERP, 4, 0x1000, 0, 0x10, 0x10)], "name of its dynamic linker"),
        (
            vec![text.clone(), segment(4, 0, DATA - 0x10, 0x20, 0x10)],
            "segment 1 cannot be loaded: it has 32 bytes in the file and 16",
        ),
        (vec![text.clone(), segment(4, 0x1000, DATA - 0x10, 0x5000, 0x5000)], "past the end of the file"),
        (vec![text.clone(), segment(4, 0x1001, DATA - 0x10, 8, 8)], "differ within a page"),
        (vec![text.clone(), segment(4, 0x1000, TEXT, 8, 8)], "overlaps"),
        (vec![segment(rx, 0, !0xfff, 0x1000, 0x1000)], "is not the program's"),
        (vec![data], "is in no executable segment"),
        (vec![], "0 program headers"),
    ];
    for (headers, expected) in cases {
        let said = refusal(&headers);
        assert!(said.contains(expected), "{said} does not say {expected}");
    }
}

#[test]
fn other_machines_are_named() {
    let with = |at: usize, byte: u8| {
        let mut bytes = program(abi::ET_EXEC, &usual());
        bytes[at] = byte;
        load_bytes(bytes).1.unwrap_err().to_string()
    };
    assert!(with(4, 1).contains("32-bit"));
    assert!(with(5, 2).contains("big-endian"));
    assert!(with(18, 183).contains("machine number 183"));
    assert!(with(0, b'#').contains("no ELF file"));
}

proptest! {
    #[test]
    fn damaged_files_are_refused_or_loaded_within_the_programs_half(
        damage in prop::collection::vec((0..64 + 2 * 56_usize, any::<u8>()), 1..6),
        length in 0..0x1020_usize,
        cut in any::<bool>(),
        kind in prop_oneof![Just(abi::ET_EXEC), Just(abi::ET_DYN)],
    ) {
        let mut bytes = program(kind, &usual());
        damage.iter().for_each(|(at, byte)| bytes[*at] = *byte);
        if cut {
            bytes.truncate(length);
        }
        let (space, loaded) = load_bytes(bytes);
        if loaded.is_ok() {
            for (range, region) in space.regions() {
                prop_assert!(range.end <= USER_END && region.end == range.end);
            }
        }
    }
}
