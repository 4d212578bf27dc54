//! Exports to nftables, loaded by the real nft(8) and asked with real packets: in a network namespace of the test's own, over a
//! pair of virtual cards. What arrives is what was sent, and what is accepted is what the policy accepts.
//!
//! Two chains of the test's own tell which packets came so far: one before the exported chain, which says what arrived at all
//! (the kernel looks at some headers before any chain does), and one behind it. A packet is known by the identification of its IPv4
//! header, or by its IPv6 flow label.
use arbitrary::Unstructured;
use firewall::{Action, Fragment, Inspected, Packet, inspect};
use libtest_mimic::{Arguments, Trial};
use policy::config;
use policy::export::nftables;
use policy::generate::noise::bytes as noise;
use policy::generate::{Traffic, frame, policy_and_frames};
use policy::policy::Policy;
use policy::reference::decide;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tests::{Result, ensure};

/// Policies that are generated.
const GENERATED: u64 = 30;
/// Frames for each policy.
const FRAMES: usize = 60;
/// The card that frames are sent from, and the one that they arrive at.
const CARDS: [&str; 2] = ["sender", "receiver"];
/// The hardware address of generated frames.
const RECEIVER: &str = "52:54:00:12:34:56";

/// What comes before the exported chain (priority -450), and behind it.
const PROBE: &str = "\
table inet probe
delete table inet probe
table inet probe {
	set arrived4 { typeof ip id; size 65535; flags dynamic; }
	set arrived6 { typeof ip6 flowlabel; size 65535; flags dynamic; }
	set accepted4 { typeof ip id; size 65535; flags dynamic; }
	set accepted6 { typeof ip6 flowlabel; size 65535; flags dynamic; }
	chain before {
		type filter hook prerouting priority -460; policy accept;
		iif \"receiver\" meta nfproto ipv4 add @arrived4 { ip id }
		iif \"receiver\" meta nfproto ipv6 add @arrived6 { ip6 flowlabel }
	}
	chain behind {
		type filter hook prerouting priority -440; policy accept;
		iif \"receiver\" meta nfproto ipv4 add @accepted4 { ip id }
		iif \"receiver\" meta nfproto ipv6 add @accepted6 { ip6 flowlabel }
	}
}
";

fn main() {
    let arguments = Arguments::from_args();
    let lacking = lacking();
    if let Some(lacking) = &lacking {
        eprintln!("cannot run here: {lacking}");
    }
    let of =
        |name: &str, case: fn() -> Result| Trial::test(name, move || Ok(case()?)).with_ignored_flag(lacking.is_some());
    let trials = vec![of("articles_configurations", examples), of("generated_policies", generated)];
    libtest_mimic::run(&arguments, trials).exit();
}

/// Why packets cannot be sent here.
fn lacking() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("a network namespace needs root".into());
    }
    Namespace::new("probe").err().map(|error| error.to_string())
}

fn examples() -> Result {
    let names = [
        "tcp-8080-only",
        "source-or-tcp-8080",
        "drop-source",
        "drop-all-but-source",
        "drop-udp-from-subnet",
        "drop-ip6-source",
    ];
    let namespace = Namespace::new("examples")?;
    for (number, name) in (0..).zip(names) {
        let path = format!("{}/../examples/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let (config, _) = config::parse(&std::fs::read_to_string(&path)?).map_err(|_| format!("{path} is refused"))?;
        let policy = config.policy.ok_or("no policy")?;
        let noise = noise(number, 8000);
        let mut choices = Unstructured::new(&noise);
        let frames = (0..FRAMES).map(|_| frame(&mut choices, &policy, Traffic::WellFormed));
        let frames = frames.collect::<arbitrary::Result<Vec<_>>>()?;
        let seen =
            ask(&namespace, &policy, &config.rule_labels, &frames).map_err(|error| format!("{name}: {error}"))?;
        ensure!(seen.arrived > FRAMES / 3, "{name}: {seen:?}");
    }
    Ok(())
}

fn generated() -> Result {
    let namespace = Namespace::new("generated")?;
    let mut all = Seen::default();
    for seed in 0..GENERATED {
        let (policy, frames) = policy_and_frames(&noise(seed, 4000), FRAMES, Traffic::WellFormed)?;
        let seen = ask(&namespace, &policy, &[], &frames).map_err(|error| format!("policy {seed}: {error}"))?;
        all.add(&seen);
    }
    println!("{all:?}");
    // Much arrived, and of every kind.
    let parts = [all.accepted, all.arrived - all.accepted, all.later[0], all.later[1], all.ipv6];
    ensure!(parts.iter().all(|part| *part > 30), "{all:?}");
    Ok(())
}

/// How many packets of each kind there were.
#[derive(Debug, Default)]
struct Seen {
    arrived: usize,
    accepted: usize,
    ipv6: usize,
    /// Later fragments, in IPv4 and in IPv6.
    later: [usize; 2],
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.accepted += other.accepted;
        self.ipv6 += other.ipv6;
        self.later[0] += other.later[0];
        self.later[1] += other.later[1];
    }
}

/// Loads the export of a policy, sends frames, and holds what became of each against what the policy says.
fn ask(namespace: &Namespace, policy: &Policy, labels: &[String], frames: &[Vec<u8>]) -> Result<Seen> {
    let text = nftables::write(policy, labels);
    namespace.nft(&["-f", "-"], &format!("{PROBE}{text}")).map_err(|error| format!("{error}\n{text}"))?;
    let mut numbered: Vec<(u16, Vec<u8>, Packet)> = Vec::new();
    for (number, frame) in (1..).zip(frames) {
        let frame = numbered_as(number, frame);
        if let Ok(Inspected::Packet(packet)) = inspect(&frame) {
            numbered.push((number, frame, packet));
        }
    }
    // The last one tells when all are there.
    let marker = numbered_as(u16::MAX, &tests::frame::syn("10.0.2.2:1".parse()?, 1));
    let lines: String =
        numbered.iter().map(|(_, frame, _)| frame).chain([&marker]).map(|frame| hex(frame) + "\n").collect();
    namespace.send(&lines)?;
    let deadline = Instant::now() + Duration::from_secs(5);
    let sets = loop {
        let sets = namespace.sets()?;
        if sets.get("arrived4").is_some_and(|numbers| numbers.contains(&u16::MAX)) {
            break sets;
        }
        ensure!(Instant::now() < deadline, "the last frame did not arrive");
        std::thread::sleep(Duration::from_millis(5));
    };
    let of = |name: &str| sets.get(name).cloned().unwrap_or_default();
    let (arrived, accepted) = ([of("arrived4"), of("arrived6")], [of("accepted4"), of("accepted6")]);
    let mut seen = Seen::default();
    for (number, frame, packet) in &numbered {
        let version = usize::from(packet.source.is_ipv6());
        if !arrived[version].contains(number) {
            continue;
        }
        // nftables does not look behind an authentication header: where that matters, the export drops.
        let is_hidden =
            packet.fragment != Fragment::Later && is_authenticated(frame) && nftables::hides_authenticated(policy);
        let wanted = decide(policy, packet).action == Action::Accept && !is_hidden;
        let found = accepted[version].contains(number);
        ensure!(wanted == found, "{packet:?} is accepted: {found}; {}\n{policy:#?}\n{text}", hex(frame));
        seen.arrived += 1;
        seen.accepted += usize::from(found);
        seen.ipv6 += version;
        seen.later[version] += usize::from(packet.fragment == Fragment::Later);
    }
    Ok(seen)
}

/// The same frame with a number in it that nothing asks for, and with the right checksum of its IPv4 header.
fn numbered_as(number: u16, frame: &[u8]) -> Vec<u8> {
    let (mut frame, [high, low]) = (frame.to_vec(), number.to_be_bytes());
    if frame[12..14] == [0x08, 0x00] {
        frame[18..20].copy_from_slice(&[high, low]);
        frame[24..26].copy_from_slice(&[0, 0]);
        let end = 14 + usize::from(frame[14] & 0xf) * 4;
        let words = frame[14..end].chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
        let sum: u32 = words.sum();
        let sum = (sum & 0xffff) + (sum >> 16);
        let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
        frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    } else {
        frame[16..18].copy_from_slice(&[high, low]);
    }
    frame
}

/// Whether an IPv6 packet that holds together has an authentication header (RFC 4302).
fn is_authenticated(frame: &[u8]) -> bool {
    if frame[12..14] != [0x86, 0xdd] {
        return false;
    }
    let (mut next, mut at) = (frame[20], 54);
    while [0, 43, 44, 60].contains(&next) {
        let length = if next == 44 { 8 } else { usize::from(frame[at + 1]) * 8 + 8 };
        next = frame[at];
        at += length;
    }
    next == 51
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A network namespace with a pair of cards, and nothing else.
struct Namespace(String);

impl Namespace {
    fn new(purpose: &str) -> Result<Self> {
        let namespace = Self(format!("portcullis-nft-{purpose}-{}", std::process::id()));
        let name = namespace.0.as_str();
        run(Command::new("ip").args(["netns", "add", name]), "")?;
        let [sender, receiver] = CARDS;
        let add = ["-n", name, "link", "add", sender, "type", "veth", "peer", "name", receiver, "address", RECEIVER];
        run(Command::new("ip").args(add), "")?;
        for card in CARDS {
            run(Command::new("ip").args(["-n", name, "link", "set", card, "up"]), "")?;
        }
        namespace.nft(&["list", "ruleset"], "")?;
        Ok(namespace)
    }

    fn within(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).args(arguments);
        command
    }

    fn nft(&self, arguments: &[&str], input: &str) -> Result<String> {
        run(self.within(&["nft"]).args(arguments), input)
    }

    fn send(&self, lines: &str) -> Result {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/nft/send.py");
        run(&mut self.within(&["python3", script, CARDS[0]]), lines).map(drop)
    }

    /// The numbers in the sets of the test's own.
    fn sets(&self) -> Result<BTreeMap<String, BTreeSet<u16>>> {
        let listed: serde_json::Value =
            serde_json::from_str(&self.nft(&["-j", "list", "table", "inet", "probe"], "")?)?;
        let items = listed["nftables"].as_array().ok_or("no answer of nft")?;
        let mut sets = BTreeMap::new();
        for set in items.iter().filter_map(|item| item.get("set")) {
            let elements = set["elem"].as_array().into_iter().flatten();
            let numbers = elements.map(|element| Ok(element.as_u64().ok_or("no number")?.try_into()?));
            sets.insert(set["name"].as_str().ok_or("no name")?.to_string(), numbers.collect::<Result<_>>()?);
        }
        Ok(sets)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = run(Command::new("ip").args(["netns", "delete", &self.0]), "") {
            eprintln!("{error}");
        }
    }
}

/// Runs a command to its end, and gives what it printed.
fn run(command: &mut Command, input: &str) -> Result<String> {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        pipes.spawn().map_err(|error| format!("{command:?}: {error} (Debian: iproute2, nftables, python3)"))?;
    if let Some(mut pipe) = child.stdin.take() {
        // Whoever does not read to the end says why.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
