//! A Linux guest that runs what an image of Portcullis holds: Debian's cloud kernel, and an initramfs in which a script
//! loads the drivers and the policy, and then becomes the program.
use image::archive::Image;
use image::manifest::Manifest;
use rustix::process::Pid;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tests::{Result, ensure};

/// What the card, its bus, the console for the program's output and the packet filter need.
const DRIVERS: [&str; 4] = ["virtio_pci", "virtio_net", "virtio_console", "nf_tables"];
/// Where everything that is not of the program stands, out of its way.
const SETUP: &str = "setup";
/// The bits of a mode that say what kind of file it is (inode(7)).
const KIND: u32 = 0o170000;
const DIRECTORY: u32 = 0o040000;
const LINK: u32 = 0o120000;

/// A guest to start.
pub struct Linux {
    kernel: PathBuf,
    initramfs: PathBuf,
    memory: u64,
    _folder: tempfile::TempDir,
}

/// A guest that runs until this goes.
pub struct Guest(Child);

impl Linux {
    /// Puts a guest together from a folder with `boot` and `lib/modules` of the kernel, and an image of Portcullis whose
    /// policy opens this port.
    pub fn new(debian: &Path, image: &Path, port: u16, memory: u64) -> Result<Linux> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().join("root");
        let (kernel, version) = kernel(debian)?;
        let bytes = fs::read(image)?;
        let image = Image::parse(&bytes)?;
        for directory in [SETUP, "proc", "sys", "dev", "tmp"] {
            fs::create_dir_all(root.join(directory))?;
        }
        unpack(&image, &root)?;
        let setup = root.join(SETUP);
        fs::copy(tests::program::BUSYBOX, setup.join("busybox"))?;
        copy_nft(&setup)?;
        fs::write(setup.join("policy"), policy(port))?;
        let drivers = copy_drivers(debian, &version, &setup)?;
        let init = root.join("init");
        fs::write(&init, script(&drivers, &image.manifest))?;
        fs::set_permissions(&init, Permissions::from_mode(0o755))?;
        let initramfs = folder.path().join("initramfs");
        archive(&root, &initramfs)?;
        fs::remove_dir_all(&root)?;
        Ok(Linux { kernel, initramfs, memory, _folder: folder })
    }

    /// Starts it, with a port of the host forwarded to one of the guest. The machine is the kind on which this kernel
    /// starts reliably: on `microvm` under emulation it finds no clock to measure the TSC by, and sometimes hangs.
    pub fn start(&self, host: u16, guest: u16) -> Result<Guest> {
        let mut qemu = Command::new("setpriv");
        qemu.args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"]);
        qemu.args("-nodefaults -no-user-config -no-reboot -display none -accel tcg -cpu max".split(' '));
        qemu.args("-M q35,usb=off,sata=off,smbus=off,i8042=off,hpet=off -vga none".split(' '));
        qemu.arg("-m").arg(format!("size={}k", self.memory >> 10));
        qemu.arg("-kernel").arg(&self.kernel).arg("-initrd").arg(&self.initramfs);
        // Without the last word it panics at times, when the host has not let the emulated timer tick while it looked.
        qemu.args(["-append", "console=ttyS0 quiet panic=-1 no_timer_check"]);
        qemu.arg("-netdev").arg(format!("user,id=n0,hostfwd=tcp:127.0.0.1:{host}-:{guest}"));
        qemu.args("-device virtio-net-pci,netdev=n0,disable-legacy=on,romfile=".split(' '));
        qemu.args("-chardev file,id=text,path=/dev/fd/2,append=on -serial chardev:text".split(' '));
        // Output goes to the host in blocks, and not byte by byte.
        qemu.args("-chardev file,id=output,path=/dev/fd/1,append=on -device virtio-serial-pci".split(' '));
        qemu.args("-device virtconsole,chardev=output".split(' '));
        let text = fs::File::create(self.text())?;
        qemu.stdin(Stdio::null()).stdout(text.try_clone()?).stderr(text);
        Ok(Guest(qemu.spawn().map_err(|error| format!("{qemu:?}: {error}"))?))
    }

    /// What the last guest wrote to its console.
    pub fn last_words(&self) -> String {
        fs::read(self.text()).map_or_else(|_| String::new(), |text| String::from_utf8_lossy(&text).into_owned())
    }

    /// The version of the kernel.
    pub fn version(&self) -> &str {
        self.kernel
            .file_name()
            .and_then(OsStr::to_str)
            .and_then(|name| name.strip_prefix("vmlinuz-"))
            .unwrap_or("unknown")
    }

    fn text(&self) -> PathBuf {
        self.initramfs.with_file_name("console")
    }
}

impl Guest {
    /// QEMU.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It fails only when QEMU is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The newest kernel of a folder, and its version.
fn kernel(debian: &Path) -> Result<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(debian.join("boot"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let version = name.strip_prefix("vmlinuz-").filter(|version| version.ends_with("-cloud-amd64"));
        if let Some(version) = version.map(str::to_string)
            && debian.join("lib/modules").join(&version).is_dir()
        {
            found.push((fs::metadata(&path)?.modified()?, path, version));
        }
    }
    let (_, path, version) =
        found.into_iter().max().ok_or_else(|| format!("no cloud kernel in {}", debian.display()))?;
    Ok((path, version))
}

/// Puts the program's files where the image has them.
fn unpack(image: &Image, root: &Path) -> Result {
    for entry in image.entries() {
        let path = root.join(entry.path.trim_start_matches('/'));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match entry.mode & KIND {
            DIRECTORY => fs::create_dir_all(&path)?,
            LINK => symlink(std::str::from_utf8(entry.data)?, &path)?,
            _ => {
                fs::write(&path, entry.data)?;
                fs::set_permissions(&path, Permissions::from_mode(entry.mode & 0o7777))?;
            }
        }
    }
    Ok(())
}

/// `nft` with its linker and libraries, all in one folder.
fn copy_nft(setup: &Path) -> Result {
    let nft = Path::new("/usr/sbin/nft");
    fs::copy(nft, setup.join("nft")).map_err(|error| format!("{} (Debian: nftables): {error}", nft.display()))?;
    let listed = output(Command::new("ldd").arg(nft))?;
    for library in listed.split_whitespace().filter(|word| word.starts_with('/')) {
        let name = Path::new(library).file_name().ok_or("a library without a name")?;
        fs::copy(library, setup.join(name))?;
    }
    Ok(())
}

/// The modules that the drivers consist of, in the order in which they go in.
fn copy_drivers(debian: &Path, version: &str, setup: &Path) -> Result<Vec<String>> {
    let mut drivers: Vec<String> = Vec::new();
    for driver in DRIVERS {
        let mut modprobe = Command::new("/sbin/modprobe");
        modprobe.arg("-d").arg(debian).args(["-S", version, "--show-depends", driver]);
        for line in output(&mut modprobe)?.lines() {
            let Some(path) = line.strip_prefix("insmod ") else { continue };
            let path = Path::new(path.trim());
            let name = path.file_name().and_then(OsStr::to_str).ok_or("a module without a name")?;
            if !drivers.iter().any(|driver| driver == name) {
                fs::copy(path, setup.join(name))?;
                drivers.push(name.to_string());
            }
        }
    }
    Ok(drivers)
}

/// The policy of the examples, in the language of nft(8): the server's port, answers of DHCP servers, nothing else.
fn policy(port: u16) -> String {
    format!(
        "table inet filter {{\n chain input {{\n  type filter hook input priority filter; policy accept;\n  \
         tcp dport {port} accept\n  udp sport 67 accept\n  drop\n }}\n}}\n"
    )
}

/// What the kernel starts: it becomes the program.
fn script(drivers: &[String], manifest: &Manifest) -> String {
    let mut script = format!("#!/{SETUP}/busybox sh\nset -e\nbox=/{SETUP}/busybox\n");
    for (kind, folder) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        script += &format!("$box mount -t {kind} none {folder}\n");
    }
    for driver in drivers {
        script += &format!("$box insmod /{SETUP}/{driver}\n");
    }
    script += &format!("/{SETUP}/ld-linux-x86-64.so.2 --library-path /{SETUP} /{SETUP}/nft -f /{SETUP}/policy\n");
    script += "$box ip link set lo up\n$box ip address add 10.0.2.15/24 dev eth0\n$box ip link set eth0 up\n\
        $box ip route add default via 10.0.2.2\n";
    script += "exec > /dev/hvc0 2>&1\nexec $box env -i";
    let arguments = manifest.args.iter().skip(1);
    for word in manifest.env.iter().chain([&manifest.program]).chain(arguments) {
        script += &format!(" '{}'", word.replace('\'', r"'\''"));
    }
    script + "\n"
}

/// Everything below a folder as an initramfs.
fn archive(root: &Path, to: &Path) -> Result {
    let mut pack = Command::new("sh");
    pack.args(["-c", "find . | cpio --quiet -o -H newc -R 0:0"]).current_dir(root).stdout(fs::File::create(to)?);
    ensure!(pack.status()?.success(), "cpio failed");
    Ok(())
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
