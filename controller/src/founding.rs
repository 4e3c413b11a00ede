//! An account that is being made: whether it was, is found out by looking.

use keyroll::name::DcName;

use crate::Ports;
use crate::ports::PortError;
use crate::store::{ArrayRecord, StoreError};

/// Why it is not known, or known not to be.
#[derive(Debug, thiserror::Error)]
pub enum Unsettled {
    /// The directory did not tell.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The account there is somebody else's.
    #[error("account {0} is in the directory and was not made here")]
    NotOurs(String),
    /// What was found could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks whether the account carries the fence that only our own write can have left there; if so
/// its kvno and salt are taken down, and the array is founded.
///
/// # Errors
/// [`Unsettled`]; the array stays as it is.
pub async fn settle(ports: &Ports, dc: &DcName, array: &mut ArrayRecord) -> Result<(), Unsettled> {
    let name = &array.account.sam_account_name;
    let account = ports.directory.find(dc, name).await?;
    let state = ports.directory.read(dc, &account).await?;
    if state.fence != array.founding {
        return Err(Unsettled::NotOurs(name.clone()));
    }
    array.account.guid = account.guid;
    array.account.distinguished_name = state.distinguished_name;
    array.founding = None;
    if let Some(current) = &mut array.current {
        current.kvno = state.kvno;
        current.salt = Some(state.salt_source.next_salt());
    }
    array.rolled_at_unix = Some(state.password_set_unix);
    ports.store.write(|change| change.put_array(array))?;
    Ok(())
}
