//! Refused binds: Active Directory answers 49 and hides the reason in `data 52e`.

table! { Bind:
    0x525 "ERROR_NO_SUCH_USER"
        "There is no such account.";
        "A mistyped name, or another domain.";
        "check directory.bind.principal"
    0x52e "ERROR_LOGON_FAILURE"
        "The name or the password is wrong; a bad password was counted.";
        "An old password in a configuration. Active Directory goes on taking the previous one for \
         an hour in simple binds, so it fails only then.";
        "check the password file of directory.bind"
    0x52f "ERROR_ACCOUNT_RESTRICTION"
        "A restriction of the account forbids it.";
        "A member of Protected Users may not bind with NTLM or a simple password; blank passwords \
         are refused.";
        "bind with a keytab (directory.bind.keytab)"
    0x530 "ERROR_INVALID_LOGON_HOURS"
        "It may not log in at this hour.";
        "logonHours.";
        "clear logonHours of the account"
    0x531 "ERROR_INVALID_WORKSTATION"
        "It may not log in from this computer.";
        "userWorkstations.";
        "clear userWorkstations of the account"
    0x532 "ERROR_PASSWORD_EXPIRED"
        "Its password has expired.";
        "The controller's own account is not rolled by anybody.";
        "set a new one; PasswordNeverExpires for the controller's account"
    0x533 "ERROR_ACCOUNT_DISABLED"
        "It is disabled.";
        "A tidy-up job disables accounts that seem unused.";
        "Enable-ADAccount (or samba-tool user enable)"
    0x568 "ERROR_TOO_MANY_CONTEXT_IDS"
        "It is in too many groups.";
        "More than 1010 security identifiers in a token.";
        "fewer groups"
    0x701 "ERROR_ACCOUNT_EXPIRED"
        "It has expired.";
        "accountExpires.";
        "samba-tool user setexpiry --noexpiry NAME"
    0x773 "ERROR_PASSWORD_MUST_CHANGE"
        "Its password must be changed first.";
        "pwdLastSet is 0: somebody ticked the box when resetting it.";
        "reset it without the box"
    0x775 "ERROR_ACCOUNT_LOCKED_OUT"
        "It is locked out.";
        "Somebody guesses: an old password in a task or on another machine.";
        "Unlock-ADAccount (or samba-tool user unlock), then events 4740 and 4771"
}
