# shellcheck shell=bash
# The label on pods of every shape, in pods.yaml; and what people are told where it cannot help.

check_pods() {
    check "pods of every shape are taken" k apply -f "$ROOT/tests/deploy/pods.yaml" || return 0
    check "a Job's init container has credentials, and it completes with the agent beside it" \
        k -n shop wait --for=condition=Complete job/migrate --timeout=60s || true
    for pod in on-host own-settings as-user with-group; do
        check "$pod becomes ready" k -n shop wait --for=condition=Ready "pod/$pod" --timeout=60s || true
    done
    check "and so does one under the strictest pod security" k -n strict wait --for=condition=Ready pod/strict --timeout=60s || true
    check "on the node's network names are the cluster's, and logins work" in_pod on-host kvno "$SERVICE" || true
    check "a container's own KRB5 settings stay, the one beside it has ours" own_settings_stay || true
    check "a user without a group can use and extend the cache" in_pod as-user kvno "$SERVICE" || true
    check "a user with a group can, and nobody else" only_the_group || true
    check "where the realm enrols nobody, nothing is injected" is_as_written || true
    check "and kennel status says what to do" unenrolled_is_a_problem || true
    check "kubectl describe says why a KerberosPrincipal does not work, and that it does" describe_tells || true
    k delete -f "$ROOT/tests/deploy/pods.yaml" --timeout=60s >/dev/null
}

in_pod() { k -n shop exec "$1" -c app -- "${@:2}"; }
own_settings_stay() {
    # shellcheck disable=SC2016 # for the shell in the pod
    [[ $(in_pod own-settings sh -c 'echo $KRB5_CONFIG $KRB5CCNAME') == "/etc/own.conf FILE:/tmp/own" ]] &&
        k -n shop exec own-settings -c beside -- kvno "$SERVICE"
}
only_the_group() {
    local seen
    seen=$(in_pod with-group stat -c '%a %g' /var/run/kennel/ccache)
    [[ $seen == "660 4321" ]] || { echo "mode and group: $seen"; return 1; }
    in_pod with-group kvno "$SERVICE"
}
is_as_written() { [[ $(k -n elsewhere get pod unenrolled -o 'jsonpath={.spec.initContainers}') == '' ]]; }
unenrolled_is_a_problem() {
    local said
    said=$(kennel status)
    [[ $said == *"have no agent: elsewhere/unenrolled"*"kennel.dev/enroll=true"* ]] || { echo "$said"; return 1; }
}
# The story of one: a Service that is missing, then made.
describe_tells() {
    k -n shop create serviceaccount late >/dev/null
    k apply -f - <<'YAML'
apiVersion: kennel.dev/v1alpha1
kind: KerberosPrincipal
metadata: {name: late, namespace: shop}
spec: {serviceAccountName: late, services: [HTTP], hosts: {services: [late]}}
YAML
    eventually 20 described 'there is no Service late in namespace shop: create it' 'Warning +ServiceNotFound' || return 1
    k -n shop create service clusterip late --tcp=80 >/dev/null
    eventually 20 described 'every principal is there' 'Normal +Ready' || return 1
    k -n shop delete kprinc/late serviceaccount/late service/late >/dev/null
}
described() {
    local said pattern
    said=$(k -n shop describe kprinc late)
    for pattern; do
        grep -Eq "$pattern" <<<"$said" || { echo "$said"; return 1; }
    done
}
