"""Writes the lab's DNS records into DC1's database, before Samba runs: at once, not one a second.

  records.py hosts NAME=ADDRESS...   an A and a PTR record each, and the zone for the PTRs
  records.py second-dc               DC2 beside DC1 in every SRV and NS record

and while it runs:

  records.py name NAME [TARGET]      an A record, with a PTR record beside those of its address;
                                     or a CNAME; or none any more
  records.py unname ADDRESS          no PTR record at a node's address but that of its own name
"""
import os
import re
import sys

import ldb
from samba.auth import system_session
from samba.dcerpc import dnsp
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.provision import sambadns
from samba.samdb import SamDB

DOMAIN = "corp.example"
ZONES = "CN=MicrosoftDNS,DC=DomainDnsZones,DC=corp,DC=example"
REVERSE = f"DC=0.99.10.in-addr.arpa,{ZONES}"
OWN_NAME = re.compile(r"node\d+\.")


def main():
    loaded = LoadParm()
    loaded.load(f"{os.environ['LAB_DIR']}/dc1/smb.conf")
    directory = SamDB(session_info=system_session(), lp=loaded)
    if sys.argv[1] == "hosts":
        add_hosts(directory, dict(pair.split("=") for pair in sys.argv[2:]))
    elif sys.argv[1] == "name":
        set_name(directory, *sys.argv[2:])
    elif sys.argv[1] == "unname":
        forget_names(directory, sys.argv[2])
    else:
        add_second_dc(directory)


def add_hosts(directory, addresses):
    zone = ldb.Message(ldb.Dn(directory, REVERSE))
    zone["objectClass"] = ["top", "dnsZone"]
    zone["dNSProperty"] = [
        ndr_pack(sambadns.TypeProperty()),
        ndr_pack(sambadns.AllowUpdateProperty()),
    ]
    directory.add(zone)
    sambadns.add_at_record(directory, REVERSE, "DC=@", "dc1", DOMAIN, None, None)
    for name, address in addresses.items():
        # Provisioning has made DC1's own, and the join makes DC2's.
        if not name.startswith("dc"):
            sambadns.add_host_record(
                directory, f"DC={DOMAIN},{ZONES}", f"DC={name}", address, None
            )
        # A second name for one address (web, lb) would be a second PTR: the first name wins.
        if list(addresses.values()).index(address) == list(addresses).index(name):
            add_ptr(directory, address.rsplit(".", 1)[1], f"{name}.{DOMAIN}")


def add_ptr(directory, last_octet, target):
    record = dnsp.DnssrvRpcRecord()
    record.wType = dnsp.DNS_TYPE_PTR
    record.rank = dnsp.DNS_RANK_ZONE
    record.dwSerial = 1
    record.dwTtlSeconds = 900
    record.data = target
    node = ldb.Message(ldb.Dn(directory, f"DC={last_octet},{REVERSE}"))
    node["objectClass"] = ["top", "dnsNode"]
    node["dnsRecord"] = ndr_pack(record)
    directory.add(node)


def set_name(directory, name, target=None):
    zone = f"DC={DOMAIN},{ZONES}"
    node = ldb.Dn(directory, f"DC={name},{zone}")
    if directory.search(ZONES, ldb.SCOPE_SUBTREE, f"(&(objectClass=dnsNode)(name={name}))"):
        directory.delete(node)
    if target is None:
        return
    if not target[0].isdigit():
        add_record(directory, node, dnsp.DNS_TYPE_CNAME, target, ldb.FLAG_MOD_REPLACE)
        return
    add_record(directory, node, dnsp.DNS_TYPE_A, target, ldb.FLAG_MOD_REPLACE)
    back = ldb.Dn(directory, f"DC={target.rsplit('.', 1)[1]},{REVERSE}")
    add_record(directory, back, dnsp.DNS_TYPE_PTR, f"{name}.{DOMAIN}", ldb.FLAG_MOD_ADD)


def forget_names(directory, address):
    """What a node was called by whoever had it before."""
    back = ldb.Dn(directory, f"DC={address.rsplit('.', 1)[1]},{REVERSE}")
    found = directory.search(ZONES, ldb.SCOPE_SUBTREE, f"(distinguishedName={back})", ["dnsRecord"])
    values = [value for node in found for value in node.get("dnsRecord", [])]
    own = [value for value in values if OWN_NAME.match(str(ndr_unpack(dnsp.DnssrvRpcRecord, value).data))]
    if own and len(own) < len(values):
        change = ldb.Message(back)
        change["dnsRecord"] = ldb.MessageElement(own, ldb.FLAG_MOD_REPLACE, "dnsRecord")
        directory.modify(change)


def add_record(directory, node, kind, data, how):
    record = dnsp.DnssrvRpcRecord()
    record.wType = kind
    record.rank = dnsp.DNS_RANK_ZONE
    record.dwSerial = 1
    record.dwTtlSeconds = 900
    record.data = data
    value = ndr_pack(record)
    wanted = f"(distinguishedName={node})"
    there = directory.search(ZONES, ldb.SCOPE_SUBTREE, wanted, ["dnsRecord"])
    if not there:
        made = ldb.Message(node)
        made["objectClass"] = ["top", "dnsNode"]
        made["dnsRecord"] = value
        directory.add(made)
    elif value not in there[0].get("dnsRecord", []):
        change = ldb.Message(node)
        change["dnsRecord"] = ldb.MessageElement([value], how, "dnsRecord")
        directory.modify(change)


def add_second_dc(directory):
    for part in ("DomainDnsZones", "ForestDnsZones"):
        found = directory.search(
            f"DC={part},DC=corp,DC=example", ldb.SCOPE_SUBTREE, "(objectClass=dnsNode)", ["dnsRecord"]
        )
        for node in found:
            values = list(node.get("dnsRecord", []))
            added = []
            for value in values:
                record = ndr_unpack(dnsp.DnssrvRpcRecord, value)
                if record.wType == dnsp.DNS_TYPE_SRV and record.data.nameTarget == f"dc1.{DOMAIN}":
                    added.append(ndr_pack(sambadns.SRVRecord(f"dc2.{DOMAIN}", record.data.wPort)))
                if record.wType == dnsp.DNS_TYPE_NS and record.data == f"dc1.{DOMAIN}":
                    added.append(ndr_pack(sambadns.NSRecord(f"dc2.{DOMAIN}")))
            added = [value for value in added if value not in values]
            if added:
                change = ldb.Message(node.dn)
                change["dnsRecord"] = ldb.MessageElement(added, ldb.FLAG_MOD_ADD, "dnsRecord")
                directory.modify(change)


if __name__ == "__main__":
    main()
