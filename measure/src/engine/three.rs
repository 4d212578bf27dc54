//! The policy of three rules that most servers have: a frame as it comes to a verdict.
use crate::clock;
use crate::contender::{Built, Contender, measure};
use crate::header::Family;
use crate::options::Options;
use crate::ours::Compiled;
use crate::random::Random;
use crate::table::Section;
use crate::trace::NONE;
use etherparse::PacketBuilder;
use firewall::{Cause, Table, inspect, judge};
use policy::policy::Policy;
use std::hint::black_box;
use std::time::Duration;
use tests::{Result, ensure};

/// What it is called.
pub const NAME: &str = "three rules";
/// The policy.
const CONFIG: &str = include_str!("../../../examples/tcp-8080-only.json");
/// How many frames: more than a branch predictor remembers.
const FRAMES: usize = 1 << 13;
/// The shortest that Ethernet has.
const LENGTH: usize = 64;

/// Frames in the order in which they come.
struct Frames {
    name: &'static str,
    frames: Vec<[u8; LENGTH]>,
}

struct Single<'a> {
    table: Table<'a>,
    built: Built,
    position: usize,
}

/// Measures it.
pub fn section(options: &Options) -> Result<Section> {
    let (config, _) =
        policy::config::parse(CONFIG).map_err(|errors| format!("the example: {} errors", errors.len()))?;
    let meant = config.policy.ok_or("the example has no policy")?;
    let compiled = Compiled::new(&meant)?;
    let single = Single { table: compiled.table()?, built: compiled.built(Family::V4)?, position: 0 };
    let mut contenders: Vec<Box<dyn Contender<Frames>>> = vec![Box::new(single)];
    let traces =
        [frames("to port 8080", |_| 0)?, frames("one rule", |_| 2)?, frames("mixed", |random| random.below(3))?];
    let mut checked = 0;
    for frames in &traces {
        check(&meant, frames, &mut contenders)?;
        checked += frames.frames.len();
    }
    let rows = measure(&mut contenders, &traces, options.rounds)?;
    let columns = traces.iter().map(|frames| frames.name).collect();
    let title = format!("{NAME} (examples/tcp-8080-only.json): frames of {LENGTH} bytes, parsed and judged");
    let notes = vec![format!("checked: {checked} frames against the interpreter")];
    Ok(Section { title, columns, rows, notes })
}

/// Frames of kinds: TCP to port 8080 (0), an answer of a DHCP server (1), TCP to another port (2).
fn frames(name: &'static str, kind: impl Fn(&mut Random) -> u64) -> Result<Frames> {
    let mut random = Random::new(3);
    let mut frames = Vec::with_capacity(FRAMES);
    for _ in 0..FRAMES {
        let source = (random.next() as u32).to_be_bytes();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(source, [10, 0, 2, 15], 64);
        let port = random.within(1024, 65535) as u16;
        let mut bytes = Vec::with_capacity(LENGTH);
        match kind(&mut random) {
            0 => builder.tcp(port, 8080, random.next() as u32, 64240).write(&mut bytes, &[])?,
            1 => builder.udp(67, 68).write(&mut bytes, &[0; 16])?,
            _ => builder.tcp(port, random.below(8080) as u16, random.next() as u32, 64240).write(&mut bytes, &[])?,
        }
        bytes.resize(LENGTH, 0);
        frames.push(*bytes.first_chunk().ok_or("a frame is cut short")?);
    }
    Ok(Frames { name, frames })
}

fn check(policy: &Policy, frames: &Frames, contenders: &mut [Box<dyn Contender<Frames> + '_>]) -> Result {
    for contender in contenders {
        for (frame, answer) in frames.frames.iter().zip(contender.answers(frames)?) {
            let Ok(firewall::Inspected::Packet(packet)) = inspect(frame) else {
                return Err(format!("no packet: {frame:02x?}").into());
            };
            let meant = rule(policy::reference::decide(policy, &packet).cause.into());
            ensure!(answer == meant, "{}: rule {answer}, not {meant}, about {packet:?}", contender.name());
        }
    }
    Ok(())
}

fn rule(cause: Cause) -> u32 {
    match cause {
        Cause::Rule(rule) => rule,
        _ => NONE,
    }
}

impl Contender<Frames> for Single<'_> {
    fn name(&self) -> String {
        "Portcullis, single".into()
    }

    fn built(&self) -> Built {
        self.built.clone()
    }

    fn answers(&mut self, frames: &Frames) -> Result<Vec<u32>> {
        Ok(frames.frames.iter().map(|frame| rule(judge(frame, &self.table).cause)).collect())
    }

    fn round(&mut self, frames: &Frames, least: Duration) -> Result<f64> {
        Ok(clock::rate(&frames.frames, &mut self.position, 64, least, |frames| {
            for frame in frames {
                black_box(judge(black_box(frame), &self.table));
            }
        }))
    }
}
