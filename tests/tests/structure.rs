//! What must stay true of the project itself: who depends on whom, small mains, pages for every error code,
//! the configuration table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use contract::{ErrorCode, FindingCode, Remedy};
use local_system::registry;
use strum::IntoEnumIterator;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The direct dependencies of the crate in `folder`. What only its tests use may come from above.
fn dependencies(folder: &str) -> Vec<String> {
    listed(folder, &["dependencies", "build-dependencies"])
}

fn listed(folder: &str, tables: &[&str]) -> Vec<String> {
    let manifest: toml::Table = text(Path::new(folder).join("Cargo.toml")).parse().unwrap();
    let tables = tables.iter().filter_map(|name| manifest.get(*name)?.as_table());
    tables.flat_map(|table| table.keys().cloned()).collect()
}

/// The folders of all crates.
fn crates() -> Vec<String> {
    let mut folders: Vec<String> = ["cli", "tests", "tests/fuzz", "tests/proof"].map(str::to_owned).into();
    for above in ["functions", "shared"] {
        let entries = std::fs::read_dir(root().join(above)).unwrap().map(|entry| entry.unwrap().file_name());
        folders.extend(entries.map(|name| format!("{above}/{}", name.into_string().unwrap())));
    }
    folders
}

/// A dev-dependency's features count when tests are built and not when binaries are. What is above it would be compiled
/// twice in `.ci/run`, the SDK among it. So each is some crate's dependency too, but for what nothing is above of.
#[test]
fn tests_and_binaries_are_built_with_the_same_features() {
    let everywhere: BTreeSet<String> = crates().iter().flat_map(|folder| dependencies(folder)).collect();
    for folder in crates() {
        for name in listed(&folder, &["dev-dependencies"]) {
            let known = everywhere.contains(&name) || ["tests", "libtest-mimic"].contains(&name.as_str());
            assert!(known, "{folder}: only its tests use {name}; list it under [dependencies] in tests/Cargo.toml");
        }
    }
}

#[test]
fn dependencies_point_downwards_only() {
    // Lowest first: a crate may use those above it in this list only.
    let layers = ["org", "contract", "aws", "handler", "lifecycle"];
    let functions: Vec<&str> = registry::functions().map(|step| step.spec.name).collect();
    for (height, name) in layers.iter().enumerate() {
        for dependency in dependencies(&format!("shared/{name}")) {
            let above = layers.iter().position(|layer| *layer == dependency).is_some_and(|other| other >= height);
            let function = functions.contains(&dependency.as_str());
            let top = ["orgctl", "tests", "local-aws", "local-system"].contains(&dependency.as_str());
            assert!(!(above || function || top), "{name} uses {dependency}");
        }
    }
    for function in &functions {
        for dependency in dependencies(&format!("functions/{function}")) {
            let sideways = functions.contains(&dependency.as_str());
            let top = ["orgctl", "tests", "local-aws", "local-system"].contains(&dependency.as_str());
            assert!(!(sideways || top), "{function} uses {dependency}");
        }
    }
    let above = ["local-system", "orgctl", "tests"];
    let ours: Vec<&str> = layers.iter().chain(&functions).chain(&above).copied().collect();
    for dependency in dependencies("shared/local-aws") {
        assert!(
            !ours.contains(&dependency.as_str()),
            "local-aws uses {dependency}: it knows nothing of the provisioner"
        );
    }
    // What has to run often is built without the command line.
    for folder in ["shared/local-system", "tests", "tests/fuzz", "tests/proof"] {
        let top = dependencies(folder).into_iter().find(|dependency| dependency == "orgctl");
        assert_eq!(top, None, "{folder} uses orgctl");
    }
}

#[test]
fn the_pure_crates_stay_pure() {
    for name in ["org", "contract"] {
        for dependency in dependencies(&format!("shared/{name}")) {
            let impure = ["tokio", "reqwest", "hyper"].contains(&dependency.as_str()) || dependency.starts_with("aws");
            assert!(!impure, "{name} uses {dependency}");
        }
    }
    for name in ["org", "contract", "aws"] {
        assert!(!dependencies(&format!("shared/{name}")).iter().any(|dependency| dependency.starts_with("lambda")));
    }
}

#[test]
fn every_function_is_registered_and_has_a_small_main() {
    let mut folders: Vec<String> = std::fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut registered: Vec<String> = registry::functions().map(|step| step.spec.name.to_owned()).collect();
    registered.sort();
    assert_eq!(folders, registered);
    for function in folders {
        let main = text(format!("functions/{function}/src/main.rs"));
        assert!(main.lines().count() <= 15, "{function}");
    }
}

#[test]
fn every_error_code_has_a_page_that_states_its_class() {
    let pages: BTreeMap<String, PathBuf> = std::fs::read_dir(root().join("docs/errors"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .filter(|(name, _)| name != "README")
        .collect();
    let index = text("docs/errors/README.md");
    for code in ErrorCode::iter() {
        let page = pages.get(code.as_str()).unwrap_or_else(|| panic!("docs/errors/{code}.md is missing"));
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.starts_with(&format!("# {code}\n")), "{code}");
        assert!(page.contains(&format!("\nClass: {}\n", code.class())), "{code}");
        assert!(index.contains(&format!("({code}.md)")), "{code} is not in the index");
    }
    assert_eq!(pages.len(), ErrorCode::iter().count(), "a page without a code: {:?}", pages.keys());
}

/// Each finding is in the table of those who can mend it.
#[test]
fn every_finding_has_an_entry_in_the_page_about_them() {
    let page = text("docs/reconcile.md");
    let (by_sign_up, others) = page.split_once("What only a person decides.").unwrap();
    for code in FindingCode::iter() {
        let table = if code.remedy() == Remedy::SignUp { by_sign_up } else { others };
        assert!(table.contains(&format!("`{code}`")), "docs/reconcile.md has no {code}, or has it in another table");
    }
}

#[test]
fn the_readmes_configuration_table_is_the_code_s() {
    let readme = text("README.md");
    for variable in handler::VARIABLES {
        let default = match variable.default {
            None => "(required)".to_owned(),
            Some("") => "(empty)".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        let row = format!("| `{}` | {default} | {} |", variable.name, variable.meaning);
        assert!(readme.contains(&row), "README.md has no row\n{row}");
    }
}

/// The first design's room for code: a file with more lines holds more than one idea.
#[test]
fn no_source_file_is_long() {
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                assert!(lines <= 450, "{} has {lines} lines", path.display());
            }
        }
    }
}
