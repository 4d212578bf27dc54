//! The sets of rules to measure with: ClassBench's, from a folder, or in its absence some of the same form.
use crate::filter::Filter;
use crate::generate::{self, Profile};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{Result, ensure};

/// A set that can be loaded.
pub struct Source {
    /// What it is called: `acl1_1k`.
    pub name: String,
    /// About how many rules it has.
    pub size: usize,
    from: From,
}

enum From {
    File(PathBuf),
    Profile(Profile),
}

/// The sets of a folder, or when it is not there generated ones; the smallest first.
pub fn find(folder: Option<&Path>) -> Result<Vec<Source>> {
    let mut sets = match folder {
        Some(folder) => of_folder(folder)?,
        None => [1_000, 10_000, 100_000].into_iter().flat_map(generated).collect(),
    };
    sets.sort_by(|one, other| (one.size, &one.name).cmp(&(other.size, &other.name)));
    Ok(sets)
}

fn generated(size: usize) -> impl Iterator<Item = Source> {
    Profile::ALL.into_iter().map(move |profile| Source {
        name: format!("{}_{}k", profile.name(), size / 1000),
        size,
        from: From::Profile(profile),
    })
}

fn of_folder(folder: &Path) -> Result<Vec<Source>> {
    let mut sets = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = file.strip_suffix(".xz").unwrap_or(file);
        if let Some(thousands) = name.rsplit_once('_').and_then(|(_, size)| size.strip_suffix('k')?.parse().ok()) {
            let thousands: usize = thousands;
            sets.push(Source { name: name.to_string(), size: thousands * 1000, from: From::File(path) });
        }
    }
    ensure!(!sets.is_empty(), "{}: there is no set in it, named as acl1_1k or acl1_100k.xz", folder.display());
    Ok(sets)
}

impl Source {
    /// Its rules.
    pub fn load(&self) -> Result<Vec<Filter>> {
        match &self.from {
            From::Profile(profile) => Ok(generate::set(*profile, self.size)),
            From::File(path) => {
                let text = read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                let mut filters = Vec::new();
                for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
                    let filter =
                        Filter::parse(line).map_err(|error| format!("{}:{number}: {error}", path.display()))?;
                    filters.extend(filter.resolve());
                }
                Ok(filters)
            }
        }
    }
}

fn read(path: &Path) -> Result<String> {
    if path.extension().is_none_or(|extension| extension != "xz") {
        return Ok(fs::read_to_string(path)?);
    }
    let output = Command::new("xz").arg("-dc").arg(path).output().map_err(|error| format!("xz: {error}"))?;
    ensure!(output.status.success(), "xz: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}
