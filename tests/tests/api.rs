//! The public surface, as a text that a change of it must change, too: `UPDATE_API=1 cargo test -p lifecycle-tests --test api`
//! writes `tests/api.txt` anew.

use std::collections::BTreeSet;
use std::path::Path;

use lifecycle_tests::documents;
use syn::{Fields, ImplItem, Item, ItemImpl, Type, UseTree, Visibility};

#[test]
fn the_public_surface_is_the_one_that_was_agreed_on() {
    let core = documents::root().join("lifecycle-core/src");
    let mut names = BTreeSet::new();
    exported(&read(&core.join("lib.rs")), &mut names);
    let mut items = Vec::new();
    for path in files(&core) {
        let is_watchdog = path.ends_with("watchdog/mod.rs");
        if !["lib.rs", "private.rs"].iter().any(|root| path == core.join(root)) {
            collect(read(&path).items, &names, is_watchdog, &mut items);
        }
    }
    items.sort();
    items.dedup();
    let text = items.join("\n");
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("api.txt");
    if std::env::var_os("UPDATE_API").is_some() {
        std::fs::write(&snapshot, &text).expect("written");
    }
    let agreed = std::fs::read_to_string(&snapshot).unwrap_or_default();
    let (new, old): (BTreeSet<_>, BTreeSet<_>) = (text.lines().collect(), agreed.lines().collect());
    let added: Vec<_> = new.difference(&old).collect();
    let removed: Vec<_> = old.difference(&new).collect();
    assert!(text == agreed, "added: {added:#?}\nremoved: {removed:#?}\nUPDATE_API=1 accepts it");
}

#[test]
fn the_facade_names_what_it_exports_one_by_one() {
    for file in ["src/lib.rs", "lifecycle-core/src/lib.rs"] {
        let text = std::fs::read_to_string(documents::root().join(file)).expect("readable");
        assert!(!text.lines().any(|line| line.starts_with("pub use") && line.contains("::*")), "{file}");
    }
    let (mut facade, mut core) = (BTreeSet::new(), BTreeSet::new());
    exported(&read(&documents::root().join("src/lib.rs")), &mut facade);
    exported(&read(&documents::root().join("lifecycle-core/src/lib.rs")), &mut core);
    // Modules stand for what they hold.
    let missing: Vec<_> = core.difference(&facade).filter(|name| !in_a_module(name)).collect();
    assert!(missing.is_empty(), "not exported by the facade: {missing:?}");
}

fn in_a_module(name: &str) -> bool {
    ["Crash", "History", "ReadError", "read"].contains(&name)
}

fn read(path: &Path) -> syn::File {
    let text = std::fs::read_to_string(path).expect("readable");
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.chain(folders.iter().flat_map(|folder| self::files(folder))).collect()
}

/// The names behind each `pub use`, those in public modules too.
fn exported(file: &syn::File, names: &mut BTreeSet<String>) {
    fn uses(items: &[Item], names: &mut BTreeSet<String>) {
        for item in items {
            match item {
                Item::Use(item) if is_public(&item.vis) => leaves(&item.tree, names),
                Item::Mod(module) if is_public(&module.vis) => {
                    module.content.iter().for_each(|(_, items)| uses(items, names));
                }
                _ => {}
            }
        }
    }
    fn leaves(tree: &UseTree, names: &mut BTreeSet<String>) {
        match tree {
            UseTree::Path(path) => leaves(&path.tree, names),
            UseTree::Name(name) => drop(names.insert(name.ident.to_string())),
            UseTree::Rename(name) => drop(names.insert(name.rename.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
            _ => {}
        }
    }
    uses(&file.items, names);
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Public items of these names, without documentation and bodies. `all`: whatever is public.
fn collect(items: Vec<Item>, names: &BTreeSet<String>, all: bool, found: &mut Vec<String>) {
    for item in items {
        match item {
            Item::Struct(mut item)
                if is_public(&item.vis) && (all || names.contains(&item.ident.to_string())) =>
            {
                public_fields(&mut item.fields);
                keep_attributes(&mut item.attrs);
                found.push(show(Item::Struct(item)));
            }
            Item::Enum(mut item) if is_public(&item.vis) && names.contains(&item.ident.to_string()) => {
                keep_attributes(&mut item.attrs);
                for variant in &mut item.variants {
                    variant.attrs.clear();
                    variant.fields.iter_mut().for_each(|field| field.attrs.clear());
                }
                found.push(show(Item::Enum(item)));
            }
            Item::Fn(mut item)
                if is_public(&item.vis) && (all || names.contains(&item.sig.ident.to_string())) =>
            {
                item.attrs.clear();
                item.block.stmts.clear();
                found.push(show(Item::Fn(item)));
            }
            Item::Impl(item) => methods(item, names, found),
            _ => {}
        }
    }
}

fn methods(item: ItemImpl, names: &BTreeSet<String>, found: &mut Vec<String>) {
    let Type::Path(path) = &*item.self_ty else { return };
    let name = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    if !names.contains(&name) {
        return;
    }
    if let Some((path, _)) = &item.trait_ {
        let traits: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        return found.push(format!("impl {} for {name}\n", traits.join("::")));
    }
    for method in item.items {
        let head = match method {
            ImplItem::Fn(mut method) if is_public(&method.vis) => {
                method.attrs.clear();
                method.block.stmts.clear();
                Item::Verbatim(syn::parse_quote!(#method))
            }
            ImplItem::Const(mut constant) if is_public(&constant.vis) => {
                constant.attrs.clear();
                Item::Verbatim(syn::parse_quote!(#constant))
            }
            _ => continue,
        };
        let Item::Verbatim(tokens) = head else { continue };
        found.push(show(syn::parse_quote!(impl #path { #tokens })));
    }
}

fn public_fields(fields: &mut Fields) {
    if let Fields::Named(fields) = fields {
        let named = std::mem::take(&mut fields.named);
        fields.named = named.into_iter().filter(|field| is_public(&field.vis)).collect();
    }
    fields.iter_mut().for_each(|field| field.attrs.clear());
}

fn keep_attributes(attributes: &mut Vec<syn::Attribute>) {
    attributes.retain(|attribute| {
        attribute.path().is_ident("derive") || attribute.path().is_ident("non_exhaustive")
    });
}

fn show(item: Item) -> String {
    prettyplease::unparse(&syn::File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items: vec![item],
    })
}
