//! The ways to a network and the choice of the accelerator.
use crate::probe::ECHO_PORT;
use crate::serve::first_answer;
use crate::{on_each, once};
use image::report::{Cause, Report};
use libtest_mimic::Trial;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;
use tests::frame::{GATEWAY, VM_IPV4, VM_IPV6};
use tests::launch::{Launch, MACHINES, free_port};
use tests::machine::Machine;
use tests::{PATIENCE, Result, ensure, http, program};

pub fn cases(trials: &mut Vec<Trial>) {
    trials.extend(on_each("network::an_address_by_dhcp", dhcp));
    trials.extend(on_each("network::a_static_address", static_address));
    trials.push(once("network::a_forwarded_udp_port", udp));
    trials.extend(on_each("network::32_mib_are_enough", |machine| {
        let launch = Launch::new(machine)?.example("tcp-8080-only.json").args(["-m", "32M"]);
        serves(launch, Ipv4Addr::new(10, 0, 2, 15)).map(drop)
    }));
    trials.push(once("network::accel_auto_says_what_it_chose", auto));
    let tap = once("network::a_tap_interface_in_a_network_namespace", || tap(MACHINES[0]));
    // Only root makes namespaces and interfaces: for anyone else this case is named as ignored.
    trials.push(tap.with_ignored_flag(!rustix::process::geteuid().is_root()));
    let outwards = once("network::a_program_that_connects_outwards_by_name", outwards);
    trials.push(outwards.with_ignored_flag(!rustix::process::geteuid().is_root()));
}

fn address(vm: &Machine) -> Result<(Ipv4Addr, u8, Option<Ipv4Addr>)> {
    vm.report("an address", |report| match report {
        Report::Address(address, prefix, router) => Some((*address, *prefix, *router)),
        _ => None,
    })
}

/// The machine's port 8080 answers on a port of the host.
fn serves(launch: Launch, expected: Ipv4Addr) -> Result<Machine> {
    let port = free_port()?;
    let vm = launch.args(["-p", &format!("{port}:8080")]).start(program::built("gate")?, &[])?;
    let got = address(&vm)?;
    ensure!(got == (expected, 24, Some(GATEWAY)), "{got:?}");
    let response = first_answer(&vm, port, "/")?;
    ensure!(response.status == 200, "{response:?}");
    Ok(vm)
}

fn dhcp(machine: &str) -> Result {
    // The address that QEMU's user networking leases first.
    serves(Launch::new(machine)?.example("tcp-8080-only.json"), Ipv4Addr::new(10, 0, 2, 15))?;
    Ok(())
}

fn static_address(machine: &str) -> Result {
    let address = Ipv4Addr::new(10, 0, 2, 99);
    let launch = Launch::new(machine)?.example("tcp-8080-only.json");
    let given = address.to_string();
    serves(launch.args(["--ip-address", &given, "--netmask", "255.255.255.0", "--gateway", "10.0.2.2"]), address)?;
    Ok(())
}

fn udp() -> Result {
    // The kernel gives numbers of UDP ports apart from those of TCP ports.
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let launch = Launch::new(MACHINES[0])?.args(["--udp", &format!("{port}:{ECHO_PORT}")]);
    let vm = launch.start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    address(&vm)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.send_to(b"datagram", (Ipv4Addr::LOCALHOST, port))?;
    let mut answer = [0; 100];
    let length = client.recv(&mut answer).map_err(|error| vm.complain(&format!("no answer: {error}")))?;
    ensure!(answer.get(..length) == Some(b"datagram"), "another answer, of {length} bytes");
    Ok(())
}

fn auto() -> Result {
    let launch = Launch::bare()?.args(["run", "--accel", "auto"]).example("tcp-8080-only.json");
    let vm = serves(launch, Ipv4Addr::new(10, 0, 2, 15))?;
    let ended = vm.stop()?;
    let said = ended.stderr.to_lowercase();
    ensure!(said.contains("kvm") || said.contains("tcg"), "nothing of the accelerator in: {}", ended.stderr);
    Ok(())
}

/// A network namespace with a TAP interface that is up. It goes with its owner.
struct Namespace(String);

impl Namespace {
    fn new(purpose: &str) -> Result<Namespace> {
        let namespace = Namespace(format!("portcullis-{purpose}-{}", std::process::id()));
        let Namespace(name) = &namespace;
        ip(&["netns", "add", name])?;
        ip(&["-n", name, "tuntap", "add", "dev", "tap0", "mode", "tap"])?;
        ip(&["-n", name, "address", "add", "10.0.2.2/24", "dev", "tap0"])?;
        // Usable at once: nobody else is on this link.
        ip(&["-n", name, "address", "add", "fe80::1/64", "dev", "tap0", "nodad"])?;
        ip(&["-n", name, "link", "set", "tap0", "up"])?;
        Ok(namespace)
    }

    /// Does something in a thread that is in the namespace.
    fn within<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = format!("/run/netns/{}", self.0);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let namespace = std::fs::File::open(path)?;
                let kind = rustix::thread::LinkNameSpaceType::Network;
                rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(kind))?;
                work()
            });
            thread.join().map_err(|_| "the thread in the namespace failed")?
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = ip(&["netns", "delete", &self.0]) {
            eprintln!("{error}");
        }
    }
}

/// Runs ip(8) of Debian's iproute2.
fn ip(args: &[&str]) -> Result {
    let result = Command::new("ip").args(args).output().map_err(|error| format!("ip (Debian: iproute2): {error}"))?;
    ensure!(result.status.success(), "ip {}: {}", args.join(" "), String::from_utf8_lossy(&result.stderr));
    Ok(())
}

fn tap(machine: &str) -> Result {
    let namespace = Namespace::new("in")?;
    let launch = Launch::within(&["ip", "netns", "exec", &namespace.0])?
        .args(["run", "--machine", machine, "--accel", "tcg", "-t", "tap0"])
        .rules(r#"{"tcp": {"dest": 8081}}"#)?
        .static_address();
    let vm = launch.start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    ensure!(address(&vm)? == (VM_IPV4, 24, Some(GATEWAY)), "another address");
    // Linux itself is the peer here.
    namespace.within(|| {
        let link = rustix::net::netdevice::name_to_index(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?, "tap0")?;
        for peer in [SocketAddr::from((VM_IPV4, 8080)), SocketAddrV6::new(VM_IPV6, 8080, 0, link).into()] {
            let page = http::get(peer, "/").map_err(|error| format!("{peer}: {error}"))?;
            ensure!(page.body == b"through the gate\n", "{page:?}");
        }
        let closed = TcpStream::connect_timeout(&SocketAddr::from((VM_IPV4, 8081)), Duration::from_millis(1500));
        ensure!(closed.is_err(), "a port that the policy closes takes connections");
        Ok(())
    })?;
    vm.counted(&Cause::Rule(0), false, 1)?;
    Ok(())
}

/// An answer to a question about a name: this address, whichever the name is (RFC 1035, 4.1). `None` for another type.
fn dns_answer(question: &[u8], address: Ipv4Addr) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    let name = question.get(HEADER..)?.iter().position(|byte| *byte == 0)?;
    let asked = question.get(HEADER..HEADER + name + 5)?;
    let is_a = asked.get(name + 1..name + 3) == Some(&[0, 1]);
    let mut answer = question.get(..2)?.to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
    answer.extend(asked);
    if is_a {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}

/// Linux is the name server and the peer.
fn outwards() -> Result {
    const PORT: u16 = 9000;
    let namespace = Namespace::new("out")?;
    let (server, listener) = namespace.within(|| {
        let server = UdpSocket::bind((GATEWAY, 53))?;
        server.set_read_timeout(Some(PATIENCE))?;
        Ok((server, std::net::TcpListener::bind((GATEWAY, PORT))?))
    })?;
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = server.recv_from(&mut question) {
            let answer = question.get(..length).and_then(|question| dns_answer(question, GATEWAY));
            if answer.is_none_or(|answer| server.send_to(&answer, from).is_err()) {
                return;
            }
        }
    });
    std::thread::spawn(move || -> std::io::Result<()> {
        let mut stream = listener.accept()?.0;
        let mut question = [0; 9];
        stream.read_exact(&mut question)?;
        stream.write_all(&[b"answer to ", &question[..]].concat())?;
        listener.accept().map(drop)
    });
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("etc"))?;
    std::fs::write(folder.path().join("etc/resolv.conf"), format!("nameserver {GATEWAY}\n"))?;
    let config = format!(r#"{{"MapDirs": {{"{}/*": "/etc"}}}}"#, folder.path().join("etc").display());
    let vm = Launch::within(&["ip", "netns", "exec", &namespace.0])?
        .args(["run", "--machine", MACHINES[0], "--accel", "tcg", "-t", "tap0"])
        .config(&config)?
        .static_address()
        .start(program::built("outwards")?, &["peer.example", "9000", "9001", "10.0.2.77"])?
        .end()?;
    let expected = "peer.example is 10.0.2.2\nconnect: -1 EINPROGRESS\npoll: 1 \nerror: 0 \nconnect again: 0 \n\
        and again: -1 EISCONN\nquestion: 9 \nanswer: 19 \nanswer to question\na closed port: -1 ECONNREFUSED\n\
        the same socket, the open port: 0 \na datagram to a closed port: 1 \npoll: 1 \n\
        what came of it: -1 ECONNREFUSED\nnobody's address: -1 EHOSTUNREACH\n";
    ensure!(vm.stdout == expected, "{}{}", vm.stdout, vm.stderr);
    Ok(())
}
