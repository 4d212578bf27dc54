//! Load on a server, by the client that fits it: wrk, redis-benchmark, or connections to memcached.
use crate::memcached::Memcached;
use crate::server::Client;
use crate::{Result, ensure};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

/// How often redis-benchmark may be begun again.
const ATTEMPTS: u64 = 4;
/// What timeout(1) exits with when the time was over.
const TIMED_OUT: i32 = 124;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Requests that were answered in a second.
    pub rate: f64,
    /// The time within which 99 of 100 requests were answered.
    pub p99: Duration,
    /// Requests that were not answered, or not as they should be.
    pub errors: u64,
}

/// Keeps so many connections busy for some seconds.
pub fn load(client: Client, port: u16, connections: u32, seconds: u32) -> Result<Load> {
    match client {
        Client::Http => wrk(port, connections, seconds),
        Client::Redis => redis(port, connections, seconds),
        Client::Memcached => memcached(port, connections, seconds),
    }
}

fn wrk(port: u16, connections: u32, seconds: u32) -> Result<Load> {
    let mut wrk = Command::new("wrk");
    wrk.arg(format!("-c{connections}")).arg("-t1").arg(format!("-d{seconds}")).arg("--latency");
    // A timeout is an error; the default of 2 s is a short time for an emulated machine.
    wrk.arg("--timeout").arg("10s").arg(format!("http://127.0.0.1:{port}/"));
    let text = output(&mut wrk)?;
    let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label)).map(str::trim);
    let missing = |label: &str| format!("no {label:?} in\n{text}");
    let rate = after("Requests/sec:").ok_or_else(|| missing("Requests/sec:"))?.parse()?;
    let p99 = after("99%").and_then(duration).ok_or_else(|| missing("99%"))?;
    // `Socket errors: connect 0, read 0, write 0, timeout 0`, and `Non-2xx or 3xx responses: 1`.
    let numbers = |line: &str| line.split([' ', ',']).filter_map(|word| word.parse::<u64>().ok()).sum::<u64>();
    let errors = after("Socket errors:").map_or(0, numbers) + after("Non-2xx or 3xx responses:").map_or(0, numbers);
    Ok(Load { rate, p99, errors })
}

/// `1.50us`, `61.64ms`, `1.85s`, `1.00m`.
fn duration(text: &str) -> Option<Duration> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
    let (number, unit) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

/// redis-benchmark makes a number of requests, so a short run says how many fill the time. Half of them are SET.
fn redis(port: u16, connections: u32, seconds: u32) -> Result<Load> {
    let short = redis_requests(port, connections, 2_000, seconds)?;
    let requests = (short.rate * f64::from(seconds)) as u64 / 2;
    let long = redis_requests(port, connections, requests.max(1_000), seconds)?;
    Ok(Load { errors: short.errors + long.errors, ..long })
}

/// It waits for ever for an answer that does not come: such a run is an error, and made again.
fn redis_requests(port: u16, connections: u32, requests: u64, seconds: u32) -> Result<Load> {
    let limit = (seconds * 4 + 10).to_string();
    for errors in 0..ATTEMPTS {
        let mut benchmark = Command::new("timeout");
        benchmark.arg(&limit).args(["redis-benchmark", "-p", &port.to_string(), "-c", &connections.to_string()]);
        benchmark.args(["-n", &requests.to_string(), "-t", "set,get", "--csv"]);
        let output = benchmark.output().map_err(|error| format!("{benchmark:?}: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match output.status.code() {
            Some(0) => return redis_results(&text, errors),
            Some(TIMED_OUT) => {}
            _ => return Err(format!("{benchmark:?}: {text}{}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
    Err(format!("redis-benchmark did not end within {limit} s, {ATTEMPTS} times").into())
}

/// "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
fn redis_results(text: &str, errors: u64) -> Result<Load> {
    let rows = text.lines().filter(|line| line.starts_with("\"SET\"") || line.starts_with("\"GET\""));
    let numbers =
        |row: &str| row.split(',').filter_map(|cell| cell.trim_matches('"').parse().ok()).collect::<Vec<f64>>();
    let rows: Vec<_> = rows.map(numbers).collect();
    let [set, get] = &rows[..] else { return Err(format!("not two rows in\n{text}").into()) };
    let (&[set, .., set_p99, _], &[get, .., get_p99, _]) = (&set[..], &get[..]) else {
        return Err(format!("too few columns in\n{text}").into());
    };
    let p99 = Duration::try_from_secs_f64(set_p99.max(get_p99) / 1_000.0)?;
    // As many of each, so the time is what adds up. It gives up at the first answer that is an error.
    Ok(Load { rate: 2.0 / (1.0 / set + 1.0 / get), p99, errors })
}

/// One value in ten requests is stored anew; each connection has a thread and keys of its own.
fn memcached(port: u16, connections: u32, seconds: u32) -> Result<Load> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds.into());
    let client = |number: u32| -> (Vec<Duration>, u64) {
        let mut times = Vec::new();
        let result = (|| -> Result {
            let mut connection = Memcached::connect(address)?;
            let (key, mut value) = (format!("key{number}"), Vec::new());
            for request in 0u32.. {
                let start = Instant::now();
                if start >= end {
                    break;
                }
                if request % 10 == 0 {
                    value = format!("{number} {request} {:080}", 0).into_bytes();
                    connection.set(&key, &value)?;
                } else {
                    ensure!(connection.get(&key)?.as_ref() == Some(&value), "another value");
                }
                times.push(start.elapsed());
            }
            Ok(())
        })();
        (times, u64::from(result.is_err()))
    };
    let (mut times, mut errors) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections).map(|number| scope.spawn(move || client(number))).collect();
        for client in clients {
            let (of_one, failed) = client.join().unwrap_or((Vec::new(), 1));
            times.extend(of_one);
            errors += failed;
        }
    });
    let elapsed = begun.elapsed();
    times.sort();
    let p99 = times.get(times.len() * 99 / 100).copied().ok_or("no request was answered")?;
    Ok(Load { rate: times.len() as f64 / elapsed.as_secs_f64(), p99, errors })
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    Ok(text)
}
