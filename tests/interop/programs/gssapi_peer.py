"""One side of a GSS-API conversation over TCP, on loopback where nothing else is said.

    gssapi_peer.py accept [ADDRESS PORT]             KRB5_KTNAME: the keytab; prints its port, serves one client
    gssapi_peer.py serve each|once                   the same for every client, with credentials of its own or of the start
    gssapi_peer.py initiate [HOST:]PORT SERVICE      KRB5CCNAME: the tickets; SERVICE as HTTP@web.shop

Every token and message has its length in four octets in front. Both sides print what they saw, one fact a line.
"""
import socket
import struct
import sys

import gssapi

SECRET = b"wrapped with confidentiality"
PLAIN = b"wrapped with integrity alone"
SIGNED = b"a message whose MIC is sent"


def send(stream, octets):
    stream.sendall(struct.pack(">I", len(octets)) + octets)


def receive(stream):
    def exactly(count):
        octets = b""
        while len(octets) < count:
            piece = stream.recv(count - len(octets))
            if not piece:
                raise EOFError("the other side closed")
            octets += piece
        return octets

    return exactly(struct.unpack(">I", exactly(4))[0])


def accept(address="127.0.0.1", port=0):
    listener = socket.create_server((address, int(port)))
    print(listener.getsockname()[1], flush=True)
    converse(listener.accept()[0], gssapi.Credentials(usage="accept"))


def serve(when):
    listener = socket.create_server(("127.0.0.1", 0))
    of_start = gssapi.Credentials(usage="accept")
    print(listener.getsockname()[1], flush=True)
    while True:
        stream, _ = listener.accept()
        try:
            converse(stream, of_start if when == "once" else gssapi.Credentials(usage="accept"))
        except (EOFError, gssapi.exceptions.GSSError) as error:
            print("failed", error, flush=True)
        stream.close()


def converse(stream, credentials):
    context = gssapi.SecurityContext(creds=credentials, usage="accept")
    while not context.complete:
        token = context.step(receive(stream))
        send(stream, token or b"")
    print("initiator", context.initiator_name)
    print("target", context.target_name)
    for indicator in indicators(context.initiator_name):
        print("indicator", indicator)
    for _ in range(2):
        message = context.unwrap(receive(stream))
        print("unwrapped", message.message.decode(), "encrypted" if message.encrypted else "plain")
        send(stream, context.wrap(message.message, message.encrypted).message)
    context.verify_signature(SIGNED, receive(stream))
    print("signature verified")
    send(stream, context.get_signature(SIGNED))


def indicators(name):
    """The authentication indicators of a client (RFC 8129), which libkrb5 verified by the checksum of the ticket's CAMMAC."""
    try:
        return [value.decode() for value in name.attributes[b"auth-indicators"].values]
    except gssapi.exceptions.GSSError:
        return []


def initiate(port, service):
    host, _, port = port.rpartition(":")
    stream = socket.create_connection((host or "127.0.0.1", int(port)))
    name = gssapi.Name(service, gssapi.NameType.hostbased_service)
    flags = gssapi.RequirementFlag.mutual_authentication | gssapi.RequirementFlag.confidentiality
    context = gssapi.SecurityContext(name=name, usage="initiate", flags=flags | gssapi.RequirementFlag.integrity)
    token = context.step()
    while token:
        send(stream, token)
        answer = receive(stream)
        token = context.step(answer) if answer else None
    assert context.complete
    print("mutual", bool(context.actual_flags & gssapi.RequirementFlag.mutual_authentication))
    for message, encrypt in ((SECRET, True), (PLAIN, False)):
        send(stream, context.wrap(message, encrypt).message)
        assert context.unwrap(receive(stream)).message == message
    send(stream, context.get_signature(SIGNED))
    context.verify_signature(SIGNED, receive(stream))
    print("session complete")


{"accept": accept, "serve": serve, "initiate": initiate}[sys.argv[1]](*sys.argv[2:])
