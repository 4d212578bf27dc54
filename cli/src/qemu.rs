//! The QEMU command that makes the machine.
use crate::args::Machine;
use crate::mac::Mac;
use crate::ports::Forward;
use crate::ram::Place;
use image::manifest::Network;
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = "qemu-system-x86_64";

/// Where QEMU is.
pub fn find() -> Option<PathBuf> {
    find_in_path(PROGRAM)
}

fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// What runs the instructions, settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// The processor, through the host's kernel.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

/// What the network card is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    /// QEMU's user networking, with these ports forwarded.
    User(Vec<Forward>),
    /// A TAP interface of the host.
    Tap(String),
    /// A `-netdev` argument without its id.
    Custom(String),
}

/// A machine to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The kernel's file.
    pub kernel: PathBuf,
    /// Where the image is; `None` starts the kernel's test of the machine itself.
    pub image: Option<Place>,
    /// The kind of machine.
    pub machine: Machine,
    /// What runs its instructions.
    pub accelerator: Accelerator,
    /// Its memory in bytes.
    pub memory: u64,
    /// How many processors it has.
    pub cpus: u32,
    /// What its network card is connected to.
    pub wire: Wire,
    /// Its network card's address.
    pub mac: Mac,
    /// How the instance gets its address; user networking must agree with a static one.
    pub network: Network,
    /// The time since 1970 that its clock starts from.
    pub epoch: Duration,
}

impl Launch {
    /// The command, with standard input closed. It is in a process group of its own, so that the terminal's Ctrl-C comes
    /// to us alone; and it ends when we end, however we end (setpriv(1); prctl(2), PR_SET_PDEATHSIG).
    pub fn command(&self, qemu: &Path) -> Command {
        let mut command = match find_in_path("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(qemu);
                command
            }
            None => Command::new(qemu),
        };
        command.args(self.arguments()).stdin(Stdio::null()).process_group(0);
        command
    }

    /// The command's arguments. Reports come out of its standard output, and everything else of its standard error.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut line = Line::default();
        line.add("-nodefaults -no-user-config -no-reboot -display none");
        line.add(match self.accelerator {
            Accelerator::Kvm => "-accel kvm -cpu host",
            Accelerator::Tcg => "-accel tcg -cpu max",
        });
        line.add(match self.machine {
            Machine::Microvm => "-M microvm,acpi=off,pit=on,pic=on,rtc=on,isa-serial=on,ioapic2=off -global virtio-mmio.force-legacy=false",
            Machine::Q35 => "-M q35,usb=off,sata=off,smbus=off,i8042=off,hpet=off -vga none",
        });
        line.add("-m").word(format!("size={}k", self.memory >> 10));
        if self.cpus > 1 {
            // One package of so many cores: the numbers of their interrupt controllers follow each other.
            line.add("-smp").word(format!("cpus={0},sockets=1,cores={0},threads=1", self.cpus));
        }
        line.add("-kernel").word(&self.kernel);
        self.add_image(&mut line);
        line.add("-chardev file,id=report,path=/dev/fd/1 -device isa-debugcon,iobase=0xe9,chardev=report");
        line.add("-chardev file,id=text,path=/dev/fd/2 -serial chardev:text");
        line.add("-device isa-debug-exit,iobase=0xf4,iosize=4");
        line.0
    }

    fn add_image(&self, line: &mut Line) {
        let Some(image) = &self.image else {
            line.add("-append probe");
            return;
        };
        let (seconds, nanos) = (self.epoch.as_secs(), self.epoch.subsec_nanos());
        let mut words = format!("epoch={seconds}.{nanos:09} cpus={}", self.cpus);
        match image {
            Place::Memory(path, start, length) => {
                let size = self.memory >> 10;
                let path = double_commas(&path.to_string_lossy());
                line.add("-machine memory-backend=ram -object");
                line.word(format!("memory-backend-file,id=ram,share=on,size={size}k,mem-path={path}"));
                words += &format!(" image={start}+{length}");
            }
            Place::File(path) => line.add("-initrd").word(double_commas(&path.to_string_lossy())),
        }
        line.add("-append").word(words);
        line.add("-netdev").word(self.netdev());
        let (kind, options) = match self.machine {
            Machine::Microvm => ("device", ""),
            Machine::Q35 => ("pci", ",disable-legacy=on"),
        };
        let rom = if self.machine == Machine::Q35 { ",romfile=" } else { "" };
        line.add("-device").word(format!("virtio-net-{kind},netdev=n0,mac={}{options}{rom}", self.mac));
        line.add("-device").word(format!("virtio-rng-{kind}{options}"));
    }

    fn netdev(&self) -> String {
        match &self.wire {
            Wire::User(forwards) => self.user_netdev(forwards),
            Wire::Tap(name) => format!("tap,id=n0,ifname={},script=no,downscript=no", double_commas(name)),
            Wire::Custom(spec) => match spec.split_once(',') {
                Some((kind, options)) => format!("{kind},id=n0,{options}"),
                None => format!("{spec},id=n0"),
            },
        }
    }

    /// User networking is 10.0.2.0/24 and its DHCP gives the instance 10.0.2.15, unless the instance's address is static.
    fn user_netdev(&self, forwards: &[Forward]) -> String {
        let mut netdev = "user,id=n0".to_string();
        let mut guest = None;
        if let Network::Static { address, prefix, gateway } = self.network {
            let (router, names) = neighbours(address, prefix, gateway);
            netdev += &format!(",net={address}/{prefix},host={router},dns={names},dhcpstart={address}");
            guest = Some(address.to_string());
        }
        let guest = guest.unwrap_or_default();
        for forward in forwards {
            let Forward { protocol, host, guest: port } = forward;
            netdev += &format!(",hostfwd={protocol}:{host}-{guest}:{port}");
        }
        netdev
    }
}

/// Two more addresses of the instance's network, for QEMU's router and name server.
pub fn neighbours(address: Ipv4Addr, prefix: u8, gateway: Option<Ipv4Addr>) -> (Ipv4Addr, Ipv4Addr) {
    let network = address.to_bits() & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    let mut free = (1..=4).map(|host| Ipv4Addr::from_bits(network.wrapping_add(host))).filter(|one| *one != address);
    let router = gateway.or_else(|| free.next()).unwrap_or(address);
    (router, free.find(|one| *one != router).unwrap_or(address))
}

/// Options are separated by commas, and two of them are one in a name.
fn double_commas(text: &str) -> String {
    text.replace(',', ",,")
}

#[derive(Default)]
struct Line(Vec<OsString>);

impl Line {
    fn add(&mut self, words: &str) -> &mut Self {
        self.0.extend(words.split(' ').map(OsString::from));
        self
    }

    fn word(&mut self, word: impl Into<OsString>) {
        self.0.push(word.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::{Protocol, parse};

    fn launch() -> Launch {
        Launch {
            kernel: "/k".into(),
            image: Some(Place::Memory("/i".into(), 4096, 5)),
            machine: Machine::Microvm,
            accelerator: Accelerator::Tcg,
            memory: 64 << 20,
            cpus: 1,
            wire: Wire::User(vec![]),
            mac: Mac::DEFAULT,
            network: Network::Dhcp,
            epoch: Duration::from_millis(1_500),
        }
    }

    fn text(launch: &Launch) -> String {
        launch.arguments().join(&OsString::from(" ")).into_string().unwrap()
    }

    #[test]
    fn a_microvm_has_virtio_mmio_devices() {
        let text = text(&launch());
        for part in [
            "-M microvm,",
            "-global virtio-mmio.force-legacy=false",
            "-accel tcg -cpu max",
            "-m size=65536k",
            "-kernel /k -machine memory-backend=ram -object memory-backend-file,id=ram,share=on,size=65536k,mem-path=/i ",
            "-append epoch=1.500000000 cpus=1 image=4096+5 ",
            "-netdev user,id=n0 -device virtio-net-device,netdev=n0,mac=52:54:00:12:34:56",
            "-device virtio-rng-device",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_q35_has_modern_virtio_pci_devices() {
        let image = Some(Place::File("/a,b".into()));
        let text = text(&Launch { machine: Machine::Q35, accelerator: Accelerator::Kvm, image, ..launch() });
        for part in [
            "-M q35",
            "-initrd /a,,b ",
            "-accel kvm -cpu host",
            "virtio-net-pci,netdev=n0",
            "disable-legacy=on",
            "virtio-rng-pci",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("mmio"));
    }

    #[test]
    fn ports_are_forwarded_by_user_networking() {
        let mut forwards = parse(Protocol::Tcp, "9000:8080").unwrap();
        forwards.extend(parse(Protocol::Udp, "0.0.0.0:53").unwrap());
        let text = text(&Launch { wire: Wire::User(forwards), ..launch() });
        assert!(text.contains("user,id=n0,hostfwd=tcp:127.0.0.1:9000-:8080,hostfwd=udp:0.0.0.0:53-:53 "), "{text}");
    }

    #[test]
    fn user_networking_agrees_with_a_static_address() {
        let address = Ipv4Addr::new(192, 168, 7, 2);
        let network = Network::Static { address, prefix: 24, gateway: Some(Ipv4Addr::new(192, 168, 7, 1)) };
        let wire = Wire::User(parse(Protocol::Tcp, "80").unwrap());
        let text = text(&Launch { network, wire, ..launch() });
        assert!(text.contains("net=192.168.7.2/24,host=192.168.7.1,dns=192.168.7.3,dhcpstart=192.168.7.2"), "{text}");
        assert!(text.contains("hostfwd=tcp:127.0.0.1:80-192.168.7.2:80"), "{text}");
    }

    #[test]
    fn router_and_name_server_are_never_the_instance() {
        for last in 1..=5 {
            let address = Ipv4Addr::new(10, 0, 2, last);
            let (router, names) = neighbours(address, 24, None);
            assert!(router != address && names != address && router != names, "{address} {router} {names}");
        }
    }

    #[test]
    fn other_wires_replace_user_networking() {
        let tap = text(&Launch { wire: Wire::Tap("tap,0".into()), ..launch() });
        assert!(tap.contains("-netdev tap,id=n0,ifname=tap,,0,script=no,downscript=no"), "{tap}");
        let dgram = text(&Launch { wire: Wire::Custom("dgram,local.type=unix".into()), ..launch() });
        assert!(dgram.contains("-netdev dgram,id=n0,local.type=unix -device"), "{dgram}");
        let bare = text(&Launch { wire: Wire::Custom("user".into()), ..launch() });
        assert!(bare.contains("-netdev user,id=n0 -device"), "{bare}");
    }

    #[test]
    fn the_test_of_the_machine_has_no_devices() {
        let text = text(&Launch { image: None, ..launch() });
        assert!(text.contains("-append probe"), "{text}");
        for absent in ["netdev", "initrd", "memory-backend"] {
            assert!(!text.contains(absent), "{absent} in {text}");
        }
    }
}
