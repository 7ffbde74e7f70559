"""Regular expressions over kadmin's texts: the block of a principal line by line in its order, versions of keys, dates and lengths."""
import datetime
import re
import subprocess
import sys

KADMIN = sys.argv[1]

BLOCK = re.compile(
    r"Principal: (?P<name>\S+)\n"
    r"Expiration date: (?P<expires>.+)\n"
    r"Last password change: (?P<changed>.+)\n"
    r"Password expiration date: (?P<password_expires>.+)\n"
    r"Maximum ticket life: (?P<life>\d+ days? \d\d:\d\d:\d\d)\n"
    r"Maximum renewable life: (?P<renewable>\d+ days? \d\d:\d\d:\d\d)\n"
    r"Last modified: (?P<modified>.+) \((?P<by>.+)\)\n"
    r"Last successful authentication: (?P<success>.+)\n"
    r"Last failed authentication: (?P<failure>.+)\n"
    r"Failed password attempts: (?P<failures>\d+)\n"
    r"Number of keys: (?P<count>\d+)\n"
    r"(?P<keys>(?:Key: vno \d+, \S+\n)*)"
    r"MKey: vno (?P<mkey>\d+)\n"
    r"Attributes:(?P<attributes>[ A-Z_]*)\n"
    r"Policy: (?P<policy>.+)\n",
    re.MULTILINE,
)


def query(line):
    done = subprocess.run([KADMIN, "-q", line], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done
    return done.stdout


assert re.search(r"(created|added)", query("addprinc -pw S3cret -expire '2030-01-01' web/regex".replace("'", '"')))
query("cpw -randkey -keepold web/regex")
found = BLOCK.search(query("getprinc web/regex"))
assert found, "the block is another one"
assert datetime.datetime.strptime(found["changed"], "%a %b %d %H:%M:%S %Z %Y")
assert datetime.datetime.strptime(found["expires"], "%a %b %d %H:%M:%S %Z %Y").year == 2030
assert (found["life"], found["renewable"], found["policy"]) == ("0 days 10:00:00", "7 days 00:00:00", "[none]")
versions = [int(number) for number in re.findall(r"vno (\d+),", found["keys"])]
assert max(versions) == 2 and len(versions) == int(found["count"]) == 8, versions
fields = query("getprinc -terse web/regex").splitlines()[1].split("\t")
assert fields[0].startswith('"web/regex@') and int(fields[2]) > 1_700_000_000 and fields[8] == "2", fields
entry = re.compile(r"^Entry for principal (\S+) with kvno (\d+), encryption type (\S+) added to keytab (\S+)\.$", re.MULTILINE)
assert len(entry.findall(query("ktadd -k regex.keytab web/regex"))) == 4
query("delprinc -force web/regex")
print("ok")
