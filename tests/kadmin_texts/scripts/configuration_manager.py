"""Reads kadmin in the manner of Salt: the first line of the output is dropped, each other one is a name and a value, and anything on
standard error but a warning is a failure."""
import subprocess
import sys

KADMIN = sys.argv[1]


def query(line):
    done = subprocess.run([KADMIN, "-q", line], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0 or (done.stderr and not done.stderr.startswith("WARNING:")):
        raise RuntimeError(done.stderr or done.stdout)
    return done.stdout.splitlines()[1:]


def table(lines):
    found = {}
    for line in lines:
        name, value = line.split(":", 1)
        found.setdefault(name, value.strip())
    return found


# -clearpolicy: otherwise a remark about policies is on standard error.
query("add_principal -clearpolicy -randkey HTTP/salted")
principal = table(query("get_principal HTTP/salted"))
assert principal["Expiration date"] == "[never]", principal
assert principal["Policy"] == "[none]", principal
assert int(principal["Number of keys"]) == 4, principal
assert any(name.startswith("HTTP/salted@") for name in query("list_principals"))
query("add_policy -minlength 6 salted")
assert "salted" in query("list_policies")
assert table(query("get_policy salted"))["Minimum password length"] == "6"
assert "INQUIRE" in table(query("get_privs"))["current privileges"]
query("ktadd -k salted.keytab HTTP/salted")
try:
    query("get_principal HTTP/nobody")
    raise SystemExit("a principal that does not exist was found")
except RuntimeError as error:
    assert "Principal does not exist" in str(error), error
query("delete_principal -force HTTP/salted")
query("delete_policy -force salted")
print("ok")
