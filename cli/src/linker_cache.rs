//! The dynamic linker's cache: which file a library's name means on this host (ldconfig(8), `/etc/ld.so.cache`).
//!
//! The format is glibc's (`sysdeps/generic/dl-cache.h`): a header of 48 bytes, then entries of 24 bytes, each
//! `flags: i32, name: u32, path: u32, os version: u32, hardware: u64`, all little-endian; `name` and `path` are offsets of
//! zero-ended texts from the header on. An older format may stand before it.
use std::collections::HashMap;

/// Where it is.
pub const PATH: &str = "/etc/ld.so.cache";

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
/// A library of glibc's for x86-64 (FLAG_ELF_LIBC6 and FLAG_X8664_LIB64).
const FLAGS: u32 = 0x0303;
/// More entries than any host has.
const MAX_ENTRIES: usize = 1 << 20;

/// Path by name; the first of a name counts. What does not read as a cache is an empty one.
pub fn parse(bytes: &[u8]) -> HashMap<String, String> {
    let mut libraries = HashMap::new();
    let start = bytes.windows(MAGIC.len()).position(|window| window == MAGIC);
    let Some(cache) = start.and_then(|start| bytes.get(start..)) else { return libraries };
    let count = word(cache, MAGIC.len()).unwrap_or(0) as usize;
    for number in 0..count.min(MAX_ENTRIES) {
        let at = HEADER + number * ENTRY;
        let Some((name, path)) = entry(cache, at) else { continue };
        libraries.entry(name).or_insert(path);
    }
    libraries
}

/// The entry at this byte, unless it is for another machine or only for some processors.
fn entry(cache: &[u8], at: usize) -> Option<(String, String)> {
    let hardware = (word(cache, at + 16)?, word(cache, at + 20)?);
    if word(cache, at)? != FLAGS || hardware != (0, 0) {
        return None;
    }
    Some((text(cache, word(cache, at + 4)?)?, text(cache, word(cache, at + 8)?)?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn text(bytes: &[u8], at: u32) -> Option<String> {
    let rest = bytes.get(at as usize..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache of these entries: flags, name, path, hardware.
    fn cache(entries: &[(u32, &str, &str, u64)]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((entries.len() as u32).to_le_bytes());
        bytes.resize(HEADER, 0);
        let mut texts = Vec::new();
        let texts_at = HEADER + entries.len() * ENTRY;
        for (flags, name, path, hardware) in entries {
            let name_at = texts_at + texts.len();
            texts.extend([name.as_bytes(), b"\0"].concat());
            let path_at = texts_at + texts.len();
            texts.extend([path.as_bytes(), b"\0"].concat());
            for word in [*flags, name_at as u32, path_at as u32, 0] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(hardware.to_le_bytes());
        }
        bytes.extend(texts);
        bytes
    }

    #[test]
    fn the_first_for_this_machine_and_every_processor_counts() {
        let bytes = cache(&[
            (0x0303, "libx.so.1", "/lib/glibc-hwcaps/x86-64-v3/libx.so.1", 1 << 62),
            (0x0803, "libx.so.1", "/lib32/libx.so.1", 0),
            (0x0303, "libx.so.1", "/opt/libx.so.1", 0),
            (0x0303, "libx.so.1", "/lib/libx.so.1", 0),
        ]);
        let expected = HashMap::from([("libx.so.1".to_string(), "/opt/libx.so.1".to_string())]);
        assert_eq!(parse(&bytes), expected);
        // Behind an older format.
        assert_eq!(parse(&[b"ld.so-1.7.0\0\0\0\0\0\0".as_slice(), &bytes].concat()), expected);
    }

    #[test]
    fn a_cache_cut_anywhere_tells_nothing_false() {
        let whole = cache(&[(0x0303, "a", "/a", 0), (0x0303, "b", "/b", 0)]);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).iter().all(|(name, path)| *path == format!("/{name}")), "{length}");
        }
    }
}
