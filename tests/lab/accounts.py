"""Makes accounts on DC1's own database, with their keytabs: no LDAP, no second per samba-tool.

  accounts.py first                 alice (logs in) and svc-keyroll (the controller's account)
  accounts.py service NAME [SPN...] an account that svc-keyroll may roll, on one object only
  accounts.py renumber NAME KVNO    its key gets another number, as by an authoritative restore
"""
import os
import secrets
import sys

import ldb
import samba.dckeytab  # noqa: F401  gives Net its export_keytab
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

LAB = os.environ["LAB_DIR"]
BASE = "DC=corp,DC=example"
UNTIL_CHANGED = 0x10000  # DONT_EXPIRE_PASSWORD
NORMAL = 0x200
AES_ONLY = 24
# What the least privileged controller account needs on each account it rolls.
RESET_PASSWORD = "(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;{sid})"
WRITE_SPN = "(OA;;WP;f3a64788-5306-11d1-a9c5-0000f80367c1;;{sid})"


def main():
    loaded = LoadParm()
    loaded.load(f"{LAB}/dc1/smb.conf")
    directory = SamDB(session_info=system_session(), lp=loaded)
    if sys.argv[1] == "first":
        os.makedirs(f"{LAB}/accounts", mode=0o700)
        add(directory, loaded, "alice", [], f"{LAB}/alice")
        add(directory, loaded, "svc-keyroll", [], f"{LAB}/controller")
    elif sys.argv[1] == "renumber":
        name, kvno = sys.argv[2:]
        found = directory.search(BASE, expression=f"(sAMAccountName={name})", attrs=["dn"])
        # Both or neither: a replication in between would leave the number behind for good.
        directory.transaction_start()
        directory.set_attribute_replmetadata_version(str(found[0].dn), "unicodePwd", int(kvno))
        # Replication looks for objects with a new update number, which that has not given it.
        touched = ldb.Message(found[0].dn)
        touched["description"] = ldb.MessageElement(f"kvno {kvno}", ldb.FLAG_MOD_REPLACE, "description")
        directory.modify(touched)
        directory.transaction_commit()
    else:
        name, spns = sys.argv[2], sys.argv[3:]
        add(directory, loaded, name, spns, f"{LAB}/accounts/{name}")
        delegate(directory, name, "svc-keyroll")


def add(directory, loaded, name, spns, path):
    """Leaves `path`.password (0600, no newline) and `path`.keytab."""
    password = "Aa1-" + secrets.token_urlsafe(24)
    entry = {
        "dn": f"CN={name},CN=Users,{BASE}",
        "objectClass": "user",
        "sAMAccountName": name,
        "userAccountControl": str(NORMAL | UNTIL_CHANGED),
        # Absent, the KDC would issue RC4 tickets, which no AES keytab opens.
        "msDS-SupportedEncryptionTypes": str(AES_ONLY),
        "unicodePwd": f'"{password}"'.encode("utf-16-le"),
    }
    if spns:
        entry["servicePrincipalName"] = spns
    directory.add(entry)
    with open(os.open(f"{path}.password", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(password)
    for principal in [name, *spns]:
        Net(None, loaded).export_keytab(keytab=f"{path}.keytab", principal=principal)


def delegate(directory, name, trustee):
    [who] = directory.search(BASE, expression=f"(sAMAccountName={trustee})", attrs=["objectSid"])
    sid = directory.schema_format_value("objectSid", who["objectSid"][0]).decode()
    [target] = directory.search(
        BASE, expression=f"(sAMAccountName={name})", attrs=["nTSecurityDescriptor"]
    )
    descriptor = ndr_unpack(security.descriptor, target["nTSecurityDescriptor"][0])
    domain = security.dom_sid(directory.get_domain_sid())
    for right in (RESET_PASSWORD, WRITE_SPN):
        extra = security.descriptor.from_sddl("D:" + right.format(sid=sid), domain)
        descriptor.dacl_add(extra.dacl.aces[0])
    change = ldb.Message(target.dn)
    change["nTSecurityDescriptor"] = ldb.MessageElement(
        ndr_pack(descriptor), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor"
    )
    directory.modify(change)


if __name__ == "__main__":
    main()
