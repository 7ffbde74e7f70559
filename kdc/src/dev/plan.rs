//! The plan of `dev`: the settings, principals and trusts of flags and seed, combined and checked before any file is created.

use crate::cli::DevArgs;
use crate::config::file;
use crate::config::listen::LimitSettings;
use crate::config::realm::check_realm_name;
use crate::config::values::{EnctypeName, Password};
use crate::dev::seed::{Seed, SeedPolicy, SeedPrincipal, SeedTrust};
use anyhow::{Context, bail, ensure};
use kennel_core::password_policy::PasswordPolicy;
use kennel_core::principal::Attributes;
use kennel_core::realm::Realm;
use kennel_crypto::Enctype;
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::{BTreeMap, HashSet};

const DEFAULT_REALM: &str = "DEV.KENNEL";
const DEFAULT_USER: (&str, &str) = ("alice", "secret");
const DEFAULT_SERVICE: &str = "HTTP/web.shop.svc.cluster.local";
/// Default service with a cluster, which manages the names below its own domain.
const CLUSTER_SERVICE: &str = "HTTP/self-test.dev.kennel";

/// The realm that `dev` creates.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) realm: Realm,
    pub(crate) limits: LimitSettings,
    /// Lines of noise that the audit trail takes from one source in 30 seconds.
    pub(crate) noise_lines: u32,
    pub(crate) principals: Vec<PlannedPrincipal>,
    /// Policies by their names.
    pub(crate) policies: BTreeMap<String, PasswordPolicy>,
    pub(crate) trusts: Vec<PlannedTrust>,
}

/// A principal that the realm should hold.
#[derive(Debug)]
pub(crate) struct PlannedPrincipal {
    pub(crate) name: Principal,
    /// `None` for random keys.
    pub(crate) password: Option<Password>,
    pub(crate) enctypes: Vec<Enctype>,
    pub(crate) attributes: Attributes,
    pub(crate) expires: Option<KerberosTime>,
    pub(crate) password_expires: Option<KerberosTime>,
    /// Enctypes that it understands for session keys, where the seed names them.
    pub(crate) session_enctypes: Option<Vec<Enctype>>,
    pub(crate) max_life: Option<u32>,
    pub(crate) max_renewable_life: Option<u32>,
    pub(crate) policy: Option<String>,
    pub(crate) aliases: Vec<Principal>,
}

/// A realm with trust in both directions.
#[derive(Debug)]
pub(crate) struct PlannedTrust {
    pub(crate) realm: String,
    pub(crate) password: Password,
    pub(crate) kdc: Option<String>,
    pub(crate) enctypes: Vec<Enctype>,
}

/// Whether the plan needs a user and a service for the self test. Manifests bring pairs of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SelfTestPair {
    Required,
    Optional,
}

impl Plan {
    /// Reads the seed, if there is one, and adds the flags. `manifests`: the realm of `--manifests`.
    pub(crate) fn new(args: &DevArgs, manifests: Option<&str>) -> anyhow::Result<Plan> {
        let mut seed: Seed = match &args.seed {
            Some(path) => file::read(path)?,
            None => Seed::default(),
        };
        add_flags(&mut seed, args)?;
        let name = args.realm.as_deref().or(seed.realm.name.as_deref());
        if let Some((given, theirs)) = name.zip(manifests).filter(|(given, theirs)| given != theirs) {
            bail!(
                "the files of --manifests are for the realm {theirs}, and --realm or the seed says {given}: give one name"
            );
        }
        let name = name.or(manifests).map(str::to_owned);
        let pair = if manifests.is_some() { SelfTestPair::Optional } else { SelfTestPair::Required };
        let plan = Plan::from_seed(seed, name.as_deref(), pair);
        match &args.seed {
            Some(path) => plan.with_context(|| path.display().to_string()),
            None => plan,
        }
    }

    pub(super) fn from_seed(seed: Seed, name: Option<&str>, pair: SelfTestPair) -> anyhow::Result<Plan> {
        let name = name.or(seed.realm.name.as_deref()).unwrap_or(DEFAULT_REALM);
        let realm = seed.realm.build(name)?;
        seed.limits.check()?;
        let principals =
            seed.principals.into_iter().map(|p| principal(p, &realm)).collect::<anyhow::Result<Vec<_>>>()?;
        let trusts = seed.trusts.into_iter().map(|t| trust(t, &realm)).collect::<anyhow::Result<Vec<_>>>()?;
        let policies = policies(&seed.policies)?;
        let noise_lines = seed.audit.noise_lines;
        let plan = Plan { realm, limits: seed.limits, noise_lines, principals, policies, trusts };
        plan.check(pair)?;
        Ok(plan)
    }

    fn check(&self, pair: SelfTestPair) -> anyhow::Result<()> {
        let mut seen = HashSet::new();
        for name in self.principals.iter().flat_map(|p| std::iter::once(&p.name).chain(&p.aliases)) {
            ensure!(seen.insert(name), "{name} is listed twice");
        }
        for (planned, policy) in self.principals.iter().filter_map(|planned| Some((planned, planned.policy.as_ref()?)))
        {
            ensure!(
                self.policies.contains_key(policy),
                "{}: there is no [[policy]] of the name {policy:?}",
                planned.name
            );
        }
        let mut realms = HashSet::new();
        for trust in &self.trusts {
            ensure!(realms.insert(&trust.realm), "the trust with {} is listed twice", trust.realm);
        }
        if pair == SelfTestPair::Required {
            self.test_user()?;
            self.test_service()?;
        }
        Ok(())
    }

    /// Returns the user of the self test: the first with a password and no restrictions.
    pub(crate) fn test_user(&self) -> anyhow::Result<(&Principal, &Password)> {
        self.principals
            .iter()
            .filter(|p| p.is_unrestricted() && p.has_permitted_key(&self.realm))
            .find_map(|p| Some((&p.name, p.password.as_ref()?)))
            .context("the self test of dev needs a user with a password and no restrictions: give one (--user NAME:PASSWORD)")
    }

    /// Returns the service of the self test: the first with random keys and no restrictions.
    pub(crate) fn test_service(&self) -> anyhow::Result<&Principal> {
        self.principals
            .iter()
            .filter(|p| p.is_unrestricted() && p.has_permitted_key(&self.realm))
            .find(|p| p.password.is_none() && p.name.name.components.len() > 1)
            .map(|p| &p.name)
            .context(
                "the self test of dev needs a service with random keys and no restrictions: give one (--service S/HOST)",
            )
    }
}

impl PlannedPrincipal {
    fn is_unrestricted(&self) -> bool {
        let has_time = self.expires.is_none() && self.password_expires.is_none() && self.max_life != Some(0);
        self.policy.is_none() && self.attributes.is_empty() && self.session_enctypes.is_none() && has_time
    }

    /// Whether a ticket can be made with one of its keys.
    fn has_permitted_key(&self, realm: &Realm) -> bool {
        self.enctypes.iter().any(|enctype| realm.enctypes.contains(enctype))
    }
}

fn add_flags(seed: &mut Seed, args: &DevArgs) -> anyhow::Result<()> {
    let with_password = |name: &str, password| SeedPrincipal::new(name, Some(password));
    seed.principals.extend(args.users.iter().map(|u| with_password(&u.name, u.password.clone())));
    seed.principals.extend(args.services.iter().map(|s| SeedPrincipal::new(s, None)));
    if args.seed.is_none() && args.manifests.is_empty() && args.users.is_empty() {
        let (name, password) = DEFAULT_USER;
        seed.principals.push(with_password(name, Password::new(password.to_owned())));
    }
    if args.seed.is_none() && args.manifests.is_empty() && args.services.is_empty() {
        // Objects of the cluster own the names below its domain.
        let service = if args.kubeconfig.is_some() { CLUSTER_SERVICE } else { DEFAULT_SERVICE };
        seed.principals.push(SeedPrincipal::new(service, None));
    }
    for flag in &args.aliases {
        let Some(target) = seed.principals.iter_mut().find(|p| p.name == flag.target) else {
            bail!("--alias {}={}: there is no {} among the users and services", flag.alias, flag.target, flag.target);
        };
        target.aliases.push(flag.alias.clone());
    }
    seed.trusts.extend(args.trusts.iter().map(|t| SeedTrust {
        realm: t.realm.clone(),
        password: t.password.clone(),
        kdc: t.kdc.clone(),
        enctypes: None,
    }));
    Ok(())
}

impl SeedPrincipal {
    fn new(name: &str, password: Option<Password>) -> SeedPrincipal {
        SeedPrincipal {
            name: name.to_owned(),
            password,
            enctypes: None,
            session_enctypes: None,
            attributes: Vec::new(),
            expires: None,
            password_expires: None,
            max_life: None,
            max_renewable_life: None,
            policy: None,
            aliases: Vec::new(),
        }
    }
}

fn policies(seed: &[SeedPolicy]) -> anyhow::Result<BTreeMap<String, PasswordPolicy>> {
    let mut policies = BTreeMap::new();
    for policy in seed {
        ensure!(!policy.name.is_empty(), "a policy needs a name");
        let is_new = policies.insert(policy.name.clone(), policy.rules()).is_none();
        ensure!(is_new, "the policy {:?} is listed twice", policy.name);
    }
    Ok(policies)
}

fn principal(seed: SeedPrincipal, realm: &Realm) -> anyhow::Result<PlannedPrincipal> {
    let name = local_name(&seed.name, realm)?;
    let session_enctypes = seed.session_enctypes.as_deref().map(|named| strongest_first(named, "session_enctypes"));
    let session_enctypes = session_enctypes.transpose().with_context(|| name.to_string())?;
    let enctypes = enctypes(seed.enctypes.as_deref(), realm).with_context(|| name.to_string())?;
    Ok(PlannedPrincipal {
        password: seed.password,
        enctypes,
        session_enctypes,
        attributes: seed.attributes.iter().map(|a| a.0).collect(),
        expires: seed.expires.map(|m| m.0),
        password_expires: seed.password_expires.map(|m| m.0),
        max_life: seed.max_life.map(|s| s.0),
        max_renewable_life: seed.max_renewable_life.map(|s| s.0),
        policy: seed.policy,
        aliases: seed.aliases.iter().map(|a| local_name(a, realm)).collect::<anyhow::Result<_>>()?,
        name,
    })
}

fn trust(seed: SeedTrust, realm: &Realm) -> anyhow::Result<PlannedTrust> {
    check_realm_name(&seed.realm, "trust.realm")?;
    ensure!(seed.realm != realm.name, "trust.realm: {} is this realm", seed.realm);
    let enctypes = enctypes(seed.enctypes.as_deref(), realm).with_context(|| format!("trust with {}", seed.realm))?;
    Ok(PlannedTrust { realm: seed.realm, password: seed.password, kdc: seed.kdc, enctypes })
}

fn local_name(text: &str, realm: &Realm) -> anyhow::Result<Principal> {
    let name = Principal::parse(text, &realm.name).with_context(|| format!("{text:?}"))?;
    ensure!(name.realm == realm.name, "{name} is not of the realm {}", realm.name);
    let first = name.name.components.first().map(String::as_str);
    ensure!(
        !matches!(first, Some("krbtgt" | "K" | "WELLKNOWN")),
        "{name} is reserved: choose another name (a trust creates its krbtgt principals)"
    );
    Ok(name)
}

fn enctypes(named: Option<&[EnctypeName]>, realm: &Realm) -> anyhow::Result<Vec<Enctype>> {
    named.map_or_else(|| Ok(realm.enctypes.clone()), |named| strongest_first(named, "enctypes"))
}

/// The enctypes that `key` of the seed names, strongest first, as key versions hold them.
fn strongest_first(named: &[EnctypeName], key: &str) -> anyhow::Result<Vec<Enctype>> {
    ensure!(!named.is_empty(), "{key}: give at least one, or leave the key out");
    let mut enctypes: Vec<_> = named.iter().map(|e| e.0).collect();
    enctypes.sort_by_key(|e| Enctype::ALL.iter().position(|known| known == e));
    enctypes.dedup();
    Ok(enctypes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn plan(seed: Option<&str>, flags: &[&str]) -> Result<Plan, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seed.toml");
        let mut line = vec!["kennel-kdc", "dev"];
        line.extend(flags);
        if let Some(seed) = seed {
            std::fs::write(&path, seed).unwrap();
            line.extend(["--seed", path.to_str().unwrap()]);
        }
        let crate::cli::Command::Dev(args) = crate::cli::Cli::try_parse_from(line).unwrap().command else {
            panic!("not dev")
        };
        Plan::new(&args, None).map_err(|e| format!("{e:#}"))
    }

    fn names(plan: &Plan) -> Vec<String> {
        plan.principals.iter().map(|p| p.name.to_string()).collect()
    }

    #[test]
    fn without_flags_there_are_alice_and_one_service() {
        let plan = plan(None, &[]).unwrap();
        assert_eq!(names(&plan), ["alice@DEV.KENNEL", "HTTP/web.shop.svc.cluster.local@DEV.KENNEL"]);
        assert_eq!(plan.principals[0].enctypes.len(), 4);
        assert_eq!(plan.test_user().unwrap().0.to_string(), "alice@DEV.KENNEL");
        assert_eq!(plan.test_user().unwrap().1, &Password::new("secret".into()));
    }

    #[test]
    fn flags_replace_the_defaults_of_their_kind() {
        let plan = plan(None, &["--user", "bob:b", "--alias", "HTTP/web=HTTP/web.shop.svc.cluster.local"]).unwrap();
        assert_eq!(names(&plan), ["bob@DEV.KENNEL", "HTTP/web.shop.svc.cluster.local@DEV.KENNEL"]);
        assert_eq!(plan.principals[1].aliases[0].to_string(), "HTTP/web@DEV.KENNEL");
    }

    #[test]
    fn the_documented_seed_is_accepted() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples/seed.toml"));
        let plan = plan(Some(&text.unwrap()), &[]).unwrap();
        assert_eq!(names(&plan), ["bob@DEV.KENNEL", "HTTP/shop.example.org@DEV.KENNEL", "carol@DEV.KENNEL"]);
        let carol = &plan.principals[2];
        assert_eq!(carol.enctypes, [Enctype::Aes128CtsHmacSha1]);
        assert_eq!(carol.attributes, Attributes::DISALLOW_FORWARDABLE | Attributes::DISALLOW_PROXIABLE);
        assert_eq!(carol.max_life, Some(3600));
        assert_eq!(carol.session_enctypes, Some(vec![Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1]));
        // MIT's kinit warns of expiry beyond 2^31 seconds as if it were near.
        let dates = carol.expires.into_iter().chain(carol.password_expires);
        assert_eq!(dates.filter(|time| time.0 < 1 << 31).count(), 2);
        assert_eq!(plan.trusts[0].realm, "FAR.EXAMPLE.ORG");
        assert_eq!(plan.trusts[0].enctypes, [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1]);
    }

    #[test]
    fn the_realm_flag_wins_over_the_seed() {
        let seed = "[realm]\nname = 'A'\n[[principal]]\nname = 'u'\npassword = 'p'\n[[principal]]\nname = 's/h'\n";
        assert_eq!(plan(Some(seed), &[]).unwrap().realm.name, "A");
        let plan = plan(Some(seed), &["--realm", "B"]).unwrap();
        assert_eq!(names(&plan), ["u@B", "s/h@B"]);
    }

    #[test]
    fn what_cannot_be_made_is_refused_before_anything_is_made() {
        let pair = "[[principal]]\nname = 'u'\npassword = 'p'\n[[principal]]\nname = 's/h'\n";
        for (seed, part) in [
            (String::new(), "--user"),
            ("[[principal]]\nname = 'u'\npassword = 'p'\n".into(), "--service"),
            (format!("{pair}aliases = ['u']\n"), "twice"),
            (
                "[[principal]]\nname = 'u'\npassword = 'p'\nenctypes = ['rc4-hmac']\n[[principal]]\nname = 's/h'\n"
                    .into(),
                "--user",
            ),
            (
                "[[principal]]\nname = 'u'\npassword = 'p'\n[[principal]]\nname = 's/h'\nenctypes = ['rc4-hmac']\n"
                    .into(),
                "--service",
            ),
            ("[[principal]]\nname = 'u'\npassword = 'p'\nmax_life = 0\n[[principal]]\nname = 's/h'\n".into(), "--user"),
            (format!("{pair}[[principal]]\nname = 'krbtgt/X'\n"), "reserved"),
            (format!("{pair}[[principal]]\nname = 'x@OTHER'\n"), "not of the realm"),
            (format!("{pair}[[principal]]\nname = ''\n"), "name"),
            (format!("{pair}[[trust]]\nrealm = 'DEV.KENNEL'\npassword = 'p'\n"), "this realm"),
            (format!("{pair}[[principal]]\nname = 'y'\nenctypes = []\n"), "enctypes"),
            (format!("{pair}[[principal]]\nname = 'y'\npolicy = 'people'\n"), "people"),
            (format!("{pair}[[policy]]\nname = 'people'\n[[policy]]\nname = 'people'\n"), "twice"),
            (format!("{pair}[[principal]]\nname = 'y'\nsession_enctypes = []\n"), "session_enctypes"),
        ] {
            let error = plan(Some(&seed), &[]).unwrap_err();
            assert!(error.contains(part) && error.contains("seed.toml"), "{seed}: {error}");
        }
        assert!(plan(None, &["--alias", "a=nobody"]).unwrap_err().contains("nobody"));
    }
}
