//! Entries of Windows logs about accounts, tickets and RC4 (KB5021131, KB5073381).

table! { Event:
    3 "Kerberos (System, client)"
        "A Kerberos error, logged because somebody switched such logging on.";
        "Most are part of every login (25, 52).";
        "keyroll explain with the error code in it"
    4 "KRB_AP_ERR_MODIFIED (System, client)"
        "The server could not open the ticket that the client showed.";
        "The event names the server and the SPN: behind a balancer the node's own computer \
         account opens the ticket, not the array's. Or a node's key is old.";
        "keyroll explain KRB_AP_ERR_MODIFIED"
    7 "PAC verification failure (System)"
        "The ticket's PAC could not be verified.";
        "A node without a way to a domain controller, or a key that is not the account's.";
        "keyroll doctor ARRAY (key-keytabs)"
    11 "Duplicate SPN (System, KDC)"
        "Two accounts have one name; the KDC gives no tickets for it.";
        "The old service account or a node's computer account has the SPN still.";
        "setspn -X -F, then setspn -D SPN OTHER"
    14 "No suitable key, AS (System, KDC)"
        "The account has no key of the enctype that was asked for.";
        "Its password is older than AES in the domain, or RC4 was switched off.";
        "keyroll roll ARRAY (makes keys of every enctype)"
    16 "No suitable key, TGS (System, KDC)"
        "The service's account has no key of an enctype that the client takes.";
        "As event 14, for the array's account: the requested and the available enctypes are in \
         it.";
        "set msDS-SupportedEncryptionTypes to 24, then keyroll roll ARRAY"
    26 "Enctype not supported, AS (System, KDC)"
        "None of the client's enctypes can be used for the account.";
        "An old client, or an account limited to others.";
        "compare the enctypes in the event"
    27 "Enctype not supported, TGS (System, KDC)"
        "None of the client's enctypes can be used for the service.";
        "msDS-SupportedEncryptionTypes of the array's account against a client that is limited to \
         RC4 or to AES.";
        "set msDS-SupportedEncryptionTypes to 24"
    42 "krbtgt without AES (System, KDC)"
        "The krbtgt account has no strong key (KB5021131).";
        "Its password is older than AES in the domain.";
        "reset krbtgt twice, with more than ten hours in between"
    201 "RC4 in use: client (Kdcsvc)"
        "RC4 was used that enforcement will refuse: msDS-SupportedEncryptionTypes of the service \
         is not set and the client offers weak enctypes alone.";
        "An old client or appliance; the account names no enctypes.";
        "set msDS-SupportedEncryptionTypes of the array's account to 24; mend the client"
    202 "RC4 in use: service (Kdcsvc)"
        "RC4 was used that enforcement will refuse: msDS-SupportedEncryptionTypes of the service \
         is not set and the account has weak keys alone.";
        "Its password is older than AES in the domain.";
        "set msDS-SupportedEncryptionTypes to 24, then keyroll roll ARRAY"
    203 "RC4 refused: client (Kdcsvc)"
        "The KDC refused RC4: as 201, enforced.";
        "An old client or appliance.";
        "mend the client: it must offer AES"
    204 "RC4 refused: service (Kdcsvc)"
        "The KDC refused RC4: as 202, enforced. Nobody gets tickets for the service.";
        "The account has no AES key: its password was never changed since AES.";
        "set msDS-SupportedEncryptionTypes to 24, then keyroll roll ARRAY"
    205 "RC4 by configuration (Kdcsvc)"
        "DefaultDomainSupportedEncTypes of this domain controller allows weak enctypes.";
        "A registry value (0x27 or the like) that somebody set to put enforcement off.";
        "remove it, or set it to 0x18, once events 201, 202, 206 and 207 are gone"
    206 "RC4 in use: client without AES (Kdcsvc)"
        "The service's account wants AES alone, and the client offers none.";
        "An old client or appliance.";
        "mend the client: it must offer AES"
    207 "RC4 in use: service without AES keys (Kdcsvc)"
        "The service's account wants AES alone, and has no AES key.";
        "Its password was never changed since AES was allowed.";
        "keyroll roll ARRAY (makes keys of every enctype)"
    208 "RC4 refused: client without AES (Kdcsvc)"
        "As 206, enforced.";
        "An old client or appliance.";
        "mend the client: it must offer AES"
    209 "RC4 refused: service without AES keys (Kdcsvc)"
        "As 207, enforced. Nobody gets tickets for the service.";
        "Its password was never changed since AES was allowed.";
        "keyroll roll ARRAY (makes keys of every enctype)"
    1311 "Knowledge consistency (Directory Service)"
        "Domain controllers cannot all be reached from each other by the topology of replication.";
        "A site link that lacks a site, or a domain controller that is away.";
        "repadmin /showrepl, or samba-tool drs showrepl; keyroll doctor ARRAY (replication-account)"
    2042 "Replication stopped for too long (Directory Service)"
        "A domain controller has not replicated for longer than a tombstone lives, and others \
         refuse it.";
        "It was away or cut off for months: it issues tickets under old keys.";
        "take it out of service: clients that ask it get tickets that no node opens"
    2886 "LDAP signing is not demanded (Directory Service)"
        "This domain controller takes binds that are not signed.";
        "The domain's policy (LDAPServerIntegrity) asks for none.";
        "keyroll doctor ARRAY (ldap-signing)"
    2887 "Unsigned LDAP binds, counted (Directory Service)"
        "So many clients have bound without signing within a day.";
        "Event 2889 names each, once its logging is switched on.";
        "keyroll doctor ARRAY (ldap-signing)"
    2888 "Unsigned LDAP binds refused (Directory Service)"
        "So many binds without signing were refused within a day.";
        "Clients that neither sign nor use TLS.";
        "keyroll explain 2889"
    2889 "Unsigned LDAP bind (Directory Service)"
        "A client binds without signing, or simply without TLS.";
        "It will be refused once signing is required.";
        "directory.transport = \"ldaps\" or sealed"
    3039 "LDAP bind without channel binding (Directory Service)"
        "A client's TLS bind has no or wrong channel bindings.";
        "It will be refused once channel binding is required; a proxy that ends TLS in front of \
         the DC never can.";
        "no proxy in front of LDAPS"
    3040 "LDAP binds without channel binding, counted (Directory Service)"
        "So many binds over TLS within a day had no channel bindings.";
        "Event 3039 names each, once its logging is switched on.";
        "keyroll explain 3039"
    3041 "LDAP channel binding is not demanded (Directory Service)"
        "This domain controller takes binds over TLS without channel bindings.";
        "The domain's policy (LdapEnforceChannelBinding) asks for none.";
        "keyroll doctor ARRAY (ldap-signing)"
    4624 "Login (Security)"
        "Somebody logged in; the authentication package in it says whether by Kerberos or NTLM.";
        "NTLM where Kerberos was expected: no SPN, a name that is an alias, or a client without a \
         ticket.";
        "keyroll doctor ARRAY --from-client"
    4625 "Login failed (Security)"
        "A login failed; its status and sub status say why.";
        "0xC000006D with the node's own address: the loop-back check; 0xC000006A: a password.";
        "keyroll explain with the status in it"
    4723 "Password change (Security)"
        "Somebody tried to change an account's password, with the old one.";
        "keyroll's own rolls show as its controller's account; others are the culprits of \
         key-tickets.";
        "compare the time with keyroll audit show"
    4724 "Password reset (Security)"
        "Somebody tried to reset an account's password.";
        "keyroll's own rolls show as its controller's account; others are the culprits of \
         key-tickets.";
        "compare the time with keyroll audit show"
    4725 "Account disabled (Security)"
        "Somebody disabled an account.";
        "A tidy-up job.";
        "keyroll doctor ARRAY (account-enabled)"
    4738 "Account changed (Security)"
        "Somebody changed a user account: enctypes, UPN, SPNs, flags.";
        "Somebody with rights on it, or a tool that runs by itself; the event names the account \
         that did it.";
        "keyroll doctor ARRAY"
    4740 "Account locked out (Security)"
        "An account was locked out; the computer that guessed is in it.";
        "An old password in a task or on one node.";
        "keyroll doctor ARRAY (account-lockout)"
    4742 "Computer account changed (Security)"
        "Somebody changed a computer account: enctypes, SPNs, flags.";
        "Somebody with rights on it, or a tool on a node that takes the account for its own.";
        "keyroll doctor ARRAY"
    4768 "TGT asked for (Security)"
        "A login; its result code is a Kerberos error.";
        "The enctypes in it show who uses RC4 still (0x17).";
        "keyroll explain with the result code"
    4769 "Service ticket asked for (Security)"
        "A client asked for a ticket for a service; failure code and ticket enctype are in it.";
        "0x7: no SPN; 0xe: no common enctype; 0x1b: user-to-user; enctype 0x17 is RC4.";
        "keyroll explain with the failure code"
    4770 "Ticket renewed (Security)"
        "A ticket was renewed; no error.";
        "A client with a renewable ticket: nothing is wrong.";
        "nothing to do"
    4771 "Pre-authentication failed (Security)"
        "A login with a wrong key; its failure code is a Kerberos error (0x18: wrong password).";
        "The client address in it tells which node has an old password or keytab.";
        "keyroll explain with the failure code; keyroll doctor ARRAY (key-keytabs)"
    4776 "NTLM login (Security)"
        "A login by NTLM, not by Kerberos.";
        "Clients that found no SPN, or a server that offers NTLM first.";
        "keyroll doctor ARRAY"
    4781 "Account renamed (Security)"
        "An account's name was changed; its salt changes with the next password.";
        "Somebody with rights on it; the event names both names and who did it.";
        "keyroll doctor ARRAY (account-salt)"
    5136 "Directory object changed (Security)"
        "An attribute of an object was changed; name and value are in it.";
        "Somebody with rights on it; the event names the account that did it.";
        "keyroll doctor ARRAY (changes-by-others)"
}
