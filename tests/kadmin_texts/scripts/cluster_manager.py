"""Creates principals and keytabs in the manner of Ambari: runs a query, and looks for sentences in what it says."""
import subprocess
import sys

KADMIN, REALM = sys.argv[1:3]


def invoke(query):
    done = subprocess.run([KADMIN, "-r", REALM, "-q", query], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    # A manager of that kind tries again where the code is not 0: an answer must be one.
    assert done.returncode == 0, (query, done)
    return done.stdout, done.stderr


def exists(principal):
    out, err = invoke(f"get_principal {principal}")
    if "Principal does not exist" in err:
        return False
    assert f"Principal: {principal}" in out, out
    return True


def create(principal, attributes=""):
    out, err = invoke(f'add_principal {attributes} -randkey "{principal}"')
    if f'Principal "{principal}" created' in out:
        return True
    assert "Principal or policy already exists while creating" in err, err
    return False


service = f"nn/host1.example@{REALM}"
assert not exists(service)
assert create(service, "-maxlife 1day")
assert not create(service)
assert exists(service)
out, _ = invoke(f'change_password -randkey "{service}"')
assert f'Key for "{service}" randomized.' in out, out
out, _ = invoke(f'xst -k "nn.keytab" {service}')
assert "added to keytab WRFILE:nn.keytab." in out, out
out, _ = invoke(f'xst -k "nn2.keytab" -e aes256-cts:normal,aes128-cts:normal {service}')
assert out.count("Entry for principal") == 2, out
out, _ = invoke(f'delete_principal -force "{service}"')
assert f'Principal "{service}" deleted' in out, out
_, err = invoke(f'delete_principal -force "{service}"')
assert "Principal does not exist" in err, err
print("ok")
