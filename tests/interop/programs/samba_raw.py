"""Runs Samba's raw Kerberos tests (Debian's python3-samba) against a KDC without a directory.

    samba_raw.py run REALM PORT KRBTGT_KEYTAB [--realm-salt] [-v] [TEST ...]
    samba_raw.py kadmin
    samba_raw.py record FILE REALM PORT KRBTGT_KEYTAB [TEST ...]

`run` asks the KDC on 127.0.0.1 and prints a line `TEST <tab> OUTCOME` for each test: `pass`, `fail`, or `needs ...`. Messages of
failed tests go to standard error. `kadmin` prints the accounts as commands of kadmin.local. `record` writes the accounts that the
tests ask for, in the format of samba_seed.toml; a new version of Samba needs it, twice, since tests that fail early ask for less.

Samba creates the accounts of its tests by LDAP. Here each combination of options has a fixed name, and samba_seed.toml holds the
account. Nothing here has a PAC: tests that change or read one need it; the others run without that check.
"""

import hashlib
import importlib
import os
import random
import struct
import sys
import tomllib
import unittest

SEED = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'samba_seed.toml')

MODULES = ['simple_tests', 'kdc_tests', 'as_req_tests', 'salt_tests', 'compatability_tests', 'protected_users_tests', 'fast_tests',
           'kdc_tgs_tests', 'spn_tests', 'etype_tests']

# Every combination of a service's enctypes with a request's, 2520 in all: what Active Directory makes of attributes that only it has.
LEFT_OUT = ('etype_tests.EtypeTests.test_etype_as_', 'etype_tests.EtypeTests.test_etype_tgs_')

# What raw_testcase.py reads.
SETTINGS = {'SERVER': '127.0.0.1', 'DC_SERVER': '127.0.0.1', 'DOMAIN': 'SAMBA', 'STRICT_CHECKING': '0', 'EXPECT_PAC': '0',
            'TKT_SIG_SUPPORT': '0', 'FULL_SIG_SUPPORT': '0', 'FAST_SUPPORT': '1', 'CLAIMS_SUPPORT': '0', 'COMPOUND_ID_SUPPORT': '0',
            'EXPECT_EXTRA_PAC_BUFFERS': '0', 'DEFAULT_ETYPES': '28'}

# The name of the domain controller's account, without `$`.
DC = 'dc'
DOMAIN_SID = 'S-1-5-21-1-2-3'


# The options of an account that a KDC alone knows of.
TELLING = ('add_dollar', 'expired_password', 'force_nt4_hash', 'id', 'member_of', 'name_prefix', 'name_suffix', 'not_delegated', 'spn',
           'supported_enctypes', 'upn')


class Needs(unittest.SkipTest):
    """A test needs something that a KDC alone does not have."""


# --- accounts


def password(name):
    return 'p-' + hashlib.sha256(name.encode()).hexdigest()[:16]


class Accounts:
    """The accounts of the seed, by name."""

    def __init__(self, path, recording):
        self.path, self.recording, self.new = path, recording, False
        self.entries = {}
        if os.path.exists(path):
            with open(path, 'rb') as file:
                seed = tomllib.load(file)
            self.entries = {entry['name']: entry for entry in seed.get('principal', []) if 'password' in entry}

    def entry(self, name, make):
        """Returns an entry of the seed; creates it only while recording."""
        text = escaped(name)
        if text not in self.entries:
            if not self.recording:
                raise AssertionError(f'{name} is not in {self.path}: record it')
            self.entries[text] = {'name': text, 'password': password(name), **make()}
            self.new = True
        return self.entries[text]

    def write(self):
        lines = ['# The accounts of Samba\'s raw Kerberos tests; samba_raw.py writes this file.', '', '[realm]',
                 'enctypes = ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96", "arcfour-hmac"]',
                 'allow_postdate = true',
                 '# Longer than the TGTs of 110 hours that tests forge: validation cuts a ticket to what the realm permits.',
                 'max_life = "5d"', '',
                 '# For the self test of kennel-kdc dev.', '[[principal]]', "name = 'HTTP/self.test'"]
        for name in sorted(self.entries):
            lines += ['', '[[principal]]']
            for key, value in self.entries[name].items():
                lines.append(f'{key} = {toml(key, value)}')
        with open(self.path, 'w') as file:
            file.write('\n'.join(lines) + '\n')


def toml(key, value):
    if key == 'password_expires':
        return str(value)
    if isinstance(value, list):
        return '[' + ', '.join(toml(None, item) for item in value) + ']'
    return "'" + value + "'"


def escaped(name):
    """Returns a name of one component, or one with slashes, as principals are written."""
    return name.replace('\\', '\\\\').replace('@', '\\@')


ENCTYPES = {18: 'aes256-cts-hmac-sha1-96', 17: 'aes128-cts-hmac-sha1-96', 23: 'arcfour-hmac'}
ETYPE_INFO2 = 19
# Their bits in msDS-SupportedEncryptionTypes.
BITS = ((18, 16), (17, 8), (23, 4))


def kadmin_commands(accounts):
    """Yields a command of kadmin.local for each name of each account. An MIT KDC has no aliases in its own store: each name is a
    principal, and the realm as salt gives all names of an account the same keys."""
    for entry in accounts.entries.values():
        names = [entry['name'], *entry.get('aliases', [])]
        salt = 'onlyrealm' if len(names) > 1 else 'normal'
        enctypes = entry.get('enctypes', list(ENCTYPES.values()))
        keys = ','.join(f'{enctype}:{salt}' for enctype in enctypes)
        options = ['+requires_preauth']
        options += [f'-{flag.replace("disallow_", "allow_")}' for flag in entry.get('attributes', [])]
        if 'password_expires' in entry:
            options.append('-pwexpire "2020-01-01 00:00:00"')
        if 'max_life' in entry:
            options.append(f'-maxlife {entry["max_life"]}')
        for name in names:
            yield f'addprinc -e {keys} {" ".join(options)} -pw {entry["password"]} "{name}"'
            if 'session_enctypes' in entry:
                yield f'setstr "{name}" session_enctypes {",".join(entry["session_enctypes"])}'


class Directory:
    """What the tests ask the directory of a domain controller, as far as names go."""

    def __init__(self, realm):
        self.realm = realm

    def domain_dns_name(self):
        return self.realm.lower()

    def domain_netbios_name(self):
        return SETTINGS['DOMAIN']

    def host_dns_name(self):
        return f'{DC}.{self.realm.lower()}'

    def get_domain_sid(self):
        return DOMAIN_SID

    def __getattr__(self, name):
        raise Needs('a directory')


class Loadparm:
    """smb.conf, whose default for service keys is RC4 and an AES session key."""

    def get(self, name):
        return 0


# --- the tests, made to use them


def keytab_keys(path):
    """Returns {enctype: (kvno, key)} of a keytab of one principal; the newest version."""
    with open(path, 'rb') as file:
        data = file.read()
    keys, offset = {}, 2
    while offset < len(data):
        (size,) = struct.unpack_from('>i', data, offset)
        offset += 4
        if size > 0:
            record, at = data[offset:offset + size], 2
            (components,) = struct.unpack_from('>H', record, 0)
            for _ in range(components + 1):
                at += 2 + struct.unpack_from('>H', record, at)[0]
            at += 8
            kvno = record[at]
            enctype, length = struct.unpack_from('>HH', record, at + 1)
            key = record[at + 5:at + 5 + length]
            if len(record) >= at + 9 + length:
                kvno = struct.unpack_from('>I', record, at + 5 + length)[0] or kvno
            if kvno >= keys.get(enctype, (0, b''))[0]:
                keys[enctype] = (kvno, key)
        offset += abs(size)
    return keys


def adapt(accounts, realm, port, krbtgt, realm_salt):
    """Replaces the methods by which Samba's tests make accounts, and their checks of PACs."""
    import samba
    import samba.tests.krb5.kcrypto as kcrypto
    from samba.dcerpc import security
    from samba.dcerpc.misc import SEC_CHAN_NULL
    from samba.tests.krb5 import kdc_base_test, protected_users_tests, raw_testcase

    draw = random.Random()

    def octets(count):
        return draw.randbytes(count)

    samba.generate_random_bytes = octets
    kcrypto.get_random_bytes = octets

    Raw, Base = raw_testcase.RawKerberosTest, kdc_base_test.KDCBaseTest
    Types = Base.AccountType
    directory = Directory(realm)

    # One seed for each test, whatever ran before.
    raw_set_up = Raw.setUp

    def set_up(self):
        draw.seed(self.id())
        random.seed(self.id())
        type(self).names = 0
        raw_set_up(self)

    Raw.setUp = set_up

    def connect(self, host, port_=None):
        raw_connect(self, host, port)

    raw_connect = Raw._connect_tcp
    Raw._connect_tcp = connect

    # Salts. The keys of machines count as random at Kennel (samba.rs says why), which names no salt for such keys.

    salts, machines, client = {}, set(), ['']
    make_body, decode = Raw.KDC_REQ_BODY_create, Raw.der_decode
    check_reply, check_inner = Raw.check_reply_padata, Raw.check_rep_padata

    def make_request_body(self, kdc_options, cname, *rest, **more):
        if cname is not None:
            name = '/'.join(cname['name-string'])
            enterprise = name.lower().endswith('@' + realm.lower())
            client[0] = name[:-len(realm) - 1] if enterprise else name
        return make_body(self, kdc_options, cname, *rest, **more)

    def der_decode(self, blob, asn1Spec=None, **more):
        value = decode(self, blob, asn1Spec=asn1Spec, **more)
        if type(asn1Spec).__name__ == 'ETYPE_INFO2':
            for entry in value:
                # RFC 4120, 5.2.7.5: an absent salt is the default one. The tests want it said.
                if entry['etype'] in (17, 18):
                    entry.setdefault('salt', salts.get(client[0], b''))
        return value

    def check_reply_padata(self, exchange, callback, encpart, padata):
        if padata or client[0] not in machines:
            check_reply(self, exchange, callback, encpart, padata)

    def check_rep_padata(self, exchange, callback, padata, error_code):
        if client[0] in machines and error_code == 0 and not any(one['padata-type'] == ETYPE_INFO2 for one in padata):
            exchange['strict_edata_checking'] = False
        return check_inner(self, exchange, callback, padata, error_code)

    Raw.KDC_REQ_BODY_create = make_request_body
    Raw.der_decode = der_decode
    Raw.check_reply_padata = check_reply_padata
    Raw.check_rep_padata = check_rep_padata

    # Accounts

    def credentials(name, bits=None, account_type=Types.USER, spn=None, upn=None, opts=None):
        aliases = [alias for alias in ([spn] if isinstance(spn, str) else spn or ()) if alias]
        if upn and '/' in upn:
            aliases.append(upn.split('@')[0])
        aliases = sorted(set(aliases) - {name})
        entry = accounts.entry(name, lambda: seed_entry(aliases, bits, account_type, opts or {}))
        creds = raw_testcase.KerberosCredentials()
        creds.set_realm(realm)
        creds.set_domain(SETTINGS['DOMAIN'])
        creds.set_password(entry['password'])
        creds.set_username(name)
        creds.set_workstation('')
        creds.set_secure_channel_type(SEC_CHAN_NULL)
        creds.set_dn(f'CN={name}')
        creds.set_upn(upn)
        creds.set_spn(spn)
        creds.set_kvno(1)
        salt = realm if realm_salt and entry.get('aliases') else realm + name.replace('/', '')
        creds.set_forced_salt(salt.encode())
        salts.update(dict.fromkeys([name, *aliases], salt.encode()))
        if entry.get('aliases') and not realm_salt:
            machines.update([name, *aliases])
        bits = 28 if bits is None else bits
        creds.set_as_supported_enctypes(bits)
        creds.set_tgs_supported_enctypes(bits)
        creds.set_ap_supported_enctypes(bits)
        return creds

    def seed_entry(aliases, bits, account_type, opts):
        entry = {'aliases': [escaped(alias) for alias in aliases]} if aliases else {}
        if opts.get('force_nt4_hash'):
            entry['enctypes'] = [ENCTYPES[23]]
        elif opts.get('member_of'):
            # Protected Users, as an administrator would say it of a principal.
            entry['enctypes'] = [ENCTYPES[18], ENCTYPES[17]]
            entry['attributes'] = ['disallow_forwardable', 'disallow_proxiable']
            entry['max_life'] = '4h'
        elif bits is not None and bits & 28 and account_type is not Types.SERVER:
            entry['enctypes'] = [ENCTYPES[etype] for etype, bit in BITS if bits & bit]
            sessions = bits | 24 if bits & security.KERB_ENCTYPE_AES256_CTS_HMAC_SHA1_96_SK else bits
            entry['session_enctypes'] = [ENCTYPES[etype] for etype, bit in BITS if sessions & bit]
        if opts.get('not_delegated'):
            entry['attributes'] = ['disallow_forwardable', 'disallow_proxiable']
        if opts.get('expired_password'):
            entry['password_expires'] = '2020-01-01T00:00:00Z'
        return entry

    def get_cached_creds(self, *, account_type, opts=None, use_cache=True):
        add_dollar = (opts or {}).get('add_dollar', True)
        opts = {key: value for key, value in (opts or {}).items() if value or key == 'add_dollar'}
        if not isinstance(opts.get('spn', ''), str):
            opts['spn'] = tuple(opts['spn'])
        if opts.keys() & {'delegation_to_spn', 'delegation_from_dn'}:
            raise Needs('S4U')
        # The rest says nothing to this KDC: which domain controllers may know the account, and what they put into a PAC.
        told = {key: opts[key] for key in TELLING if key in opts}
        word = {Types.USER: 'user', Types.COMPUTER: 'computer', Types.SERVER: 'server'}[account_type]
        tag = '' if not told else '_' + hashlib.sha256(repr(told).encode()).hexdigest()[:8]
        name = (opts.get('name_prefix') or '') + word + tag + (opts.get('name_suffix') or '')
        return create_account(self, directory, name, account_type, opts.get('spn'), opts.get('upn'), opts, add_dollar)[0]

    def create_account(self, samdb, name, account_type=Types.USER, spn=None, upn=None, opts=None, add_dollar=True, **_):
        opts = opts or {}
        account = name + ('$' if account_type is not Types.USER and add_dollar else '')
        if spn is None and account_type is not Types.USER:
            spn = 'host/' + name
        spn = spn.format(account=account) if isinstance(spn, str) else spn and [one.format(account=account) for one in spn]
        upn = upn.format(account=account) if upn else None
        creds = credentials(account, opts.get('supported_enctypes'), account_type, spn, upn, opts)
        return creds, creds.get_dn()

    def plain(account_type, **opts):
        return lambda self, **_: get_cached_creds(self, account_type=account_type, opts=opts)

    def get_new_username(self):
        type(self).names += 1
        return f'new{type(self).names}'

    def get_krbtgt_creds(self, **_):
        creds = raw_testcase.KerberosCredentials()
        creds.set_realm(realm)
        creds.set_domain(SETTINGS['DOMAIN'])
        creds.set_username('krbtgt')
        creds.set_kvno(max(kvno for kvno, _ in krbtgt.values()))
        creds.set_dn('CN=krbtgt')
        for enctype, (_, key) in krbtgt.items():
            if enctype in ENCTYPES:
                creds.set_forced_key(enctype, key.hex())
        if 23 not in creds.forced_keys:
            # The checks of PACs ask for it, and use it for nothing where there is no PAC.
            creds.set_forced_key(23, bytes(16).hex())
        return creds

    def needs(what):
        def method(self, *_, **__):
            raise Needs(what)
        return method

    def dc_creds(self, **_):
        hosts = [f'{service}/{directory.host_dns_name()}' for service in ('host', 'ldap')]
        return credentials(DC + '$', None, Types.SERVER, [f'host/{DC}', *hosts])

    machine = plain(Types.COMPUTER)

    def simple_service(self, **_):
        creds = machine(self)
        creds.set_username(creds.get_username()[:-1])
        return creds

    Raw.get_user_creds = Raw.get_client_creds = plain(Types.USER)
    Raw.get_service_creds = simple_service
    Raw.get_krbtgt_creds = Base.get_krbtgt_creds = get_krbtgt_creds
    Base.get_client_creds = plain(Types.USER)
    Base.get_mach_creds = machine
    Base.get_service_creds = plain(Types.COMPUTER, id='service')
    Base.get_dc_creds = Base.get_server_creds = dc_creds
    Base.get_cached_creds = get_cached_creds
    Base.create_account = create_account
    Base.get_new_username = get_new_username
    Base.get_samdb = lambda self: directory
    Base.get_lp = lambda self: Loadparm()
    Base.get_default_enctypes = lambda self: {kcrypto.Enctype.RC4, kcrypto.Enctype.AES256, kcrypto.Enctype.AES128}
    Base.get_rodc_samdb = Base.get_mock_rodc_ctx = needs('an RODC')
    Base.get_rodc_krbtgt_creds = Base.get_mock_rodc_krbtgt_creds = Raw.get_rodc_krbtgt_creds = needs('an RODC')
    Raw.get_admin_creds = Base.get_admin_creds = needs('a directory')
    Base.create_group = needs('a directory')
    Base.get_objectSid = lambda self, samdb, dn: f'{DOMAIN_SID}-{1000 + sum(str(dn).encode())}'
    protected_users_tests.ProtectedUsersTests._connect = needs('LDAP')
    protected_users_tests.ProtectedUsersTests._test_samr_change_password = needs('RPC')
    protected_users_tests.ProtectedUsersTests._test_samlogon = needs('RPC')

    # PACs

    private, get_pac, verify, modified = Raw.generic_check_kdc_private, Raw.get_ticket_pac, Raw.verify_ticket, Raw.modified_ticket

    def generic_check_kdc_private(self, exchange, *rest):
        exchange['expect_pac'] = None
        private(self, exchange, *rest)

    def get_ticket_pac(self, ticket, expect_pac=True):
        found = get_pac(self, ticket, expect_pac=None)
        return b'none' if found is None and expect_pac else found

    def verify_ticket(self, ticket, keys, service_ticket, expect_pac=True, **rest):
        verify(self, ticket, keys, service_ticket, expect_pac=None, **rest)

    def modified_ticket(self, ticket, *, modify_fn=None, modify_pac_fn=None, include_checksums=None, **rest):
        if modify_pac_fn is not None or include_checksums:
            raise Needs('a PAC')

        def modify(part):
            part.setdefault('authorization-data', [])
            part = modify_fn(part) if modify_fn else part
            if not part['authorization-data']:
                del part['authorization-data']
            return part

        return modified(self, ticket, modify_fn=modify, **rest)

    Raw.generic_check_kdc_private = generic_check_kdc_private
    Raw.get_ticket_pac = get_ticket_pac
    Raw.verify_ticket = verify_ticket
    Raw.modified_ticket = modified_ticket
    Base.get_pac_data = needs('a PAC')


# --- running


class Outcomes(unittest.TestResult):
    """Prints the outcome of each test as it ends."""

    def __init__(self, verbose):
        super().__init__()
        self.verbose = verbose

    def say(self, test, outcome):
        print(f'{short(test)}\t{outcome}', flush=True)

    def addSuccess(self, test):
        self.say(test, 'pass')

    def addSkip(self, test, reason):
        self.say(test, f'needs {reason}')

    def addFailure(self, test, error):
        self.failed(test, error)

    def addError(self, test, error):
        if isinstance(error[1], KeyError) and error[1].args == ('authorization-data',):
            self.say(test, 'needs a PAC')
        elif isinstance(error[1], TypeError) and error[1].args[0] in ('Expected Ldb', 'Expected DN'):
            self.say(test, 'needs a directory')
        else:
            self.failed(test, error)

    def failed(self, test, error):
        self.say(test, 'fail')
        text = self._exc_info_to_string(error, test) if self.verbose else str(error[1])[:1000]
        print(f'--- {short(test)}\n{text}', file=sys.stderr, flush=True)


def short(test):
    return test.id().removeprefix('samba.tests.krb5.')


def tests(wanted):
    loader = unittest.TestLoader()
    for module in MODULES:
        suite = loader.loadTestsFromModule(importlib.import_module(f'samba.tests.krb5.{module}'))
        for case in flat(suite):
            # Modules import base classes that have tests of their own.
            ours = case.__class__.__module__.endswith(module) and not short(case).startswith(LEFT_OUT)
            if ours and (not wanted or any(word in short(case) for word in wanted)):
                yield case


def flat(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flat(item)
        else:
            yield item


def main(arguments):
    if arguments[:1] == ['kadmin']:
        print('\n'.join(kadmin_commands(Accounts(SEED, False))))
        return
    verb, arguments = arguments[0], arguments[1:]
    path = arguments.pop(0) if verb == 'record' else SEED
    flags = [word for word in arguments if word.startswith('-')]
    realm, port, keytab, *wanted = [word for word in arguments if not word.startswith('-')]
    os.environ.update(SETTINGS, REALM=realm)
    accounts = Accounts(path, verb == 'record')
    adapt(accounts, realm, int(port), keytab_keys(keytab), '--realm-salt' in flags)
    outcomes = Outcomes('-v' in flags)
    unittest.TestSuite(tests(wanted)).run(outcomes)
    if accounts.recording:
        accounts.write()


main(sys.argv[1:])
