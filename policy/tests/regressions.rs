//! Replays what the fuzz targets found: every file in `fuzz/regressions`, by the property of its folder.
use policy::generate::properties;
use std::fs;
use std::path::Path;

#[test]
fn what_a_fuzz_target_found_stays_fixed() {
    let regressions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions");
    for (name, property) in properties::ALL {
        let folder =
            fs::read_dir(regressions.join(name)).unwrap_or_else(|error| panic!("fuzz/regressions/{name}: {error}"));
        let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        assert!(!files.is_empty(), "fuzz/regressions/{name} has at least a seed");
        for file in files {
            println!("{}", file.display());
            property(&fs::read(&file).expect("a file that can be read"));
        }
    }
}
