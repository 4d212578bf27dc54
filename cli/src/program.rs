//! Finds the program, and refuses what cannot run: the machine runs x86-64 programs for Linux.
use crate::failure::Failure;
use elf::ElfBytes;
use elf::abi::{EM_386, EM_AARCH64, EM_ARM, EM_RISCV, EM_X86_64, ET_DYN, ET_EXEC};
use elf::endian::AnyEndian;
use elf::file::Class;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The programs that come with Portcullis.
pub const EXAMPLES: &[&str] = &["g"];

/// A program on the host.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Its file.
    pub host: PathBuf,
    /// Where it stands in the tree.
    pub guest: PathBuf,
}

/// Where the program is on the host: the path itself; for a bare name that is no file a bundled example, which stands under
/// its name, or what `search`, a list of directories as in `PATH`, has.
pub fn find(program: &Path, examples: &Path, search: Option<&OsStr>) -> Result<Found, Failure> {
    let found = |host: PathBuf, guest: &Path| Ok(Found { host, guest: guest.to_path_buf() });
    if program.exists() {
        return found(program.to_path_buf(), program);
    }
    let bare = program.parent() == Some(Path::new(""));
    if let Some(name) = EXAMPLES.iter().find(|name| bare && Path::new(name) == program) {
        let example = examples.join(name);
        return if example.is_file() {
            found(example, program)
        } else {
            Err(Failure::NotFound(format!("the bundled example {name} is not built: {} is missing", example.display())))
        };
    }
    let directories = search.into_iter().flat_map(std::env::split_paths).filter(|_| bare);
    let files: Vec<PathBuf> =
        directories.map(|directory| directory.join(program)).filter(|path| path.is_file()).collect();
    // As execvp(3): a file that nobody may execute counts only where there is no other.
    if let Some(path) = files.iter().find(|path| is_executable(path)).or(files.first()) {
        return found(path.clone(), path);
    }
    let bundled = if bare {
        format!(" here or in PATH, and no bundled example; there is: {}", EXAMPLES.join(", "))
    } else {
        "".into()
    };
    Err(Failure::NotFound(format!("{}: no such file{bundled}", program.display())))
}

/// Reads the program and makes sure that the machine can run it.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let refuse = |reason: String| Failure::NotExecutable(format!("{}: {reason}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::NotFound(format!("{}: no such file", path.display())),
        io::ErrorKind::IsADirectory => refuse("is a directory, not a program".into()),
        _ => refuse(error.to_string()),
    })?;
    check(&bytes).map_err(refuse)?;
    if !is_executable(path) {
        return Err(refuse("is not executable: `chmod +x` makes it so".into()));
    }
    Ok(bytes)
}

/// Whether anybody may execute it: without any such bit not even root may (execve(2), EACCES).
fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

/// Why these bytes are no program for the machine.
fn check(bytes: &[u8]) -> Result<(), String> {
    if bytes.starts_with(b"#!") {
        return Err(
            "is no ELF file but a script; give its interpreter as the program and the script as its argument".into()
        );
    }
    if !bytes.starts_with(&elf::abi::ELFMAGIC) {
        return Err("is no ELF file; an x86-64 program for Linux is expected".into());
    }
    let damaged = |error| format!("is a damaged ELF file: {error}");
    let file = ElfBytes::<AnyEndian>::minimal_parse(bytes).map_err(damaged)?;
    let header = file.ehdr;
    if header.e_machine != EM_X86_64 {
        return Err(format!("is a program for {}; x86-64 is expected", machine_name(header.e_machine)));
    }
    if header.class != Class::ELF64 {
        return Err("is a 32-bit program (x32); a 64-bit one is expected".into());
    }
    if !matches!(header.e_type, ET_EXEC | ET_DYN) {
        return Err("is an ELF file, but no program: an object or a core file".into());
    }
    file.segments().ok_or("is an ELF file without segments: nothing in it can run")?;
    if header.e_entry == 0 {
        return Err("is a shared library: it has no entry point".into());
    }
    Ok(())
}

fn machine_name(machine: u16) -> String {
    match machine {
        EM_386 => "32-bit x86".into(),
        EM_ARM => "32-bit Arm".into(),
        EM_AARCH64 => "64-bit Arm".into(),
        EM_RISCV => "RISC-V".into(),
        other => format!("another machine (ELF machine {other})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one program header: class and machine, type, type of the segment, entry point.
    fn elf(class: u8, machine: u16, kind: u16, segment: u32, entry: u64) -> Vec<u8> {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(kind.to_le_bytes());
        bytes.extend(machine.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        let (word, header, entry_size) = if class == 2 { (8, 64_u16, 56_u16) } else { (4, 52, 32) };
        bytes.extend(&entry.to_le_bytes()[..word]);
        bytes.extend(&u64::from(header).to_le_bytes()[..word]);
        bytes.extend(&0_u64.to_le_bytes()[..word]);
        bytes.extend(0_u32.to_le_bytes());
        for half in [header, entry_size, 1, 64, 0, 0] {
            bytes.extend(half.to_le_bytes());
        }
        assert_eq!(bytes.len(), usize::from(header));
        bytes.extend(segment.to_le_bytes());
        bytes.resize(usize::from(header + entry_size), 0);
        bytes
    }

    const LOAD: u32 = elf::abi::PT_LOAD;

    #[test]
    fn programs_pass_static_or_not_position_independent_or_not() {
        assert_eq!(check(&elf(2, EM_X86_64, ET_EXEC, LOAD, 0x401000)), Ok(()));
        assert_eq!(check(&elf(2, EM_X86_64, ET_DYN, LOAD, 0x1000)), Ok(()));
        assert_eq!(check(&elf(2, EM_X86_64, ET_DYN, elf::abi::PT_INTERP, 0x1000)), Ok(()));
    }

    #[test]
    fn each_refusal_says_why() {
        let cases = [
            (elf(2, EM_AARCH64, ET_EXEC, LOAD, 1), "64-bit Arm"),
            (elf(1, EM_386, ET_EXEC, LOAD, 1), "32-bit x86"),
            (elf(1, EM_X86_64, ET_EXEC, LOAD, 1), "x32"),
            (elf(2, EM_X86_64, elf::abi::ET_REL, LOAD, 1), "object"),
            (elf(2, EM_X86_64, ET_DYN, LOAD, 0), "shared library"),
            (elf(2, 4711, ET_EXEC, LOAD, 1), "4711"),
            (b"#!/bin/sh\n".to_vec(), "script"),
            (b"hello".to_vec(), "no ELF"),
            (vec![], "no ELF"),
            (b"\x7fELF".to_vec(), "damaged"),
        ];
        for (bytes, reason) in cases {
            let error = check(&bytes).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn an_elf_file_cut_anywhere_is_refused() {
        let whole = elf(2, EM_X86_64, ET_EXEC, LOAD, 0x401000);
        for length in 0..whole.len() {
            assert!(check(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_bare_name_means_a_file_first_then_an_example_then_one_of_the_path() {
        let examples = tempfile::tempdir().unwrap();
        let example = examples.path().join("g");
        let at = |host: &Path, guest: &Path| Ok(Found { host: host.to_path_buf(), guest: guest.to_path_buf() });
        let missing = find(Path::new("g"), examples.path(), None).unwrap_err();
        assert!(matches!(&missing, Failure::NotFound(text) if text.contains("not built")), "{missing}");
        std::fs::write(&example, b"").unwrap();
        assert_eq!(find(Path::new("g"), examples.path(), None), at(&example, Path::new("g")));
        assert_eq!(find(&example, Path::new("/nowhere"), None), at(&example, &example));
        assert_eq!(find(Path::new("./g"), examples.path(), None).unwrap_err().code(), 127);
        let unknown = find(Path::new("h"), examples.path(), None).unwrap_err();
        assert_eq!((unknown.code(), unknown.to_string().contains("there is: g")), (127, true));
        let path = std::env::join_paths([Path::new("/nowhere"), examples.path()]).unwrap();
        let tool = examples.path().join("tool");
        std::fs::write(&tool, b"").unwrap();
        assert_eq!(find(Path::new("tool"), examples.path(), Some(&path)), at(&tool, &tool));
        assert_eq!(find(Path::new("./tool"), examples.path(), Some(&path)).unwrap_err().code(), 127);
    }

    #[test]
    fn a_file_that_nobody_may_execute_is_refused_as_a_shell_does() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        let (plain, tool) = (one.path().join("tool"), other.path().join("tool"));
        for path in [&plain, &tool] {
            std::fs::write(path, elf(2, EM_X86_64, ET_EXEC, LOAD, 0x401000)).unwrap();
        }
        set(&plain, 0o644);
        let error = read(&plain).unwrap_err();
        assert_eq!((error.code(), error.to_string().contains("chmod +x")), (126, true), "{error}");
        set(&tool, 0o711);
        assert!(read(&tool).is_ok());
        let path = std::env::join_paths([one.path(), other.path()]).unwrap();
        assert_eq!(find(Path::new("tool"), Path::new("/nowhere"), Some(&path)).unwrap().host, tool);
    }

    #[test]
    fn a_directory_is_not_executable() {
        assert_eq!(read(Path::new("/")).unwrap_err().code(), 126);
    }
}
