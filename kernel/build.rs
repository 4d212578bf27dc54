//! How the kernel itself is linked: by a script of its own, without the C library.

fn main() {
    println!("cargo::rerun-if-changed=link.ld");
    if std::env::var_os("CARGO_FEATURE_BARE").is_none() {
        return;
    }
    let script = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("link.ld");
    for argument in
        ["-nostartfiles", "-nostdlib", "-static", "-no-pie", &format!("-T{}", script.display()), "-Wl,--build-id=none"]
    {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
