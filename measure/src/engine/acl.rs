//! DPDK's rte_acl, in a process of its own (`measure/peers/acl.c`).
use crate::clock;
use crate::contender::{Built, Contender};
use crate::filter::Filter;
use crate::header::Header;
use crate::options::Options;
use crate::peer::{PATIENCE, Peer};
use crate::trace::Trace;
use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::time::Duration;
use tempfile::TempDir;
use tests::{Result, ensure};

/// One way to look up in a set of rules that the process has built.
pub struct Acl {
    shared: Rc<RefCell<Shared>>,
    built: Built,
    way: Way,
    batch: usize,
}

struct Shared {
    peer: Peer,
    folder: TempDir,
    /// The trace that it has.
    loaded: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Way {
    Scalar,
    Widest(u32),
}

impl Acl {
    /// Lets the process build the rules; then there are a few ways to look up.
    pub fn build(filters: &[Filter], options: &Options) -> Result<Vec<Self>> {
        let folder = tempfile::tempdir()?;
        let mut peer = Peer::start("acl", clock::pin()?)?;
        let path = folder.path().join("rules");
        fs::write(&path, filters.iter().flat_map(rule).collect::<Vec<u8>>())?;
        let answer = peer.ask(&format!("build {}", path.display()), options.patience)?;
        let [seconds, bytes, bits] = answer[..] else { return Err("it answers otherwise than expected".into()) };
        let built = Built { time: Some(Duration::from_secs_f64(seconds)), bytes: Some(bytes as u64), accesses: None };
        let shared = Rc::new(RefCell::new(Shared { peer, folder, loaded: None }));
        let widest = Way::Widest(bits as u32);
        let ways = [(Way::Scalar, 1), (widest, 64), (widest, 256)];
        Ok(ways
            .into_iter()
            .map(|(way, batch)| Self { shared: Rc::clone(&shared), built: built.clone(), way, batch })
            .collect())
    }

    fn ask(&self, what: &str, trace: &Trace, rest: &str) -> Result<Vec<f64>> {
        let mut shared = self.shared.borrow_mut();
        if shared.loaded != Some(trace.name) {
            let path = shared.folder.path().join("headers");
            fs::write(&path, trace.headers.iter().flat_map(header).collect::<Vec<u8>>())?;
            shared.peer.ask(&format!("load {}", path.display()), PATIENCE)?;
            shared.loaded = Some(trace.name);
        }
        let way = match self.way {
            Way::Scalar => "scalar",
            Way::Widest(_) => "widest",
        };
        shared.peer.ask(&format!("{what} {way} {} {rest}", self.batch), PATIENCE)
    }
}

impl Contender<Trace> for Acl {
    fn name(&self) -> String {
        match self.way {
            Way::Scalar => "DPDK rte_acl, scalar, single".into(),
            Way::Widest(bits) => format!("DPDK rte_acl, {bits} bits, batches of {}", self.batch),
        }
    }

    fn built(&self) -> Built {
        self.built.clone()
    }

    fn answers(&mut self, trace: &Trace) -> Result<Vec<u32>> {
        let path = self.shared.borrow().folder.path().join("answers");
        self.ask("answers", trace, &path.display().to_string())?;
        // It numbers rules from 1 on: 0 stands for none.
        Ok(fs::read(path)?.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes).wrapping_sub(1)).collect())
    }

    fn round(&mut self, trace: &Trace, least: Duration) -> Result<f64> {
        let answer = self.ask("time", trace, &least.as_nanos().to_string())?;
        ensure!(answer.len() == 1, "rte_acl answers otherwise than expected: {answer:?}");
        Ok(answer[0])
    }
}

/// A rule as `struct rule` of `acl.c` has it.
fn rule(filter: &Filter) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[0..4].copy_from_slice(&filter.source.address.to_le_bytes());
    bytes[4..8].copy_from_slice(&filter.destination.address.to_le_bytes());
    let ports = [filter.source_ports, filter.destination_ports].map(|(first, last)| [first, last]);
    for (to, port) in bytes[8..16].as_chunks_mut().0.iter_mut().zip(ports.as_flattened()) {
        *to = port.to_le_bytes();
    }
    let protocol = filter.protocol.map_or([0, 0], |protocol| [protocol, 0xff]);
    bytes[16..20].copy_from_slice(&[filter.source.length, filter.destination.length, protocol[0], protocol[1]]);
    bytes
}

/// A header as `struct header` of `acl.c` has it: as on the wire.
fn header(header: &Header) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0] = header.protocol;
    bytes[4..8].copy_from_slice(&header.source.to_be_bytes());
    bytes[8..12].copy_from_slice(&header.destination.to_be_bytes());
    bytes[12..14].copy_from_slice(&header.source_port.to_be_bytes());
    bytes[14..16].copy_from_slice(&header.destination_port.to_be_bytes());
    bytes
}
