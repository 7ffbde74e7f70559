//! The images: ours, as users make it, and one with stock clients that stands for workloads (`tests/deploy/image` makes both).

use anyhow::{Context, Error, Result};
use kennel_tests::cluster::Cluster;
use kennel_tests::kube::root;
use kennel_tests::kubectl::utf8;
use kennel_tests::once::Once;
use kennel_tests::process;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// With the programs, where they are not built yet.
const BUILD_LIMIT: Duration = Duration::from_secs(1800);

/// Returns the cluster of the tests, with both images loaded. What has to be made is made at the first use: the images while the
/// cluster starts.
pub(crate) fn cluster_with_images() -> Result<&'static Cluster> {
    static LOADED: Once<&'static Cluster> = Once::new();
    let cluster = LOADED.get_or_make(|| {
        let folder = TempDir::new()?;
        let (cluster, archives) = std::thread::scope(|scope| {
            let archives = scope.spawn(|| Ok::<_, Error>((kennel()?, make("krb5", folder.path())?)));
            (Cluster::shared(), archives.join())
        });
        let (cluster, (kennel, krb5)) = (cluster?, archives.map_err(|_| Error::msg("the making of images panicked"))??);
        cluster.load("kennel.test/kennel:dev", kennel)?;
        cluster.load("kennel.test/krb5:dev", &krb5)?;
        Ok(cluster)
    })?;
    Ok(cluster)
}

/// The archive of our image. `KENNEL_IMAGE` may name one that is made already.
fn kennel() -> Result<&'static Path> {
    static ARCHIVE: Once<PathBuf> = Once::new();
    let archive = ARCHIVE.get_or_make(|| match std::env::var_os("KENNEL_IMAGE") {
        Some(archive) => Ok(PathBuf::from(archive)),
        None => make("kennel", Path::new(env!("CARGO_TARGET_TMPDIR"))),
    })?;
    Ok(archive)
}

fn make(image: &str, folder: &Path) -> Result<PathBuf> {
    let archive = folder.join(format!("{image}.tar"));
    let mut command = Command::new(root().join("tests/deploy/image"));
    process::run_within(command.arg(image).arg(&archive), "", BUILD_LIMIT)?.ok()?;
    Ok(archive)
}

#[test]
fn our_image_holds_three_programs_and_their_manual_and_nothing_else_and_runs_as_nobody() -> Result<()> {
    let folder = TempDir::new()?;
    tar(&["-xf", utf8(kennel()?)?, "-C", utf8(folder.path())?])?;
    let read = |name: &str| -> Result<Value> { Ok(serde_json::from_slice(&std::fs::read(folder.path().join(name))?)?) };
    let manifest = read("manifest.json")?;
    let mut files = Vec::new();
    for layer in manifest[0]["Layers"].as_array().context("no layers")? {
        let layer = folder.path().join(layer.as_str().context("a layer without a name")?);
        let listed = tar(&["-tf", utf8(&layer)?])?;
        files.extend(listed.lines().filter(|file| !file.ends_with('/')).map(|file| file.replacen("./", "", 1)));
    }
    files.sort();
    let links = ["bin/kadmin", "bin/kadmin.local", "bin/kdb5_util", "bin/ktutil"];
    files.retain(|file| !links.contains(&&**file));
    let (manual, mut files): (Vec<String>, Vec<String>) =
        files.into_iter().partition(|file| file.starts_with("usr/share/man/man8/") && file.ends_with(".8"));
    for page in ["kennel.8", "kubectl-kennel.8", "kennel-status.8", "kennel-add_principal.8", "kennel-access-suggest.8"]
    {
        assert!(manual.contains(&format!("usr/share/man/man8/{page}")), "{page} is not in {manual:?}");
    }
    let completions = [
        "usr/share/bash-completion/completions/kennel",
        "usr/share/fish/vendor_completions.d/kennel.fish",
        "usr/share/zsh/site-functions/_kennel",
    ];
    for file in completions {
        assert!(files.iter().any(|found| found == file), "{file} is not in {files:?}");
    }
    files.retain(|file| !completions.contains(&&**file));
    assert_eq!(files, ["bin/kennel", "bin/kennel-agent", "bin/kennel-kdc"]);
    let config = read(manifest[0]["Config"].as_str().context("no configuration")?)?;
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"], json!(["/bin/kennel-kdc"]));
    Ok(())
}

fn tar(arguments: &[&str]) -> Result<String> {
    Ok(process::run(Command::new("tar").args(arguments), "")?.ok()?.stdout)
}
