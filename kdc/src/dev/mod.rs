//! `dev`: a realm in one command. `dev` creates the files and principals that are missing, starts the KDC on 127.0.0.1 (`--listen`), tests the
//! KDC with Kennel's own client, prints commands to try, and serves until a signal.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | combines flags and seed into the principals that the realm should hold |
//! | [`seed`] | the file of `--seed` |
//! | [`realm`] | writes the plan into the store, and keeps keys that fit |
//! | [`manifests`] | the objects of a cluster from files: principals, access, NetworkPolicies |
//! | [`ports`] | the ports of the realm |
//! | [`files`] | the folder: krb5.conf, keytabs, policies |
//! | [`self_test`] | AS, TGS and AP over the real sockets |
//! | [`demo`] | with manifests, a client that is allowed and one that is denied |

mod demo;
mod files;
mod manifests;
mod plan;
mod ports;
mod realm;
mod seed;
mod self_test;

use crate::cli::DevArgs;
use crate::config::access_list::AccessListSource;
use crate::config::audit::{AuditFormat, AuditSettings};
use crate::config::cluster::{ClusterSettings, EnrolmentSettings, default_authority_life, default_certificate_life};
use crate::config::file;
use crate::config::listen::default_idle;
use crate::config::log::LogSettings;
use crate::config::realm::warn_of_weakness;
use crate::config::store::default_rewrap_rate;
use crate::dev::files::{Folder, check_names};
use crate::dev::manifests::Manifests;
use crate::dev::plan::{Plan, SelfTestPair};
use crate::dev::ports::{HTTPS, KADMIN, KPASSWD, METRICS};
use crate::dev::realm::{NameOutcome, PreparedName};
use crate::serve::cluster::ClusterParts;
use crate::serve::lease::ServableCluster;
use crate::serve::master_key::MasterKeyRotation;
use crate::serve::service::{Bound, KadminSockets, Parts, Service};
use crate::serve::signals::Signals;
use crate::serve::store;
use crate::serve::until_stopped;
use crate::{clock, logs};
use anyhow::Context;
use kennel_audit::SinkTarget;
use kennel_controller::realm_with;
use kennel_k8s::render::offline::OfflineCluster;
use kennel_listen::{BoundSockets, HttpListener, LocalListener};
use kennel_wire::message::Principal;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Requests of pods that may wait for changes of their keys at a time.
const WAITING: usize = 64;
/// Principals that are kept in memory.
const CACHE_CAPACITY: usize = 10_000;

/// Runs until SIGTERM or SIGINT.
pub(crate) async fn run(args: &DevArgs) -> anyhow::Result<()> {
    let log = logs::start(&LogSettings { level: args.log.clone(), ..LogSettings::default() })?;
    let files = (!args.manifests.is_empty()).then(|| OfflineCluster::read(&args.manifests)).transpose()?;
    let mut plan = Plan::new(args, files.as_ref().map(|files| &*files.realm))?;
    let manifests = files.map(|files| Manifests::new(files, plan.realm.clone()));
    if let Some(manifests) = &manifests {
        plan.realm = realm_with(&plan.realm, manifests.spec());
    }
    warn_of_weakness(&plan.realm);
    let mut signals = Signals::of_a_person()?;
    let kdc = args.reachable();
    check_names(&principals(&plan, manifests.as_ref()))?;
    // Binds before any file is created, so that a port in use changes nothing.
    let bound = BoundSockets::bind(&[args.socket(0)], plan.limits.udp_threads)?;
    let kpasswd = Some(BoundSockets::bind(&[args.socket(KPASSWD)], 1)?);
    let kadmin = Some(KadminSockets::bind(&[args.socket(KADMIN)], default_idle())?);
    let bound = Bound { kdc: bound, kpasswd, kadmin };
    let metrics = HttpListener::bind(&[args.socket(METRICS)])?;
    let sockets = DevSockets { bound, metrics };
    let folder = Folder::prepare(&args.dir)?;
    // Ignores errors of writing to standard output: a closed pipe must not stop the KDC.
    let mut out = std::io::stdout();
    let servable = tokio::select! {
        servable = servable_cluster(args, &plan.realm.name, &folder) => servable?,
        _ = signals.stop() => return Ok(()),
    };
    let service = make_and_start(args, &plan, manifests.as_ref(), &folder, servable, sockets, &mut out).await?;
    let proved = tokio::select! {
        proved = prove(&plan, manifests.as_ref(), &folder, kdc, &mut out) => proved,
        _ = signals.stop() => {
            service.stop().await;
            return Ok(());
        }
    };
    if proved.is_ok() {
        say_what_to_type(&plan, manifests.as_ref(), &folder, &mut out)?;
        let ended = until_stopped(&service, &log, &mut signals).await;
        service.stop().await;
        return Ok(ended?);
    }
    service.stop().await;
    proved
}

/// Reads and checks a seed, without any effect.
pub(crate) fn check_seed(text: &str) -> anyhow::Result<()> {
    let seed = file::parse(text, Path::new("seed"))?;
    Plan::from_seed(seed, None, SelfTestPair::Required).map(|_| ())
}

/// Proves over the real sockets that the realm does what it should.
async fn prove(
    plan: &Plan,
    manifests: Option<&Manifests>,
    folder: &Folder,
    kdc: SocketAddr,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match manifests {
        Some(manifests) => demo::run(manifests, folder, kdc, out).await,
        None => self_test::run(plan, folder, kdc, out).await,
    }
}

/// Sockets that are bound before any file is created.
struct DevSockets {
    bound: Bound,
    metrics: HttpListener,
}

async fn make_and_start(
    args: &DevArgs,
    plan: &Plan,
    manifests: Option<&Manifests>,
    folder: &Folder,
    servable: Option<ServableCluster>,
    DevSockets { bound, metrics }: DevSockets,
    out: &mut impl Write,
) -> anyhow::Result<Service> {
    let kdc = args.reachable();
    let store = store::open(&folder.store(), &folder.master_key(), true).await?;
    let krbtgt_is_new = store::check_realm(store.as_ref(), &plan.realm, true).await?;
    let mut prepared = realm::make(store.as_ref(), plan, clock::now()).await?;
    if krbtgt_is_new {
        let name = Principal::krbtgt(&plan.realm.name, &plan.realm.name);
        prepared.insert(0, PreparedName { name, outcome: NameOutcome::Created });
    }
    if let Some(manifests) = manifests {
        prepared.extend(manifests.make(store.as_ref(), &plan.realm).await?);
    }
    let is_new = if krbtgt_is_new { "new" } else { "kept" };
    _ = writeln!(out, "realm {} in {} ({is_new})", plan.realm.name, folder.root().display());
    for name in prepared {
        _ = writeln!(out, "  {name}");
    }
    if let Some(manifests) = manifests {
        say_what_follows(manifests, folder, out)?;
    }
    for host in folder.write(plan, &principals(plan, manifests), kdc, store.as_ref()).await? {
        _ = writeln!(out, "krb5.conf leaves out {host:?}: no library reads such a host there");
    }
    let master_key = Arc::new(MasterKeyRotation::new(
        &plan.realm.name,
        store.clone(),
        folder.master_key(),
        None,
        folder.authority(),
        default_rewrap_rate(),
    ));
    let cluster =
        servable.map(|servable| in_cluster(servable, args, plan, folder, master_key.clone(), out)).transpose()?;
    let parts = Parts {
        realm: plan.realm.clone(),
        access: manifests.map(|manifests| manifests.access.clone()),
        store,
        cache_capacity: CACHE_CAPACITY,
        cluster,
        master_key,
        access_list: AccessListSource::Administrators,
        metrics: Some(metrics),
        admin: Some(LocalListener::bind(&folder.admin_socket())?),
    };
    let audit = AuditSettings {
        sink: SinkTarget::File(folder.audit_log()),
        format: AuditFormat::Json,
        noise_lines: plan.noise_lines,
    };
    Service::start(parts, bound, &plan.limits, &audit).await
}

/// Every principal with its aliases.
fn principals(plan: &Plan, manifests: Option<&Manifests>) -> Vec<(Principal, Vec<Principal>)> {
    let planned = plan.principals.iter().map(|planned| (planned.name.clone(), planned.aliases.clone()));
    let declared = manifests.into_iter().flat_map(Manifests::principals);
    planned.chain(declared.map(|desired| (desired.name, desired.aliases.into_iter().collect()))).collect()
}

/// Writes the policies, and says what is assumed and what is wrong.
fn say_what_follows(manifests: &Manifests, folder: &Folder, out: &mut impl Write) -> anyhow::Result<()> {
    for assumed in &manifests.assumed {
        _ = writeln!(out, "assumed: {assumed}");
    }
    for problem in manifests.problems() {
        _ = writeln!(out, "{problem}");
    }
    let policies = manifests.write_policies(&folder.policies())?;
    _ = writeln!(out, "{policies} NetworkPolicies in {}", folder.policies().display());
    Ok(())
}

/// Connects to the cluster of `--kubeconfig` and makes sure that no other process serves the realm there.
async fn servable_cluster(args: &DevArgs, realm: &str, folder: &Folder) -> anyhow::Result<Option<ServableCluster>> {
    let Some(kubeconfig) = &args.kubeconfig else { return Ok(None) };
    // No pod of the cluster, so that no policy opens its ports.
    let ports = BTreeSet::new();
    let servable = ServableCluster::check(Some(kubeconfig), realm, &folder.store(), ports).await;
    servable.map(Some).with_context(|| {
        format!("dev cannot serve {realm} in this cluster: give a realm of your own with --realm, or another cluster")
    })
}

/// Prepares the parts of a cluster, with the enrolment API on the third port after the KDC's.
fn in_cluster(
    servable: ServableCluster,
    args: &DevArgs,
    plan: &Plan,
    folder: &Folder,
    master_key: Arc<MasterKeyRotation>,
    out: &mut impl Write,
) -> anyhow::Result<ClusterParts> {
    let (https, kdc) = (args.socket(HTTPS), args.reachable());
    // The ports of dev are none of the usual ones, which clients take for a host without a port.
    let cluster = ClusterSettings { kubeconfig: None, kdcs: vec![kdc.to_string()], admin_server: None };
    let names = vec!["localhost".to_owned(), kdc.ip().to_string()];
    let enrolment = EnrolmentSettings {
        addresses: vec![https],
        names,
        certificate: None,
        authority_life: default_authority_life(),
        certificate_life: default_certificate_life(),
        waiting: WAITING,
    };
    let prepared = ClusterParts::prepare(&plan.realm, servable, &cluster, Some(&enrolment), master_key)?;
    folder.write_ca(&prepared.ca_pem().unwrap_or_default())?;
    _ = writeln!(out, "enrolment at https://{https}, CA certificate in {}", folder.ca().display());
    Ok(prepared)
}

/// Prints commands to try. The last line is `ready`, for which scripts wait.
fn say_what_to_type(
    plan: &Plan,
    manifests: Option<&Manifests>,
    folder: &Folder,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let conf = shell_word(&folder.krb5_conf().display().to_string());
    let keytab = |of: &Principal| shell_word(&folder.keytab(of).display().to_string());
    let commands = match manifests.and_then(demo::example) {
        Some((client, service)) => {
            format!("kinit -k -t {} {}\n  kvno {}", keytab(&client), client, service)
        }
        None if manifests.is_some() => "klist".to_owned(),
        None => {
            let (user, service) = (&plan.test_user()?.0.name, plan.test_service()?);
            format!("kinit {user}\n  kvno {}\n  klist -e\n  klist -k {}", service.name, keytab(service))
        }
    };
    _ = writeln!(
        out,
        "audit trail: {}\n\nin another shell:\n  export KRB5_CONFIG={conf}\n  {commands}\n\nready",
        folder.audit_log().display(),
    );
    _ = out.flush();
    Ok(())
}

/// Quotes a word for POSIX shells where necessary.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_can_be_typed() {
        assert_eq!(shell_word("/a/b.c"), "/a/b.c");
        assert_eq!(shell_word("/a b/it's"), r"'/a b/it'\''s'");
    }
}
