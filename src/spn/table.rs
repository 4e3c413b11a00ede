//! The SPNs that an array needs, from the names that its clients use.

use super::{BadSpn, Spn};

/// What clients call an array.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Service classes; `HTTP` for `https` too.
    pub classes: Vec<String>,
    /// Host names: of the balancer, and of nodes that are called by their own names.
    pub hosts: Vec<String>,
    /// Ports other than the service's own, each beside the name without one: some clients add them.
    pub ports: Vec<u16>,
    /// The first label of each host too, as clients inside the domain type it.
    pub short: bool,
}

/// One SPN for each class, host and port, in this order, none twice.
///
/// # Errors
/// [`BadSpn`] for a class or host that cannot be part of one.
pub fn table(names: &Names) -> Result<Vec<Spn>, BadSpn> {
    let mut all: Vec<Spn> = Vec::new();
    for class in &names.classes {
        for host in &names.hosts {
            let label = host.split('.').next().filter(|_| names.short);
            for host in [Some(host.as_str()), label].into_iter().flatten() {
                let plain = format!("{class}/{host}");
                let ported = names.ports.iter().map(|port| format!("{plain}:{port}"));
                for text in std::iter::once(plain.clone()).chain(ported) {
                    let spn: Spn = text.parse()?;
                    if !all.iter().any(|known| known.is_same(&text)) {
                        all.push(spn);
                    }
                }
            }
        }
    }
    Ok(all)
}
