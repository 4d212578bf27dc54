//! Under load: every request is answered, and memory in use is afterwards what it was before.
use crate::once;
use crate::serve::{first_answer, local, start_g};
use image::report::Cause;
use libtest_mimic::Trial;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::frame::{self, GATEWAY};
use tests::launch::{Launch, MACHINES, free_port};
use tests::machine::Machine;
use tests::tcp::Kept;
use tests::wire::Wire;
use tests::{Result, ensure, http, program, tcp};

pub const REQUESTS: usize = 10_000;
const AT_ONCE: usize = 50;
const REFUSED: u32 = 100_000;

const KEPT: usize = 10_000;
const IDLE: usize = 1_000;
const ACTIVE: usize = 64;

/// How much the memory in use may differ, in bytes: less than one for each refused packet, and room for what the last
/// connections leave until their end is certain (TIME-WAIT).
const TOLERANCE: u64 = 64 << 10;

pub fn cases(trials: &mut Vec<Trial>) {
    trials.push(once("load::10000_requests_50_at_a_time_on_connections_that_go_on", on_open_connections));
    trials.push(once("load::10000_requests_50_at_a_time_each_on_its_own_connection", each_on_its_own));
    trials.push(once("load::10000_requests_50_at_a_time_over_a_wire", over_a_wire));
    trials.push(once("load::10000_connections_open_at_once_with_512_mib", || kept(KEPT, KEPT, 1)));
    trials.push(once("load::1000_idle_connections_and_64_active_ones", || kept(IDLE + ACTIVE, ACTIVE, 20)));
    trials.push(once("load::memory_is_the_same_after_requests_and_100000_refused_packets", memory));
}

/// Over QEMU's user networking; the connections are opened together.
fn on_open_connections() -> Result {
    let port = free_port()?;
    let vm = start_g(Launch::new(MACHINES[0])?.example("tcp-8080-only.json"), port)?;
    let expected = first_answer(&vm, port, "/")?;
    let streams = [const { Mutex::new(None) }; AT_ONCE];
    all_answered(&vm, REQUESTS, |client| {
        let mut slot = streams[client].lock().map_err(|_| "another failure")?;
        let stream = match &mut *slot {
            Some(stream) => stream,
            none => none.insert(http::connect(local(port))?),
        };
        ensure!(http::ask(stream, "/", true)? == expected, "another answer");
        Ok(())
    })
}

/// Over QEMU's user networking.
fn each_on_its_own() -> Result {
    let port = free_port()?;
    let vm = start_g(Launch::new(MACHINES[0])?.example("tcp-8080-only.json"), port)?;
    let expected = first_answer(&vm, port, "/")?;
    all_answered(&vm, REQUESTS, |_| {
        ensure!(http::get(local(port), "/")? == expected, "another answer");
        Ok(())
    })
}

/// Over a wire, each request from a port of its own.
fn over_a_wire() -> Result {
    let wire = Wire::new()?;
    let vm = Launch::new(MACHINES[0])?.wire(&wire).example("tcp-8080-only.json").start("g", &[])?;
    vm.says("listening")?;
    requests_over(&wire, &vm, REQUESTS)
}

/// Requests over a wire, each from an address and port of its own.
fn requests_over(wire: &Wire, vm: &Machine, requests: usize) -> Result {
    let number = AtomicUsize::new(0);
    all_answered(vm, requests, |_| {
        let [_, _, high, low] = u32::try_from(number.fetch_add(1, Ordering::Relaxed))?.to_be_bytes();
        // Neighbours, so that the machine knows many: 10.0.2.100 to 10.0.2.131.
        let from = SocketAddr::from(([10, 0, 2, 100 + high % 32], 1024 + u16::from_be_bytes([high, low])));
        let received = tcp::exchange(wire, from, 8080, &http::request("/", false))?;
        let (response, _) = http::parse(&received, true)?.ok_or("half an answer")?;
        ensure!(response.status == 200, "{response:?}");
        Ok(())
    })
}

/// Opens so many connections; then the last `active` of them ask in turn, `rounds` times; then all.
fn kept(count: usize, active: usize, rounds: usize) -> Result {
    let wire = Wire::new()?;
    let launch = Launch::new(MACHINES[0])?.wire(&wire).example("tcp-8080-only.json").args(["-m", "512M"]);
    let vm = launch.start(program::built("many")?, &[])?;
    vm.says("ready")?;
    let mut connections = Vec::with_capacity(count);
    for number in 0..u16::try_from(count)? {
        let from = SocketAddr::from(([10, 0, 2, 100 + (number % 32) as u8], 1024 + number));
        let opened = Kept::open(&wire, from, 8080);
        connections.push(opened.map_err(|error| vm.complain(&format!("after {number} connections: {error}")))?);
    }
    let ask = |number: usize, connection: &mut Kept| -> Result {
        let answer = connection.ask(&http::request("/", true));
        let answer = answer.map_err(|error| vm.complain(&format!("connection {number} of {count}: {error}")))?;
        ensure!(answer.ends_with(b"open\n"), "connection {number}: {}", String::from_utf8_lossy(&answer));
        Ok(())
    };
    for _ in 0..rounds {
        for (number, connection) in connections.iter_mut().enumerate().skip(count - active) {
            ask(number, connection)?;
        }
    }
    connections.iter_mut().enumerate().try_for_each(|(number, connection)| ask(number, connection))
}

/// Makes so many requests, [`AT_ONCE`] at a time: `request` makes one and is told which client it is.
pub fn all_answered(vm: &Machine, requests: usize, request: impl Fn(usize) -> Result + Sync) -> Result {
    let answered = AtomicUsize::new(0);
    let client = |client| -> Result {
        for _ in 0..requests / AT_ONCE {
            request(client)?;
            answered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let failures: Vec<_> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(move || client(number))).collect();
        clients
            .into_iter()
            .filter_map(|client| client.join().unwrap_or(Err("a client panicked".into())).err())
            .collect()
    });
    let answered = answered.into_inner();
    ensure!(
        answered == requests && failures.is_empty(),
        "{}",
        vm.complain(&format!("{answered} answered; {} clients failed: {:?}", failures.len(), failures.first()))
    );
    Ok(())
}

fn memory() -> Result {
    let wire = Wire::new()?;
    let vm = Launch::new(MACHINES[0])?.wire(&wire).example("tcp-8080-only.json").start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    let mut port = 64000;
    let mut in_use = || -> Result<u64> {
        port += 1;
        let from = SocketAddr::new(GATEWAY.into(), port);
        let received = tcp::exchange(&wire, from, 8080, &http::request("/mem", false))?;
        let (response, _) = http::parse(&received, true)?.ok_or("half an answer")?;
        Ok(String::from_utf8(response.body)?.trim().parse()?)
    };
    // What is set up at the first use is set up, for as many connections at once as there will be.
    requests_over(&wire, &vm, 500)?;
    let before = in_use()?;
    requests_over(&wire, &vm, REQUESTS)?;
    let between = in_use()?;
    for number in 0..REFUSED {
        // From all over the world, of every kind.
        let from =
            SocketAddr::new(IpAddr::V4(Ipv4Addr::from_bits(number.wrapping_mul(2_654_435_761) | 1)), number as u16);
        let frame = match number % 4 {
            0 => frame::syn(from, 8081),
            1 => frame::echo(from.ip(), number as u16, 1),
            2 => frame::udp(SocketAddr::new(from.ip(), 53), 5000, &[0; 500]),
            _ => frame::fragment(
                Ipv4Addr::from_bits(number | 1 << 27),
                etherparse::IpNumber::UDP,
                number as u16,
                8,
                true,
                &[0; 64],
            ),
        };
        ensure!(wire.send(&frame)?, "the machine is gone after {number} packets");
    }
    vm.counted(&Cause::Rule(2), false, REFUSED.into())?;
    let after = in_use()?;
    ensure!(
        before > 0 && before.abs_diff(between) <= TOLERANCE && before.abs_diff(after) <= TOLERANCE,
        "memory in use: {before} bytes before, {between} after {REQUESTS} requests, {after} after {REFUSED} refused packets"
    );
    let dropped = vm.stop()?.dropped(&Cause::Rule(2));
    ensure!(dropped == u64::from(REFUSED), "{dropped} dropped");
    Ok(())
}
