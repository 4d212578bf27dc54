//! The names of the keys of an `ops` configuration.
//!
//! They are those of `Config` and `RunConfig` in `types/config.go` of github.com/nanovms/ops, of today's version and
//! of earlier ones.

/// At the top: what is honoured.
pub(super) const TOP: &[&str] =
    &["Args", "Env", "Files", "Dirs", "MapDirs", "Program", "Klibs", "ManifestPassthrough", "RunConfig"];

/// At the top: what `ops` knows and we do not act on.
pub(super) const TOP_NOT_ACTED_ON: &[&str] = &[
    "BaseVolumeSz",
    "Boot",
    "BuildDir",
    "CloudConfig",
    "Debugflags",
    "Description",
    "DisableArgsCopy",
    "Force",
    "Home",
    "home",
    "Kernel",
    "KlibDir",
    "Language",
    "LocalFilesParentDirectory",
    "Mounts",
    "NameServer",
    "NameServers",
    "NanosVersion",
    "NightlyBuild",
    "NoTrace",
    "PackageBaseURL",
    "PackageManifestURL",
    "ProgramPath",
    "RebootOnExit",
    "Runtime",
    "TargetConfig",
    "TargetRoot",
    "TFSv4",
    "Uefi",
    "UefiBoot",
    "Version",
    "VolumesDir",
];

/// In `RunConfig`: what is honoured.
pub(super) const RUN: &[&str] =
    &["Klibs", "Ports", "UDPPorts", "Memory", "CPUs", "IPAddress", "NetMask", "Gateway", "TapName", "Accel", "Verbose"];

/// In `RunConfig`: what `ops` knows and we do not act on.
pub(super) const RUN_NOT_ACTED_ON: &[&str] = &[
    "AtExit",
    "AttachVolumeOnInstanceCreate",
    "Background",
    "Bridged",
    "BridgeIPAddress",
    "BridgeName",
    "CanIPForward",
    "Debug",
    "GdbPort",
    "GPUs",
    "GPUType",
    "Imagename",
    "ImageName",
    "InstanceGroup",
    "InstanceName",
    "IPAddr",
    "IPv6Address",
    "JSON",
    "Kernel",
    "Mgmt",
    "Mounts",
    "Nics",
    "QMP",
    "ShowDebug",
    "ShowErrors",
    "ShowWarnings",
    "ThreadsPerCore",
    "UDP",
    "Vga",
    "VolumeSizeInGb",
];
