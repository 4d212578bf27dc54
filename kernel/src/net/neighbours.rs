//! Whose hardware address the stack knows, and what waits for one.
//!
//! The stack asks for one address a second, and what it would answer in the meantime is lost: the first ping of a peer,
//! or a second peer's. So the question is asked here, and what no socket keeps is held back until the neighbour answers.
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;
use hashbrown::HashMap;
use smoltcp::time::{Duration, Instant};

/// As many as the stack keeps (its iface-neighbor-cache-count), for as long.
const KNOWN: usize = 128;
const LIFETIME: Duration = Duration::from_secs(60);
/// Neighbours asked at a time, each once in a while.
const ASKED: usize = 64;
const PAUSE: Duration = Duration::from_secs(1);
/// Frames held back, and for how long. The oldest gives way.
const HELD: usize = 16;
const PATIENCE: Duration = Duration::from_secs(3);

struct Held {
    neighbour: IpAddr,
    frame: Vec<u8>,
    until: Instant,
}

/// What is known of the neighbours.
#[derive(Default)]
pub struct Neighbours {
    known: HashMap<IpAddr, Instant>,
    asked: HashMap<IpAddr, Instant>,
    held: VecDeque<Held>,
}

impl Neighbours {
    /// Notes that the stack learnt or heard of a neighbour; gives back the frames that waited for it.
    pub fn heard(&mut self, neighbour: IpAddr, now: Instant) -> Vec<Vec<u8>> {
        self.asked.remove(&neighbour);
        insert(&mut self.known, neighbour, now, LIFETIME, KNOWN);
        let mut ready = Vec::new();
        self.held.retain_mut(|held| {
            if held.neighbour == neighbour && held.until > now {
                ready.push(core::mem::take(&mut held.frame));
            }
            held.neighbour != neighbour && held.until > now
        });
        ready
    }

    /// Whether the stack knows where to answer; if it does, `keep` makes that last.
    pub fn knows(&mut self, neighbour: IpAddr, keep: bool, now: Instant) -> bool {
        let Some(until) = self.known.get_mut(&neighbour).filter(|until| **until > now) else { return false };
        if keep {
            *until = now + LIFETIME;
        }
        true
    }

    /// Whether it is time to ask for a neighbour; it counts as asked then.
    pub fn may_ask(&mut self, neighbour: IpAddr, now: Instant) -> bool {
        if self.asked.get(&neighbour).is_some_and(|until| *until > now) {
            return false;
        }
        insert(&mut self.asked, neighbour, now, PAUSE, ASKED)
    }

    /// Keeps a copy of a frame until its neighbour is heard of.
    pub fn hold(&mut self, neighbour: IpAddr, frame: &[u8], now: Instant) {
        if self.held.len() >= HELD {
            self.held.pop_front();
        }
        self.held.push_back(Held { neighbour, frame: frame.to_vec(), until: now + PATIENCE });
    }

    /// Forgets all: the interface has another address.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Inserts where there is room or something is over; whether there was.
fn insert(
    map: &mut HashMap<IpAddr, Instant>,
    neighbour: IpAddr,
    now: Instant,
    lifetime: Duration,
    most: usize,
) -> bool {
    if map.len() >= most && !map.contains_key(&neighbour) {
        map.retain(|_, until| *until > now);
    }
    let room = map.len() < most || map.contains_key(&neighbour);
    if room {
        map.insert(neighbour, now + lifetime);
    }
    room
}
