# shellcheck shell=bash
# Keys, certificates, tokens and kubeconfigs of one cluster, all below $STATE; made once per cluster, thrown away with it.

# make_pki NAME...: a CA, the API server's certificate for these addresses and names, the service accounts' key, tokens.
make_pki() {
    local pki=$STATE/pki
    mkdir -p "$pki" "$STATE/users"
    chmod 700 "$pki" "$STATE/users"
    new_key "$pki/ca.key"
    openssl req -x509 -new -key "$pki/ca.key" -days 30 -subj /CN=kennel-test-ca -out "$pki/ca.crt" \
        -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature'
    sign apiserver /CN=kube-apiserver serverAuth "$@"
    sign kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
    new_key "$pki/service-account.key"
    openssl pkey -in "$pki/service-account.key" -pubout -out "$pki/service-account.pub"
    make_users
}

# It tells of success at length.
openssl() { command openssl "$@" 2>>"$STATE/logs/pki" || fail "openssl $1 failed: $(tail -n 3 "$STATE/logs/pki")"; }

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# sign NAME SUBJECT USAGE [ADDRESS|DNS-NAME...]
sign() {
    local file=$STATE/pki/$1 subject=$2 extensions names=() name
    extensions="basicConstraints=critical,CA:FALSE"$'\n'"keyUsage=critical,digitalSignature"$'\n'"extendedKeyUsage=$3"
    shift 3
    for name in "$@"; do
        [[ $name =~ ^[0-9.]+$|: ]] && names+=("IP:$name") || names+=("DNS:$name")
    done
    ((${#names[@]} == 0)) || extensions+=$'\n'"subjectAltName=$(IFS=, && echo "${names[*]}")"
    new_key "$file.key"
    openssl req -new -key "$file.key" -subj "$subject" -out "$file.csr"
    openssl x509 -req -in "$file.csr" -CA "$STATE/pki/ca.crt" -CAkey "$STATE/pki/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
        -days 30 -extfile <(echo "$extensions") -out "$file.crt"
    rm "$file.csr"
}

# A token and a kubeconfig for each line of settings/users.
make_users() {
    local name user groups TOKEN USER CA_DATA API_HOST=$API_IP
    [[ $API_IP != *:* ]] || API_HOST="[$API_IP]"
    CA_DATA=$(base64 -w 0 "$STATE/pki/ca.crt")
    : >"$STATE/pki/tokens.csv"
    while read -r name user groups; do
        [[ $name != '' && $name != \#* ]] || continue
        USER=$user TOKEN=$(openssl rand -hex 16)
        echo "$TOKEN,$user,$user,\"${groups/#-/}\"" >>"$STATE/pki/tokens.csv"
        render "$SETTINGS/kubeconfig.yaml" >"$STATE/users/$name"
    done <"$SETTINGS/users"
    chmod 600 "$STATE"/users/* "$STATE"/pki/*
    # A link would do, but the name of a kubeconfig should not change when a tool rewrites it.
    install -m 600 "$STATE/users/admin" "$STATE/kubeconfig"
}
