//! Spaces against a naive one: a map from page to protection and content.
use super::*;
use crate::file::File;
use crate::tree::{Kind, Node, Snapshot};
use alloc::sync::Arc;
use proptest::prelude::*;
use std::collections::HashMap;

const BASE: u64 = 0x100_0000;
const PAGES: u64 = 24;
const RW: Protection = Protection::READ.union(Protection::WRITE);

fn space() -> Space {
    Space::new(BASE + PAGES * PAGE).unwrap()
}

fn range(first: u64, count: u64) -> Range<u64> {
    BASE + first * PAGE..BASE + (first + count) * PAGE
}

#[derive(Clone, Debug)]
enum Step {
    Map(u64, u64, Protection),
    Unmap(u64, u64),
    Protect(u64, u64, Protection),
    Discard(u64, u64),
    Write(u64, u8),
    Fork,
}

fn protection() -> impl Strategy<Value = Protection> {
    (0..8_u8).prop_map(Protection::from_bits_truncate)
}

fn step() -> impl Strategy<Value = Step> {
    let pages = || (0..PAGES - 4, 1..5_u64);
    prop_oneof![
        3 => (pages(), protection()).prop_map(|((first, count), to)| Step::Map(first, count, to)),
        1 => pages().prop_map(|(first, count)| Step::Unmap(first, count)),
        3 => (pages(), protection()).prop_map(|((first, count), to)| Step::Protect(first, count, to)),
        1 => pages().prop_map(|(first, count)| Step::Discard(first, count)),
        5 => (0..PAGES, 1..255_u8).prop_map(|(page, byte)| Step::Write(page, byte)),
        1 => Just(Step::Fork),
    ]
}

/// The same, a page at a time: protection and the byte that the page begins with.
#[derive(Default)]
struct Naive(HashMap<u64, (Protection, u8)>);

impl Naive {
    fn apply(&mut self, step: &Step) -> bool {
        match *step {
            Step::Map(first, count, to) => (first..first + count).for_each(|page| {
                self.0.insert(page, (to, 0));
            }),
            Step::Unmap(first, count) => (first..first + count).for_each(|page| {
                self.0.remove(&page);
            }),
            Step::Protect(first, count, _) if !(first..first + count).all(|page| self.0.contains_key(&page)) => {
                return false;
            }
            Step::Protect(first, count, to) => {
                (first..first + count).for_each(|page| self.0.get_mut(&page).unwrap().0 = to);
            }
            Step::Discard(first, count) => (first..first + count).for_each(|page| {
                self.0.entry(page).and_modify(|entry| entry.1 = 0);
            }),
            Step::Write(page, byte) => match self.0.get_mut(&page) {
                Some((protection, content)) if protection.contains(Protection::WRITE) => *content = byte,
                _ => return false,
            },
            Step::Fork => {}
        }
        true
    }
}

fn apply(space: &mut Space, step: &Step) -> bool {
    match *step {
        Step::Map(first, count, to) => space.map(range(first, count), to, Backing::Zero).is_ok(),
        Step::Unmap(first, count) => space.unmap(range(first, count)).is_ok(),
        Step::Protect(first, count, to) => space.protect(range(first, count), to).is_ok(),
        Step::Discard(first, count) => {
            space.discard(range(first, count));
            true
        }
        Step::Write(page, byte) => space.write(BASE + page * PAGE, &[byte]).is_ok(),
        Step::Fork => {
            *space = space.fork().unwrap();
            true
        }
    }
}

proptest! {
    #[test]
    fn a_space_does_what_a_page_map_does(steps in prop::collection::vec(step(), 1..60)) {
        let (mut space, mut naive) = (space(), Naive::default());
        for step in &steps {
            prop_assert_eq!(apply(&mut space, step), naive.apply(step), "{:?}", step);
            for page in 0..PAGES {
                let mut byte = [0xff];
                let read = space.read(BASE + page * PAGE, &mut byte).ok().map(|()| byte[0]);
                let expected = naive.0.get(&page).filter(|(to, _)| !to.is_empty()).map(|(_, content)| *content);
                prop_assert_eq!(read, expected, "page {} after {:?}", page, step);
            }
        }
    }

    #[test]
    fn free_ranges_are_free_and_below_the_top(steps in prop::collection::vec(step(), 1..20), count in 1..6_u64) {
        let mut space = space();
        steps.iter().for_each(|step| { apply(&mut space, step); });
        let found = space.find_free(count * PAGE).unwrap();
        prop_assert!(space.is_free(&found));
        prop_assert!(found.end <= BASE + PAGES * PAGE);
        prop_assert_eq!(found.end - found.start, count * PAGE);
    }
}

#[test]
fn pages_come_when_they_are_touched() {
    let mut space = Space::new(BASE + (128 << 20)).unwrap();
    space.map(BASE..BASE + (128 << 20), RW, Backing::Zero).unwrap();
    assert_eq!(space.resident(), 0);
    space.write(BASE + PAGE - 1, &[1, 2]).unwrap();
    assert_eq!(space.resident(), 2 * PAGE);
    space.discard(BASE..BASE + (128 << 20));
    assert_eq!(space.resident(), 0);
}

#[test]
fn a_files_bytes_are_seen_and_its_end_is_the_end() {
    let bytes: Vec<u8> = (0..PAGE + 10).map(|at| at as u8).collect();
    let file: Arc<dyn File> = Arc::new(Snapshot(bytes.clone()));
    let mut space = space();
    let backing = Backing::File { file, offset: 0, end: PAGE + 10 };
    space.map(range(0, 3), Protection::READ, backing).unwrap();
    // Splitting it must not move what it shows.
    space.protect(range(1, 1), RW).unwrap();
    let mut read = vec![0xff; PAGE as usize + 20];
    space.read(BASE, &mut read).unwrap();
    assert_eq!(read[..bytes.len()], bytes);
    assert_eq!(read[bytes.len()..], [0; 10]);
    assert_eq!(space.resolve(BASE + 2 * PAGE, Protection::READ), Err(Fault::PastEnd));
}

#[test]
fn a_page_that_the_program_wants_to_write_and_execute_is_both() {
    let mut space = space();
    let both = Protection::WRITE | Protection::EXECUTE;
    space.map(range(0, 1), both, Backing::Zero).unwrap();
    space.write(BASE, &[0xc3]).unwrap();
    assert_eq!(space.resolve(BASE, Protection::EXECUTE), Ok(()));
    space.protect(range(0, 1), RW).unwrap();
    assert_eq!(space.resolve(BASE, Protection::EXECUTE), Err(Fault::Forbidden));
}

#[test]
fn what_is_shared_is_seen_in_every_mapping_in_the_file_and_after_a_fork() {
    let file: Arc<dyn File> = Node::new(Kind::file(), 0o100_644);
    file.write(b"from the file", 0).unwrap();
    let mut parent = space();
    let backing = || Backing::Shared { file: file.clone(), offset: 0 };
    parent.map(range(0, 2), RW, backing()).unwrap();
    parent.map(range(4, 1), Protection::READ, backing()).unwrap();
    let seen = |space: &mut Space, at: u64| {
        let mut bytes = [0; 4];
        space.read(at, &mut bytes).unwrap();
        bytes
    };
    assert_eq!(&seen(&mut parent, BASE), b"from");
    let mut child = parent.fork().unwrap();
    child.write(BASE, b"over").unwrap();
    assert_eq!(&seen(&mut parent, BASE + 4 * PAGE), b"over");
    let mut bytes = [0; 4];
    file.read(&mut bytes, 0).unwrap();
    assert_eq!(&bytes, b"over");
    file.write(b"back", 0).unwrap();
    assert_eq!(&seen(&mut child, BASE), b"back");
    // Nothing is behind the file's last page.
    assert_eq!(parent.resolve(BASE + PAGE, Protection::READ), Err(Fault::PastEnd));
    // What is forgotten is still in the file.
    parent.discard(range(0, 1));
    assert_eq!(&seen(&mut parent, BASE), b"back");
}

#[test]
fn what_is_shared_for_reading_alone_never_becomes_writable() {
    let file: Arc<dyn File> = Node::new(Kind::file(), 0o100_644);
    let mut space = space();
    space.map_for_reading(range(0, 1), Protection::READ, Backing::Shared { file, offset: 0 }).unwrap();
    assert_eq!(space.protect(range(0, 1), RW), Err(Errno::EACCES));
}

#[test]
fn neighbours_of_a_page_of_the_image_come_with_it() {
    let bytes: &'static [u8] = Vec::leak(vec![7; 12 * PAGE as usize]);
    let start = bytes.as_ptr().align_offset(PAGE as usize);
    let bytes = &bytes[start..start + 10 * PAGE as usize + 5];
    let file: Arc<dyn File> = Node::new(Kind::borrowed(bytes), 0o100_644);
    let mut space = space();
    space.map(range(0, 11), Protection::READ, Backing::File { file, offset: 0, end: u64::MAX }).unwrap();
    space.resolve(BASE + 3 * PAGE, Protection::READ).unwrap();
    assert_eq!(space.resident(), 10 * PAGE);
    // The last one is not whole: it is a copy, with zeroes behind its end.
    let mut read = [0xff; 6];
    space.read(BASE + 10 * PAGE, &mut read).unwrap();
    assert_eq!(read, [7, 7, 7, 7, 7, 0]);
    // A copy of what is written; the neighbours stay as they are.
    space.protect(range(0, 11), RW).unwrap();
    space.write(BASE, &[8]).unwrap();
    space.read(BASE + PAGE - 3, &mut read).unwrap();
    assert_eq!((read, bytes[0]), ([7; 6], 7));
}

#[test]
fn what_nobody_may_touch_keeps_what_it_holds() {
    let mut space = space();
    space.map(range(0, 2), RW, Backing::Zero).unwrap();
    space.write(BASE, b"kept").unwrap();
    space.protect(range(0, 2), Protection::empty()).unwrap();
    assert_eq!(space.resolve(BASE, Protection::READ), Err(Fault::Forbidden));
    let moved = space.remap(range(0, 2), 2 * PAGE, Place::At(BASE + 8 * PAGE)).unwrap();
    let mut space = space.fork().unwrap();
    space.protect(moved..moved + 2 * PAGE, Protection::READ).unwrap();
    let mut read = [0; 4];
    space.read(moved, &mut read).unwrap();
    assert_eq!(&read, b"kept");
}

#[test]
fn holes_are_found_again() {
    let mut space = space();
    let first = space.find_free(2 * PAGE).unwrap();
    space.map(first.clone(), RW, Backing::Zero).unwrap();
    let second = space.find_free(3 * PAGE).unwrap();
    space.map(second.clone(), Protection::READ, Backing::Zero).unwrap();
    space.unmap(first.clone()).unwrap();
    assert_eq!(space.find_free(3 * PAGE).unwrap().end, second.start);
    assert_eq!(space.find_free(2 * PAGE).unwrap(), first);
    space.unmap(second.clone()).unwrap();
    assert_eq!(space.find_free(5 * PAGE).unwrap(), second.start..first.end);
}

#[test]
fn a_mapping_that_is_moved_without_being_unmapped_leaves_zeroes() {
    let mut space = space();
    space.map(range(0, 1), RW, Backing::Zero).unwrap();
    space.write(BASE, b"gone").unwrap();
    let moved = space.remap(range(0, 1), PAGE, Place::Leaving(None)).unwrap();
    let mut read = [1; 4];
    space.read(moved, &mut read).unwrap();
    assert_eq!(&read, b"gone");
    space.read(BASE, &mut read).unwrap();
    assert_eq!(read, [0; 4]);
}

#[test]
fn what_a_process_writes_after_a_fork_the_other_does_not_see() {
    let mut parent = space();
    parent.map(range(0, 1), RW, Backing::Zero).unwrap();
    parent.write(BASE, b"one").unwrap();
    let mut child = parent.fork().unwrap();
    child.write(BASE, b"two").unwrap();
    let mut read = [0; 3];
    parent.read(BASE, &mut read).unwrap();
    assert_eq!(&read, b"one");
}

#[test]
fn a_mapping_that_cannot_grow_in_place_moves_with_what_it_holds() {
    let mut space = space();
    space.map(range(0, 2), RW, Backing::Zero).unwrap();
    space.map(range(2, 1), RW, Backing::Zero).unwrap();
    space.write(BASE + PAGE, b"kept").unwrap();
    assert_eq!(space.remap(range(0, 2), 4 * PAGE, Place::Here), Err(Errno::ENOMEM));
    let moved = space.remap(range(0, 2), 4 * PAGE, Place::Anywhere).unwrap();
    let mut read = [0; 4];
    space.read(moved + PAGE, &mut read).unwrap();
    assert_eq!(&read, b"kept");
    assert_eq!(space.read(BASE, &mut read), Err(Errno::EFAULT));
    space.write(moved + 3 * PAGE, b"new").unwrap();
}

#[test]
fn the_heap_grows_and_shrinks_and_stops_at_its_neighbour() {
    let mut space = space();
    space.set_heap(BASE);
    space.map(range(4, 1), RW, Backing::Zero).unwrap();
    assert_eq!(space.brk(0), BASE);
    assert_eq!(space.brk(BASE + 3 * PAGE + 1), BASE + 3 * PAGE + 1);
    assert_eq!(space.brk(BASE + 5 * PAGE), BASE + 3 * PAGE + 1);
    space.write(BASE + 2 * PAGE, b"x").unwrap();
    assert_eq!(space.brk(BASE + PAGE), BASE + PAGE);
    assert_eq!(space.resident(), 0);
}

#[test]
fn copies_never_leave_the_programs_half() {
    let mut space = space();
    let mut bytes = [0; 8];
    for address in [0, PAGE - 4, USER_END - 4, USER_END, 0xffff_8000_0000_0000, u64::MAX - 3] {
        assert_eq!(space.read(address, &mut bytes), Err(Errno::EFAULT), "{address:#x}");
        assert_eq!(space.write(address, &bytes), Err(Errno::EFAULT), "{address:#x}");
    }
}

#[test]
fn what_moved_and_can_only_be_read_now_is_still_copied_by_a_fork() {
    let mut space = space();
    let both = Protection::READ | Protection::WRITE;
    space.map(range(0, 1), both, Backing::Zero).unwrap();
    space.map(range(1, 1), both, Backing::Zero).unwrap();
    space.write(range(0, 1).start, b"kept").unwrap();
    space.protect(range(0, 1), Protection::READ).unwrap();
    let moved = space.remap(range(0, 1), 2 * PAGE, Place::Anywhere).unwrap();
    let mut copy = space.fork().unwrap();
    let mut bytes = [0; 4];
    copy.read(moved, &mut bytes).unwrap();
    assert_eq!(&bytes, b"kept");
}
