//! The commands that need no cluster, as a process, on deploy/examples.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn examples(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples").join(name)
}

/// Runs `kennel COMMAND -f examples/realm -f examples/shop ...`.
fn of_shop(command: &[&str], further: &[&str]) -> Output {
    let mut kennel = Command::new(env!("CARGO_BIN_EXE_kennel"));
    kennel.args(command).arg("-f").arg(examples("realm")).arg("-f").arg(examples("shop")).args(further);
    kennel.env_remove("KUBECONFIG").output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}\n{}", stdout(output), String::from_utf8_lossy(&output.stderr));
    stdout(output)
}

#[test]
fn the_policies_of_the_shop_are_yaml_for_kubectl() {
    let text = succeeded(&of_shop(&["render"], &[]));
    assert!(text.contains("kind: NetworkPolicy") && text.contains("namespace: shop"), "{text}");
    assert!(text.lines().all(|line| !line.contains('\t')), "{text}");
    assert_eq!(text, succeeded(&of_shop(&["render"], &[])), "two renderings are equal");
}

#[test]
fn the_access_table_of_the_shop_names_clients_servers_and_objects() {
    let said = "SERVER      MODE     CLIENT      CLASSES  UNTIL  BY\n\
                shop/kafka  Enforce  kafka.shop  all      -      shop/kafka\n\
                shop/web    Enforce  cart.shop   all      -      shop/web\n\n";
    assert_eq!(succeeded(&of_shop(&["render"], &["--access"])), said);
}

#[test]
fn programs_get_policies_access_assumptions_and_problems_in_one() {
    let whole: serde_json::Value = serde_json::from_str(&succeeded(&of_shop(&["render"], &["-o", "json"]))).unwrap();
    assert_eq!(whole["access"]["realm"], "DEV.KENNEL", "{whole}");
    assert_eq!(whole["access"]["servers"][1]["grants"][0]["peer"]["name"], "cart.shop@DEV.KENNEL", "{whole}");
    assert!(whole["policies"].as_array().is_some_and(|policies| !policies.is_empty()), "{whole}");
    assert!(whole["assumed"].is_array() && whole["problems"].is_array(), "{whole}");
}

#[test]
fn the_matrix_of_the_shop_is_drawn_in_every_form() {
    let table = succeeded(&of_shop(&["access", "matrix"], &[]));
    assert_eq!(table, "CLIENT      kafka.shop  web.shop\ncart.shop   .           yes\nkafka.shop  yes         .\n\n");
    for (form, begins) in
        [("dot", "digraph"), ("mermaid", "flowchart LR"), ("svg", "<svg"), ("json", "{"), ("yaml", "")]
    {
        let drawn = succeeded(&of_shop(&["access", "matrix"], &["-o", form]));
        assert!(drawn.starts_with(begins) && drawn.contains("cart.shop"), "{form}: {drawn}");
    }
}

#[test]
fn a_problem_is_told_on_standard_error_and_strict_makes_it_a_failure() {
    let folder = tempfile::TempDir::new().unwrap();
    let access = "apiVersion: kennel.dev/v1alpha1\nkind: KerberosAccess\nmetadata: {name: none, namespace: shop}\n\
                  spec: {targetRefs: [{name: none}], allow: [{from: [{serviceAccount: {name: cart}}]}]}\n";
    std::fs::write(folder.path().join("none.yaml"), access).unwrap();
    let further = ["-f", folder.path().to_str().unwrap()];
    let lenient = of_shop(&["render"], &further);
    succeeded(&lenient);
    let told = String::from_utf8(lenient.stderr).unwrap();
    assert!(told.contains("KerberosAccess shop/none: "), "{told}");
    let strict = of_shop(&["render", "--strict"], &further);
    assert_eq!(strict.status.code(), Some(1));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_kennel")).args(["render", "-f", "/nonexistent"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("/nonexistent"), "{told}");
}

#[test]
fn a_folder_differs_from_itself_in_nothing_and_from_another_in_tickets_and_policies() {
    let (realm, shop) = (examples("realm"), examples("shop"));
    let from = ["--from", realm.to_str().unwrap(), "--from", shop.to_str().unwrap()];
    let same = succeeded(&of_shop(&["diff"], &from));
    assert_eq!(same, "no difference: the same tickets, the same policies\n");
    let folder = tempfile::TempDir::new().unwrap();
    let access = "apiVersion: kennel.dev/v1alpha1\nkind: KerberosAccess\nmetadata: {name: web-batch, namespace: shop}\n\
                  spec: {targetRefs: [{name: web}], allow: [{from: [{serviceAccount: {name: batch}}], serviceClasses: [HTTP]}]}\n";
    std::fs::write(folder.path().join("batch.yaml"), access).unwrap();
    let differs = of_shop(&["diff", "-f", folder.path().to_str().unwrap()], &from);
    assert_eq!(differs.status.code(), Some(1));
    let said = stdout(&differs);
    assert!(said.starts_with("+ ticket: batch.shop -> shop/web (HTTP), by KerberosAccess shop/web-batch\n"), "{said}");
    assert!(said.contains("NetworkPolicy shop/"), "{said}");
}

#[test]
fn each_layer_of_a_call_in_the_shop_is_explained() {
    let explain = |client: &str, server: &str| of_shop(&["explain", client, server], &[]);
    let cart = explain("shop/cart", "shop/web");
    let said = succeeded(&cart);
    assert!(
        said.starts_with("ticket ")
            && said.contains("shop/web")
            && said.ends_with("cart.shop@DEV.KENNEL reaches shop/web\n"),
        "{said}"
    );
    let batch = explain("batch.shop", "HTTP/web.shop.svc.cluster.local");
    assert_eq!(batch.status.code(), Some(1), "{}", String::from_utf8_lossy(&batch.stderr));
    let said = stdout(&batch);
    assert!(said.contains("no KerberosAccess in shop allows batch.shop to call web"), "{said}");
    assert!(said.contains("DENIED") && said.ends_with("batch.shop@DEV.KENNEL does not reach shop/web\n"), "{said}");
    assert_eq!(explain("shop/nobody", "shop/nothing").status.code(), Some(2));
}

#[test]
fn every_command_has_help() {
    for command in [
        "",
        "status",
        "render",
        "explain",
        "diff",
        "access",
        "access suggest",
        "access matrix",
        "audit tail",
        "completion",
    ] {
        let words = command.split_whitespace().chain(["--help"]);
        let help = Command::new(env!("CARGO_BIN_EXE_kennel")).args(words).output().unwrap();
        assert!(succeeded(&help).contains("Usage: kennel"), "{command}");
    }
    let bash = Command::new(env!("CARGO_BIN_EXE_kennel")).args(["completion", "bash"]).output().unwrap();
    assert!(succeeded(&bash).contains("_kennel"));
}

fn kennel_at(path: &Path, arguments: &[&str]) -> Output {
    Command::new(path).args(arguments).env_remove("KUBECONFIG").output().unwrap()
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let folder = tempfile::TempDir::new().unwrap();
    let man = folder.path().join("man8");
    succeeded(&kennel_at(Path::new(env!("CARGO_BIN_EXE_kennel")), &["man", "--folder", man.to_str().unwrap()]));
    for page in ["kennel", "kennel-status", "kennel-add_principal", "kennel-access-suggest", "kennel-master-key-rotate"]
    {
        let text = std::fs::read_to_string(man.join(format!("{page}.8"))).unwrap();
        assert!(text.contains(".TH") && text.contains(".SH"), "{page}: {text}");
    }
    assert_eq!(std::fs::read_to_string(man.join("kubectl-kennel.8")).unwrap(), ".so man8/kennel.8\n");
}

#[test]
fn a_real_bash_completes_commands_of_kennel_and_options_of_kadmin() {
    let program = Path::new(env!("CARGO_BIN_EXE_kennel"));
    for shell in ["zsh", "fish"] {
        assert!(succeeded(&kennel_at(program, &["completion", shell])).contains("add_principal"), "{shell}");
    }
    let script = "source <(\"$0\" completion bash); words=($1 \"$2\"); COMP_WORDS=(\"${words[@]}\"); COMP_CWORD=$((${#words[@]} - 1)); \
                  _kennel kennel \"$2\" \"${words[-2]}\"; echo \"${COMPREPLY[@]}\"";
    for (before, last, said) in [
        ("kennel", "stat", "status"),
        ("kennel access", "sug", "suggest"),
        ("kennel add_principal", "-randk", "-randkey"),
    ] {
        let bash =
            Command::new("bash").args(["--norc", "-c", script]).arg(program).args([before, last]).output().unwrap();
        assert_eq!(succeeded(&bash).trim(), said, "{before} {last}: {}", String::from_utf8_lossy(&bash.stderr));
    }
}

#[test]
fn kubectl_completes_its_plugin_by_the_same_program_under_another_name() {
    let folder = tempfile::TempDir::new().unwrap();
    let completer = folder.path().join("kubectl_complete-kennel");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kennel"), &completer).unwrap();
    let said = succeeded(&kennel_at(&completer, &["master-key", "ro"]));
    assert!(said.starts_with("rotate\t") && said.ends_with(":4\n"), "{said}");
    let said = succeeded(&kennel_at(&completer, &["render", "-o", "j"]));
    assert_eq!(said.lines().last(), Some(":4"), "{said}");
    let said = succeeded(&kennel_at(&completer, &["add_principal", "+requ"]));
    assert!(said.starts_with("+requires_preauth\t"), "{said}");
}
