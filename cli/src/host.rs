//! The host's side of a run, settled: what the configuration, the image and the command line ask for together.
use crate::args::{Accel, Run};
use crate::failure::Failure;
use crate::memory;
use crate::ports::{self, Forward, Protocol};
use crate::qemu::Wire;
use crate::relay;
use crate::say::say;
use clap::ValueEnum;
use image::manifest::Host;
use std::path::{Path, PathBuf};

/// The host's side of a run.
#[derive(Debug)]
pub struct Settings {
    /// What the network card is connected to.
    pub wire: Wire,
    /// The ports that are forwarded, as they were asked for; none unless the wire is user networking.
    pub forwards: Vec<Forward>,
    /// Memory in bytes.
    pub memory: u64,
    /// How many processors.
    pub cpus: u32,
    /// What to run the instructions with.
    pub accel: Accel,
    /// Say more.
    pub verbose: bool,
}

impl Settings {
    /// Settles what `host` asks for; `run` has been applied to it already, and adds what an image cannot ask for.
    pub fn resolve(host: &Host, run: &Run) -> Result<Self, Failure> {
        let mut forwards = forwards(host)?;
        let wire = match (&run.netdev, &host.tap) {
            (Some(spec), _) => Wire::Custom(spec.clone()),
            (None, Some(tap)) => Wire::Tap(checked_tap(tap, Path::new("/sys/class/net"))?),
            (None, None) => {
                let relayed = ports::check(&forwards).and_then(|()| relay::start(&forwards));
                Wire::User(relayed.map_err(|error| Failure::CannotBoot(error.to_string()))?)
            }
        };
        if !matches!(wire, Wire::User(_)) && !forwards.is_empty() {
            say(format_args!(
                "ports are not forwarded: that is for user networking; here the instance is reached at its own address"
            ));
            forwards.clear();
        }
        let accel = host.accel.as_deref().map(|name| Accel::from_str(name, true)).transpose();
        Ok(Settings {
            wire,
            forwards,
            memory: host.memory.unwrap_or(memory::DEFAULT),
            cpus: host.cpus.unwrap_or(1),
            accel: accel.map_err(|error| Failure::Usage(format!("accelerator: {error}")))?.unwrap_or(Accel::Auto),
            verbose: host.verbose,
        })
    }
}

fn forwards(host: &Host) -> Result<Vec<Forward>, Failure> {
    let tcp = host.ports.iter().map(|text| ports::parse(Protocol::Tcp, text));
    let udp = host.udp_ports.iter().map(|text| ports::parse(Protocol::Udp, text));
    let parsed: Result<Vec<_>, _> = tcp.chain(udp).collect();
    Ok(parsed.map_err(|error| Failure::Usage(error.to_string()))?.concat())
}

/// Makes sure that the interface exists, is a TAP interface, and is up; `interfaces` is sysfs's class `net`.
fn checked_tap(name: &str, interfaces: &Path) -> Result<String, Failure> {
    let refuse = |reason: String| Err(Failure::CannotBoot(format!("TAP interface {name}: {reason}")));
    let directory: PathBuf = interfaces.join(name);
    if name.contains('/') || !directory.exists() {
        return refuse(format!("does not exist; `ip tuntap add {name} mode tap && ip link set {name} up` makes one"));
    }
    const IFF_TAP: u32 = 0x0002;
    const IFF_UP: u32 = 0x1;
    match read_flags(&directory.join("tun_flags")) {
        Some(flags) if flags & IFF_TAP != 0 => {}
        _ => return refuse("is no TAP interface".into()),
    }
    match read_flags(&directory.join("flags")) {
        Some(flags) if flags & IFF_UP != 0 => Ok(name.to_string()),
        _ => refuse(format!("is down; `ip link set {name} up` sets it up")),
    }
}

fn read_flags(path: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(path).ok()?;
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory as sysfs has it: `tun_flags` and `flags` of the interface `tap0`.
    fn sysfs(tun_flags: Option<&str>, flags: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let interface = directory.path().join("tap0");
        std::fs::create_dir(&interface).unwrap();
        std::fs::write(interface.join("flags"), flags).unwrap();
        if let Some(tun_flags) = tun_flags {
            std::fs::write(interface.join("tun_flags"), tun_flags).unwrap();
        }
        directory
    }

    #[test]
    fn a_tap_interface_that_is_up_is_taken() {
        let sysfs = sysfs(Some("0x1002\n"), "0x1003\n");
        assert_eq!(checked_tap("tap0", sysfs.path()).as_deref(), Ok("tap0"));
    }

    #[test]
    fn other_interfaces_are_refused_with_the_reason() {
        let cases = [
            (sysfs(None, "0x1003\n"), "tap0", "is no TAP"),
            (sysfs(Some("0x1001\n"), "0x1003\n"), "tap0", "is no TAP"),
            (sysfs(Some("0x1002\n"), "0x1002\n"), "tap0", "ip link set tap0 up"),
            (sysfs(Some("0x1002\n"), "0x1003\n"), "tap1", "does not exist"),
            (sysfs(Some("0x1002\n"), "0x1003\n"), "../tap0", "does not exist"),
        ];
        for (sysfs, name, reason) in cases {
            let error = checked_tap(name, sysfs.path()).unwrap_err();
            assert!(error.code() == 125 && error.to_string().contains(reason), "{error}");
        }
    }
}
