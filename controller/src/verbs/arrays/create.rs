//! `keyroll array create`: the account and the array around it, the intent first.

use keyroll::account::AccountState;
use keyroll::kerberos::salt::AccountKind;
use keyroll::kerberos::{Enctype, Principal};
use keyroll::name::{ArrayName, DcName};
use keyroll::password::{Length, generate};
use keyroll::roll::policy::Method;
use keyroll::roll::{Answer, Refusal};
use keyroll::secret::Password;
use keyroll::shell::{powershell_word, quoted};
use keyroll::spn::Spn;
use keyroll_proto::operator as said;

use super::super::no::No;
use super::super::spns::{bad_spn, look_alike};
use super::super::{Controller, changed};
use super::words::{account_kind, enctypes, list, sam_account_name, short_life};
use super::{FIRST, demand_within_bounds};
use crate::founding;
use crate::keys::seal_password;
use crate::ports::{AccountRef, NewAccount, PasswordWrite, PortError};
use crate::random;
use crate::store::{ArrayRecord, GenerationRecord};

impl Controller {
    /// Makes (or takes) the account, and the array around it. SPNs are registered by
    /// reconciliation once a node holds the key.
    ///
    /// # Errors
    /// [`No`].
    pub async fn create_array(
        &self,
        request: &said::CreateArrayRequest,
    ) -> Result<said::Changed, No> {
        let name: ArrayName = request.array.parse()?;
        let kind = account_kind(&request.account, &request.account_kind)?;
        let sam = sam_account_name(&request.account, kind)?;
        let enctypes = enctypes(&request.enctypes)?;
        let rules = self.rules(request.policy.as_ref())?;
        self.is_free(&name, &sam)?;
        let realm = self.ports.directory.realm().clone();
        for spn in &request.spns {
            Principal::of_spn(spn, &realm)?;
        }
        let dc = self.writer().await?;
        self.are_free(&dc, &request.spns).await?;
        let existing = match self.ports.directory.find(&dc, &sam).await {
            Ok(account) => {
                if request.take_existing {
                    self.is_taken_by_none(&account, &sam)?;
                    let state = self.ports.directory.read(&dc, &account).await?;
                    may_take(&state, &name, &sam)?;
                }
                Some(account)
            }
            Err(PortError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if existing.is_some() && !request.take_existing {
            return Err(No::exists(format!(
                "account {sam} exists in the directory already; a new array makes its own"
            ))
            .next(format!(
                "keyroll array adopt {name} --account {} (in service), or array create \
                 --take-existing (not yet in service)",
                quoted(&sam)
            )));
        }
        if existing.is_none() && request.take_existing {
            return Err(No::unknown(
                "missing",
                format!("there is no account {sam} on {dc} to take"),
            )
            .next(format!(
                "keyroll array create {name} --account {} (makes it)",
                quoted(&sam)
            )));
        }
        let mut done = vec![match &existing {
            None => format!("account {sam} made on {dc}, enctypes {}", list(&enctypes)),
            Some(_) => format!(
                "account {sam} taken: password reset on {dc}, enctypes {}",
                list(&enctypes)
            ),
        }];
        done.push(format!("array {name} set up"));
        if !request.spns.is_empty() {
            let spns = request.spns.join(", ");
            done.push(format!(
                "to be registered once a node holds the key: {spns}"
            ));
        }
        done.extend(short_life(&rules.policy));
        let next = vec![format!("keyroll node add {name} NODE")];
        if request.dry_run {
            if existing.is_none() {
                self.may_make(&dc, &sam, kind, &request.container).await?;
            }
            return Ok(changed(done, next, true));
        }
        let length = Length::new(rules.password_length as usize)
            .map_err(|error| No::bad_input("bad-length", error.to_string()))?;
        let password = generate(length, &sam, &mut random::fill)
            .map_err(|_| No::internal("the operating system gives no random bytes"))?;
        let fence = format!("keyroll {name}.{}", random::token());
        let mut array = ArrayRecord {
            spns: request.spns.clone(),
            spns_pending: request.spns.iter().cloned().collect(),
            current: Some(GenerationRecord {
                number: FIRST,
                kvno: keyroll::kerberos::Kvno(0),
                salt: None,
                secret: seal_password(&self.ports.seal, &name, FIRST, &password),
                password_known: true,
            }),
            founding: Some(fence.clone()),
            ..self.blank(name.clone(), &sam, kind, enctypes, rules)?
        };
        // The intent first: whatever happens next, the password is not lost.
        self.put(&array)?;
        if let Err(why) = self.ports.backups.make().await
            && self.ports.backups.is_required()
        {
            self.forget(&name)?;
            let what = format!("the password of {sam} could not be backed up: {why}");
            return Err(No::refused("backup-failed", what).next("keyroll status"));
        }
        let wanted = Founding {
            array: &name,
            dc: &dc,
            sam: &sam,
            kind,
            password: &password,
            fence: &fence,
        };
        match self
            .found(&mut array, &wanted, existing, &request.container)
            .await
        {
            Ok(()) => Ok(changed(done, next, false)),
            Err(Founded::No(no)) => {
                self.forget(&name)?;
                Err(no)
            }
            Err(Founded::Unknown(no)) => Err(no),
        }
    }

    /// A second owner of an SPN ends the tickets of the first one; and nobody has one that passes
    /// for it.
    async fn are_free(&self, dc: &DcName, spns: &[String]) -> Result<(), No> {
        self.are_of_no_array(spns)?;
        if spns.is_empty() {
            return Ok(());
        }
        let owners = self.ports.directory.spn_owners(dc, spns).await?;
        if let Some((spn, owner)) = owners.first() {
            let what =
                format!("{spn} belongs to {owner}; with two owners nobody gets tickets for it");
            let next = format!("setspn -Q {}", powershell_word(spn));
            return Err(No::refused("spn-duplicate", what).next(next));
        }
        let spns: Result<Vec<Spn>, _> = spns.iter().map(|spn| spn.parse()).collect();
        let spns = spns.map_err(|error| bad_spn(&error))?;
        self.demand_no_machines(&spns)?;
        match self.rivals_of(&NOBODY, dc, &spns).await?.0.first() {
            None => Ok(()),
            Some((spn, _, other)) => Err(look_alike(other, spn)),
        }
    }

    /// What the directory would say to the account being made, as far as a look can tell.
    async fn may_make(
        &self,
        dc: &DcName,
        sam: &str,
        kind: AccountKind,
        container: &str,
    ) -> Result<(), No> {
        let written = (!container.is_empty()).then_some(container);
        let looked = self.ports.directory.may_create(dc, kind, written).await;
        looked.map_err(|error| match error {
            PortError::Refused { ref next, .. } if next.is_empty() => {
                No::from(error).next(print_rights(sam, kind, container))
            }
            PortError::Missing { .. } => {
                No::from(error).next("samba-tool ou list (or Get-ADOrganizationalUnit)")
            }
            PortError::Refused { .. } | PortError::Unreachable { .. } => error.into(),
        })
    }

    async fn found(
        &self,
        array: &mut ArrayRecord,
        wanted: &Founding<'_>,
        existing: Option<AccountRef>,
        container: &str,
    ) -> Result<(), Founded> {
        let (dc, enctypes) = (wanted.dc, array.enctypes.clone());
        let answer = match &existing {
            None => {
                let account = NewAccount {
                    sam_account_name: wanted.sam,
                    kind: wanted.kind,
                    container: (!container.is_empty()).then_some(container),
                    password: wanted.password,
                    enctypes: &enctypes,
                    fence: wanted.fence,
                };
                self.ports.directory.create(dc, &account).await
            }
            Some(account) => self.take(dc, account, wanted, &enctypes).await?,
        };
        if let Answer::Refused { code, text, .. } = answer {
            if code == NO_SUCH_OBJECT {
                let object = format!("container {container} on {dc}");
                return Err(Founded::No(PortError::Missing { object }.into()));
            }
            let what = format!("{dc} refused to make account {}: {text}", wanted.sam);
            let next = print_rights(wanted.sam, wanted.kind, container);
            return Err(Founded::No(No::refused("refused", what).next(next)));
        }
        let text = match &answer {
            Answer::Unanswered { text } => text.as_str(),
            _ => "it said success",
        };
        let settled = founding::settle(&self.ports, dc, array).await;
        self.wake.notify_one();
        settled.map_err(|error| {
            let what = format!(
                "it is not known whether {dc} made account {} ({text}; then: {error}); the array \
                 is kept and looked after until it is known",
                wanted.sam
            );
            Founded::Unknown(
                No::unreachable(what).next(format!("keyroll array show {}", array.name)),
            )
        })
    }

    async fn take(
        &self,
        dc: &DcName,
        account: &AccountRef,
        wanted: &Founding<'_>,
        enctypes: &[Enctype],
    ) -> Result<Answer, Founded> {
        let directory = &self.ports.directory;
        let refused = |error: PortError| Founded::No(error.into());
        let state = directory.read(dc, account).await.map_err(refused)?;
        // Once more, right before the writes: a backup may have come in between.
        may_take(&state, wanted.array, wanted.sam).map_err(Founded::No)?;
        // Only where it differs: the right to write it is needed at set-up alone.
        let bits = enctypes.iter().filter_map(|one| one.directory_bit());
        let bits = bits.fold(0, |all, bit| all | bit);
        if state.supported_enctypes != Some(bits) {
            directory
                .set_enctypes(dc, account, enctypes)
                .await
                .map_err(refused)?;
        }
        let write = PasswordWrite {
            account,
            old: None,
            new: wanted.password,
            method: Method::FencedReset,
            fence: (state.fence.as_deref(), wanted.fence),
        };
        Ok(self.ports.directory.write_password(dc, &write).await)
    }
}

/// Whether an account as it is may be given a new password at once: nobody uses it yet, and
/// nothing about it speaks against that.
fn may_take(state: &AccountState, array: &ArrayName, sam: &str) -> Result<(), No> {
    demand_within_bounds(state, sam)?;
    if !state.spns.is_empty() {
        let what = format!("account {sam} has SPNs, so clients may hold tickets for it");
        let next = format!("keyroll array adopt {array} --account {}", quoted(sam));
        return Err(No::refused("in-service", what).next(next));
    }
    match state.condition().into_iter().next() {
        None => Ok(()),
        Some(Refusal { why, next, .. }) => {
            let what = format!("account {sam} is not taken: {why}");
            Err(No::refused("account-unusable", what).next(next))
        }
    }
}

/// The account is not there yet.
const NOBODY: [u8; 16] = [0; 16];
/// The LDAP result for an account whose container is not there (RFC 4511, appendix A).
const NO_SUCH_OBJECT: u32 = 32;

/// The command that prints the rights to make such an account.
fn print_rights(sam: &str, kind: AccountKind, container: &str) -> String {
    let mut command = format!("keyroll array create --print-acl --account {}", quoted(sam));
    if kind == AccountKind::User {
        command.push_str(" --kind user");
    }
    if !container.is_empty() {
        command.push_str(&format!(" --container {}", quoted(container)));
    }
    command
}

struct Founding<'a> {
    array: &'a ArrayName,
    dc: &'a DcName,
    sam: &'a str,
    kind: AccountKind,
    password: &'a Password,
    fence: &'a str,
}

enum Founded {
    No(No),
    Unknown(No),
}

#[cfg(test)]
mod tests {
    use keyroll::account::protection::Protection;

    use super::*;
    use crate::stand_in::domain::Scene;
    use crate::store::Read as _;

    #[tokio::test]
    async fn an_account_that_speaks_against_it_is_not_taken() {
        let scene = Scene::new(&["dc1"]);
        scene.disband();
        for (code, edit) in [
            (
                "account-protected",
                (|state| state.protections = vec![Protection::AdminCount]) as fn(&mut AccountState),
            ),
            ("account-unusable", |state| state.disabled = true),
            ("in-service", |state| {
                state.spns = vec!["HTTP/a.corp.example".to_owned()];
            }),
        ] {
            scene.state(|state| {
                (state.spns, state.protections, state.disabled) = (Vec::new(), Vec::new(), false);
                edit(state);
            });
            for dry_run in [true, false] {
                let request = said::CreateArrayRequest {
                    array: "other".to_owned(),
                    account: "WEB$".to_owned(),
                    take_existing: true,
                    dry_run,
                    ..Default::default()
                };
                let controller = &scene.site.controller;
                let no = controller.create_array(&request).await.unwrap_err();
                assert_eq!(no.code, code, "{}", no.what);
                let kept = controller.ports.store.arrays().unwrap();
                assert!(kept.is_empty(), "{code}: an array is left");
            }
        }
    }
    #[tokio::test]
    async fn a_name_that_passes_for_another_is_no_new_array_s() {
        let scene = Scene::new(&["dc1"]);
        scene.disband();
        scene.others(&[("HT\u{200b}TP/news.corp.example", "ODD$")]);
        let request = said::CreateArrayRequest {
            array: "other".to_owned(),
            account: "OTHER$".to_owned(),
            spns: vec!["HTTP/news.corp.example".to_owned()],
            dry_run: true,
            ..Default::default()
        };
        let controller = &scene.site.controller;
        let no = controller.create_array(&request).await.unwrap_err();
        assert_eq!(no.code, "spn-look-alike", "{}", no.what);
    }
}
