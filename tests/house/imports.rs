//! The modules of its own crate that a source file names outside tests: in `use`, in paths, in macros.

use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, Macro, UseTree};

/// A module by the segments of its path below the crate's root; empty: the root itself.
pub(crate) type Module = Vec<String>;

/// Child modules that a file declares in files of their own; with whether they are for tests alone.
pub(crate) fn declared(file: &syn::File) -> Vec<(String, bool)> {
    let modules = file.items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() => Some((module.ident.to_string(), is_test(&module.attrs))),
        _ => None,
    });
    modules.collect()
}

/// Paths below the crate's root that the file of `module` names, such as `["kdc", "Step"]`: some of the last segments may be
/// items.
pub(crate) fn named(file: &syn::File, module: &Module) -> BTreeSet<Module> {
    let children = declared(file).into_iter().map(|(name, _)| name).collect();
    let mut names = Names { module, children, inline: Vec::new(), found: BTreeSet::new() };
    names.visit_file(file);
    names.found
}

struct Names<'a> {
    module: &'a Module,
    children: BTreeSet<String>,
    /// Inline modules that the visitor is in.
    inline: Vec<String>,
    found: BTreeSet<Module>,
}

impl Names<'_> {
    /// Takes note of a path where it begins inside this crate.
    fn add(&mut self, segments: &[String]) {
        let Some((first, rest)) = segments.split_first() else { return };
        let here = self.module.iter().chain(&self.inline).cloned();
        let mut path: Module = match first.as_str() {
            "crate" => Vec::new(),
            "self" => here.collect(),
            "super" => {
                let mut path: Module = here.collect();
                path.pop();
                path
            }
            child if self.inline.is_empty() && self.children.contains(child) => {
                here.chain([child.to_owned()]).collect()
            }
            _ => return,
        };
        for segment in rest {
            if segment == "super" {
                path.pop();
            } else {
                path.push(segment.clone());
            }
        }
        self.found.insert(path);
    }

    fn add_use(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.add_use(&path.tree, &with(path.ident.to_string())),
            UseTree::Name(name) if name.ident == "self" => self.add(before),
            UseTree::Name(name) => self.add(&with(name.ident.to_string())),
            UseTree::Rename(rename) => self.add(&with(rename.ident.to_string())),
            UseTree::Glob(_) => self.add(before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(tree, before)),
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.inline.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.inline.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.add(&segments);
        }
        visit::visit_path(self, path);
    }

    /// The inside of a macro is no syntax tree: its tokens are searched for paths.
    fn visit_macro(&mut self, item: &'ast Macro) {
        let text = item.tokens.to_string();
        let words: Vec<&str> = text.split_whitespace().collect();
        for (start, word) in words.iter().enumerate() {
            let begins_path = words.get(start + 1) == Some(&"::") && (start == 0 || words[start - 1] != "::");
            if begins_path {
                let mut segments = vec![(*word).to_owned()];
                let mut next = start + 1;
                while words.get(next) == Some(&"::")
                    && let Some(segment) = words.get(next + 1)
                {
                    segments.push((*segment).to_owned());
                    next += 2;
                }
                self.add(&segments);
            }
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[test]`, `#[cfg(test)]` and `#[cfg(any(test, …))]`.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.meta.require_list().is_ok_and(|list| {
                    list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")
                })
    })
}
