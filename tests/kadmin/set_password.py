"""Sets the password of a principal as MIT's libkrb5 does (krb5_set_password): set_password.py CLIENT TARGET. On standard input are the
client's password and the new one. Prints the result of the server and its words."""
import ctypes
import sys


class Data(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_int32), ("length", ctypes.c_uint), ("data", ctypes.c_void_p)]

    def octets(self):
        return ctypes.string_at(self.data, self.length) if self.data else b""


KRB5 = ctypes.CDLL("libkrb5.so.3")
KRB5.krb5_get_error_message.restype = ctypes.c_char_p
CONTEXT = ctypes.c_void_p()


def check(code, what):
    if code:
        sys.exit(f"{what}: {KRB5.krb5_get_error_message(CONTEXT, code).decode()}")


def principal(name):
    parsed = ctypes.c_void_p()
    check(KRB5.krb5_parse_name(CONTEXT, name.encode(), ctypes.byref(parsed)), name)
    return parsed


check(KRB5.krb5_init_context(ctypes.byref(CONTEXT)), "krb5.conf")
password, new_password = (sys.stdin.readline().rstrip("\n").encode() for _ in range(2))
# Larger than krb5_creds on every machine.
credentials = ctypes.create_string_buffer(1024)
check(
    KRB5.krb5_get_init_creds_password(
        CONTEXT, credentials, principal(sys.argv[1]), password, None, None, 0, b"kadmin/changepw", None
    ),
    "login",
)
result, code_words, words = ctypes.c_int(), Data(), Data()
check(
    KRB5.krb5_set_password(
        CONTEXT,
        credentials,
        new_password,
        principal(sys.argv[2]),
        ctypes.byref(result),
        ctypes.byref(code_words),
        ctypes.byref(words),
    ),
    "set password",
)
print(result.value, words.octets().decode())
