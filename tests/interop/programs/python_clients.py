"""Clients in pure Python: `python_clients.py impacket|minikerberos PORT USER PASSWORD SERVICE` logs in and gets a ticket for SERVICE.

Both leave the checksum out of the authenticator, which every KDC but Windows refuses: rsa-md5 over the request is put in here.
"""
import asyncio
import hashlib
import sys


def main(client, port, user, password, service):
    etype = {"impacket": by_impacket, "minikerberos": by_minikerberos}[client](int(port), user, password, service)
    print("ticket", etype)


def by_impacket(port, user, password, service):
    from impacket.krb5 import constants, kerberosv5, types
    from pyasn1.codec.der import decoder, encoder

    send = kerberosv5.sendReceive
    kerberosv5.sendReceive = lambda data, host, kdc: send(data, host, kdc, port)
    client = types.Principal(user, type=constants.PrincipalNameType.NT_PRINCIPAL.value)
    tgt, cipher, _, session = kerberosv5.getKerberosTGT(client, password, "TEST.KENNEL", b"", b"", kdcHost="127.0.0.1")

    def send_with_checksum(data, host, kdc):
        request = decoder.decode(data, asn1Spec=kerberosv5.TGS_REQ())[0]
        body = inside(encoder.encode(request["req-body"]))
        ap_req = decoder.decode(request["padata"][0]["padata-value"].asOctets(), asn1Spec=kerberosv5.AP_REQ())[0]
        plain = cipher.decrypt(session, 7, ap_req["authenticator"]["cipher"].asOctets())
        authenticator = decoder.decode(plain, asn1Spec=kerberosv5.Authenticator())[0]
        authenticator["cksum"]["cksumtype"] = 7
        authenticator["cksum"]["checksum"] = hashlib.md5(body).digest()
        ap_req["authenticator"]["cipher"] = cipher.encrypt(session, 7, encoder.encode(authenticator), None)
        request["padata"][0]["padata-value"] = encoder.encode(ap_req)
        return send(encoder.encode(request), host, kdc, port)

    kerberosv5.sendReceive = send_with_checksum
    server = types.Principal(service, type=constants.PrincipalNameType.NT_SRV_INST.value)
    reply, *_ = kerberosv5.getKerberosTGS(server, "TEST.KENNEL", "127.0.0.1", tgt, cipher, session)
    ticket = decoder.decode(reply, asn1Spec=kerberosv5.TGS_REP())[0]["ticket"]
    return int(ticket["enc-part"]["etype"])


def inside(value):
    """The contents of a DER value."""
    return value[2 + (value[1] & 0x7F if value[1] & 0x80 else 0):]


def by_minikerberos(port, user, password, service):
    from minikerberos import aioclient
    from minikerberos.common.factory import KerberosClientFactory
    from minikerberos.common.spn import KerberosSPN
    from minikerberos.protocol.asn1_structs import KDC_REQ_BODY, Checksum

    plain = aioclient.Authenticator

    def with_checksum(data):
        body = KDC_REQ_BODY(sys._getframe(1).f_locals["kdc_req_body"]).dump()
        data["cksum"] = Checksum({"cksumtype": 7, "checksum": hashlib.md5(body).digest()})
        return plain(data)

    aioclient.Authenticator = with_checksum

    async def tickets():
        url = f"kerberos+password://TEST.KENNEL\\{user}:{password}@127.0.0.1:{port}"
        client = KerberosClientFactory.from_url(url).get_client()
        await client.get_TGT()
        ticket, *_ = await client.get_TGS(KerberosSPN.from_spn(f"{service}@TEST.KENNEL"))
        return ticket["ticket"]["enc-part"]["etype"]

    return asyncio.run(tickets())


main(*sys.argv[1:])
