# shellcheck shell=bash
# The KDC once more, with everything that can be added to it: its certificate from cert-manager, the master key and keytabs in
# Secrets, monitoring by a real Prometheus.

MASTER_KEY_SECRET=kennel-master-key

check_everything() {
    # In a shell of its own: a build has signal handlers of its own.
    check "cert-manager is built" build_cert_manager || return 0
    check "cert-manager runs" start_cert_manager || return 0
    check "the kinds of the Prometheus operator" have_monitoring_kinds || return 0
    check "all of deploy/ passes a dry run" dry_runs || true
    if everything_runs; then
        check "the API is served under cert-manager's authority, which agents are told to trust" certificate_is_theirs || true
        check "a pod logs in" eventually 60 inside cart kvno "$SERVICE" || true
        check "the master key is not on the volume" key_is_apart || true
        check "a keytab Secret is written, and logs in" eventually 30 secret_logs_in || true
        check "kennel status finds no problems" eventually 20 no_problems || true
        check "a renewed certificate is taken up while it runs" certificate_is_renewed || true
        check "rules, alerts and dashboard against a real Prometheus" monitored || true
    fi
    check "kubectl delete -k of the shop" k delete -k "$ROOT/deploy/examples/shop" --ignore-not-found --timeout=60s || true
    check "kubectl delete -k of everything" k delete -k "$WORK/everything" --ignore-not-found --timeout=60s || true
    check "cert-manager ends" stop_cert_manager || true
    k delete --ignore-not-found -f "$WORK/monitoring-kinds" >/dev/null || true
    check "leaves nothing of ours" nothing_of_ours || true
    k delete pv kennel-everything --timeout=20s >/dev/null 2>&1 || true
}

build_cert_manager() { (build_parts cert-manager); }

have_monitoring_kinds() {
    local folder
    folder=$("$ROOT/tests/monitoring/crds") && cp -r "$folder" "$WORK/monitoring-kinds" &&
        k apply --server-side -f "$WORK/monitoring-kinds" &&
        k wait --for=condition=Established --timeout=30s -f "$WORK/monitoring-kinds"
}

# What is not in itself a whole is tried as part of one. The namespace and our own kinds have to be there already.
dry_runs() {
    write_everything
    k create namespace kennel-system && k create namespace shop && k apply -k "$ROOT/deploy/crds" &&
        k wait --for=condition=Established --timeout=30s crd --all || return 1
    local folder
    for folder in "$ROOT"/deploy/{crds,injection,overlays/dev,overlays/cert-manager,examples/shop} "$WORK/everything"; do
        k apply --dry-run=server -k "$folder" || return 1
    done
    # Pods are refused where their account is not there yet.
    k create serviceaccount cart -n shop && k create serviceaccount web -n shop &&
        k apply --dry-run=server -f "$ROOT/deploy/examples/first.yaml" &&
        k apply --dry-run=server -n shop -f "$ROOT/deploy/examples/by-hand.yaml"
}

# An overlay as users write it: a base, and what they add.
write_everything() {
    local deploy
    mkdir -p "$WORK/everything"
    deploy=$(realpath --relative-to="$WORK/everything" "$ROOT/deploy")
    cat >"$WORK/everything/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: kennel-system
resources: [$deploy/overlays/cert-manager]
components:
  - $deploy/components/master-key-secret
  - $deploy/components/keytab-secrets
  - $deploy/components/monitoring
YAML
}

everything_runs() {
    check "a master key in a Secret" have_master_key || return 1
    check "kubectl apply -k of everything" k apply -k "$WORK/everything" || return 1
    check "a volume for its claim" have_volume kennel-everything || return 1
    check "the StatefulSet becomes ready" k -n kennel-system rollout status statefulset/kennel-kdc --timeout=90s || {
        k -n kennel-system describe pods | tail -n 25; k -n kennel-system logs kennel-kdc-0 --tail=20
        return 1
    }
    check "and the shop" k apply -k "$ROOT/deploy/examples/shop" || return 1
    k -n shop patch kprinc batch --type=merge -p '{"spec": {"keytabSecret": "batch-keytab"}}' >/dev/null
    k -n shop patch kprinc web --type=merge -p '{"spec": {"keytabSecret": "web-keytab"}}' >/dev/null
    check "its Deployments become ready" k -n shop wait --for=condition=Available deployment --all --timeout=120s || {
        k -n shop describe pods | tail -n 25; k -n shop logs deployment/cart -c kennel-agent --tail=20
        return 1
    }
}

# As components/master-key-secret says it.
have_master_key() {
    (umask 077; echo "kennel-master-key-v1 $(openssl rand -hex 32)" >"$WORK/master.key") &&
        k -n kennel-system create secret generic "$MASTER_KEY_SECRET" --from-file=master.key="$WORK/master.key"
}
key_is_apart() {
    k apply -f - <<'YAML' >/dev/null && k wait --for=jsonpath='{.status.phase}'=Succeeded pod/kennel-look --timeout=60s >/dev/null || return 1
apiVersion: v1
kind: Pod
metadata: {name: kennel-look, namespace: default}
spec:
  restartPolicy: Never
  containers:
  - {name: c, image: "kennel.test/krb5:dev", imagePullPolicy: Never, command: [ls, /data], volumeMounts: [{name: data, mountPath: /data}]}
  volumes:
  - {name: data, hostPath: {path: /run/kennel-everything}}
YAML
    local there
    there=$(k logs pod/kennel-look)
    k delete pod kennel-look --wait=false >/dev/null
    # Nor is there an authority of our own: cert-manager has it.
    [[ $there == store ]] || { echo "$there"; return 1; }
}

secret_of() { k -n "$1" get secret "$2" -o "jsonpath={.data.${3//./\\.}}" | base64 -d; }

certificate_is_theirs() {
    secret_of kennel-system kennel-kdc-tls ca.crt >"$WORK/ca.crt"
    k -n shop get configmap kennel-krb5 -o 'jsonpath={.data.ca\.crt}' | diff - "$WORK/ca.crt" &&
        served_certificate | openssl x509 -noout -issuer | grep 'Kennel enrolment CA' &&
        verified_handshake
}
kdc_address() { k -n kennel-system get pod kennel-kdc-0 -o 'jsonpath={.status.podIP}'; }
# From this machine: a veth pair leads to the pods.
served_certificate() {
    openssl s_client -connect "$(kdc_address):8443" -servername kennel.kennel-system.svc </dev/null 2>/dev/null | openssl x509
}
verified_handshake() {
    openssl s_client -connect "$(kdc_address):8443" -servername kennel.kennel-system.svc -verify_hostname kennel.kennel-system.svc \
        -CAfile "$WORK/ca.crt" -verify_return_error </dev/null
}
certificate_is_renewed() {
    local before
    before=$(served_certificate)
    renew_certificate kennel-system kennel-kdc || return 1
    eventually 20 another_secret "$before" || return 1
    # So that the kubelet looks at the pod's volumes now, and not within its minute.
    k -n kennel-system annotate pod kennel-kdc-0 "kennel.test/looked=$(date +%s)" >/dev/null
    eventually 180 another_served "$before" && verified_handshake
}
another_secret() { [[ $(secret_of kennel-system kennel-kdc-tls tls.crt | openssl x509) != "$1" ]]; }
another_served() { [[ $(served_certificate) != "$1" ]]; }

secret_logs_in() {
    [[ -n $(secret_of shop web-keytab keytab | base64 -w0) ]] || return 1
    inside cart sh -c "echo $(secret_of shop batch-keytab keytab | base64 -w0) | base64 -d >/tmp/batch && KRB5CCNAME=FILE:/tmp/batch.cc kinit -k -t /tmp/batch batch.shop"
}

monitored() { "$ROOT/tests/monitoring/test" "$(kdc_address):9090"; }
