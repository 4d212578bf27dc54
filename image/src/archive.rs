//! An image: a `newc` archive (cpio(5)).
//!
//! It holds `portcullis/manifest` (a [`Manifest`] in postcard), `portcullis/policy` (the compiled policy), and the
//! program's file tree below `root`. [`write()`] makes one, [`Image::parse`] reads one in place. No input panics: parsing
//! checks every entry once, and what it returns cannot fail any more.
use crate::manifest::{Manifest, VERSION};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// How every image begins: the magic number of `newc` (cpio(5)).
pub const MAGIC: &[u8; 6] = b"070701";

const MANIFEST: &str = "portcullis/manifest";
const POLICY: &str = "portcullis/policy";
const ROOT: &str = "root";
const TRAILER: &str = "TRAILER!!!";
/// The magic number and 13 fields of 8 hexadecimal digits.
const HEADER: usize = 6 + 13 * 8;
const PAGE: usize = 4096;
const REGULAR: u32 = 0o100000;

/// One file of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Absolute in the tree, without empty, `.` or `..` components: `/etc/hosts`. The root itself is the empty string.
    pub path: &'a str,
    /// Type and permissions (inode(7)): `S_IFREG`, `S_IFDIR` or `S_IFLNK`.
    pub mode: u32,
    /// Seconds since 1970 of its last change.
    pub modified: u32,
    /// A regular file's bytes; a symbolic link's target; empty for a directory.
    pub data: &'a [u8],
}

/// Why an image cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// It does not begin as an image does.
    NoImage,
    /// It ends within the entry that begins at this byte.
    CutShort(usize),
    /// The entry that begins at this byte has a header that is none.
    BadHeader(usize),
    /// The entry that begins at this byte has a name that no file of an image has.
    BadName(usize),
    /// This entry stands in it twice.
    Twice(&'static str),
    /// This entry is missing.
    Missing(&'static str),
    /// Its format has this version, not [`VERSION`].
    OtherVersion(u32),
    /// Its manifest does not decode.
    BadManifest,
    /// This file does not fit an image: its name or its content is too long for the format.
    TooLong(String),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoImage => write!(f, "this is no image: it does not begin with 070701"),
            Self::CutShort(at) => write!(f, "the image is cut short: the entry at byte {at} goes past its end"),
            Self::BadHeader(at) => write!(f, "the image is damaged: no header at byte {at}"),
            Self::BadName(at) => write!(f, "the image is damaged: the entry at byte {at} has no valid name"),
            Self::Twice(name) => write!(f, "the image is damaged: {name} stands in it twice"),
            Self::Missing(name) => write!(f, "the image has no {name}"),
            Self::OtherVersion(version) => {
                write!(f, "the image has format version {version}, and this is version {VERSION}: build it again")
            }
            Self::BadManifest => write!(f, "the image is damaged: its manifest does not decode"),
            Self::TooLong(path) => write!(f, "{path} is too long for an image: at most 4 GiB, and 4096 bytes of name"),
        }
    }
}

impl core::error::Error for ImageError {}

/// An image, read in place.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    /// What to run and how.
    pub manifest: Manifest,
    /// The compiled policy.
    pub policy: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Image<'a> {
    /// Reads an image; what follows its last entry is ignored.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ImageError> {
        if !bytes.starts_with(MAGIC) {
            return Err(ImageError::NoImage);
        }
        let (mut manifest, mut policy) = (None, None);
        let mut archive = Archive { bytes, at: 0 };
        while let Some(raw) = archive.next()? {
            match raw.name {
                MANIFEST => once(&mut manifest, MANIFEST, raw.data)?,
                POLICY => once(&mut policy, POLICY, raw.data)?,
                name if !is_tree_path(name) && name != "portcullis" => return Err(ImageError::BadName(raw.at)),
                _ => {}
            }
        }
        let manifest = decode(manifest.ok_or(ImageError::Missing(MANIFEST))?)?;
        Ok(Image { manifest, policy: policy.ok_or(ImageError::Missing(POLICY))?, bytes })
    }

    /// The files of the tree, in the order in which they were written.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut archive = Archive { bytes: self.bytes, at: 0 };
        // `parse` has read every entry, so no error can come here.
        core::iter::from_fn(move || archive.next().ok().flatten()).filter_map(|raw| {
            let path = raw.name.strip_prefix(ROOT)?;
            Some(Entry { path, mode: raw.mode, modified: raw.modified, data: raw.data })
        })
    }
}

/// Makes an image, and gives it away part by part; returns its length. A directory should come before what is in it. An
/// error of `out` ends it.
pub fn write<'a, E: From<ImageError>>(
    manifest: &Manifest,
    policy: &[u8],
    files: impl IntoIterator<Item = Entry<'a>>,
    out: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<usize, E> {
    let encoded = postcard::to_allocvec(manifest).map_err(|_| ImageError::BadManifest)?;
    let mut writer = Writer { out, written: 0, entries: 0 };
    let own = |data| Entry { path: "", mode: REGULAR | 0o444, modified: 0, data };
    writer.entry(MANIFEST, &own(&encoded))?;
    writer.entry(POLICY, &own(policy))?;
    for file in files {
        let name = format!("{ROOT}{}", file.path);
        if !is_tree_path(&name) {
            return Err(ImageError::BadName(writer.written).into());
        }
        writer.entry(&name, &file)?;
    }
    writer.entry(TRAILER, &Entry { path: "", mode: 0, modified: 0, data: &[] })?;
    Ok(writer.written)
}

/// Whether this is `root`, or a path below it without empty, `.` or `..` components.
fn is_tree_path(name: &str) -> bool {
    let mut components = name.split('/');
    components.next() == Some(ROOT) && components.all(|component| !matches!(component, "" | "." | ".."))
}

fn once<'a>(slot: &mut Option<&'a [u8]>, name: &'static str, data: &'a [u8]) -> Result<(), ImageError> {
    if slot.replace(data).is_some() { Err(ImageError::Twice(name)) } else { Ok(()) }
}

fn decode(bytes: &[u8]) -> Result<Manifest, ImageError> {
    // The version comes first and alone: what follows it may have another shape.
    let (version, _) = postcard::take_from_bytes::<u32>(bytes).map_err(|_| ImageError::BadManifest)?;
    if version != VERSION {
        return Err(ImageError::OtherVersion(version));
    }
    postcard::from_bytes(bytes).map_err(|_| ImageError::BadManifest)
}

/// An entry of the archive, whatever it is.
struct Raw<'a> {
    at: usize,
    name: &'a str,
    mode: u32,
    modified: u32,
    data: &'a [u8],
}

/// The rest of an archive. Offsets count from its start, because the format aligns to that.
struct Archive<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Archive<'a> {
    /// The next entry; `None` at the trailer.
    fn next(&mut self) -> Result<Option<Raw<'a>>, ImageError> {
        let at = self.at;
        let header = self.take(HEADER, at)?;
        let field = |number: usize| field(header, number).ok_or(ImageError::BadHeader(at));
        if !header.starts_with(MAGIC) {
            return Err(ImageError::BadHeader(at));
        }
        let (mode, modified, length, name_length) = (field(1)?, field(5)?, field(6)?, field(11)?);
        let name = self.take(name_length as usize, at)?;
        let (name, zeroes) = name.split_at(name.iter().position(|byte| *byte == 0).ok_or(ImageError::BadName(at))?);
        let name = core::str::from_utf8(name).ok().filter(|_| zeroes.iter().all(|byte| *byte == 0));
        let name = name.ok_or(ImageError::BadName(at))?;
        if name == TRAILER {
            return Ok(None);
        }
        self.align(at)?;
        let data = self.take(length as usize, at)?;
        self.align(at)?;
        Ok(Some(Raw { at, name, mode, modified, data }))
    }

    fn take(&mut self, length: usize, entry: usize) -> Result<&'a [u8], ImageError> {
        let end = self.at.checked_add(length).ok_or(ImageError::CutShort(entry))?;
        let taken = self.bytes.get(self.at..end).ok_or(ImageError::CutShort(entry))?;
        self.at = end;
        Ok(taken)
    }

    fn align(&mut self, entry: usize) -> Result<(), ImageError> {
        self.take(self.at.wrapping_neg() % 4, entry).map(|_| ())
    }
}

/// The header's field of this number, counted from 0.
fn field(header: &[u8], number: usize) -> Option<u32> {
    let digits = header.get(6 + number * 8..)?.get(..8)?;
    digits.iter().try_fold(0, |value: u32, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

struct Writer<W> {
    out: W,
    written: usize,
    entries: u32,
}

impl<E: From<ImageError>, W: FnMut(&[u8]) -> Result<(), E>> Writer<W> {
    fn entry(&mut self, name: &str, entry: &Entry<'_>) -> Result<(), E> {
        let length = u32::try_from(entry.data.len()).map_err(|_| ImageError::TooLong(name.to_string()))?;
        if name.len() >= 4096 || name.contains('\0') {
            return Err(ImageError::TooLong(name.to_string()).into());
        }
        self.entries += 1;
        let links = 1;
        let name_length = self.name_length(name, entry.data);
        let fields = [self.entries, entry.mode, 0, 0, links, entry.modified, length, 0, 0, 0, 0, name_length as u32, 0];
        let mut head = MAGIC.to_vec();
        for value in fields {
            head.extend_from_slice(format!("{value:08X}").as_bytes());
        }
        head.extend_from_slice(name.as_bytes());
        head.resize(HEADER + name_length, 0);
        self.part(&head)?;
        self.part(entry.data)
    }

    /// How long the name is with the zeroes that end it: so many that data of a page or more begins on a page, which the
    /// kernel can then give to the program as it is.
    fn name_length(&self, name: &str, data: &[u8]) -> usize {
        let shortest = name.len() + 1;
        if data.len() < PAGE {
            return shortest;
        }
        let start = self.written + HEADER;
        (start + shortest).next_multiple_of(PAGE) - start
    }

    /// Writes this, and what aligns the next.
    fn part(&mut self, bytes: &[u8]) -> Result<(), E> {
        let missing = bytes.len().wrapping_neg() % 4;
        (self.out)(bytes)?;
        (self.out)(&[0; 4][..missing])?;
        self.written += bytes.len() + missing;
        Ok(())
    }
}
