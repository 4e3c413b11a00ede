//! Kerberos: RFC 4120 section 7.5.9, PKINIT (RFC 4556 section 3.1.3), FAST (RFC 6113 section 5).

table! { Kerberos:
    0 "KDC_ERR_NONE"
        "No error.";
        "Nothing went wrong.";
        "nothing to do"
    1 "KDC_ERR_NAME_EXP"
        "The client's entry in the database has expired.";
        "accountExpires of whoever asks has passed.";
        "keyroll doctor ARRAY"
    2 "KDC_ERR_SERVICE_EXP"
        "The service's entry in the database has expired.";
        "accountExpires of the array's account has passed: every node loses new logins at once.";
        "keyroll doctor ARRAY"
    3 "KDC_ERR_BAD_PVNO"
        "The protocol version is not 5.";
        "Something else than Kerberos speaks on port 88.";
        "nc -vz DC 88"
    4 "KDC_ERR_C_OLD_MAST_KVNO"
        "The client's key is under an old master key.";
        "The KDC's own database, not the array.";
        "look at that KDC's log"
    5 "KDC_ERR_S_OLD_MAST_KVNO"
        "The service's key is under an old master key.";
        "The KDC's own database, not the array.";
        "look at that KDC's log"
    6 "KDC_ERR_C_PRINCIPAL_UNKNOWN"
        "The client is not in the database.";
        "A mistyped name; or an account that was made on another domain controller and has not \
         come through; or a UPN that differs from what is in a keytab.";
        "keyroll doctor ARRAY (replication-account)"
    7 "KDC_ERR_S_PRINCIPAL_UNKNOWN"
        "No account has the service's name, or two have it.";
        "The name in the address bar has no SPN: an alias, a short name, another port, the node's \
         own name in place of the balancer's. Clients then fall back to NTLM without a word. With \
         two owners Active Directory gives the same answer.";
        "setspn -Q HTTP/NAME, then keyroll doctor ARRAY"
    8 "KDC_ERR_PRINCIPAL_NOT_UNIQUE"
        "Two accounts have the name.";
        "An SPN was registered on the node's computer account, or on the old service account, \
         besides the array's. Event 11 of the KDC names them.";
        "setspn -X -F, then setspn -D SPN OTHER"
    9 "KDC_ERR_NULL_KEY"
        "The client or the service has no key.";
        "The account never had a password set since the enctype was allowed; with AES on an \
         account from before 2008 functional level.";
        "keyroll roll ARRAY (makes keys of every enctype)"
    10 "KDC_ERR_CANNOT_POSTDATE"
        "The ticket may not begin later.";
        "A client asks for postdated tickets; unrelated to the array.";
        "kinit without a start time"
    11 "KDC_ERR_NEVER_VALID"
        "The ticket would end before it begins.";
        "The client's clock, or a lifetime of minutes that has passed already.";
        "chronyc tracking on the client"
    12 "KDC_ERR_POLICY"
        "A policy forbids it.";
        "Logon hours, a workstation list, an authentication policy silo, or a renewal that this \
         KDC does not make.";
        "look at userWorkstations, logonHours and authentication policies of both accounts"
    13 "KDC_ERR_BADOPTION"
        "An option cannot be had.";
        "Delegation: the SPN behind is not in msDS-AllowedToDelegateTo, the user is marked \
         sensitive or in Protected Users, or the user's ticket is not forwardable. After a roll: \
         the evidence ticket is under a key that the KDC has forgotten.";
        "keyroll doctor ARRAY; users who log in anew get a ticket that can be delegated"
    14 "KDC_ERR_ETYPE_NOSUPP"
        "No enctype is common to client, account and KDC.";
        "RC4 was switched off (CVE-2026-20833) and the account names no AES, or has no AES key \
         because its password is older than that; or the client offers RC4 only.";
        "set msDS-SupportedEncryptionTypes to 24, then keyroll roll ARRAY"
    15 "KDC_ERR_SUMTYPE_NOSUPP"
        "The kind of checksum is not known.";
        "A very old client, or one limited to FIPS enctypes.";
        "look at permitted_enctypes in the client's krb5.conf"
    16 "KDC_ERR_PADATA_TYPE_NOSUPP"
        "The kind of pre-authentication is not known.";
        "Smart cards: the domain controller has no certificate for it.";
        "certutil -dcinfo verify"
    17 "KDC_ERR_TRTYPE_NOSUPP"
        "The transited encoding is not known.";
        "A trust with another kind of realm.";
        "keyroll doctor ARRAY"
    18 "KDC_ERR_CLIENT_REVOKED"
        "The account is disabled, expired or locked out, or may not log in at this hour.";
        "If it is the array's account: somebody guesses its password, mostly an old one in a task \
         or on one node. Samba says the same of the service's account.";
        "keyroll doctor ARRAY (account-lockout, account-enabled)"
    19 "KDC_ERR_SERVICE_REVOKED"
        "The service's account is disabled, expired or locked out.";
        "No client gets a ticket for the balancer's name, whichever node it would have reached.";
        "keyroll doctor ARRAY (account-lockout, account-enabled)"
    20 "KDC_ERR_TGT_REVOKED"
        "The ticket-granting ticket is not honoured any more.";
        "The user's account changed, or krbtgt was reset twice within ten hours.";
        "klist purge, then log in anew"
    21 "KDC_ERR_CLIENT_NOTYET"
        "The client is not valid yet.";
        "A clock, or an account that begins later.";
        "chronyc tracking on the KDC"
    22 "KDC_ERR_SERVICE_NOTYET"
        "The service is not valid yet.";
        "A clock, or an account that begins later.";
        "chronyc tracking on the KDC"
    23 "KDC_ERR_KEY_EXPIRED"
        "The password has expired.";
        "The array's account obeys the domain's maximum age and was not rolled in time, or must \
         change at the next logon. Tickets for its SPNs go on; whoever logs in as it (kinit -k) \
         does not.";
        "keyroll roll ARRAY; Set-ADUser -PasswordNeverExpires $true"
    24 "KDC_ERR_PREAUTH_FAILED"
        "The password or key is wrong; a bad password was counted.";
        "kinit -k with an old keytab, with a wrong salt (after a rename or a UPN change), or with \
         a key that is staged but not in force: initiators take the highest kvno. Repeated, it \
         locks the account.";
        "keyroll doctor ARRAY (key-keytabs, account-salt); use a client keytab for kinit"
    25 "KDC_ERR_PREAUTH_REQUIRED"
        "The KDC wants a proof of the key first.";
        "No error: every login begins with it.";
        "look at what follows it"
    26 "KDC_ERR_SERVER_NOMATCH"
        "The ticket is for another server.";
        "User-to-user requests only.";
        "kinit -k for the very principal that the ticket is for"
    27 "KDC_ERR_MUST_USE_USER2USER"
        "The service takes user-to-user tickets alone.";
        "The SPN belongs to a user without a key as a service.";
        "setspn -Q SPN: whose is it?"
    28 "KDC_ERR_PATH_NOT_ACCEPTED"
        "The way through other realms is not accepted.";
        "A trust, or a capaths section that leads elsewhere.";
        "klist -e; look at [domain_realm] of the client"
    29 "KDC_ERR_SVC_UNAVAILABLE"
        "The KDC cannot serve now.";
        "It starts, or has lost its database.";
        "nc -vz DC 88, then again"
    31 "KRB_AP_ERR_BAD_INTEGRITY"
        "What was shown cannot be decrypted or is altered (\"Decrypt integrity check failed\").";
        "The key is another: a node's keytab was made from another password or salt, or the SPN \
         belongs to another account than the keytab's. On one node of many: that node's keytab.";
        "keyroll doctor ARRAY (key-keytabs, key-tickets)"
    32 "KRB_AP_ERR_TKT_EXPIRED"
        "The ticket has ended.";
        "The node's clock is ahead, or the client keeps a ticket too long.";
        "keyroll doctor ARRAY (clock-node)"
    33 "KRB_AP_ERR_TKT_NYV"
        "The ticket is not valid yet.";
        "The node's clock is behind the KDC's.";
        "keyroll doctor ARRAY (clock-node)"
    34 "KRB_AP_ERR_REPEAT"
        "The request was seen before.";
        "A balancer or proxy sends a request a second time; or nodes share a replay cache that \
         they should not.";
        "forbid the balancer to repeat requests after they were sent"
    35 "KRB_AP_ERR_NOT_US"
        "The ticket is for another service.";
        "The acceptor insists on a name (GssapiAcceptorName, SPN in the configuration) that is \
         not the one users type: the balancer's name against the node's.";
        "let the acceptor take any name in its keytab"
    36 "KRB_AP_ERR_BADMATCH"
        "Ticket and authenticator are of different clients.";
        "A proxy mixes connections of several users: connection pooling behind the balancer.";
        "no connection reuse across users for Negotiate"
    37 "KRB_AP_ERR_SKEW"
        "The clocks differ by more than five minutes.";
        "One node's clock: every n-th login fails. The client's or a DC's: all of them.";
        "keyroll doctor ARRAY (clock-node, clock-dc)"
    38 "KRB_AP_ERR_BADADDR"
        "The ticket is for another network address.";
        "Tickets with addresses behind address translation or a balancer.";
        "noaddresses = true in krb5.conf"
    39 "KRB_AP_ERR_BADVERSION"
        "The protocol version does not match.";
        "Something else than Kerberos answers there.";
        "compare the versions of the libraries on both sides"
    40 "KRB_AP_ERR_MSG_TYPE"
        "It is another message than expected.";
        "A library's fault, or a proxy in between.";
        "look at what is between client and service: a proxy that changes headers"
    41 "KRB_AP_ERR_MODIFIED"
        "The service could not open the ticket with its key, or it was altered on the way.";
        "The key of the KDC and the key of the node differ. Behind a balancer: a node that runs \
         the service as its own computer account and not as the array's; a node whose keytab is \
         old or made from another password; an SPN on another account; a password set by somebody \
         else; a name whose address leads to another server. If it comes and goes, it is one \
         node; if it is constant, the account.";
        "keyroll doctor ARRAY (key-tickets, key-keytabs); on Windows: setspn -Q, and \
         useAppPoolCredentials"
    42 "KRB_AP_ERR_BADORDER"
        "Messages come out of order.";
        "A proxy splits a connection over several nodes.";
        "the balancer keeps a connection on one node"
    44 "KRB_AP_ERR_BADKEYVER"
        "The acceptor has no key of that version (\"Key version is not available\").";
        "The password was changed in the directory and this node's keytab has the old key alone, \
         or the other way round: the outage that keyroll prevents.";
        "keyroll doctor ARRAY (key-kvno, key-keytabs)"
    45 "KRB_AP_ERR_NOKEY"
        "The acceptor has no key for that service.";
        "The keytab lacks the balancer's name, has another realm, or cannot be read by the \
         service's user.";
        "keyroll doctor ARRAY (key-keytabs); klist -ket KEYTAB as the service's user"
    46 "KRB_AP_ERR_MUT_FAIL"
        "The service did not prove itself.";
        "Another server answers under that name.";
        "getent hosts NAME, on the client"
    47 "KRB_AP_ERR_BADDIRECTION"
        "A message was sent back to its sender.";
        "A proxy reflects traffic.";
        "look at what is between client and service: one that sends messages back"
    48 "KRB_AP_ERR_METHOD"
        "Another way of authentication is wanted.";
        "The service does not take Kerberos for this.";
        "compare what mechanisms client and service offer"
    49 "KRB_AP_ERR_BADSEQ"
        "A sequence number is wrong.";
        "Packets of one connection go through two nodes.";
        "the balancer keeps a connection on one node"
    50 "KRB_AP_ERR_INAPP_CKSUM"
        "The checksum is of a kind that does not fit.";
        "A client's library; channel bindings that do not match.";
        "extended protection behind a balancer that ends TLS: switch it off, or end TLS on the \
         node"
    51 "KRB_AP_PATH_NOT_ACCEPTED"
        "The way through other realms is not accepted.";
        "A trust.";
        "[capaths] of krb5.conf, or the trusts between the realms"
    52 "KRB_ERR_RESPONSE_TOO_BIG"
        "The answer does not fit a datagram.";
        "No error: the client asks again over TCP. Many groups make large tickets; behind a \
         balancer they then exceed its header limit (400 Bad Request).";
        "raise the header limit of balancer and web server (64 KiB)"
    60 "KRB_ERR_GENERIC"
        "An error without a number; the text may tell.";
        "On Windows often a KDC that cannot reach another one, or an S4U request without rights.";
        "look at the text beside it and at the KDC's log"
    61 "KRB_ERR_FIELD_TOOLONG"
        "A field is longer than allowed.";
        "A ticket with very many groups, or something else than Kerberos on the port.";
        "MaxTokenSize; fewer groups"
    62 "KDC_ERR_CLIENT_NOT_TRUSTED"
        "The smart card's certificate is not trusted.";
        "The chain on the domain controller.";
        "certutil -verify -urlfetch"
    63 "KDC_ERR_KDC_NOT_TRUSTED"
        "The KDC's certificate is not trusted.";
        "The chain on the client.";
        "certutil -dcinfo verify"
    64 "KDC_ERR_INVALID_SIG"
        "A signature does not fit.";
        "Smart cards.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    65 "KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED"
        "The Diffie-Hellman parameters are refused.";
        "PKINIT with too short a group.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    66 "KDC_ERR_CERTIFICATE_MISMATCH"
        "The certificate is not the account's.";
        "Strong mapping (KB5014754) without the SID in the certificate.";
        "altSecurityIdentities, or a new certificate"
    67 "KRB_AP_ERR_NO_TGT"
        "No ticket-granting ticket was shown.";
        "User-to-user, or a computer that has lost its domain.";
        "klist; Test-ComputerSecureChannel"
    68 "KDC_ERR_WRONG_REALM"
        "The name belongs to another realm.";
        "A referral that the client did not follow.";
        "klist -e; look at [domain_realm] of the client"
    69 "KRB_AP_ERR_USER_TO_USER_REQUIRED"
        "The service takes user-to-user tickets alone.";
        "The service's account has no key as a service.";
        "setspn -Q SPN: whose is it?"
    70 "KDC_ERR_CANT_VERIFY_CERTIFICATE"
        "The certificate could not be checked.";
        "A chain with a missing authority.";
        "certutil -verify -urlfetch"
    71 "KDC_ERR_INVALID_CERTIFICATE"
        "The certificate is not valid.";
        "Smart cards.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    72 "KDC_ERR_REVOKED_CERTIFICATE"
        "The certificate was revoked.";
        "Smart cards.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    73 "KDC_ERR_REVOCATION_STATUS_UNKNOWN"
        "Whether the certificate is revoked is not known.";
        "The revocation list cannot be fetched.";
        "certutil -verify -urlfetch"
    74 "KDC_ERR_REVOCATION_STATUS_UNAVAILABLE"
        "Revocation could not be asked.";
        "The revocation list cannot be fetched.";
        "certutil -verify -urlfetch"
    75 "KDC_ERR_CLIENT_NAME_MISMATCH"
        "The certificate names another client.";
        "Smart cards.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    76 "KDC_ERR_KDC_NAME_MISMATCH"
        "The KDC's certificate names another KDC.";
        "An old certificate on the domain controller.";
        "certutil -dcinfo verify"
    77 "KDC_ERR_INCONSISTENT_KEY_PURPOSE"
        "The certificate is for another purpose.";
        "Smart cards.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    78 "KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED"
        "The certificate's digest is refused.";
        "SHA-1 certificates.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    79 "KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED"
        "A checksum is missing.";
        "PKINIT of an old client.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    80 "KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED"
        "The signature's digest is refused.";
        "PKINIT of an old client.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    81 "KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED"
        "That public key encryption is refused.";
        "PKINIT of an old client.";
        "the user's certificate and the KDC's (PKINIT); a password login is not touched"
    90 "KDC_ERR_PREAUTH_EXPIRED"
        "The login took too long.";
        "A conversation that was begun anew elsewhere: KDCs behind a balancer.";
        "no balancer in front of KDCs"
    91 "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED"
        "The KDC wants more steps.";
        "No error: the login goes on.";
        "nothing to do: a client goes on by itself"
    92 "KDC_ERR_PREAUTH_BAD_AUTHENTICATION_SET"
        "A set of proofs was chosen that does not fit.";
        "FAST with another KDC's state.";
        "no balancer in front of KDCs"
    93 "KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS"
        "An option of FAST is not known.";
        "Armoring between different versions.";
        "compare the versions of client and KDC; FAST may be switched off for a try"
}
