//! Builds the vDSO: a small shared object of its own, that the kernel maps into each program.
use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=vdso");
    if env::var_os("CARGO_FEATURE_BARE").is_none() {
        return;
    }
    let output = env::var("OUT_DIR").expect("cargo sets it");
    let (object, image) = (Path::new(&output).join("vdso.o"), Path::new(&output).join("vdso.so"));
    let mut compiler = Command::new(env::var_os("RUSTC").expect("cargo sets it"));
    compiler.args(["vdso/vdso.rs", "--edition", "2024", "--emit", "obj", "-C", "opt-level=2", "-C", "panic=abort"]);
    compiler.args(["-C", "overflow-checks=off", "-C", "debuginfo=0", "-C", "codegen-units=1", "-o"]).arg(&object);
    run(&mut compiler);
    // No program and no library: what it takes is the script's, and it stands for itself.
    let mut linker = Command::new("cc");
    linker.args([
        "-shared",
        "-nostdlib",
        "-Wl,-T,vdso/vdso.ld",
        "-Wl,-soname,linux-vdso.so.1",
        "-Wl,--hash-style=both",
    ]);
    linker.args(["-Wl,--build-id=none", "-Wl,-z,max-page-size=4096", "-Wl,--strip-all", "-o"]).arg(&image).arg(&object);
    run(&mut linker);
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
