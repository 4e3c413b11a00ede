//! Which rights are asked for; `keyroll::account::rights` makes the commands.

use keyroll::kerberos::salt::AccountKind;

/// Which rights are asked for.
#[derive(Debug, Clone, Copy)]
pub struct RightsRequest<'a> {
    /// The account, by sAMAccountName; it need not be there yet.
    pub account: &'a str,
    /// Who gets the rights, by sAMAccountName.
    pub trustee: &'a str,
    /// What kind of account would be made.
    pub kind: AccountKind,
    /// Where it would be made; `None`: where accounts of its kind are made by default.
    pub container: Option<&'a str>,
}
