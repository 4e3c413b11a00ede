//! Streams: let through once like any call, and ended when whoever listens loses the say.

use std::time::Duration;

use keyroll_proto::operator as said;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::rpc::Replies;
use super::{About, Caller, Needs, Service, policy};
use crate::store::Store;
use crate::verbs::No;

/// The views of a roll.
pub(super) type Views = Replies<said::RollView>;

/// How often a listener's certificate is looked at when nobody has taken anything from anybody: it
/// may have ended by itself.
const LOOK: Duration = Duration::from_secs(4);

/// Somebody who listens to what becomes of an array.
struct Listener {
    request: Request<said::WatchRollRequest>,
    needs: Needs,
    standing: watch::Receiver<()>,
}

impl Listener {
    /// Returns when the listener has no say over the array any more, with the reason.
    async fn dismissed(&mut self, store: &Store) -> No {
        loop {
            let array = self.request.get_ref().array.as_str();
            let caller = Caller::of(&self.request, store);
            if let Err(no) = caller.and_then(|caller| caller.may(self.needs, &[array])) {
                return no;
            }
            // Which of the two it was makes no difference.
            drop(tokio::time::timeout(LOOK, self.standing.changed()).await);
        }
    }
}

impl Service {
    /// The roll's view at once and after each change, and once more when nobody drives it.
    pub(super) async fn views(
        &self,
        request: Request<said::WatchRollRequest>,
    ) -> Result<Response<Views>, Status> {
        let name = request.get_ref().array.clone();
        let call = "WatchRoll";
        // Before the caller is looked at: nothing that happens from now on is missed.
        let standing = self.controller.standing.subscribe();
        self.admit(call, &request, &About::of(&[&name])).await?;
        let array = self.controller.array(&name)?;
        let needs = policy::needs(call);
        let mut listener = Listener {
            request,
            needs,
            standing,
        };
        let (sender, receiver) = tokio::sync::mpsc::channel(16);
        let controller = std::sync::Arc::clone(&self.controller);
        tokio::spawn(async move {
            if let Some(mut views) = controller.watch(&array) {
                loop {
                    let view = views.borrow_and_update().clone();
                    if !view.array.is_empty() && sender.send(Ok(view)).await.is_err() {
                        return;
                    }
                    tokio::select! {
                        changed = views.changed() => if changed.is_err() {
                            break;
                        },
                        no = listener.dismissed(&controller.ports.store) => {
                            drop(sender.send(Err(no.into())).await);
                            return;
                        },
                        // A halted roll may not change for days, and nobody listens any more.
                        () = sender.closed() => return,
                    }
                }
            }
            let last = match controller.roll_view(&array) {
                Ok(Some(view)) => Ok(view),
                Ok(None) => Err(
                    No::unknown("no-roll", format!("{} was never rolled", array.name))
                        .next(format!("keyroll roll {}", array.name))
                        .into(),
                ),
                Err(no) => Err(no.into()),
            };
            drop(sender.send(last).await);
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}
