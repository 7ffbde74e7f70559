//! Versions, holders and rotation of keys, as the admin API writes them. No key is among them.

use kennel_controller::KeyReport;
use kennel_core::key_set::{KeyState, KeyVersion};
use kennel_core::rotation::holder::{HolderId, HolderRecord};
use kennel_core::rotation::schedule::{Schedule, Waiting, accepted_until};
use kennel_wire::admin::{KeyHolder, KeyVersionInfo, KeyVersionState, PrincipalKeys, RotationKind};
use kennel_wire::message::{KerberosTime, Timestamp};

/// Most holders that a sentence names.
const MOST_NAMED: usize = 5;

/// The keys of a principal.
pub(super) fn principal_keys(report: &KeyReport) -> PrincipalKeys {
    let KeyReport { record, holders, policy, schedule } = report;
    let has = |kvno: u32| {
        let having = holders.iter().filter(|h| h.versions_of(&record.principal).is_some_and(|of| of.contains(&kvno)));
        u32::try_from(having.count()).unwrap_or(u32::MAX)
    };
    let version = |version: &KeyVersion| KeyVersionInfo {
        kvno: version.kvno,
        state: state(version.state),
        since: time(since(version).time),
        created: time(version.created.time),
        accepted_until: (version.state == KeyState::Retiring).then(|| time(accepted_until(version, policy))),
        enctypes: version.keys.iter().map(|key| key.key.enctype().name().to_owned()).collect(),
        holders: has(version.kvno),
    };
    let holder = |holder: &HolderRecord| KeyHolder {
        kind: kind(&holder.id).to_owned(),
        name: name(&holder.id),
        kvnos: holder.versions_of(&record.principal).unwrap_or_default().to_vec(),
        since: time(holder.modified.time),
    };
    let mut holders: Vec<KeyHolder> = holders.iter().map(holder).collect();
    holders.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    let next = schedule.as_ref().ok().and_then(|schedule| schedule.next);
    let stalled = |schedule: &Schedule| matches!(schedule.waiting, Waiting::Holders { stalled: true, .. });
    PrincipalKeys {
        principal: record.principal.to_string(),
        rotation: match (schedule, policy.interval) {
            (Err(_), _) => RotationKind::Never,
            (Ok(_), Some(_)) => RotationKind::Scheduled,
            (Ok(_), None) => RotationKind::OnDemand,
        },
        waiting_for: waiting_for(report),
        stalled: schedule.as_ref().is_ok_and(stalled),
        next_rotation_time: next.map(time),
        ordered: record.rotation_ordered.map(|ordered| time(ordered.time)),
        revoked: record.revoked.map(|revoked| time(revoked.time)),
        unknown_holder: record.unknown_holder.map(|since| time(since.time)),
        versions: record.keys.versions.iter().map(version).collect(),
        holders,
    }
}

/// What the next step waits for.
fn waiting_for(report: &KeyReport) -> String {
    let schedule = match &report.schedule {
        Ok(schedule) => schedule,
        Err(never) => return format!("nothing: {never}"),
    };
    let staged = report.record.keys.versions.iter().find(|version| version.state == KeyState::Staged);
    let kvno = staged.map_or(0, |version| version.kvno);
    match &schedule.waiting {
        _ if schedule.step.is_some() => {
            "the KDC that writes for the realm, which does the next step within seconds".into()
        }
        Waiting::Order => "an order (kennel rotate): no rotation is scheduled".into(),
        Waiting::Nobody => "nothing: no key is made or used any more".into(),
        Waiting::Room => "the end of an old version: there are as many as keytabs can tell apart".into(),
        Waiting::Kvno => "nothing: no version number is left".into(),
        Waiting::Interval => "the next interval".into(),
        Waiting::Overlap => format!("the time for which version {kvno} is in keytabs before it is used"),
        Waiting::Holders { missing, stalled } => {
            let mut names: Vec<String> =
                missing.iter().take(MOST_NAMED).map(|id| format!("{} {}", kind(id), name(id))).collect();
            let rest = missing.len().saturating_sub(MOST_NAMED);
            names.extend((rest > 0).then(|| format!("{rest} more")));
            let late = if *stalled { ", for too long" } else { "" };
            format!("holders to fetch version {kvno}{late}: {}", names.join(", "))
        }
    }
}

pub(super) fn state(state: KeyState) -> KeyVersionState {
    match state {
        KeyState::Staged => KeyVersionState::Staged,
        KeyState::Active => KeyVersionState::Active,
        KeyState::Retiring => KeyVersionState::Retiring,
    }
}

fn since(version: &KeyVersion) -> Timestamp {
    let since = match version.state {
        KeyState::Staged => None,
        KeyState::Active => version.activated,
        KeyState::Retiring => version.retired,
    };
    since.unwrap_or(version.created)
}

fn kind(id: &HolderId) -> &'static str {
    match id {
        HolderId::Pod(_) => "Pod",
        HolderId::Secret { .. } => "Secret",
    }
}

fn name(id: &HolderId) -> String {
    match id {
        HolderId::Pod(pod) => pod.to_string(),
        HolderId::Secret { namespace, name, .. } => format!("{namespace}/{name}"),
    }
}

fn time(time: KerberosTime) -> String {
    time.to_rfc3339().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_controller::NeverRotates;
    use kennel_core::key_set::KeySet;
    use kennel_core::pods::PodRef;
    use kennel_core::principal::{Origin, PrincipalRecord};
    use kennel_core::rotation::holder::HeldKeys;
    use kennel_core::rotation::policy::RotationPolicy;
    use kennel_core::rotation::schedule::Rotating;
    use kennel_crypto::Enctype;
    use kennel_wire::message::Principal;
    use rand::rngs::OsRng;

    fn report() -> KeyReport {
        let at = |seconds| Timestamp { time: KerberosTime(seconds), micros: 0 };
        let aes = [Enctype::Aes256CtsHmacSha384];
        let principal = Principal::parse("HTTP/web.shop", "R").unwrap();
        let mut keys = KeySet::random(&aes, 2, at(100), &mut OsRng);
        keys.versions.insert(
            0,
            KeyVersion {
                state: KeyState::Staged,
                activated: None,
                ..KeySet::random(&aes, 3, at(200), &mut OsRng).versions.remove(0)
            },
        );
        let mut record = PrincipalRecord::new(principal.clone(), Origin::Kubernetes, keys, at(1), "test");
        record.rotation_ordered = Some(at(200));
        let pod = PodRef { namespace: "shop".into(), name: "web-1".into(), uid: "u".into() };
        let held = vec![HeldKeys { principal, kvnos: vec![2] }];
        let holders = vec![HolderRecord::new(HolderId::Pod(pod), "R", held, at(150))];
        let policy = RotationPolicy { accept: 50, ..RotationPolicy::default() };
        let held: Vec<_> = holders.iter().filter_map(|holder| holder.holding_of(&record.principal)).collect();
        let schedule = Rotating { record: &record, holders: &held }.schedule(&policy, at(300).into());
        KeyReport { record: Box::new(record), holders, policy, schedule: Ok(schedule) }
    }

    #[test]
    fn each_version_has_its_state_and_the_missing_holder_is_named_and_no_key_is_told() {
        let report = report();
        let keys = principal_keys(&report);
        let versions: Vec<_> = keys.versions.iter().map(|v| (v.kvno, v.state, v.holders)).collect();
        assert_eq!(versions, [(3, KeyVersionState::Staged, 0), (2, KeyVersionState::Active, 1)]);
        assert_eq!(keys.waiting_for, "holders to fetch version 3: Pod shop/web-1");
        assert_eq!((&*keys.holders[0].kind, &*keys.holders[0].name), ("Pod", "shop/web-1"));
        assert_eq!((keys.rotation, keys.ordered.as_deref()), (RotationKind::Scheduled, Some("1970-01-01T00:03:20Z")));
        let text = serde_json::to_string(&keys).unwrap();
        let octets = report.record.keys.versions[0].keys[0].key.expose();
        let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        assert!(!text.contains(&hex) && !text.contains("\"key\""), "{text}");
    }

    #[test]
    fn what_never_rotates_says_why() {
        let report = KeyReport { schedule: Err(NeverRotates::Password), ..report() };
        let keys = principal_keys(&report);
        assert_eq!(keys.rotation, RotationKind::Never);
        assert!(keys.waiting_for.contains("password"), "{}", keys.waiting_for);
    }
}
