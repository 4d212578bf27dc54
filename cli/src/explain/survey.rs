//! A capture file: what becomes of each of its packets, and how many each rule decides about.
use super::args::Explain;
use super::drops::Drops;
use super::list::{self, Line};
use super::tally::Tally;
use crate::args::Format;
use crate::bundle;
use crate::capture::{self, Captured, End, Link, Part};
use crate::failure::Failure;
use crate::paint::Paint;
use crate::progress::Progress;
use crate::rules::Rules;
use crate::say::say;
use firewall::{Action, Table};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Read, Write};
use std::path::Path;

/// So many packets are listed without being asked for.
const SHORT: u64 = 20;

/// How often the bar is told, in packets.
const TOLD: u64 = 1 << 12;

/// Reads the file, prints the list and the summary, and says on standard error what of it could not be read.
pub fn survey(rules: &Rules, path: &Path, arguments: &Explain, paint: Paint) -> Result<u8, Failure> {
    let name = path.display().to_string();
    let refuse = |error: io::Error| Failure::Usage(format!("{name}: {error}"));
    let (mut source, length): (Box<dyn Read>, u64) = if path == Path::new("-") {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let file = File::open(path).map_err(refuse)?;
        let length = file.metadata().map_err(refuse)?.len();
        (Box::new(file), length)
    };
    let blob = bundle::compile(&rules.policy)?;
    let table = Table::decode(&blob).map_err(|error| Failure::CannotBoot(error.to_string()))?;
    let mut drops = None;
    let mut survey = Survey {
        rules,
        table,
        listing: Listing::new(arguments, paint),
        tally: Tally::new(rules.policy.rules.len()),
        start: None,
        buffer: Vec::new(),
    };
    // A list on the terminal says itself how far it is.
    let progress = Some(Progress::start()).filter(|_| !arguments.list || !io::stdout().is_terminal());
    let end = capture::read(source.as_mut(), &name, &mut |part, done| match part {
        Part::Header(bytes) => match &arguments.drops {
            // Where there is no header, nothing is written over.
            Some(copy) => match &mut drops {
                Some(drops) => drops,
                None => drops.insert(Drops::create(copy, path)?),
            }
            .write(&bytes),
            None => Ok(()),
        },
        Part::Packet(packet) => {
            if packet.number % TOLD == 0 {
                progress.iter().for_each(|bar| bar.show("reading packets", done as u64, length));
            }
            let is_dropped = survey.packet(&packet)?;
            drops.as_mut().filter(|_| is_dropped).map_or(Ok(()), |drops| drops.write(packet.record))
        }
    });
    drop(progress);
    let end = match end {
        // Whoever read the list has seen enough.
        Err(_) if survey.listing.is_closed => return Ok(0),
        end => end?,
    };
    drops.map_or(Ok(()), Drops::finish)?;
    let warnings = warnings(end, &survey.tally);
    survey.finish(arguments, &warnings, paint)?;
    for warning in warnings {
        say(format_args!("{name}: {warning}"));
    }
    Ok(0)
}

struct Survey<'r> {
    rules: &'r Rules<'r>,
    table: Table<'r>,
    listing: Listing,
    tally: Tally,
    /// When the first packet was captured.
    start: Option<i128>,
    buffer: Vec<u8>,
}

impl Survey<'_> {
    /// Judges, counts and lists a packet; returns whether it is dropped.
    fn packet(&mut self, packet: &Captured) -> Result<bool, Failure> {
        let framed = Link::of(packet.link).map(|link| link.frame(packet.data, packet.length, &mut self.buffer));
        let verdict = framed.as_ref().and_then(|framed| framed.judge(&self.table));
        let bytes = packet.length.max(packet.data.len());
        self.tally.count(packet.number, bytes, verdict.as_ref(), packet);
        self.start = self.start.or(packet.time);
        if self.listing.wants(packet.number) {
            let since = packet.time.zip(self.start).map(|(time, start)| time - start);
            let frame = framed.as_ref().map_or(&[][..], |framed| framed.frame);
            let line = Line { captured: packet, frame, verdict: verdict.as_ref(), since };
            self.listing.add(&line, self.rules)?;
        }
        Ok(verdict.is_some_and(|verdict| verdict.action == Action::Drop))
    }

    fn finish(&mut self, arguments: &Explain, warnings: &[String], paint: Paint) -> Result<(), Failure> {
        self.listing.end()?;
        let summary = match arguments.format {
            Format::Text => self.tally.text(self.rules, &self.table, arguments.verbose, paint),
            Format::Json => self.tally.json(self.rules, &self.table, warnings),
        };
        self.listing.write(&summary)?;
        self.listing.flush()
    }
}

/// Where the list goes; of a list that nobody asked for nothing is written before it is known to be short.
struct Listing {
    format: Format,
    paint: Paint,
    is_asked: bool,
    /// The lines so far of a list that nobody asked for; `None` once they are too many.
    kept: Option<String>,
    has_header: bool,
    out: BufWriter<io::StdoutLock<'static>>,
    /// Whether the reader has gone.
    is_closed: bool,
}

impl Listing {
    fn new(arguments: &Explain, paint: Paint) -> Self {
        let is_text = arguments.format == Format::Text;
        Self {
            format: arguments.format,
            paint,
            is_asked: arguments.list,
            kept: (!arguments.list && is_text).then(String::new),
            has_header: false,
            out: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
            is_closed: false,
        }
    }

    fn wants(&mut self, number: u64) -> bool {
        if number > SHORT {
            self.kept = None;
        }
        self.is_asked || self.kept.is_some()
    }

    fn add(&mut self, line: &Line, rules: &Rules) -> Result<(), Failure> {
        let mut text = match self.format {
            Format::Text => line.text(self.paint),
            Format::Json => line.json(rules),
        };
        if self.format == Format::Text && !self.has_header {
            self.has_header = true;
            text.insert_str(0, &list::header(self.paint));
        }
        match &mut self.kept {
            Some(kept) => kept.push_str(&text),
            None => self.write(&text)?,
        }
        Ok(())
    }

    /// No packet comes any more.
    fn end(&mut self) -> Result<(), Failure> {
        let kept = self.kept.take().unwrap_or_default();
        self.write(&kept)?;
        let is_listed = self.is_asked || !kept.is_empty();
        if is_listed && self.has_header { self.write("\n") } else { Ok(()) }
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        let written = self.out.write_all(text.as_bytes());
        self.settle(written)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.out.flush();
        self.settle(flushed)
    }

    /// A reader that has gone is its own decision.
    fn settle(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        written.map_err(|error| {
            self.is_closed = error.kind() == ErrorKind::BrokenPipe;
            Failure::CannotBoot(format!("standard output cannot be written: {error}"))
        })
    }
}

/// What of the file is missing, and what could not be judged.
fn warnings(end: End, tally: &Tally) -> Vec<String> {
    let packets = tally.packets();
    let of_file = match end {
        End::Whole => None,
        End::CutShort => {
            let cut = packets + 1;
            Some(format!("the file is cut short inside packet {cut}; the {packets} before it are whole"))
        }
        End::Damaged => Some(format!("the file is damaged behind packet {packets}; nothing after it can be read")),
    };
    of_file.into_iter().chain(tally.warnings()).collect()
}
