//! What a PVH loader leaves: `struct hvm_start_info` (Xen's public/arch-x86/hvm/start_info.h), version 1.
use crate::hardware::memory::layout::{self, Region};
use crate::memory::PAGE;
use core::slice;

const MAGIC: u32 = 0x336e_c578;
/// E820 type of memory that is free to use.
const RAM: u32 = 1;
/// At most so many regions of free memory are used.
const REGIONS: usize = 16;
const COMMAND_LINE: usize = 2048;

#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    modules: u32,
    module_list: u64,
    command_line: u64,
    rsdp: u64,
    memory_map: u64,
    memory_map_entries: u32,
    reserved: u32,
}

#[repr(C)]
struct Module {
    address: u64,
    size: u64,
    command_line: u64,
    reserved: u64,
}

#[repr(C)]
struct MemoryMapEntry {
    address: u64,
    size: u64,
    kind: u32,
    reserved: u32,
}

/// What the loader left, copied or borrowed for good.
pub struct Left {
    pub command_line: &'static str,
    pub module: Option<&'static [u8]>,
    /// Free memory, whole pages, without the kernel, the module and the first MiB.
    pub free: [Region; REGIONS],
    /// A page of memory below 640 KiB that nothing uses.
    pub low_page: Option<u64>,
}

static mut COMMAND_LINE_COPY: [u8; COMMAND_LINE] = [0; COMMAND_LINE];

/// Reads what the loader left.
///
/// # Safety
/// 1. `address` is the physical address of what a PVH loader wrote, below 4 GiB, and so is all it points to.
/// 2. It is called once, before any memory is handed out, in page tables that map the first 4 GiB directly.
pub unsafe fn read(address: u64) -> Left {
    // SAFETY: (1) and (2); the structures are plain integers.
    let info = unsafe { &*layout::direct(address).cast::<StartInfo>() };
    assert!(info.magic == MAGIC && info.version >= 1, "not started by a PVH loader of version 1");
    // SAFETY: the same, for what it points to; a count of 0 makes an empty slice of a dangling but aligned pointer.
    let (modules, map) =
        unsafe { (list::<Module>(info.module_list, info.modules), list(info.memory_map, info.memory_map_entries)) };
    // SAFETY: (1) and (2).
    let command_line = unsafe { copy_command_line(info.command_line) };
    let module = modules.first().map(|module| Region { start: module.address, end: module.address + module.size });
    let module = module.filter(|module| !module.is_empty()).or_else(|| placed(command_line, map));
    let bytes = module.map(|module| (layout::direct(module.start), (module.end - module.start) as usize));
    let module = module.unwrap_or(Region::EMPTY);
    Left {
        command_line,
        // SAFETY: the loader or the host put the module there; it is taken out of the free memory below, so nothing writes
        // it. It lies below 4 GiB, and the final page tables keep the direct map of it.
        module: bytes.map(|(start, length)| unsafe { slice::from_raw_parts(start, length) }),
        free: free(map, module),
        low_page: low_page(map, module),
    }
}

/// The module that the host has put into free memory by itself, as the command line says: `image=START+LENGTH`, in bytes.
fn placed(command_line: &str, map: &[MemoryMapEntry]) -> Option<Region> {
    let told = command_line.split_whitespace().find_map(|word| word.strip_prefix("image="))?;
    let (start, length) = told.split_once('+')?;
    let (start, length) = (start.parse::<u64>().ok()?, length.parse::<u64>().ok()?);
    let module = Region { start, end: start.checked_add(length)? };
    let holds = |entry: &&MemoryMapEntry| {
        entry.kind == RAM && entry.address <= module.start && module.end <= entry.address.saturating_add(entry.size)
    };
    let fits =
        layout::image().end <= module.start && module.end <= layout::EARLY_END && map.iter().any(|entry| holds(&entry));
    (fits && !module.is_empty()).then_some(module)
}

/// # Safety
/// As for [`read`], for `count` items at `address`.
unsafe fn list<T>(address: u64, count: u32) -> &'static [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(layout::direct(address).cast(), count as usize) }
}

/// # Safety
/// As for [`read`], for the text at `address`, which ends with a zero.
unsafe fn copy_command_line(address: u64) -> &'static str {
    if address == 0 {
        return "";
    }
    // SAFETY: called once (2), so there is no other reference.
    let copy = unsafe { (&raw mut COMMAND_LINE_COPY).as_mut_unchecked() };
    let mut length = 0;
    while length < COMMAND_LINE {
        // SAFETY: the text ends with a zero, and reading stops there.
        match unsafe { *layout::direct(address).add(length) } {
            0 => break,
            byte => copy[length] = byte,
        }
        length += 1;
    }
    core::str::from_utf8(&copy[..length]).unwrap_or("")
}

/// What the firmware and the loader keep below 1 MiB stands at its beginning and at its end, and has been read by now.
fn low_page(map: &[MemoryMapEntry], module: Region) -> Option<u64> {
    let is_free = |page: &u64| {
        let end = page + PAGE;
        map.iter().any(|e| e.kind == RAM && e.address <= *page && end <= e.address.saturating_add(e.size))
            && (module.is_empty() || end <= module.start || module.end <= *page)
    };
    (0x8000..0x9_0000).step_by(PAGE as usize).find(is_free)
}

fn free(map: &[MemoryMapEntry], module: Region) -> [Region; REGIONS] {
    let mut free = [Region::EMPTY; REGIONS];
    let mut used = 0;
    let mut add = |region: Region| {
        if !region.is_empty() && used < REGIONS {
            free[used] = region;
            used += 1;
        }
    };
    for entry in map.iter().filter(|entry| entry.kind == RAM) {
        let region = Region { start: entry.address, end: entry.address.saturating_add(entry.size) };
        // All before the end of the kernel's image is left alone: the first MiB is the firmware's and the loader's.
        let region = region.after(layout::image().end);
        let (before, after) = region.without(module);
        add(before.whole_pages());
        add(after.whole_pages());
    }
    free
}
