//! Writes the manifests of our custom resources into `deploy/crds`: `cargo run -p kennel-k8s --bin crdgen`. With `--check` it
//! writes nothing, and fails where a manifest differs from the types.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let check = std::env::args().nth(1).is_some_and(|argument| argument == "--check");
    match run(check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("crdgen: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/crds");
    for (name, text) in kennel_k8s::crd::manifests()? {
        let path = folder.join(&name);
        if !check {
            std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
            std::fs::write(&path, text).map_err(|error| format!("{name}: {error}"))?;
        } else if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            return Err(format!(
                "deploy/crds/{name} differs from the types in kdc/k8s/src/crd: run `cargo run -p kennel-k8s --bin crdgen` and commit it"
            ));
        }
    }
    Ok(())
}
