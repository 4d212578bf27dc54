use super::*;
use linux_raw_sys::general as linux;

const AT_FDCWD: u64 = linux::AT_FDCWD as u64;

impl Program {
    fn open(&self, path: &str, flags: u32) -> Answer {
        let at = self.text(0, path);
        self.call("openat", [AT_FDCWD, at, u64::from(flags), 0o644])
    }

    fn write_file(&self, path: &str, bytes: &[u8]) {
        let number = self.open(path, linux::O_CREAT | linux::O_WRONLY).unwrap();
        let at = self.put(0x1000, bytes);
        assert_eq!(self.call("write", [number, at, bytes.len() as u64]), Ok(bytes.len() as u64));
        self.call("close", [number]).unwrap();
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, Errno> {
        let number = self.open(path, linux::O_RDONLY)?;
        let length = self.call("read", [number, MEMORY + 0x1000, 0x8_0000])?;
        self.call("close", [number])?;
        self.thread.memory.bytes(MEMORY + 0x1000, length as usize)
    }

    fn on_path(&self, name: &str, path: &str) -> Answer {
        let at = self.text(0, path);
        self.call(name, [at, 0o755])
    }

    fn on_paths(&self, name: &str, first: &str, second: &str) -> Answer {
        let (first, second) = (self.text(0, first), self.text(0x800, second));
        self.call(name, [first, second])
    }
}

use alloc::vec::Vec;

#[test]
fn a_file_holds_what_was_written() {
    let program = Program::new();
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
    program.write_file("/tmp/a", &bytes);
    assert_eq!(program.read_file("/tmp/a"), Ok(bytes));
    assert_eq!(program.read_file("/tmp/b"), Err(Errno::ENOENT));
}

#[test]
fn positions_move_and_appending_goes_to_the_end() {
    let program = Program::new();
    program.write_file("/tmp/a", b"0123456789");
    let number = program.open("/tmp/a", linux::O_RDWR | linux::O_APPEND).unwrap();
    assert_eq!(program.call("lseek", [number, 4, u64::from(linux::SEEK_SET)]), Ok(4));
    program.call("read", [number, MEMORY, 2]).unwrap();
    assert_eq!(program.get::<[u8; 2]>(0), *b"45");
    program.call("pread64", [number, MEMORY, 2, 8]).unwrap();
    assert_eq!(program.get::<[u8; 2]>(0), *b"89");
    program.put(0, b"end");
    program.call("write", [number, MEMORY, 3]).unwrap();
    assert_eq!(program.call("lseek", [number, 0, u64::from(linux::SEEK_CUR)]), Ok(13));
    assert_eq!(program.call("lseek", [number, u64::MAX, u64::from(linux::SEEK_SET)]), Err(Errno::EINVAL));
}

#[test]
fn names_are_made_moved_and_removed() {
    let program = Program::new();
    program.on_path("mkdir", "/tmp/d").unwrap();
    program.write_file("/tmp/d/a", b"x");
    assert_eq!(program.on_path("mkdir", "/tmp/d"), Err(Errno::EEXIST));
    assert_eq!(program.on_path("rmdir", "/tmp/d"), Err(Errno::ENOTEMPTY));
    program.on_paths("rename", "/tmp/d/a", "/tmp/b").unwrap();
    assert_eq!(program.read_file("/tmp/b"), Ok(b"x".to_vec()));
    assert_eq!(program.on_paths("rename", "/tmp", "/tmp/d/in-itself"), Err(Errno::EINVAL));
    program.on_path("rmdir", "/tmp/d").unwrap();
    program.on_path("unlink", "/tmp/b").unwrap();
    assert_eq!(program.on_path("unlink", "/tmp/b"), Err(Errno::ENOENT));
    assert_eq!(program.on_path("unlink", "/tmp"), Err(Errno::EISDIR));
}

#[test]
fn links_are_followed_but_not_in_a_ring() {
    let program = Program::new();
    program.write_file("/tmp/a", b"here");
    program.on_paths("symlink", "../tmp/a", "/tmp/to").unwrap();
    assert_eq!(program.read_file("/tmp/to"), Ok(b"here".to_vec()));
    program.on_paths("symlink", "/tmp/two", "/tmp/one").unwrap();
    program.on_paths("symlink", "/tmp/one", "/tmp/two").unwrap();
    assert_eq!(program.read_file("/tmp/one"), Err(Errno::ELOOP));
    let at = program.text(0, "/tmp/to");
    assert_eq!(program.call("readlink", [at, MEMORY + 0x100, 100]), Ok(8));
}

#[test]
fn relative_paths_begin_where_the_process_stands() {
    let program = Program::new();
    program.write_file("/tmp/a", b"x");
    program.on_path("chdir", "tmp/../tmp/.").unwrap();
    assert_eq!(program.call("getcwd", [MEMORY, 100]), Ok(5));
    assert_eq!(program.get::<[u8; 5]>(0), *b"/tmp\0");
    assert_eq!(program.read_file("a"), Ok(b"x".to_vec()));
    assert_eq!(program.read_file("../../tmp/a"), Ok(b"x".to_vec()));
    assert_eq!(program.on_path("chdir", "a"), Err(Errno::ENOTDIR));
    assert_eq!(program.read_file("a/"), Err(Errno::ENOTDIR));
}

#[test]
fn a_directory_lists_each_entry_once_however_small_the_buffer() {
    let program = Program::new();
    program.on_path("mkdir", "/tmp/d").unwrap();
    for index in 0..20 {
        program.write_file(&format!("/tmp/d/file-{index:02}"), b"");
    }
    let number = program.open("/tmp/d", linux::O_RDONLY | linux::O_DIRECTORY).unwrap();
    let mut names = Vec::new();
    loop {
        let length = program.call("getdents64", [number, MEMORY, 100]).unwrap();
        let bytes = program.thread.memory.bytes(MEMORY, length as usize).unwrap();
        let mut rest = bytes.as_slice();
        while let Some(length) = rest.get(16..18) {
            let (record, next) = rest.split_at(usize::from(u16::from_le_bytes(length.try_into().unwrap())));
            let name: Vec<u8> = record[19..].iter().copied().take_while(|byte| *byte != 0).collect();
            names.push(std::string::String::from_utf8(name).unwrap());
            rest = next;
        }
        if length == 0 {
            break;
        }
    }
    let expected: Vec<_> = (0..20).map(|index| format!("file-{index:02}")).collect();
    assert_eq!(names[..2], [".", ".."]);
    assert_eq!(names[2..], expected);
}

#[test]
fn status_tells_type_and_size() {
    let program = Program::new();
    program.write_file("/tmp/a", b"12345");
    let at = program.text(0, "/tmp/a");
    program.call("newfstatat", [AT_FDCWD, at, MEMORY + 0x1000, 0]).unwrap();
    assert_eq!(program.get::<u32>(0x1000 + 24), linux::S_IFREG | 0o644);
    assert_eq!(program.get::<u64>(0x1000 + 48), 5);
    program.call("statx", [AT_FDCWD, at, 0, 0xfff, MEMORY + 0x1000]).unwrap();
    assert_eq!(program.get::<u16>(0x1000 + 28), (linux::S_IFREG | 0o644) as u16);
    assert_eq!(program.get::<u64>(0x1000 + 40), 5);
}

#[test]
fn devices_do_what_they_are_for() {
    let program = Program::new();
    assert_eq!(program.read_file("/dev/null"), Ok(Vec::new()));
    let random = program.open("/dev/urandom", linux::O_RDONLY).unwrap();
    program.call("read", [random, MEMORY, 16]).unwrap();
    assert_ne!(program.get::<[u8; 16]>(0), [0; 16]);
    let full = program.open("/dev/full", linux::O_WRONLY).unwrap();
    assert_eq!(program.call("write", [full, MEMORY, 1]), Err(Errno::ENOSPC));
}

#[test]
fn the_kernel_tells_of_memory_what_is_true() {
    let program = Program::new();
    let text = std::string::String::from_utf8(program.read_file("/proc/meminfo").unwrap()).unwrap();
    assert!(text.starts_with("MemTotal:        1048576 kB\n"), "{text}");
    let maps = std::string::String::from_utf8(program.read_file("/proc/self/maps").unwrap()).unwrap();
    assert_eq!(maps, "100000-200000 rw-p 00000000 00:00 0\n");
}

#[test]
fn descriptors_are_bounded_and_the_lowest_is_taken() {
    let program = Program::new();
    for number in 0..64 {
        assert_eq!(program.open("/dev/null", linux::O_RDONLY), Ok(number));
    }
    assert_eq!(program.open("/dev/null", linux::O_RDONLY), Err(Errno::EMFILE));
    program.call("close", [9]).unwrap();
    assert_eq!(program.call("close", [9]), Err(Errno::EBADF));
    assert_eq!(program.call("dup", [3]), Ok(9));
    assert_eq!(program.call("dup2", [3, 64]), Err(Errno::EBADF));
    assert_eq!(program.call("dup2", [3, 5]), Ok(5));
}

#[test]
fn a_private_mapping_shows_the_file_and_does_not_change_it() {
    let program = Program::new();
    program.write_file("/tmp/a", b"file");
    let number = program.open("/tmp/a", linux::O_RDWR).unwrap();
    let (protection, private) = (u64::from(linux::PROT_READ | linux::PROT_WRITE), u64::from(linux::MAP_PRIVATE));
    let at = program.call("mmap", [0, 4, protection, private, number, 0]).unwrap();
    assert_eq!(program.thread.memory.get::<[u8; 4]>(at), Ok(*b"file"));
    program.thread.memory.put(at, b"mine").unwrap();
    assert_eq!(program.read_file("/tmp/a"), Ok(b"file".to_vec()));
    program.call("munmap", [at, 4]).unwrap();
    assert_eq!(program.thread.memory.get::<[u8; 4]>(at), Err(Errno::EFAULT));
}
