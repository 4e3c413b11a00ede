//! LDAP result codes: RFC 4511 section 4.1.9 and appendix A.

table! { Ldap:
    0 "success"
        "It was done.";
        "Nothing went wrong.";
        "nothing to do"
    1 "operationsError"
        "Something must come first.";
        "A search without a bind (\"a successful bind must be completed\").";
        "check directory.bind"
    2 "protocolError"
        "The request cannot be read.";
        "A proxy in front of the domain controller.";
        "name domain controllers, not a balancer, in directory.domain-controllers"
    3 "timeLimitExceeded"
        "It took too long.";
        "A search without an index.";
        "a narrower base or filter; an attribute that is indexed"
    4 "sizeLimitExceeded"
        "There is more than may be shown at once.";
        "A thousand results without paging.";
        "page the search: ldapsearch -E pr=1000/noprompt"
    5 "compareFalse"
        "The values differ.";
        "An answer to a comparison, and no error.";
        "nothing to do"
    6 "compareTrue"
        "The values are equal.";
        "An answer to a comparison, and no error.";
        "nothing to do"
    7 "authMethodNotSupported"
        "That way to bind is not taken.";
        "A simple bind where signing is required.";
        "check directory.transport"
    8 "strongerAuthRequired"
        "The bind must be stronger, or the connection encrypted.";
        "LDAP signing is required: a simple bind without TLS is refused.";
        "directory.transport = \"ldaps\""
    10 "referral"
        "Another server has it.";
        "The name lies in another domain of the forest.";
        "name a domain controller of that domain"
    11 "adminLimitExceeded"
        "A limit of the directory was hit.";
        "A search that is too wide, or too many at once.";
        "a narrower base or filter; MaxPageSize and the like in the LDAP policy (ntdsutil)"
    12 "unavailableCriticalExtension"
        "A control that must be obeyed is not known.";
        "A directory that is not Active Directory.";
        "name domain controllers, and no proxy, in directory.domain-controllers"
    13 "confidentialityRequired"
        "The connection must be encrypted.";
        "A password over plain LDAP.";
        "directory.transport = \"ldaps\""
    14 "saslBindInProgress"
        "The bind is not finished.";
        "A balancer in front of domain controllers splits a conversation.";
        "name domain controllers one by one"
    16 "noSuchAttribute"
        "The attribute or value is not there.";
        "In a compare-and-swap: somebody else wrote the fence first; keyroll looks, and tries \
         nothing blindly.";
        "keyroll roll status ARRAY"
    17 "undefinedAttributeType"
        "The attribute is not in the schema.";
        "An older schema.";
        "compare the schema: repadmin /showattr, or samba-tool schema attribute show NAME"
    18 "inappropriateMatching"
        "The filter does not fit the attribute.";
        "A comparison that the syntax of the attribute does not have.";
        "another filter"
    19 "constraintViolation"
        "A value breaks a rule: the password policy, a duplicate SPN, the wrong old password.";
        "The eight digits in the text say which.";
        "keyroll explain with the eight digits, such as 0000052D"
    20 "attributeOrValueExists"
        "The value is there already.";
        "An SPN that the same account has: nothing to do.";
        "setspn -L ACCOUNT"
    21 "invalidAttributeSyntax"
        "The value cannot be of that attribute.";
        "A value of another form: a text where a number belongs, or one that is too long.";
        "samba-tool schema attribute show NAME"
    32 "noSuchObject"
        "There is no such object.";
        "Deleted, moved, or not replicated to that domain controller yet.";
        "keyroll doctor ARRAY (account-found, dc-ldap)"
    33 "aliasProblem"
        "An alias leads nowhere.";
        "Active Directory has no aliases: another server answers.";
        "name domain controllers, and no proxy, in directory.domain-controllers"
    34 "invalidDNSyntax"
        "That is no distinguished name.";
        "A name without quotes or with a comma in it.";
        "quote the name; a comma in it is written \\,"
    36 "aliasDereferencingProblem"
        "An alias may not be followed.";
        "Active Directory has no aliases: another server answers.";
        "name domain controllers, and no proxy, in directory.domain-controllers"
    48 "inappropriateAuthentication"
        "That way to bind does not fit the account.";
        "A bind without a password.";
        "check directory.bind"
    49 "invalidCredentials"
        "The bind is refused.";
        "The password, or the account's state: `data` in the text says which.";
        "keyroll explain with that, such as 'data 52e'"
    50 "insufficientAccessRights"
        "The right is missing.";
        "Whoever granted the rights granted them on another object, or the account was moved away \
         from where they are inherited.";
        "keyroll array create --print-acl --account NAME"
    51 "busy"
        "The directory is busy.";
        "A domain controller that starts or replicates.";
        "again later"
    52 "unavailable"
        "The directory is not available.";
        "A domain controller that shuts down.";
        "nc -vz DC 636"
    53 "unwillingToPerform"
        "The directory will not do it.";
        "unicodePwd over an unencrypted connection; an attribute that only the system writes; an \
         RODC.";
        "check directory.transport"
    54 "loopDetect"
        "References go in a circle.";
        "Referrals between servers that lead back.";
        "name a domain controller of the domain that has it"
    64 "namingViolation"
        "The object may not have that name or place.";
        "A name or a container that its class does not allow.";
        "another container: keyroll array create --container DN"
    65 "objectClassViolation"
        "The object may not have that attribute, or lacks one.";
        "An attribute that its class lacks: a fence attribute that is none of users or computers.";
        "directory.fence-attribute: one that the class has"
    66 "notAllowedOnNonLeaf"
        "The object has others below it.";
        "A container, or a computer with objects below it.";
        "look at what is below it first"
    67 "notAllowedOnRDN"
        "The name itself cannot be changed like this.";
        "The common name is part of the object's name.";
        "rename the object instead"
    68 "entryAlreadyExists"
        "The object exists.";
        "An account from before.";
        "keyroll array adopt"
    69 "objectClassModsProhibited"
        "The class may not be changed.";
        "What an object is cannot be changed later.";
        "make another account of the right kind, then keyroll array adopt"
    71 "affectsMultipleDSAs"
        "It would touch several servers.";
        "A move between domains.";
        "make it in its own domain"
    80 "other"
        "Something else; the text may tell.";
        "On Samba often a refused right or a database error.";
        "look at the domain controller's log"
}
