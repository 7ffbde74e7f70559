# shellcheck shell=bash
# cert-manager for a test: its kinds of object in the running cluster, its controller as a process of this machine, ended with
# the test at the latest. Sourced after the files of tests/cluster/lib; $WORK is the test's folder.

# start_cert_manager: builds it where it is not built yet, and waits until an Issuer is Ready. Its log: $WORK/cert-manager.log.
start_cert_manager() {
    local folder
    build_parts cert-manager
    folder=$(part_dir cert-manager)
    kubectl apply --server-side -f "$folder/crds.yaml" &&
        kubectl wait --for=condition=Established --timeout=30s -f "$folder/crds.yaml" || return 1
    # A process group of its own, of which the first ends the others when this script has ended, even by kill -9.
    # shellcheck disable=SC2016 # for the inner shell
    setsid bash -c '"${@:2}" & tail --pid="$1" -f /dev/null; kill -- "-$$"' - $$ \
        "$folder/cert-manager" --kubeconfig "$STATE/kubeconfig" </dev/null >"$WORK/cert-manager.log" 2>&1 &
    # In a file: `check` runs this in a subshell.
    echo $! >"$WORK/cert-manager.pid"
    cert_manager_works || { tail -n 20 "$WORK/cert-manager.log"; return 1; }
}

cert_manager_works() {
    kubectl apply -f - <<'YAML' && kubectl -n default wait --for=condition=Ready issuer/kennel-probe --timeout=60s &&
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: kennel-probe, namespace: default}
spec: {selfSigned: {}}
YAML
        kubectl -n default delete issuer/kennel-probe
}

# renew_certificate NAMESPACE NAME: has a Certificate issued anew before its time, as `cmctl renew` does. It stays Ready
# meanwhile: what shows that it is done is another serial number.
renew_certificate() {
    local condition
    condition=$(printf '{"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "lastTransitionTime": "%s"}' "$(date -u +%FT%TZ)")
    kubectl -n "$1" patch certificate "$2" --subresource=status --type=json \
        -p "[{\"op\": \"add\", \"path\": \"/status/conditions/-\", \"value\": $condition}]"
}

# Ends it, and takes away its kinds, their objects and the Secrets that it made. Where there is none of it, that is fine too.
stop_cert_manager() {
    local group
    if group=$(cat "$WORK/cert-manager.pid" 2>/dev/null); then
        kill -- "-$group" 2>/dev/null || true
        wait_for 15 cert_manager_has_ended "$group" || { echo "cert-manager does not end"; return 1; }
        rm "$WORK/cert-manager.pid"
    fi
    kubectl delete --ignore-not-found --timeout=60s -f "$(part_dir cert-manager)/crds.yaml" &&
        kubectl delete secrets --all-namespaces --ignore-not-found -l controller.cert-manager.io/fao=true
}
cert_manager_has_ended() { ! kill -0 -- "-$1"; }
