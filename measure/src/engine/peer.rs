//! Peers in C: a program of `measure/peers/`, which is told on its standard input what to do and answers each line by
//! one.
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tests::{Result, ensure};

/// Where the script put the programs that could be built.
const FOLDER: &str = "PORTCULLIS_PEERS";
/// How long an answer may take that is no build.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// A program that runs until this goes.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

impl Peer {
    /// Starts the program of this name.
    pub fn start(name: &str, cpu: usize) -> Result<Self> {
        let folder = std::env::var_os(FOLDER).ok_or("run it by ./bench engine, which builds it")?;
        let path = PathBuf::from(folder).join(name);
        ensure!(path.is_file(), "it is not built: libdpdk-dev, pkg-config or a C compiler is missing");
        let mut command = Command::new(&path);
        command.arg(cpu.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", path.display()))?;
        let input = child.stdin.take().ok_or("no standard input")?;
        let output = child.stdout.take().ok_or("no standard output")?;
        let (to, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
                if to.send(line).is_err() {
                    return;
                }
            }
        });
        let mut peer = Self { child, input, answers };
        peer.answer(PATIENCE)?;
        Ok(peer)
    }

    /// Says a line and returns the words of the answer, which begins with `ok`.
    pub fn ask(&mut self, line: &str, patience: Duration) -> Result<Vec<f64>> {
        writeln!(self.input, "{line}")?;
        self.answer(patience)
    }

    fn answer(&mut self, patience: Duration) -> Result<Vec<f64>> {
        let answer = self.answers.recv_timeout(patience);
        let answer = answer.map_err(|error| format!("no answer within {} s: {error}", patience.as_secs()))?;
        let values = answer.strip_prefix("ok").ok_or_else(|| format!("it says: {answer}"))?;
        Ok(values.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It fails only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
