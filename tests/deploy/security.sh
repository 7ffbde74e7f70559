# shellcheck shell=bash
# What the KDC's account may do, held against the comments of deploy/base/rbac.yaml.

check_security() {
    local account=system:serviceaccount:kennel-system:kennel-kdc
    check "the KDC's account may do what its commented rules say, and no more" may_no_more "$account" || true
    check "it may not read Secrets" is_denied get secrets "$account" || true
    check "nor other ConfigMaps" is_denied get configmaps/other "$account" || true
    check "nor make pods" is_denied create pods "$account" || true
    check "nor change its own role" is_denied patch clusterroles "$account" || true
}
# Everything but what any account may: ask about itself, and read the API's own description.
may_no_more() {
    local seen expected
    seen=$(k auth can-i --list --as="$1" -n shop | grep -E '^[a-z]' | grep -v '^selfsubject' |
        sed -E 's/^([^ ]+) +\[\] +\[([^]]*)\] +\[([^]]*)\]$/\1 [\2] \3/' | sort)
    expected=$(sort <<'RULES'
configmaps [kennel-krb5] get list create patch delete
events.events.k8s.io [] create patch
kerberosprincipals.kennel.dev [] list watch
kerberosprincipals.kennel.dev/status [] patch
kerberosrealms.kennel.dev [] list watch
kerberosrealms.kennel.dev/status [] patch
namespaces [] list watch
pods [] list watch get
serviceaccounts [] list watch get
services [] list watch
statefulsets.apps [] list watch
tokenreviews.authentication.k8s.io [] create
RULES
    )
    diff <(echo "$expected") <(echo "$seen")
}
is_denied() { [[ $(k auth can-i "$1" "$2" --as="$3" -n shop 2>/dev/null) == no ]]; }
