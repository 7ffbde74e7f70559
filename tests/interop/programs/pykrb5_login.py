"""A login by the Python bindings of libkrb5: `pykrb5_login.py USER password|keytab SECRET SERVICE`.

Gets a renewable ticket-granting ticket, stores it in the cache of KRB5CCNAME, renews it, and gets a ticket for SERVICE with a login of its
own, since the bindings have no call for the TGS exchange but renewal.
"""
import sys

import krb5


def main(user, kind, secret, service):
    context = krb5.init_context()
    client = krb5.parse_name_flags(context, user.encode())
    options = krb5.get_init_creds_opt_alloc(context)
    krb5.get_init_creds_opt_set_renew_life(options, 86400)

    def login(server=None):
        if kind == "password":
            return krb5.get_init_creds_password(
                context, client, options, password=secret.encode(), in_tkt_service=server
            )
        keytab = krb5.kt_resolve(context, secret.encode())
        return krb5.get_init_creds_keytab(context, client, options, keytab, in_tkt_service=server)

    def name(credentials):
        return krb5.unparse_name_flags(context, credentials.server).decode()

    tgt = login()
    print("ticket for", name(tgt))
    cache = krb5.cc_default(context)
    krb5.cc_initialize(context, cache, client)
    krb5.cc_store_cred(context, cache, tgt)
    print("ticket for", name(login(service.encode())))
    renewed = krb5.get_renewed_creds(context, client, cache)
    assert renewed.ticket != tgt.ticket
    print("renewed", name(renewed))


main(*sys.argv[1:])
