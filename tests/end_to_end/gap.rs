//! How long nobody owns a name while it is moved: a ticket for it is asked for all the time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use keyroll::kerberos::Principal;
use keyroll::name::DcName;
use keyroll_controller::directory::credential::CredentialSource;
use keyroll_controller::directory::{Kdcs, operator};
use keyroll_controller::ports::{Kdc as _, KnownKeys};
use keyroll_tests::world::{SOON, World};

use crate::bound::alices_cache;

/// Asks one KDC for tickets until it is told to stop.
pub struct Asking {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<Result<Vec<Answer>>>,
}

/// When a question was put, when it was answered, and whether by a ticket.
struct Answer {
    asked: Instant,
    answered: Instant,
    ticket: bool,
}

impl Asking {
    /// Begins, as alice, of the domain controller that changes are made on.
    pub fn begin(world: &World<'_>, spn: &str) -> Result<Self> {
        let cache = alices_cache(world)?;
        let cache = cache.to_string_lossy().into_owned();
        let cache = cache.strip_prefix("FILE:").context("no file")?;
        let alice: Principal = "alice@CORP.EXAMPLE".parse()?;
        let dc: DcName = world.lab.full_name("dc1").parse()?;
        let service = Principal::of_spn(spn, alice.realm())?;
        let source = CredentialSource::Cache(Path::new(cache).to_owned());
        let kdc = Kdcs::new(operator::settings(alice, source, dc.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let asking = std::thread::spawn(move || {
            let mut answers: Vec<Answer> = Vec::new();
            let has_ticket = |answers: &[Answer]| answers.last().is_some_and(|one| one.ticket);
            // Until it is owned again: whoever made the move says that it is by then.
            let begun = Instant::now();
            while !told.load(Ordering::Relaxed) || !has_ticket(&answers) {
                ensure!(begun.elapsed() < SOON * 2, "nobody gets a ticket any more");
                let (asked, nobodys) = (Instant::now(), KnownKeys::default());
                let answer = runtime.block_on(kdc.sight(&dc, &service, &nobodys));
                let error = answer.err().map(|error| error.to_string());
                let unknown = |error: &String| error.contains("it knows no such service");
                ensure!(error.iter().all(unknown), "{error:?}");
                answers.push(Answer {
                    asked,
                    answered: Instant::now(),
                    ticket: error.is_none(),
                });
            }
            Ok(answers)
        });
        Ok(Self { stop, asking })
    }

    /// Stops, and tells how long there was no ticket at most, from the last one before to the first
    /// one after, and how many questions were answered so.
    pub fn gap(self) -> Result<(Duration, usize)> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.asking.join();
        let answers = ended.map_err(|_| anyhow!("whoever asked has panicked"))??;
        let refused = answers.iter().filter(|one| !one.ticket).count();
        let without = |one: &Answer| !one.ticket;
        let Some(first) = answers.iter().position(without) else {
            return Ok((Duration::ZERO, 0));
        };
        let last = answers.iter().rposition(without).unwrap_or(first);
        ensure!(last + 1 - first == refused, "there was more than one gap");
        let before = first.checked_sub(1).and_then(|at| answers.get(at));
        let before = before.context("there was no ticket to begin with")?;
        let after = answers
            .get(last + 1)
            .context("there was no ticket in the end")?;
        Ok((after.answered - before.asked, refused))
    }
}

/// Says it, for docs/spn.md.
#[expect(clippy::print_stderr, reason = "the test program's own voice")]
pub fn tell((gap, refused): (Duration, usize)) {
    eprintln!("a move: nobody's for {gap:?} at most, {refused} questions refused");
}
