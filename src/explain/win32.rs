//! Win32, NT and SSPI codes (MS-ERREF 2.1 to 2.3), as they stand in texts and logs.

table! { Windows:
    0x00000005 "ERROR_ACCESS_DENIED"
        "The right is missing.";
        "The controller's account lacks a right on the array's account.";
        "keyroll array create --print-acl --account NAME"
    0x0000001f "ERROR_GEN_FAILURE"
        "The domain controller could not do it.";
        "Often a password that the domain refuses in a way that it does not name.";
        "look at the domain controller's log"
    0x00000035 "ERROR_BAD_NETPATH"
        "The network path was not found.";
        "A name without an address, or a closed port 445.";
        "getent hosts NAME"
    0x00000056 "ERROR_INVALID_PASSWORD"
        "The old password is not the one in force.";
        "Somebody else set it in between; keyroll stops and looks.";
        "keyroll doctor ARRAY (key-tickets)"
    0x00000241 "ERROR_INVALID_IMAGE_HASH"
        "A signature cannot be verified.";
        "An unsigned module in LSASS.";
        "the event of Code Integrity that names the module"
    0x0000052d "ERROR_PASSWORD_RESTRICTION"
        "The password policy refuses it: too young, used before, too short, too simple.";
        "The minimum age of a day, where the controller may only change and not reset.";
        "grant Reset Password: keyroll array create --print-acl --account NAME"
    0x0000052e "ERROR_LOGON_FAILURE"
        "The name or the password is wrong.";
        "As data 52e of a refused bind.";
        "check the password file of directory.bind"
    0x00000547 "ERROR_CANT_ACCESS_DOMAIN_INFO"
        "The domain could not be reached.";
        "A computer that has lost its domain.";
        "Test-ComputerSecureChannel"
    0x0000054b "ERROR_NO_SUCH_DOMAIN"
        "The domain does not exist or cannot be reached.";
        "No SRV records from this machine.";
        "dig SRV _ldap._tcp.dc._msdcs.DOMAIN"
    0x00000574 "ERROR_WRONG_TARGET_NAME"
        "The target account name is incorrect: KRB_AP_ERR_MODIFIED.";
        "The service opens tickets with another account's key than the SPN's owner has; between \
         domain controllers: one of them has an old machine password.";
        "keyroll explain KRB_AP_ERR_MODIFIED; keyroll doctor ARRAY"
    0x000006ba "RPC_S_SERVER_UNAVAILABLE"
        "The RPC server cannot be reached.";
        "Closed ports between domain controllers: replication stands still.";
        "repadmin /replsummary"
    0x00000775 "ERROR_ACCOUNT_LOCKED_OUT"
        "The account is locked out.";
        "Somebody guesses.";
        "keyroll doctor ARRAY (account-lockout)"
    0x0000200d "ERROR_DS_ATTRIBUTE_OR_VALUE_EXISTS"
        "The value is there already.";
        "The SPN was added before: nothing to do.";
        "setspn -L ACCOUNT"
    0x00002028 "ERROR_DS_STRONG_AUTH_REQUIRED"
        "The bind must be signed, or the connection encrypted.";
        "LDAP signing is required, and the client's settings say neither TLS nor sealing.";
        "check directory.transport; directory.bind with a keytab seals by itself"
    0x0000202b "ERROR_DS_REFERRAL"
        "Another server has it.";
        "The name lies in another domain of the forest.";
        "name a domain controller of that domain"
    0x0000202f "ERROR_DS_CONSTRAINT_VIOLATION"
        "A value would break a rule, or conflict with another object.";
        "An SPN that another account has already (Samba).";
        "setspn -Q SPN"
    0x00002030 "ERROR_DS_NO_SUCH_OBJECT"
        "There is no such object.";
        "Deleted, moved, or not yet replicated to that domain controller.";
        "keyroll doctor ARRAY (account-found, dc-ldap)"
    0x00002035 "ERROR_DS_UNWILLING_TO_PERFORM"
        "The domain controller will not do it.";
        "unicodePwd without encryption; a write to an RODC; an attribute that only the system \
         writes.";
        "check directory.transport; write to a writable domain controller"
    0x00002071 "ERROR_DS_OBJ_STRING_NAME_EXISTS"
        "An object of that name exists.";
        "An account from before.";
        "keyroll array adopt"
    0x00002077 "ERROR_DS_ILLEGAL_MOD_OPERATION"
        "The attribute may not be changed like this.";
        "Replacing where only adding and deleting is allowed.";
        "keyroll change show NUMBER, if keyroll did it"
    0x00002081 "ERROR_DS_SINGLE_VALUE_CONSTRAINT"
        "The attribute holds one value, and would get another.";
        "A value was added where the old one should have been replaced.";
        "keyroll change show NUMBER, if keyroll did it"
    0x00002083 "ERROR_DS_ATT_VAL_ALREADY_EXISTS"
        "The value is there already.";
        "The SPN was added before: nothing to do.";
        "setspn -L ACCOUNT"
    0x00002098 "ERROR_DS_INSUFF_ACCESS_RIGHTS"
        "The right is missing.";
        "The controller's account lacks a right on that object.";
        "keyroll array create --print-acl --account NAME"
    0x000020b5 "ERROR_DS_NAME_REFERENCE_INVALID"
        "A name in it refers to nothing.";
        "A distinguished name that was moved.";
        "keyroll doctor ARRAY (account-found)"
    0x000020f7 "ERROR_DS_DRA_BAD_DN"
        "Replication met a bad name.";
        "An object that is renamed and moved at once.";
        "repadmin /showrepl"
    0x000020fa "ERROR_DS_DRA_INTERNAL_ERROR"
        "Replication failed inside.";
        "A damaged database.";
        "repadmin /showrepl"
    0x00002105 "ERROR_DS_DRA_ACCESS_DENIED"
        "Replication was refused.";
        "One domain controller's clock, machine password or SPN is not what the other expects.";
        "repadmin /showrepl, or samba-tool drs showrepl; keyroll doctor ARRAY (clock-dc)"
    0x0000217b "ERROR_DS_NAME_NOT_UNIQUE"
        "More than one object has that name.";
        "The name or SPN is another account's, too.";
        "setspn -Q SPN"
    0x0000219e "ERROR_DS_INSUFFICIENT_ATTR_TO_CREATE_OBJECT"
        "Replication met an object that this domain controller has deleted for good.";
        "A domain controller that was away for longer than a tombstone lives, or came from an old \
         backup.";
        "repadmin /removelingeringobjects; keyroll doctor ARRAY (replication-account)"
    0x000021c7 "ERROR_DS_SPN_VALUE_NOT_UNIQUE_IN_FOREST"
        "Another account in the forest has the SPN.";
        "The node's computer account or the old service account has it still.";
        "setspn -Q SPN, then setspn -D SPN OTHER"
    0x000021c8 "ERROR_DS_UPN_VALUE_NOT_UNIQUE_IN_FOREST"
        "Another account in the forest has the UPN.";
        "A UPN such as HTTP/name from ktpass on another account.";
        "Get-ADObject -Filter 'userPrincipalName -eq \"UPN\"'"
    0x8009_0303 "SEC_E_TARGET_UNKNOWN"
        "The service's name is not known.";
        "No SPN for what was typed; NTLM follows.";
        "setspn -Q HTTP/NAME"
    0x8009_0308 "SEC_E_INVALID_TOKEN"
        "The token cannot be read.";
        "NTLM where Kerberos is expected; a header cut by a proxy.";
        "header limits of the balancer"
    0x8009_030c "SEC_E_LOGON_DENIED"
        "The login failed: a web server answers 401, IIS 401.1.";
        "A wrong password or key: the pool opens tickets with another account's key than the SPN's \
         owner has, or a node's key is old; after it clients often try NTLM.";
        "keyroll doctor ARRAY (service-login)"
    0x8009_030d "SEC_E_UNKNOWN_CREDENTIALS"
        "The credentials are not known to the package.";
        "No ticket cache and no password: a service without a profile.";
        "klist"
    0x8009_030e "SEC_E_NO_CREDENTIALS"
        "There are no credentials.";
        "The client is not logged in to a domain, or the browser may not send tickets to that \
         name.";
        "klist; the browser's list of allowed names (AuthServerAllowlist, intranet zone)"
    0x8009_0311 "SEC_E_NO_AUTHENTICATING_AUTHORITY"
        "No domain controller could be asked.";
        "Ports 88 and 53 from the client, or an SRV record.";
        "nltest /dsgetdc:DOMAIN"
    0x8009_0322 "SEC_E_WRONG_PRINCIPAL"
        "The target principal name is incorrect: KRB_AP_ERR_MODIFIED, seen by the client.";
        "The node opens tickets with another account's key than the SPN's owner has. Behind a \
         balancer: the pool runs as its own identity, or a node's key is old.";
        "keyroll explain KRB_AP_ERR_MODIFIED"
    0x8009_0324 "SEC_E_TIME_SKEW"
        "The clocks differ too much.";
        "As KRB_AP_ERR_SKEW.";
        "keyroll doctor ARRAY (clock-node, clock-dc)"
    0x8009_0346 "SEC_E_BAD_BINDINGS"
        "The channel bindings do not fit: the TLS connection ends elsewhere.";
        "A balancer that ends TLS between client and service, with extended protection or LDAP \
         channel binding required.";
        "pass TLS through, or extended protection off for that site"
    0xc000_0022 "STATUS_ACCESS_DENIED"
        "The right is missing.";
        "A right of the process or of the account.";
        "whoami /all as the process; the event that names the object"
    0xc000_0064 "STATUS_NO_SUCH_USER"
        "There is no such account.";
        "A mistyped name.";
        "Get-ADUser NAME, or samba-tool user show NAME"
    0xc000_006a "STATUS_WRONG_PASSWORD"
        "The password is wrong.";
        "An old password in a task or on one node.";
        "keyroll doctor ARRAY (account-lockout)"
    0xc000_006d "STATUS_LOGON_FAILURE"
        "The login failed.";
        "The loop-back check: a node calls the balancer's name and reaches itself.";
        "BackConnectionHostNames on the node"
    0xc000_0133 "STATUS_TIME_DIFFERENCE_AT_DC"
        "The clock differs from the domain controller's.";
        "As KRB_AP_ERR_SKEW.";
        "keyroll doctor ARRAY (clock-dc)"
    0xc000_018b "STATUS_NO_TRUST_SAM_ACCOUNT"
        "The domain has no account of this computer.";
        "A node restored from a snapshot has an old machine password.";
        "Test-ComputerSecureChannel -Repair"
    0xc000_018d "STATUS_TRUSTED_RELATIONSHIP_FAILURE"
        "The computer and its domain do not trust each other.";
        "A node restored from a snapshot has an old machine password.";
        "Test-ComputerSecureChannel -Repair"
    0xc000_0234 "STATUS_ACCOUNT_LOCKED_OUT"
        "The account is locked out.";
        "Somebody guesses.";
        "keyroll doctor ARRAY (account-lockout)"
}
