//! Overlays of deploy/ as users write them: a base and additions.

use crate::kube::root;
use anyhow::Result;
use std::path::{Component, Path, PathBuf};

/// Writes a kustomization with a folder of deploy/overlays and some folders of deploy/components.
///
/// # Errors
/// The folder cannot be written.
pub fn write(folder: &Path, overlay: &str, components: &[&str]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let deploy = relative(&root().join("deploy"), folder)?;
    let deploy = deploy.display();
    let components: Vec<String> = components.iter().map(|name| format!("{deploy}/components/{name}")).collect();
    let text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: kennel-system\n\
         resources: [{deploy}/overlays/{overlay}]\ncomponents: [{}]\n",
        components.join(", ")
    );
    Ok(std::fs::write(folder.join("kustomization.yaml"), text)?)
}

/// Returns a relative path, since kustomize accepts no absolute ones.
fn relative(path: &Path, from: &Path) -> Result<PathBuf> {
    let (path, from) = (path.canonicalize()?, from.canonicalize()?);
    let common = path.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    Ok(up.chain(path.components().skip(common)).collect())
}
