"""Resets ACCOUNT's password TIMES times on DC1's own database: 270 of them take seconds."""
import os
import secrets
import sys

from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

account, times = sys.argv[1], int(sys.argv[2])
loaded = LoadParm()
loaded.load(f"{os.environ['LAB_DIR']}/dc1/smb.conf")
directory = SamDB(
    url=f"{os.environ['LAB_DIR']}/dc1/private/sam.ldb", session_info=system_session(), lp=loaded
)
for _ in range(times):
    directory.setpassword(f"(sAMAccountName={account})", "Aa1-" + secrets.token_urlsafe(24))
