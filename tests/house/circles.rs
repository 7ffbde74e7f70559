//! No import inside a crate runs in a circle. Each module file is a node; an edge goes from the file that names something to the
//! file that defines (or re-exports) it. `mod b;` alone is no edge, and tests may import what they like.

use crate::imports::{Module, declared, named};
use crate::members;
use kennel_tests::kube::root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The source files of a crate, by module.
type Sources = BTreeMap<Module, syn::File>;
type Edges = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_import_inside_a_crate_runs_in_a_circle() {
    let mut found = Vec::new();
    let roots = roots();
    assert!(roots.len() > 10, "the crates were not found: {roots:?}");
    for root in roots {
        let circles = circles(&edges(&read(&root)));
        found.extend(circles.into_iter().map(|circle| format!("{}: {circle}", root.display())));
    }
    assert!(
        found.is_empty(),
        "imports in a circle (move what both need into a file of its own):\n{}",
        found.join("\n")
    );
}

#[test]
fn a_circle_is_found_and_named() {
    let sources = parse(&[
        ("", "mod a; mod b; mod c; pub use a::A;"),
        ("a", "use crate::b::B; pub struct A;"),
        ("b", "pub struct B; fn f() { crate::c::g() }"),
        ("c", "pub fn g() { println!(\"{}\", crate::a::NUMBER) }"),
    ]);
    assert_eq!(circles(&edges(&sources)), ["a -> b, b -> c, c -> a"]);
}

#[test]
fn a_child_that_needs_its_parent_which_calls_it_is_a_circle() {
    let sources = parse(&[("", "mod a;"), ("a", "mod b; pub struct A; fn f() { b::g() }"), ("a::b", "use super::A;")]);
    assert_eq!(circles(&edges(&sources)), ["a -> a::b, a::b -> a"]);
}

#[test]
fn a_re_export_of_the_root_does_not_hide_a_circle() {
    let sources = parse(&[("", "mod a; mod b; pub use a::A;"), ("a", "pub struct A;"), ("b", "use crate::A;")]);
    assert_eq!(circles(&edges(&sources)), Vec::<String>::new(), "b needs the root, which does not need b");
    let sources = parse(&[("", "mod a; mod b; pub use b::B;"), ("a", "use crate::B;"), ("b", "use crate::a::A;")]);
    assert_eq!(circles(&edges(&sources)), ["(root) -> b, a -> (root), b -> a"]);
}

#[test]
fn declarations_and_tests_are_no_imports() {
    let sources = parse(&[
        ("", "mod a; mod b;"),
        ("a", "use crate::b::B; #[cfg(test)] mod tests { use super::*; }"),
        ("b", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; } #[test] fn t() { crate::a::f() }"),
    ]);
    assert!(circles(&edges(&sources)).is_empty());
}

/// The root files of every library and program.
fn roots() -> Vec<PathBuf> {
    let folders = members().into_iter().chain(["fuzz".to_owned()]);
    let files =
        folders.flat_map(|folder| ["lib.rs", "main.rs"].map(|file| root().join(&folder).join("src").join(file)));
    files.filter(|file| file.exists()).collect()
}

fn read(root: &Path) -> Sources {
    let mut sources = Sources::new();
    let folder = root.parent().expect("a folder");
    read_module(root, folder, Vec::new(), &mut sources);
    sources
}

/// Reads a module and those that it declares; `folder` is where its children are.
fn read_module(path: &Path, folder: &Path, module: Module, sources: &mut Sources) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (name, for_tests) in declared(&file) {
        let (beside, inside) = (folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs"));
        if !for_tests {
            let child = module.iter().cloned().chain([name.clone()]).collect();
            read_module(if beside.exists() { &beside } else { &inside }, &folder.join(&name), child, sources);
        }
    }
    sources.insert(module, file);
}

fn edges(sources: &Sources) -> Edges {
    let edges = sources.iter().map(|(module, file)| {
        let to = named(file, module).into_iter().map(|mut path| {
            // The longest part of the path that is a module; the rest is an item in it.
            while !sources.contains_key(&path) {
                path.pop();
            }
            path
        });
        (module.clone(), to.filter(|to| to != module).collect())
    });
    edges.collect()
}

/// Each circle with the imports that make it: two modules are in one where each reaches the other.
fn circles(edges: &Edges) -> Vec<String> {
    let reach: Edges = edges.keys().map(|module| (module.clone(), reachable(edges, module))).collect();
    let mut left: BTreeSet<&Module> = edges.keys().filter(|module| reach[*module].contains(*module)).collect();
    let mut circles = Vec::new();
    while let Some(first) = left.first().copied() {
        let circle: Vec<&Module> = left
            .iter()
            .copied()
            .filter(|other| reach[first].contains(*other) && reach[*other].contains(first))
            .collect();
        let inside = circle.iter().flat_map(|from| edges[*from].iter().map(move |to| (*from, to)));
        let inside = inside.filter(|(_, to)| circle.contains(to));
        circles.push(inside.map(|(from, to)| format!("{} -> {}", name(from), name(to))).collect::<Vec<_>>().join(", "));
        circle.into_iter().for_each(|module| _ = left.remove(module));
    }
    circles
}

fn reachable(edges: &Edges, from: &Module) -> BTreeSet<Module> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        next.extend(edges[module].iter().filter(|to| seen.insert((*to).clone())));
    }
    seen
}

fn name(module: &Module) -> String {
    if module.is_empty() { "(root)".to_owned() } else { module.join("::") }
}

fn parse(sources: &[(&str, &str)]) -> Sources {
    let module = |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    sources.iter().map(|(name, text)| (module(name), syn::parse_file(text).expect("Rust"))).collect()
}
