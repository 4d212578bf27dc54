//! The program: its memory, threads, processes and signals.
//!
//! A thread is a task of the executor: [`thread`] runs it in ring 3 and serves its traps. Nothing here trusts what the
//! program says: every address is checked where it is used, every length is bounded.
pub mod alarm;
pub mod descriptors;
pub mod elf;
pub mod epoll;
pub mod eventfd;
pub mod frame;
pub mod futex;
pub mod group;
pub mod locks;
pub mod memory;
pub mod pipe;
pub mod proc;
pub mod process;
pub mod signal;
pub mod signalfd;
pub mod space;
pub mod stack;
pub mod stop;
pub mod thread;
pub mod timer;
pub mod timerfd;
pub mod unix;
pub mod vdso;

pub use elf::StartError;
pub use process::{End, Process, World};

use crate::file::Sockets;
use crate::tree::{Place, Tree, output};
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use descriptors::{Descriptors, Open};
use image::manifest::Manifest;
use linux_raw_sys::general as linux;
use machine::user::Registers;
use memory::Memory;
use space::Space;
use spin::Mutex;
use thread::Thread;

/// How many descriptors a process may have at first.
const DESCRIPTORS: usize = 65_536;

/// Loads the program that the manifest names and starts its first thread.
pub fn start(manifest: &Manifest, tree: Tree, sockets: Arc<dyn Sockets>) -> Result<Arc<Process>, StartError> {
    let not_found = || StartError::NotFound(manifest.program.clone());
    let file = tree.open_program(&manifest.program).ok_or_else(not_found)?;
    let top = stack::choose_top();
    let mut space = Space::new(stack::mappings_under(top)).map_err(|_| StartError::OutOfMemory)?;
    let loaded = elf::load(&mut space, &file, |path| tree.open_program(path))?;
    vdso::map(&mut space).map_err(|_| StartError::OutOfMemory)?;
    let stack_pointer = stack::build(&mut space, top, &loaded, &manifest.program, &manifest.args, &manifest.env)?;
    tree.set_program(&manifest.program);
    tree.set_arguments(&manifest.args, &manifest.env);
    let mut files = Descriptors::new(DESCRIPTORS);
    let standard = [
        (tree.null(), linux::O_RDONLY),
        (output(image::report::kind::STDOUT), linux::O_WRONLY),
        (output(image::report::kind::STDERR), linux::O_WRONLY),
    ];
    for (file, flags) in standard {
        files.add(Arc::new(Open::new(file, flags)), false, 0).map_err(|_| StartError::OutOfMemory)?;
    }
    let place = Place::at(&tree);
    let world = World::new(tree, sockets);
    if manifest.trace {
        world.trace.switch_on();
    }
    let process = Process::new(&world, 1, signal::Actions::default());
    let memory = Arc::new(Memory::new(space));
    let id = process.id;
    let thread = Thread::new(&process, id, memory, Arc::new(Mutex::new(files)), Arc::new(Mutex::new(place)));
    let name = manifest.program.rsplit('/').next().unwrap_or_default().to_string();
    thread.set_name(name.as_bytes());
    thread.spawn(Box::new(Registers::new(loaded.start, stack_pointer)));
    Ok(process)
}
