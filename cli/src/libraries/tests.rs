//! Programs and libraries that the host's C compiler makes.
use super::*;
use std::process::Command;

/// A folder with `lib/libinner.so`, `lib/libouter.so` that needs it, and programs that need the latter.
struct Built(tempfile::TempDir);

impl Built {
    fn new() -> Self {
        let built = Built(tempfile::tempdir().unwrap());
        let lib = built.0.path().join("lib");
        fs::create_dir(&lib).unwrap();
        built.compile("int inner(void) { return 1; }", "lib/libinner.so", &["-shared", "-fPIC"]);
        let from = format!("-L{}", lib.display());
        let outer = "int inner(void); int outer(void) { return inner(); }";
        built.compile(outer, "lib/libouter.so", &["-shared", "-fPIC", &from, "-linner", "-Wl,-rpath,$ORIGIN"]);
        built
    }

    /// A program that needs `libouter.so`.
    fn program(&self, flags: &[&str]) -> PathBuf {
        let from = format!("-L{}/lib", self.0.path().display());
        let link = format!("-Wl,-rpath-link,{}/lib", self.0.path().display());
        let flags = [&[from.as_str(), "-louter", link.as_str()], flags].concat();
        self.compile("int outer(void); int main(void) { return outer(); }", "program", &flags)
    }

    fn compile(&self, source: &str, name: &str, flags: &[&str]) -> PathBuf {
        let (source_file, output) = (self.0.path().join("source.c"), self.0.path().join(name));
        fs::write(&source_file, source).unwrap();
        let mut compiler = Command::new("cc");
        compiler.arg(&source_file).arg("-o").arg(&output).args(flags);
        let result = compiler.output().unwrap();
        assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
        output
    }
}

/// Adds a program that stands at `/program`, and what it needs.
fn gathered(program: &Path, env: &[&str]) -> (Tree, Result<Libraries, Failure>) {
    let mut tree = Tree::new();
    let guest = tree.add_program(Path::new("program"), fs::read(program).unwrap()).unwrap();
    let env: Vec<String> = env.iter().map(ToString::to_string).collect();
    let added = add(&mut tree, program, &guest, &env);
    (tree, added)
}

#[test]
fn origin_is_where_the_program_stands_on_each_side() {
    let built = Built::new();
    let (tree, libraries) = gathered(&built.program(&["-Wl,-rpath,$ORIGIN/lib"]), &[]);
    let libraries = libraries.unwrap();
    assert!(libraries.added[0].contains("ld-linux-x86-64.so.2"), "{libraries:?}");
    for path in ["/lib/libouter.so", "/lib/libinner.so"] {
        assert!(
            libraries.added.iter().any(|added| added == path) && tree.data(path).is_some(),
            "{path}: {libraries:?}"
        );
    }
    assert!(libraries.added.iter().any(|path| path.ends_with("/libc.so.6")), "{libraries:?}");
    assert_eq!(libraries.missing, []);
}

#[test]
fn an_old_rpath_goes_for_what_is_loaded_too() {
    let built = Built::new();
    let rpath = format!("-Wl,--disable-new-dtags,-rpath,{}/lib", built.0.path().display());
    let (tree, libraries) = gathered(&built.program(&[&rpath]), &[]);
    libraries.unwrap();
    assert!(tree.data(&format!("{}/lib/libinner.so", built.0.path().display())).is_some());
}

#[test]
fn a_directory_in_the_environment_is_looked_into() {
    let built = Built::new();
    let path = format!("LD_LIBRARY_PATH=/nowhere:{}/lib", built.0.path().display());
    let (tree, libraries) = gathered(&built.program(&[]), &["A=1", &path]);
    libraries.unwrap();
    assert!(tree.data(&format!("{}/lib/libouter.so", built.0.path().display())).is_some());
}

#[test]
fn all_that_is_missing_is_named_with_who_needs_it() {
    let built = Built::new();
    let error = gathered(&built.program(&[]), &[]).1.unwrap_err();
    assert_eq!(error.code(), 126);
    assert!(error.to_string().contains("libouter.so, which /program needs"), "{error}");
    fs::remove_file(built.0.path().join("lib/libinner.so")).unwrap();
    let rpath = format!("-Wl,-rpath,{}/lib,--allow-shlib-undefined", built.0.path().display());
    let error = gathered(&built.program(&[&rpath]), &[]).1.unwrap_err().to_string();
    assert!(error.contains("libinner.so, which ") && error.contains("libouter.so needs"), "{error}");
}

#[test]
fn what_the_tree_has_comes_first_and_what_it_lacks_stops_nothing() {
    let built = Built::new();
    let program = built.program(&["-Wl,-rpath,/own"]);
    let mut tree = Tree::new();
    let outer = built.0.path().join("lib/libouter.so");
    tree.add_file(&outer, Path::new("/own/libouter.so")).unwrap();
    tree.add_file(&built.0.path().join("lib/libinner.so"), Path::new("/own/libinner.so")).unwrap();
    tree.add_file(&outer, Path::new("/plugins/libplugin.so")).unwrap();
    let guest = tree.add_program(Path::new("program"), fs::read(&program).unwrap()).unwrap();
    let libraries = add(&mut tree, &program, &guest, &[]).unwrap();
    assert!(!libraries.added.iter().any(|path| path.contains("outer") || path.contains("inner")), "{libraries:?}");
    let only_plugin = {
        let mut tree = Tree::new();
        tree.add_file(&outer, Path::new("/plugins/libplugin.so")).unwrap();
        let bytes = fs::read("/proc/self/exe").unwrap();
        let guest = tree.add_program(Path::new("program"), bytes).unwrap();
        add(&mut tree, Path::new("/proc/self/exe"), &guest, &[]).unwrap()
    };
    assert_eq!(only_plugin.missing, [("libinner.so".to_string(), "/plugins/libplugin.so".to_string())]);
}

#[test]
fn a_static_program_needs_nothing() {
    let built = Built::new();
    let program = built.compile("int main(void) { return 0; }", "static", &["-static"]);
    assert_eq!(gathered(&program, &[]).1, Ok(Libraries::default()));
}
