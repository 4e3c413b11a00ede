//! A fake controller with knobs, and the command line run against it.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use keyroll_proto::operator::operator_server::{Operator, OperatorServer};
use keyroll_proto::operator::*;
use tokio::sync::oneshot;
use tokio_stream::Stream;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Request, Response, Status};

use crate::samples;

/// What was asked and what shall be answered.
#[derive(Default)]
pub struct Knobs {
    /// Each call: the method's name, a blank, the request as `Debug` shows it.
    pub asked: Vec<String>,
    /// The secrets that came with `AdoptArray`, which `Debug` does not show.
    pub credentials: Vec<adopt_array_request::Credential>,
    /// Refuse every call with this.
    pub refusal: Option<Status>,
    /// Views that `WatchRoll` sends; each inner list is one stream, `None` breaks it.
    pub streams: VecDeque<Vec<Option<RollView>>>,
    /// What `StartRoll` answers, instead of the sample.
    pub started: Option<Vec<RollView>>,
    /// What `Verify` answers, instead of the sample.
    pub verified: Option<VerifyReply>,
    /// What `Doctor` answers, instead of the sample.
    pub examined: Option<DoctorReply>,
    /// What `Status` answers, instead of the sample.
    pub status: Option<StatusReply>,
    /// What `Backup` sends, instead of the sample.
    pub backup: Option<Vec<BackupPart>>,
    /// What `ListChanges` answers, instead of the sample.
    pub changes: Option<Vec<ChangeView>>,
    /// What `PlanSpns` answers, instead of the sample; told whether it is a dry run.
    pub plan: Option<PlannedChanges>,
    /// What becomes of a change that the controller makes, instead of `applied`.
    pub made: Option<&'static str>,
    /// The directory does not show which SPNs an account has.
    pub hidden: bool,
    /// Some node never gets the keys of an SPN.
    pub lacks_keys: bool,
    /// Never answer.
    pub silent: bool,
}

/// The service.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<Knobs>>);

impl Fake {
    /// The knobs, to turn and to read.
    pub fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.0.lock().unwrap()
    }

    async fn hear(
        &self,
        method: &str,
        request: &(impl std::fmt::Debug + Sync),
    ) -> Result<(), Status> {
        let silent = {
            let mut knobs = self.knobs();
            knobs.asked.push(format!("{method} {request:?}"));
            if let Some(refusal) = knobs.refusal.clone() {
                return Err(refusal);
            }
            knobs.silent
        };
        if silent {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// A refusal as the controller sends it.
pub fn refusal(code: Code, message: &str, word: &str, next: &str, exit: u8) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("keyroll-code", word.parse().unwrap());
    let next = MetadataValue::from_bytes(next.as_bytes());
    metadata.insert_bin("keyroll-next-bin", next);
    metadata.insert("keyroll-exit", exit.to_string().parse().unwrap());
    Status::with_metadata(code, message, metadata)
}

/// Methods that only tell what they heard: `name Request => Reply, |request| reply`.
macro_rules! answers {
    ($($name:ident $request:ident => $reply:ident, $answer:expr;)*) => {
        // One macro around the whole: `async_trait` does not look into another one.
        #[tonic::async_trait]
        impl Operator for Fake {
        type WatchRollStream = Pin<Box<dyn Stream<Item = Result<RollView, Status>> + Send>>;

        async fn watch_roll(
            &self,
            request: Request<WatchRollRequest>,
        ) -> Result<Response<Self::WatchRollStream>, Status> {
            self.hear("watch_roll", request.get_ref()).await?;
            let views = self.knobs().streams.pop_front().unwrap_or_default();
            let items: Vec<_> = views
                .into_iter()
                .map(|view| view.ok_or_else(|| Status::unavailable("the controller is stopping")))
                .collect();
            Ok(Response::new(Box::pin(tokio_stream::iter(items))))
        }

        type BackupStream = Pin<Box<dyn Stream<Item = Result<BackupPart, Status>> + Send>>;

        async fn backup(
            &self,
            request: Request<BackupRequest>,
        ) -> Result<Response<Self::BackupStream>, Status> {
            self.hear("backup", request.get_ref()).await?;
            let parts = self.knobs().backup.take().unwrap_or_else(samples::backup);
            let parts = parts.into_iter().map(Ok);
            Ok(Response::new(Box::pin(tokio_stream::iter(parts))))
        }

            $(async fn $name(
            &self,
            request: Request<$request>,
        ) -> Result<Response<$reply>, Status> {
            let request = request.into_inner();
            self.hear(stringify!($name), &request).await?;
            let answer: fn(&Self, $request) -> $reply = $answer;
            Ok(Response::new(answer(self, request)))
        })*
        }
    };
}

answers! {
        create_array CreateArrayRequest => Changed, |_, r| samples::changed(r.dry_run);
        adopt_array AdoptArrayRequest => Changed, |fake, r| {
            fake.knobs().credentials.extend(r.credential);
            samples::changed(r.dry_run)
        };
        list_arrays ListArraysRequest => ListArraysReply, |_, _| ListArraysReply {
            arrays: vec![samples::array()],
        };
        show_array ShowArrayRequest => ArrayView, |_, _| samples::array();
        set_policy SetPolicyRequest => Changed, |_, r| samples::changed(r.dry_run);
        delete_array DeleteArrayRequest => Changed, |_, r| samples::changed(r.dry_run);
        print_acl PrintAclRequest => PrintAclReply, |_, _| samples::acl();
        add_node AddNodeRequest => AddNodeReply, |_, r| samples::added_node(&r);
        list_nodes ListNodesRequest => ListNodesReply, |_, _| ListNodesReply {
            nodes: vec![samples::node("node1"), samples::node("node2")],
        };
        show_node ShowNodeRequest => NodeView, |_, _| samples::node("node1");
        remove_node RemoveNodeRequest => Changed, |_, r| samples::changed(r.dry_run);
        quarantine_node QuarantineNodeRequest => Changed, |_, r| samples::changed(r.dry_run);
        resume_node ResumeNodeRequest => Changed, |_, r| samples::changed(r.dry_run);
        allow_password AllowPasswordRequest => Changed, |_, r| samples::changed(r.dry_run);
        start_roll StartRollRequest => StartRollReply, |fake, r| StartRollReply {
            rolls: fake.knobs().started.clone().unwrap_or_else(|| samples::started(&r)),
        };
        roll_status RollStatusRequest => RollStatusReply, |_, _| RollStatusReply {
            rolls: vec![samples::roll("draining")],
        };
        abort_roll AbortRollRequest => Changed, |_, r| samples::changed(r.dry_run);
        resolve_roll ResolveRollRequest => Changed, |_, r| samples::changed(r.dry_run);
        roll_history RollHistoryRequest => RollHistoryReply, |_, _| RollHistoryReply {
            rolls: vec![samples::roll("done"), samples::roll("aborted")],
        };
        explain_roll ExplainRollRequest => ExplainRollReply, |_, _| samples::explained();
        set_schedule SetScheduleRequest => Changed, |_, r| samples::changed(r.dry_run);
        show_schedule ShowScheduleRequest => ScheduleView, |_, _| samples::schedule();
        pause_schedule PauseScheduleRequest => Changed, |_, r| samples::changed(r.dry_run);
        resume_schedule ResumeScheduleRequest => Changed, |_, r| samples::changed(r.dry_run);
        verify VerifyRequest => VerifyReply, |fake, _| {
            fake.knobs().verified.clone().unwrap_or_else(|| samples::verified("ok"))
        };
        doctor DoctorRequest => DoctorReply, |fake, _| {
            fake.knobs().examined.clone().unwrap_or_else(|| samples::examined("ok"))
        };
        status StatusRequest => StatusReply, |fake, _| {
            fake.knobs().status.clone().unwrap_or_else(samples::status)
        };
        show_audit ShowAuditRequest => ShowAuditReply, |_, _| samples::audit();
        acknowledge_audit AcknowledgeAuditRequest => Changed, |_, r| samples::changed(r.dry_run);
        verify_audit VerifyAuditRequest => VerifyAuditReply, |_, _| VerifyAuditReply {
            last: 7,
            ok: true,
            entries: 7,
            head: "c0ffee".into(),
            trouble: String::new(),
            checkpoints: 2,
            signed: 6,
            key: "beef".into(),
        };
        add_operator AddOperatorRequest => AddOperatorReply, |_, r| samples::added_operator(&r);
        list_operators ListOperatorsRequest => ListOperatorsReply, |_, _| samples::operators();
        replace_authority ReplaceAuthorityRequest => ReplaceAuthorityReply, |_, r| {
            ReplaceAuthorityReply {
                changed: Some(samples::changed(r.dry_run)),
                authorities_pem: "the CAs\n".into(),
            }
        };
        list_approvals ListApprovalsRequest => ListApprovalsReply, |_, _| samples::approvals();
        give_approval GiveApprovalRequest => Changed, |_, r| samples::changed(r.dry_run);
        recover RecoverRequest => RecoverReply, |_, r| samples::recovered(&r);
        list_changes ListChangesRequest => ListChangesReply, |fake, _| ListChangesReply {
            changes: fake.knobs().changes.clone()
                .unwrap_or_else(|| vec![samples::change("applied")]),
        };
        report_change ReportChangeRequest => ChangeView, |_, r| samples::reported(&r);
        undo_change UndoChangeRequest => PlannedChanges, |_, r| samples::planned(r.dry_run);
        make_change MakeChangeRequest => ChangeView, |fake, _| {
            let state = fake.knobs().made.unwrap_or("applied");
            samples::change(state)
        };
        list_spns ListSpnsRequest => ListSpnsReply, |fake, _| {
            if fake.knobs().hidden { samples::hidden_spns() } else { samples::spns() }
        };
        suggest_spns SuggestSpnsRequest => ListSpnsReply, |_, _| {
            let add = "keyroll spn add web HTTP/new".into();
            let setspn = "setspn -S HTTP/new \"svc-web$\"".into();
            ListSpnsReply { commands: vec![add, setspn], ..samples::spns() }
        };
        check_spns CheckSpnsRequest => VerifyReply, |_, _| samples::verified("ok");
        find_duplicate_spns FindDuplicateSpnsRequest => DuplicateSpnsReply, |_, _| {
            samples::duplicate_spns()
        };
        prepare_spns PrepareSpnsRequest => PrepareSpnsReply, |fake, r| {
            samples::prepared(r.dry_run && !fake.knobs().lacks_keys)
        };
        plan_spns PlanSpnsRequest => PlannedChanges, |fake, r| {
            let plan = fake.knobs().plan.clone();
            let plan = plan.unwrap_or_else(|| samples::planned(r.dry_run));
            PlannedChanges { dry_run: r.dry_run, ..plan }
        };
        plan_delegation PlanDelegationRequest => PlannedChanges, |_, r| {
            samples::planned_delegation(r.dry_run)
        };
        show_delegation ShowDelegationRequest => DelegationView, |_, _| samples::delegation();
        test_delegation TestDelegationRequest => TestDelegationReply, |_, r| {
            samples::tested(&r.user)
        };
        revoke_operator RevokeOperatorRequest => Changed, |_, r| samples::changed(r.dry_run);
}

/// A fake controller that listens, and a folder for the files of one test.
pub struct World {
    /// The service.
    pub fake: Fake,
    folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
}

impl World {
    /// A controller on a socket of its own.
    pub fn new() -> Self {
        let mut world = Self {
            fake: Fake::default(),
            folder: tempfile::tempdir().unwrap(),
            stop: None,
        };
        world.start();
        world
    }

    fn start(&mut self) {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let (fake, socket) = (self.fake.clone(), self.path("operator.sock"));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async move {
                let listener = tokio::net::UnixListener::bind(socket).unwrap();
                ready.send(()).unwrap();
                tokio::select! {
                    ended = tonic::transport::Server::builder()
                        .serve_with_incoming(
                            OperatorServer::new(fake),
                            UnixListenerStream::new(listener),
                        ) => ended.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        is_ready.recv().unwrap();
        self.stop = Some(stop);
    }

    /// A file of this test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of this test.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The command line, ready to be run: this test's socket, no settings, UTC.
    pub fn command(&self, line: &str) -> Command {
        let mut command = bare(self.folder.path());
        command
            .env("KEYROLL_SOCKET", self.path("operator.sock"))
            .args(words(line));
        command
    }

    /// Runs a line, which is split at blanks except within single quotes.
    pub fn run(&self, line: &str) -> Ran {
        Ran::from(self.command(line).output().unwrap())
    }

    /// Runs a line with something on standard input.
    pub fn run_with_input(&self, line: &str, input: &[u8]) -> Ran {
        let mut command = self.command(line);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    }

    /// What the last call asked.
    pub fn last_asked(&self) -> String {
        self.fake.knobs().asked.last().cloned().unwrap_or_default()
    }
}

/// The binary in a folder of its own, with nothing of the caller's environment that matters.
pub fn bare(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyroll"));
    command
        .current_dir(folder)
        .env("HOME", folder)
        .env("TZ", "UTC")
        .stdin(Stdio::null());
    for variable in [
        "KEYROLL_CONTROLLER",
        "KEYROLL_SOCKET",
        "KEYROLL_CONFIG",
        "XDG_CONFIG_HOME",
    ] {
        command.env_remove(variable);
    }
    command
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub exit: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Demands an exit code, with everything printed if it is another.
    #[track_caller]
    pub fn exits(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{self:?}");
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}
