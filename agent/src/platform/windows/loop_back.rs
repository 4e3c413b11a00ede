//! Whether Windows takes a login that comes from the machine itself under another name than its
//! own (Microsoft, KB 896861 and KB 926642).

use keyroll_proto::agent::LoopBackCheck;
use windows_registry::LOCAL_MACHINE;

const LSA: &str = r"SYSTEM\CurrentControlSet\Control\Lsa";
const MSV: &str = r"SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0";

/// What the check makes of logins under `host`.
#[must_use]
pub fn loop_back_check(host: &str) -> LoopBackCheck {
    let off = LOCAL_MACHINE
        .open(LSA)
        .and_then(|key| key.get_u32("DisableLoopbackCheck"));
    let names = LOCAL_MACHINE
        .open(MSV)
        .and_then(|key| key.get_multi_string("BackConnectionHostNames"));
    let named = |names: Vec<String>| names.iter().any(|name| name.eq_ignore_ascii_case(host));
    match off.is_ok_and(|off| off != 0) || names.is_ok_and(named) {
        true => LoopBackCheck::Exempt,
        false => LoopBackCheck::Refuses,
    }
}
