//! The new password is backed up before anybody is given a key of it.

use keyroll::roll::{Cause, State};

use super::Driver;

impl Driver {
    /// Makes a backup while the password is nowhere else yet. Where that fails and is required,
    /// the roll is asked to abort, since nothing has been touched. An emergency waits for nobody.
    pub(super) async fn back_up(&mut self) {
        if self.roll.state() != State::Generated || self.backed_up {
            return;
        }
        self.backed_up = true;
        self.tell("the new password is being backed up");
        let Err(why) = self.ports.backups.make().await else {
            return;
        };
        let may_abort = self.roll.frame().cause != Cause::Emergency;
        if may_abort
            && self.ports.backups.is_required()
            && let Ok(mut wishes) = self.line.wishes.lock()
        {
            let why = format!("the new password could not be backed up: {why}");
            wishes.abort.get_or_insert(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use keyroll::roll::OldKey;

    use super::*;
    use crate::backups::BackupConfig;
    use crate::stand_in::{StandIn, begin_for, generated, go_on, in_service};

    /// Takes up a roll that has its password and nothing else, until it is in `state`.
    async fn driven(folder: &Path, required: bool, cause: Cause, state: &str) -> StandIn {
        let config = BackupConfig {
            folder: folder.to_owned(),
            keep: 9,
            every_hours: 24,
            required,
        };
        let site = StandIn::backed_up(config);
        let array = in_service(&site, &["n1"]);
        let mut roll = begin_for(&site, true, cause, OldKey::UntilDrained);
        let password = generated(&site, &roll);
        go_on(&site, &mut roll, [password]);
        let rolls = Arc::clone(&site.controller.rolls);
        rolls.take_up().unwrap();
        let mut view = rolls.line(&array.name).unwrap().view.subscribe();
        view.wait_for(|view| view.state == state).await.unwrap();
        rolls.stop(&array.name).await;
        site
    }

    fn made(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    fn alarms(site: &StandIn) -> usize {
        site.controller.ports.backups.alarm().iter().count()
    }

    #[tokio::test]
    async fn a_password_is_in_a_backup_before_a_node_has_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let site = driven(folder.path(), true, Cause::Operator, "staging").await;
        assert_eq!((made(folder.path()), alarms(&site)), (1, 0));
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap();
        let path = file.unwrap().path();
        let source = std::fs::File::open(&path).unwrap();
        let seal = Arc::clone(&site.controller.ports.seal);
        let (store, _) = crate::store::Store::of_backup(source, &path, seal).unwrap();
        let open = store.open_roll(&"web".parse().unwrap()).unwrap().unwrap();
        assert_eq!(open.roll.state(), State::Generated);
        assert!(open.roll.generated().is_some());
    }

    #[tokio::test]
    async fn without_a_backup_a_roll_aborts_where_one_is_required() {
        let missing = Path::new("/not/mounted");
        let site = driven(missing, true, Cause::Operator, "aborting").await;
        assert_eq!(alarms(&site), 1);
        let asked = site.asked();
        assert!(!asked.iter().any(|one| one.contains("4+5")), "{asked:?}");
        let open = site
            .controller
            .ports
            .store
            .open_roll(&"web".parse().unwrap());
        let told = open.unwrap().unwrap().roll.verdict().map(str::to_owned);
        assert!(told.is_some_and(|told| told.contains("could not be backed up")));
    }

    #[tokio::test]
    async fn without_a_backup_a_roll_goes_on_where_none_is_required_or_a_key_has_leaked() {
        let missing = Path::new("/not/mounted");
        for (required, cause) in [(false, Cause::Operator), (true, Cause::Emergency)] {
            let site = driven(missing, required, cause, "staging").await;
            assert_eq!(alarms(&site), 1, "{cause:?}: nobody is told");
        }
    }
}
