"""samba-tool that can provision in a user namespace: `python3 samba-tool.py domain provision ...`.

The lab serves no files, and with a single mapped uid the ACLs of a sysvol share cannot be set, so
that step is skipped; everything else is samba-tool's own code.
"""
import sys

import samba.provision
from samba.netcmd.main import cmd_sambatool

samba.provision.setsysvolacl = lambda *_, **__: None
sys.exit(cmd_sambatool()._run("samba-tool", *sys.argv[1:]))
