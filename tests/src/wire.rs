//! The other end of the machine's network card: raw Ethernet frames over a pair of datagram sockets.
//!
//! QEMU's `-netdev dgram` sends each frame as one datagram. Nothing is lost on the way: a full queue makes the sender
//! wait, on both sides. A thread collects every frame that the machine ever sends, and tells it the hardware addresses
//! it asks for, whichever they are, so that the machine can answer any source.
use crate::frame::{self, NEIGHBOR_ADVERTISEMENT, VM_IPV4, VM_IPV6};
use crate::seen::{Seen, What};
use crate::{PATIENCE, Result};
use etherparse::ArpOperation;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A wire with one machine on it.
#[derive(Clone)]
pub struct Wire(Arc<Shared>);

struct Shared {
    socket: UnixDatagram,
    here: PathBuf,
    there: PathBuf,
    capture: Mutex<Capture>,
    changed: Condvar,
    /// Holds the sockets' names.
    _directory: tempfile::TempDir,
}

#[derive(Default)]
struct Capture {
    /// Parsed once: many may look at them.
    frames: Vec<Seen>,
    ended: bool,
}

impl Wire {
    /// A wire that no machine is on yet.
    pub fn new() -> Result<Wire> {
        let directory = tempfile::tempdir()?;
        let (here, there) = (directory.path().join("test"), directory.path().join("vm"));
        let socket = UnixDatagram::bind(&here)?;
        // A machine that takes nothing for so long is dead.
        socket.set_write_timeout(Some(PATIENCE))?;
        let shared = Shared {
            socket: socket.try_clone()?,
            here,
            there,
            capture: Mutex::default(),
            changed: Condvar::new(),
            _directory: directory,
        };
        let wire = Wire(Arc::new(shared));
        // The thread holds the wire weakly and ends when the last holder shuts the socket.
        let weak = Arc::downgrade(&wire.0);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(length) = socket.recv(&mut buffer) {
                let Some(shared) = weak.upgrade() else { break };
                if length == 0 {
                    break;
                }
                Wire(shared).take(&buffer[..length]);
            }
        });
        Ok(wire)
    }

    /// What QEMU's `-netdev` needs to be the other end, without an `id`.
    pub fn netdev(&self) -> String {
        let (here, there) = (self.0.here.display(), self.0.there.display());
        format!("dgram,local.type=unix,local.path={there},remote.type=unix,remote.path={here}")
    }

    /// Sends a frame; `false` if no machine is on the wire (yet, or any more).
    pub fn send(&self, frame: &[u8]) -> Result<bool> {
        match self.0.socket.send_to(frame, &self.0.there) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(false),
            Err(error) => Err(format!("the machine takes no frames: {error}").into()),
        }
    }

    /// Tells the machine by ARP that `source` is on the wire, and waits until it answered.
    pub fn introduce(&self, source: Ipv4Addr) -> Result {
        let mut from = self.mark();
        self.send(&frame::arp(ArpOperation::REQUEST, source, VM_IPV4))?;
        self.find(&mut from, PATIENCE, |seen| match seen {
            Seen::Arp { asks: false, from, target } if (*from, *target) == (VM_IPV4, source) => Some(()),
            _ => None,
        })
        .ok_or_else(|| format!("no answer by ARP to {source}").into())
    }

    /// How many frames came so far: where to look for those that come from now on.
    pub fn mark(&self) -> usize {
        self.lock().frames.len()
    }

    /// All frames of the machine from a mark on.
    pub fn since(&self, mark: usize) -> Vec<Seen> {
        self.lock().frames.iter().skip(mark).cloned().collect()
    }

    /// Waits for the next frame after the mark that `pick` takes, and moves the mark behind it. `None` when `within`
    /// is over first.
    pub fn find<T>(&self, mark: &mut usize, within: Duration, mut pick: impl FnMut(&Seen) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut capture = self.lock();
        loop {
            while let Some(frame) = capture.frames.get(*mark) {
                *mark += 1;
                if let Some(found) = pick(frame) {
                    return Some(found);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || capture.ended {
                return None;
            }
            capture = self.0.changed.wait_timeout(capture, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Keeps a frame of the machine, and answers it if it asks for a hardware address.
    fn take(&self, bytes: &[u8]) {
        let seen = Seen::parse(bytes);
        let answer = match &seen {
            Seen::Arp { asks: true, target, .. } if *target != VM_IPV4 => {
                Some(frame::arp(ArpOperation::REPLY, *target, VM_IPV4))
            }
            Seen::Ip { from: IpAddr::V6(from), what: What::NeighborSolicitation(target), .. }
                if !from.is_unspecified() && *target != VM_IPV6 =>
            {
                Some(frame::neighbor(NEIGHBOR_ADVERTISEMENT, *target, *target))
            }
            _ => None,
        };
        self.lock().frames.push(seen);
        self.0.changed.notify_all();
        if let Some(answer) = answer
            && self.send(&answer).is_err()
        {
            // The machine is dead: whoever waits for a frame of it need not wait on.
            self.lock().ended = true;
            self.0.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Capture> {
        self.0.capture.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Ends the thread, which waits for a frame. It fails only when the socket is shut already.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}
