//! Wrong objects, one a line, each with the words by which the API server refuses it: what to do, not only what is wrong.

/// Kind, spec in YAML's flow style, and a part of the message.
pub(crate) const REFUSALS: &[(&str, &str, &str)] = &[
    // KerberosAccess: what is called.
    ("KerberosAccess", "allow: []", "spec.targetRefs: Required value"),
    ("KerberosAccess", "targetRefs: [{name: web}]", "spec.allow: Required value"),
    ("KerberosAccess", "targetRefs: [], allow: []", "should have at least 1 items"),
    ("KerberosAccess", "targetRefs: [{name: HTTP/web}], allow: []", "spec.targetRefs[0].name in body should match"),
    ("KerberosAccess", "targetRefs: [{name: web, selector: {}}], allow: []", "exactly one of name and selector"),
    ("KerberosAccess", "targetRefs: [{}], allow: []", "exactly one of name and selector"),
    (
        "KerberosAccess",
        "targetRefs: [{selector: {matchExpressions: [{key: a, operator: Bogus}]}}], allow: []",
        "supported values: \"In\", \"NotIn\", \"Exists\", \"DoesNotExist\"",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{selector: {matchExpressions: [{key: a, operator: In}]}}], allow: []",
        "In and NotIn need values",
    ),
    // KerberosAccess: who calls.
    ("KerberosAccess", "targetRefs: [{name: web}], allow: [{from: []}]", "should have at least 1 items"),
    ("KerberosAccess", "targetRefs: [{name: web}], allow: [{from: [{}]}]", "a peer is exactly one of serviceAccount"),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [{from: [{namespace: {name: a}, realm: {}}]}]",
        "a peer is exactly one of serviceAccount",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [{from: [{serviceAccount: {name: shop/cart}}]}]",
        "serviceAccount.name in body should match",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [{from: [{namespaceSelector: {}}]}]",
        "write realm: {} where that is meant",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [{from: [{principal: {name: 'host/*@R'}}]}]",
        "principal.name in body should match",
    ),
    // KerberosAccess: classes, ports, addresses, the end.
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [{from: [{realm: {}}], serviceClasses: [HTTP/web]}]",
        "serviceClasses[0] in body should match",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [{from: [{realm: {}}], serviceClasses: [HTTP, HTTP]}]",
        "Duplicate value: \"HTTP\"",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [{from: [{realm: {}}], ports: [{port: 0}]}]",
        "should be greater than or equal to 1",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [{from: [{realm: {}}], ports: [{port: http, endPort: 90}]}]",
        "give port as a number that is not above it",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [], networkOnly: [{from: [{podSelector: {}}]}]",
        "networkOnly[0].ports: Required value",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [], networkOnly: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 1}]}]",
        "make two peers of them",
    ),
    (
        "KerberosAccess",
        "targetRefs: [{name: web}], allow: [], networkOnly: [{from: [{ipBlock: {cidr: 10.0.0.300/8}}], ports: [{port: 1}]}]",
        "an address range such as 10.0.0.0/8",
    ),
    ("KerberosAccess", "targetRefs: [{name: web}], allow: [], notAfter: tomorrow", "must be of type date-time"),
    // KerberosPrincipal.
    ("KerberosPrincipal", "serviceClasses: [HTTP/web], hosts: {services: [web]}", "without a slash or a host"),
    ("KerberosPrincipal", "serviceClasses: [krbtgt], hosts: {services: [web]}", "are the KDC's own"),
    ("KerberosPrincipal", "serviceClasses: [kadmin], hosts: {services: [web]}", "are the KDC's own"),
    ("KerberosPrincipal", "serviceClasses: [HTTP, HTTP], hosts: {services: [web]}", "Duplicate value: \"HTTP\""),
    ("KerberosPrincipal", "serviceClasses: [HTTP]", "give serviceClasses and hosts, or neither"),
    ("KerberosPrincipal", "hosts: {services: [web]}", "give serviceClasses and hosts, or neither"),
    ("KerberosPrincipal", "accessMode: Observe", "give serviceClasses and hosts, or remove it"),
    (
        "KerberosPrincipal",
        "serviceClasses: [HTTP], hosts: {services: [web.other.svc.cluster.local]}",
        "Services of other namespaces cannot be claimed",
    ),
    (
        "KerberosPrincipal",
        "serviceClasses: [HTTP], hosts: {services: [web.other]}",
        "Services of other namespaces cannot be claimed",
    ),
    (
        "KerberosPrincipal",
        "serviceClasses: [HTTP], hosts: {aliases: [web.other.svc.cluster.local]}",
        "Services of other namespaces cannot be claimed",
    ),
    (
        "KerberosPrincipal",
        "serviceClasses: [HTTP], hosts: {aliases: [web.other.svc]}",
        "Services of other namespaces cannot be claimed",
    ),
    ("KerberosPrincipal", "serviceClasses: [HTTP], hosts: {aliases: [web]}", "a full domain name in lower case"),
    ("KerberosPrincipal", "serviceClasses: [HTTP], hosts: {statefulSets: [Kafka]}", "the name of a StatefulSet"),
    ("KerberosPrincipal", "credentials: [Password]", "supported values"),
    ("KerberosPrincipal", "credentials: []", "should have at least 1 items"),
    ("KerberosPrincipal", "credentials: [Keytab, Keytab]", "Duplicate value"),
    ("KerberosPrincipal", "sessionEnctypes: [aes256-cts-hmac-sha1-96]", "give serviceClasses and hosts, or remove it"),
    (
        "KerberosPrincipal",
        "serviceClasses: [HTTP], hosts: {services: [web]}, sessionEnctypes: [des3]",
        "supported values",
    ),
    ("KerberosPrincipal", "keytabSecretRef: {name: Web_Keytab}", "the name of a Secret of this namespace"),
    ("KerberosPrincipal", "rotation: {interval: 5 weeks}", "rotation.interval"),
    ("KerberosPrincipal", "rotation: {interval: 7d}", "rotation.interval in body should match"),
    ("KerberosPrincipal", "rotation: {interval: 30m}", "interval is an hour at least"),
    ("KerberosPrincipal", "rotation: {interval: 2h, overlap: 9h}", "overlap is shorter than interval"),
    ("KerberosPrincipal", "rotation: {policy: OnDemand, interval: 2h}", "set policy: Scheduled"),
    ("KerberosPrincipal", "calls: [{namespace: data}]", "calls[0].name: Required value"),
    // KerberosRealm.
    ("KerberosRealm", "realmName: 'NO SPACES'", "like a domain name"),
    ("KerberosRealm", "realmName: small.example", "capital letters"),
    ("KerberosRealm", "realmName: R, clusterDomain: 'NOT a domain/'", "use cluster.local"),
    (
        "KerberosRealm",
        "realmName: R, namespaceSelector: {}",
        "an empty selector would be every namespace of the cluster",
    ),
    (
        "KerberosRealm",
        "realmName: R, namespaceSelector: {matchExpressions: [{key: a, operator: Bogus}]}",
        "supported values",
    ),
    ("KerberosRealm", "realmName: R, tickets: {maxLife: 999999d}", "tickets.maxLife in body should match"),
    ("KerberosRealm", "realmName: R, tickets: {maxLife: 10s}", "maxLife is from 1m to 744h"),
    (
        "KerberosRealm",
        "realmName: R, tickets: {maxLife: 10h, maxRenewableLife: 1s}",
        "maxRenewableLife is not below maxLife",
    ),
    ("KerberosRealm", "realmName: R, enctypes: [des3]", "supported values"),
    ("KerberosRealm", "realmName: R, enctypes: [aes256-cts-hmac-sha1-96, aes256-cts-hmac-sha1-96]", "Duplicate value"),
    ("KerberosRealm", "realmName: R, credentials: {default: [Keytab], allowed: [Ticket]}", "default is among allowed"),
    ("KerberosRealm", "realmName: R, credentials: {allowed: [Keytab]}", "give default where allowed lacks Ticket"),
    ("KerberosRealm", "realmName: R, limits: {principalsPerNamespace: 0}", "greater than or equal to 1"),
    ("KerberosRealm", "realmName: R, names: {shortForms: None}", "supported values"),
    ("KerberosRealm", "realmName: R, access: {defaultMode: Off}", "supported values: \"Enforce\", \"Observe\""),
    (
        "KerberosRealm",
        "realmName: R, access: {namespaceModes: [{namespaceSelector: {}, mode: Observe}]}",
        "give matchLabels or matchExpressions",
    ),
    (
        "KerberosRealm",
        "realmName: R, aliasPolicy: [{name: a, domains: [web.example.com]}]",
        "give namespaces, namespaceSelector, or both",
    ),
    (
        "KerberosRealm",
        "realmName: R, aliasPolicy: [{name: a, namespaces: [shop], domains: ['*']}]",
        "domains[0] in body should match",
    ),
    (
        "KerberosRealm",
        "realmName: R, aliasPolicy: [{name: a, namespaces: ['Not A NS'], domains: [web.example.com]}]",
        "namespaces[0] in body should match",
    ),
    ("KerberosRealm", "realmName: R, injection: {image: i, server: 'http://evil'}", "begin with https://"),
    (
        "KerberosRealm",
        "realmName: R, network: {alwaysAllowEgress: [{name: a, apiServer: {}, to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 1}]}]}",
        "exactly one of apiServer and to",
    ),
    (
        "KerberosRealm",
        "realmName: R, network: {alwaysAllowEgress: [{name: a, to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}",
        "to and ports go together",
    ),
    (
        "KerberosRealm",
        "realmName: R, network: {alwaysAllowEgress: [{name: a, apiServer: {}}, {name: a, apiServer: {}}]}",
        "Duplicate value",
    ),
    ("KerberosRealm", "realmName: R, network: {dns: {discovery: Static}}", "static goes with discovery: Static"),
];
