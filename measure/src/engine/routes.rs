//! DPDK's rte_lpm and rte_fib, in a process of their own (`measure/peers/routes.c`).
use crate::address::Address;
use crate::clock;
use crate::contender::{Built, Contender};
use crate::entries::{Keys, List};
use crate::options::Options;
use crate::peer::{PATIENCE, Peer};
use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::time::Duration;
use tempfile::TempDir;
use tests::{Result, ensure};

/// What holds the routes.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Its older library.
    Lpm,
    /// Its newer one.
    Fib,
}

/// Both.
pub const KINDS: [Kind; 2] = [Kind::Lpm, Kind::Fib];

/// One way to look up in the routes that the process holds.
pub struct Routes {
    shared: Rc<RefCell<Shared>>,
    kind: Kind,
    built: Built,
    batch: usize,
}

struct Shared {
    peer: Peer,
    folder: TempDir,
    /// The addresses that it has.
    loaded: Option<&'static str>,
}

impl Kind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lpm => "rte_lpm",
            Self::Fib => "rte_fib",
        }
    }
}

impl Routes {
    /// Lets the process build a list of IPv4; then there are two ways to look up.
    pub fn build<A: Address>(kind: Kind, list: &List<A>, options: &Options) -> Result<Vec<Self>> {
        let folder = tempfile::tempdir()?;
        let mut peer = Peer::start("routes", clock::pin()?)?;
        let path = folder.path().join("routes");
        let route = |(first, length): &(A, u8)| [first.wide() as u32, u32::from(*length)].map(u32::to_le_bytes);
        fs::write(&path, list.iter().map(route).collect::<Vec<_>>().as_flattened().as_flattened())?;
        let answer = peer.ask(&format!("build {} {}", kind.name(), path.display()), options.patience)?;
        let [seconds, bytes] = answer[..] else { return Err("it answers otherwise than expected".into()) };
        let built = Built { time: Some(Duration::from_secs_f64(seconds)), bytes: Some(bytes as u64), accesses: None };
        let shared = Rc::new(RefCell::new(Shared { peer, folder, loaded: None }));
        Ok([1, 64]
            .into_iter()
            .map(|batch| Self { shared: Rc::clone(&shared), kind, built: built.clone(), batch })
            .collect())
    }

    fn ask<A: Address>(&self, what: &str, keys: &Keys<A>, rest: &str) -> Result<Vec<f64>> {
        let mut shared = self.shared.borrow_mut();
        if shared.loaded != Some(keys.name) {
            let path = shared.folder.path().join("addresses");
            let bytes = keys.addresses.iter().flat_map(|address| (address.wide() as u32).to_le_bytes());
            fs::write(&path, bytes.collect::<Vec<u8>>())?;
            shared.peer.ask(&format!("load {}", path.display()), PATIENCE)?;
            shared.loaded = Some(keys.name);
        }
        shared.peer.ask(&format!("{what} {} {rest}", self.batch), PATIENCE)
    }
}

impl<A: Address> Contender<Keys<A>> for Routes {
    fn name(&self) -> String {
        let name = self.kind.name();
        if self.batch == 1 { format!("DPDK {name}, single") } else { format!("DPDK {name}, batches of {}", self.batch) }
    }

    fn built(&self) -> Built {
        self.built.clone()
    }

    fn answers(&mut self, keys: &Keys<A>) -> Result<Vec<u32>> {
        let path = self.shared.borrow().folder.path().join("answers");
        self.ask("answers", keys, &path.display().to_string())?;
        Ok(fs::read(path)?.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    fn round(&mut self, keys: &Keys<A>, least: Duration) -> Result<f64> {
        let answer = self.ask("time", keys, &least.as_nanos().to_string())?;
        ensure!(answer.len() == 1, "{} answers otherwise than expected: {answer:?}", self.kind.name());
        Ok(answer[0])
    }
}
