//! `keyroll node …`: invited, shown, set aside, removed.

mod removal;

use chrono::Utc;
use keyroll::name::NodeName;
use keyroll::secret::SecretBytes;
use keyroll_proto::Invitation;
use keyroll_proto::operator as said;

use super::no::No;
use super::{Controller, changed};
use crate::ca::SigningRequest;
use crate::random;
use crate::store::{ArrayRecord, NodeRecord, NodeState, Read as _, StoreError};

/// How long an invitation holds, unless an operator wants it shorter: whoever finds it later, in a
/// ticket or a shell's history, finds nothing.
const TOKEN_SECONDS: u64 = 600;

impl Controller {
    /// Makes a node a member: by an invitation, by a signing request carried here, or at once if
    /// it is known from another array. It gets the credential in force; no roll is needed.
    /// `may_touch` says whether the caller has a say over an array.
    ///
    /// # Errors
    /// [`No`].
    pub fn add_node(
        &self,
        request: &said::AddNodeRequest,
        may_touch: impl Fn(&str) -> bool,
    ) -> Result<said::AddNodeReply, No> {
        let array = self.array(&request.array)?;
        let name: NodeName = request.node.parse()?;
        self.demand_other_name(&name)?;
        let known = self
            .ports
            .store
            .node(&name)?
            .filter(|node| node.state != NodeState::Removed);
        if known.as_ref().is_some_and(|node| {
            node.arrays.contains(&array.name) && node.state == NodeState::Joined
        }) {
            let array = &array.name;
            return Err(
                No::exists(format!("{name} is a node of {array} already")).next(format!(
                    "keyroll node show {array} {name}; if it is to join anew: keyroll node remove \
                     {array} {name} --unreachable (and from its other arrays), then the same again"
                )),
            );
        }
        let address = match request.address.as_str() {
            "" => format!("{name}:{}", self.agent_port),
            given => host_port(given)?,
        };
        let enrolled = known
            .as_ref()
            .is_some_and(|node| node.state == NodeState::Joined);
        if let Some(other) = known.as_ref().filter(|_| !enrolled)
            && let Some(other) = other.arrays.iter().find(|other| **other != array.name)
        {
            // Whoever joins by a second invitation would get the other array's keys too.
            return Err(No::busy(
                "invited-elsewhere",
                format!("{name} is invited to array {other} and has not joined yet"),
            )
            .next(format!(
                "join {name} first, or keyroll node remove {other} {name}, then add it again"
            )));
        }
        if let Some(node) = known
            .as_ref()
            .filter(|node| enrolled && node.address != address)
            && !request.address.is_empty()
            && let Some(other) = node.arrays.iter().find(|other| !may_touch(other.as_str()))
        {
            // Nobody could push to it for the other array any more.
            let what = format!("{name} is a node of {other}, too, which reaches it elsewhere");
            return Err(No::denied(what).next("the same without --address"));
        }
        let mut node = known.unwrap_or_else(|| NodeRecord::invited(name.clone(), address.clone()));
        node.arrays.insert(array.name.clone());
        if !enrolled || !request.address.is_empty() {
            node.address = address;
        }
        let done = vec![if enrolled || !request.csr.is_empty() {
            format!("{name} ({}) added to {}", node.address, array.name)
        } else {
            format!("{name} invited to {}", array.name)
        }];
        let show = format!("keyroll node show {} {name}", array.name);
        let mut reply = said::AddNodeReply {
            already_enrolled: enrolled,
            changed: Some(changed(done, vec![show], request.dry_run)),
            ..said::AddNodeReply::default()
        };
        if request.dry_run {
            return Ok(reply);
        }
        if enrolled {
            self.edit(&name, |stored| {
                stored.arrays.insert(array.name.clone());
                stored.address = node.address.clone();
            })?;
        } else if request.csr.is_empty() {
            if request.address.is_empty() {
                // The agent says where it listens when it joins.
                node.address.clear();
            }
            self.invite(&node, request.token_lifetime, &mut reply)?;
        } else {
            self.certify(node, &request.csr, &mut reply)?;
        }
        if let Some(node) = self.ports.store.node(&name)? {
            self.pool.know(&node);
        }
        self.wake.notify_one();
        Ok(reply)
    }

    /// A node's certificate names it as a server, as ours names us: whoever goes by host names
    /// alone would take that node for the controller.
    fn demand_other_name(&self, name: &NodeName) -> Result<(), No> {
        let own = |own: &String| {
            own.trim_end_matches('.')
                .eq_ignore_ascii_case(name.as_str())
        };
        if !self.own_names.iter().any(own) {
            return Ok(());
        }
        let what = format!(
            "{name} is the controller's own name (`names` below [listen]): a node of that name \
             could be taken for it"
        );
        Err(No::bad_input("controllers-name", what)
            .next("keyroll node add with another name of that machine, and --address HOST:PORT"))
    }

    fn invite(
        &self,
        node: &NodeRecord,
        lifetime: u64,
        reply: &mut said::AddNodeReply,
    ) -> Result<(), No> {
        let seconds = match lifetime {
            0 => TOKEN_SECONDS,
            given if given <= TOKEN_SECONDS => given,
            given => {
                let what = format!(
                    "a token of {given} s is too long-lived, at most {TOKEN_SECONDS} s; where \
                     that is too short, carry the machine's signing request here"
                );
                let next = format!("keyroll node add ARRAY {} --csr FILE", node.name);
                return Err(No::bad_input("bad-lifetime", what).next(next));
            }
        };
        let now = Utc::now().timestamp();
        let expires = now.saturating_add_unsigned(seconds);
        let token = SecretBytes::new(random::vector(32));
        self.ports.store.write(|change| {
            change.put_node(node)?;
            change.issue_token(&token, &node.name, now, expires)
        })?;
        let invitation = Invitation {
            controller: self.enroll_address.clone(),
            node: node.name.clone(),
            authority: self
                .authority
                .fingerprint()
                .map_err(|error| No::internal(error.to_string()))?,
            token,
        };
        // Every shell takes it, those of Windows too, and `echo` is a part of each: the token is
        // among no program's arguments.
        reply.join_line = format!("echo '{}' | keyroll-agent join", *invitation.line());
        reply.token_expires_unix = expires;
        Ok(())
    }

    fn certify(
        &self,
        mut node: NodeRecord,
        csr: &[u8],
        reply: &mut said::AddNodeReply,
    ) -> Result<(), No> {
        let now = Utc::now().timestamp();
        let name = node.name.clone();
        let issued = SigningRequest::read(csr, name.as_str())
            .and_then(|request| self.authority.issue_node(&name, &request, now))
            .map_err(|error| No::bad_input("bad-csr", error.to_string()))?;
        node.certify(issued.serial.clone(), issued.ends_unix, now);
        node.confirm(issued.ends_unix);
        node.trust = self.authority.trust();
        node.state = NodeState::Joined;
        node.joined_unix = now;
        self.save(&node)?;
        reply.certificate_pem = issued.pem();
        reply.authorities_pem = self.authority.pem();
        Ok(())
    }

    /// Lists nodes with what was last seen of them.
    ///
    /// # Errors
    /// [`No`].
    pub fn list_nodes(&self, request: &said::ListNodesRequest) -> Result<said::ListNodesReply, No> {
        let arrays = if request.array.is_empty() {
            self.ports.store.arrays()?
        } else {
            vec![self.array(&request.array)?]
        };
        let mut nodes = Vec::new();
        for array in &arrays {
            for node in self.ports.store.members(&array.name)? {
                nodes.push(self.node_view(array, &node));
            }
        }
        Ok(said::ListNodesReply { nodes })
    }

    /// One node with its keytabs.
    ///
    /// # Errors
    /// [`No`].
    pub fn show_node(&self, request: &said::ShowNodeRequest) -> Result<said::NodeView, No> {
        let (array, node) = self.member(&request.array, &request.node)?;
        Ok(self.node_view(&array, &node))
    }

    /// Sets a node aside: not ready, not waited for.
    ///
    /// # Errors
    /// [`No`].
    pub fn quarantine_node(
        &self,
        request: &said::QuarantineNodeRequest,
    ) -> Result<said::Changed, No> {
        let (array, node) = self.member(&request.array, &request.node)?;
        let reason = if request.reason.is_empty() {
            "an operator said so"
        } else {
            &request.reason
        };
        if !request.dry_run {
            self.edit(&node.name, |node| {
                node.quarantined
                    .insert(array.name.clone(), reason.to_owned());
            })?;
            self.wake.notify_one();
        }
        let done = vec![format!(
            "{} is quarantined in {}: {reason}",
            node.name, array.name
        )];
        let next = vec![format!("keyroll node resume {} {}", array.name, node.name)];
        Ok(changed(done, next, request.dry_run))
    }

    /// Takes a node back; it is ready once it holds the right keys.
    ///
    /// # Errors
    /// [`No`].
    pub fn resume_node(&self, request: &said::ResumeNodeRequest) -> Result<said::Changed, No> {
        let (array, node) = self.member(&request.array, &request.node)?;
        if !node.quarantined.contains_key(&array.name) {
            return Err(No::bad_state(
                "not-quarantined",
                format!("{} is not quarantined", node.name),
            )
            .next(format!("keyroll node show {} {}", array.name, node.name)));
        }
        if !request.dry_run {
            self.edit(&node.name, |node| {
                node.quarantined.remove(&array.name);
            })?;
            self.wake.notify_one();
        }
        let done = vec![format!(
            "{} serves {} again once it holds the right keys",
            node.name, array.name
        )];
        let next = vec![format!("keyroll node show {} {}", array.name, node.name)];
        Ok(changed(done, next, request.dry_run))
    }

    pub(crate) fn member(&self, array: &str, node: &str) -> Result<(ArrayRecord, NodeRecord), No> {
        let array = self.array(array)?;
        let name: NodeName = node.parse()?;
        let node = self
            .ports
            .store
            .node(&name)?
            .filter(|node| node.arrays.contains(&array.name));
        match node {
            Some(node) => Ok((array, node)),
            None => Err(self.unknown_node(&array, &name)?),
        }
    }

    /// No such node; one whose full name begins with it is named.
    fn unknown_node(&self, array: &ArrayRecord, name: &NodeName) -> Result<No, StoreError> {
        let short = format!("{name}.");
        let members = self.ports.store.members(&array.name)?;
        let meant = members
            .iter()
            .find(|node| node.name.as_str().starts_with(&short));
        let what = format!("{name} is no node of {}", array.name);
        let no = match meant {
            None => No::unknown("unknown-node", what),
            Some(node) => No::unknown(
                "unknown-node",
                format!("{what}; did you mean {}?", node.name),
            ),
        };
        Ok(no.next(format!("keyroll node list {}", array.name)))
    }

    /// Changes a node's record as it is now: its certificate may have been renewed meanwhile.
    pub(super) fn edit(
        &self,
        name: &NodeName,
        edit: impl FnOnce(&mut NodeRecord),
    ) -> Result<(), StoreError> {
        self.ports
            .store
            .write(|change| change.edit_node(name, edit).map(drop))
    }

    fn save(&self, node: &NodeRecord) -> Result<(), StoreError> {
        self.ports.store.write(|change| change.put_node(node))
    }
}

fn host_port(text: &str) -> Result<String, No> {
    let valid = text
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if valid {
        Ok(text.to_owned())
    } else {
        Err(No::bad_input(
            "bad-address",
            format!("{text:?} is not host:port"),
        ))
    }
}
