//! Names that are well-formed and of no use.

use super::Spn;

/// What speaks against an SPN that may be registered all the same, as sentences.
#[must_use]
pub fn doubts(spn: &Spn) -> Vec<String> {
    let mut doubts = Vec::new();
    let host = spn.host();
    if spn.address().is_some() {
        doubts.push(format!(
            "{host} is an address: clients ask for no ticket for one unless they are told to \
             (TryIPSPN on Windows); register the name that they are to use"
        ));
    }
    let label = host.split('.').next().unwrap_or_default();
    if label.eq_ignore_ascii_case("localhost") {
        doubts.push(format!(
            "{host} is each machine itself: nobody gets to the array by it, and a program on a \
             machine of the domain that asks for it means its own"
        ));
    }
    let instance = spn.port().filter(|port| port.parse::<u16>().is_err());
    if let Some(instance) = instance.filter(|_| spn.class().eq_ignore_ascii_case("HTTP")) {
        doubts.push(format!(
            "{spn}: HTTP has ports and no instances, so no browser asks for {instance:?}"
        ));
    }
    if spn.class().eq_ignore_ascii_case("HOST") {
        doubts.push(format!(
            "HOST is what a computer has for itself, and answers for HTTP and many more where \
             nobody has those: web clients ask for {}",
            spn.of_class("HTTP")
        ));
    }
    doubts
}
