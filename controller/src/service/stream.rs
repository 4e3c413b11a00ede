//! Streams: let through once like any call, and ended when whoever listens loses the say.

use std::sync::Arc;
use std::time::Duration;

use keyroll_proto::operator as said;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::rpc::Replies;
use super::{About, Caller, Needs, Service, policy};
use crate::store::{ArrayRecord, Store};
use crate::verbs::{Controller, No};

/// The views of a roll.
pub(super) type Views = Replies<said::RollView>;

/// The parts of a backup.
pub(super) type Parts = Replies<said::BackupPart>;

/// Backups under way at once: each holds the store as it was, and a thread.
pub(super) const BACKUPS: usize = 2;

/// How often a listener's certificate is looked at when nobody has taken anything from anybody: it
/// may have ended by itself.
const LOOK: Duration = Duration::from_secs(4);

/// How long a part of a backup waits for whoever is to take it.
const TAKEN: Duration = Duration::from_secs(60);

/// Somebody who listens: to what becomes of an array, or to a backup.
pub(super) struct Listener {
    /// Who it is, and his place among the requests under way.
    request: Request<()>,
    arrays: Vec<String>,
    needs: Needs,
    standing: watch::Receiver<()>,
}

impl Listener {
    /// Returns when the listener has no say over the array any more, with the reason.
    async fn dismissed(&mut self, store: &Store) -> No {
        loop {
            let arrays: Vec<&str> = self.arrays.iter().map(String::as_str).collect();
            let caller = Caller::of(&self.request, store);
            if let Err(no) = caller.and_then(|caller| caller.may(self.needs, &arrays)) {
                return no;
            }
            // Which of the two it was makes no difference.
            drop(tokio::time::timeout(LOOK, self.standing.changed()).await);
        }
    }

    /// What `work` comes to, if the listener still has the say by then: whoever takes nothing for a
    /// while, and so has something wait for him, gets none of it once he has not.
    ///
    /// # Errors
    /// [`No`], why he has no say any more.
    pub(super) async fn still<T>(
        &mut self,
        store: &Store,
        work: impl Future<Output = T>,
    ) -> Result<T, No> {
        tokio::select! {
            biased;
            no = self.dismissed(store) => Err(no),
            done = work => Ok(done),
        }
    }
}

impl Service {
    /// One who asks to listen, and has the say now.
    ///
    /// # Errors
    /// [`No`] if he has not.
    pub(super) async fn listener(
        &self,
        request: Request<said::WatchRollRequest>,
    ) -> Result<Listener, No> {
        let call = "WatchRoll";
        // Before the caller is looked at: nothing that happens from now on is missed.
        let standing = self.controller.standing.subscribe();
        let name = request.get_ref().array.clone();
        self.admit(call, &request, &About::of(&[&name])).await?;
        Ok(Listener {
            request: request.map(drop),
            arrays: vec![name],
            needs: policy::needs(call),
            standing,
        })
    }

    /// A backup, part by part, as long as whoever takes it may have it.
    pub(super) async fn parts(
        &self,
        request: Request<said::BackupRequest>,
    ) -> Result<Response<Parts>, Status> {
        let standing = self.controller.standing.subscribe();
        let call = self.admit("Backup", &request, &About::of(&[])).await?;
        let turn = Arc::clone(&self.backups).try_acquire_owned();
        let turn = turn.map_err(|_| {
            let what = format!("{BACKUPS} backups are being taken already");
            No::busy("backup-under-way", what).next("keyroll backup FILE, when one has ended")
        });
        let begun = turn.and_then(|turn| Ok((turn, self.controller.back_up()?)));
        let (turn, made) = self.finish(&call, begun)?;
        let mut listener = Listener {
            request: request.map(drop),
            arrays: Vec::new(),
            needs: policy::needs("Backup"),
            standing,
        };
        let (sender, receiver) = mpsc::channel(1);
        let store = Arc::clone(&self.controller.ports.store);
        tokio::spawn(async move {
            let passed = pass_on(&store, made, &mut listener, &sender).await;
            // Whoever comes next needs not wait until somebody has heard why this one ended.
            drop(turn);
            if let Err(no) = passed {
                drop(sender.send(Err(no.into())).await);
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    /// The roll's view at once and after each change, and once more when nobody drives it.
    pub(super) async fn views(
        &self,
        request: Request<said::WatchRollRequest>,
    ) -> Result<Response<Views>, Status> {
        let name = request.get_ref().array.clone();
        let mut listener = self.listener(request).await?;
        let array = self.controller.array(&name)?;
        let (sender, receiver) = mpsc::channel(16);
        let controller = Arc::clone(&self.controller);
        tokio::spawn(async move {
            if let Err(no) = tell(&controller, &array, &mut listener, &sender).await {
                drop(sender.send(Err(no.into())).await);
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// Passes the parts of a backup on, each while its taker may still have it.
async fn pass_on(
    store: &Store,
    mut made: mpsc::Receiver<Result<said::BackupPart, Status>>,
    listener: &mut Listener,
    sender: &mpsc::Sender<Result<said::BackupPart, Status>>,
) -> Result<(), No> {
    while let Some(part) = listener.still(store, made.recv()).await? {
        let taken = tokio::time::timeout(TAKEN, sender.send(part));
        match listener.still(store, taken).await? {
            Ok(Ok(())) => {}
            // He has hung up.
            Ok(Err(_)) => break,
            Err(_) => {
                let what = format!("no part of it was taken for {} s", TAKEN.as_secs());
                return Err(No::busy("backup-not-taken", what).next("keyroll backup FILE"));
            }
        }
    }
    Ok(())
}

/// Tells the listener of the roll to its end, or until nobody listens any more.
async fn tell(
    controller: &Controller,
    array: &ArrayRecord,
    listener: &mut Listener,
    sender: &mpsc::Sender<Result<said::RollView, Status>>,
) -> Result<(), No> {
    let store = &controller.ports.store;
    if let Some(mut views) = controller.watch(array) {
        loop {
            let view = views.borrow_and_update().clone();
            if !view.array.is_empty() {
                let sent = listener.still(store, sender.send(Ok(view))).await?;
                if sent.is_err() {
                    return Ok(());
                }
            }
            let more = async {
                tokio::select! {
                    changed = views.changed() => Some(changed.is_ok()),
                    // A halted roll may not change for days, and nobody listens any more.
                    () = sender.closed() => None,
                }
            };
            match listener.still(store, more).await? {
                Some(true) => {}
                Some(false) => break,
                None => return Ok(()),
            }
        }
    }
    let last = match controller.roll_view(array) {
        Ok(Some(view)) => Ok(view),
        Ok(None) => Err(
            No::unknown("no-roll", format!("{} was never rolled", array.name))
                .next(format!("keyroll roll {}", array.name))
                .into(),
        ),
        Err(no) => Err(no.into()),
    };
    listener.still(store, sender.send(last)).await.map(drop)
}
