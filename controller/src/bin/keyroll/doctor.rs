//! `keyroll doctor`

mod client;
mod watch;

use std::fmt::Write as _;

use clap::Args;
use keyroll::doctor::Grade;
use keyroll_proto::operator::{DoctorReply, DoctorRequest, Finding};

use crate::exit::Exit;
use crate::screen::table;
use crate::session::Session;
use crate::trouble::Trouble;
use crate::words::or_dash;

/// Which array to examine.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyroll doctor web
  keyroll doctor web --node node3.corp.example
  keyroll doctor web --url https://web.corp.example/app
  keyroll doctor web --node-port 8080
  keyroll doctor web --from-client
  keyroll doctor web --watch
  keyroll doctor web --watch --output json      # a line of JSON for each change
  keyroll doctor web --output json | jq '.findings[] | select(.grade != \"ok\")'")]
pub struct Doctor {
    /// The array
    array: String,
    /// Look at this node alone
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// The page to log in at; without it the root under the array's first HTTP name, if it is there
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The port that nodes listen at, where the balancer before them listens at another
    ///
    /// The nodes are asked there, by HTTPS and by HTTP; under the array's name the page is asked
    /// for as without it.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    node_port: Option<u16>,
    /// Look from this machine too, as a client of the array, with your ticket from `kinit`
    ///
    /// Resolves the array's name, compares the clocks, asks every KDC for a ticket and logs in
    /// under the name, as a browser does: says Kerberos or NTLM, and the ticket's enctype and kvno.
    #[arg(long)]
    from_client: bool,
    /// Look again every ten seconds, and print what is different, until Ctrl-C
    ///
    /// What got another grade is a line each, with what mends it. With `--output json` a look is
    /// one line: the first, and each that differs. A controller that is away is borne for
    /// `--timeout`.
    #[arg(long)]
    watch: bool,
}

/// Runs `keyroll doctor`.
///
/// # Errors
/// What the operator is told.
pub async fn run(doctor: Doctor, session: &Session) -> Result<Exit, Trouble> {
    let reply = examine(&doctor, session).await?;
    if doctor.watch {
        return watch::run(&doctor, session, reply).await;
    }
    session.screen.reply(&reply, text)?;
    Ok(exit(&reply))
}

async fn examine(doctor: &Doctor, session: &Session) -> Result<DoctorReply, Trouble> {
    let doing = format!("examining {}", doctor.array);
    let request = DoctorRequest {
        array: doctor.array.clone(),
        node: doctor.node.clone().unwrap_or_default(),
        url: doctor.url.clone().unwrap_or_default(),
        from_client: doctor.from_client,
        node_port: doctor.node_port.map(u32::from).unwrap_or_default(),
    };
    let asked = session.ask(&doing, async |mut client| client.doctor(request).await);
    let mut reply = asked.await?;
    if doctor.from_client {
        let task = reply
            .client
            .take()
            .ok_or_else(|| nothing_to_ask_for(&doctor.array))?;
        let seen = client::look(&doctor.array, &task).await?;
        let grades = seen.iter().map(|finding| grade(&finding.grade));
        let worst = grades.chain([grade(&reply.grade)]).max();
        reply.grade = worst.unwrap_or(Grade::Unknown).name().to_owned();
        reply.findings.extend(seen);
    }
    Ok(reply)
}

fn nothing_to_ask_for(array: &str) -> Trouble {
    let what = format!(
        "{array} has no registered SPN to get a ticket for, or its controller is too old to say"
    );
    Trouble::new(Exit::BadInput, "spn-missing", what).next(format!("keyroll spn list {array}"))
}

/// A controller whose words this program cannot use.
fn garbled(error: impl std::fmt::Display) -> Trouble {
    Trouble::new(
        Exit::Internal,
        "bad-answer",
        format!("the controller's answer cannot be used: {error}"),
    )
}

fn exit(reply: &DoctorReply) -> Exit {
    match grade(&reply.grade) {
        Grade::Ok => Exit::Done,
        Grade::Unknown | Grade::Warning => Exit::Warning,
        Grade::Broken => Exit::EndedBadly,
    }
}

/// A word that is no grade comes from a newer controller: nothing is known then.
fn grade(word: &str) -> Grade {
    let mut grades = Grade::ALL.into_iter();
    let known = grades.find(|grade| grade.name() == word);
    known.unwrap_or(Grade::Unknown)
}

/// Everything as a table, the worst first, and of what is not well the cause and what mends it.
fn text(reply: &DoctorReply) -> String {
    let mut findings: Vec<&Finding> = reply.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(grade(&finding.grade)));
    let row = |finding: &&Finding| {
        [
            finding.grade.clone(),
            finding.check.clone(),
            finding.object.clone(),
            or_dash(&finding.evidence),
        ]
    };
    let mut text = table(
        ["GRADE", "CHECK", "OBJECT", "EVIDENCE"],
        findings.iter().map(row),
    );
    for finding in findings.iter().filter(|finding| finding.grade != "ok") {
        let _ = writeln!(
            text,
            "\n{} {}: {}",
            finding.grade, finding.check, finding.object
        );
        if !finding.cause.is_empty() {
            let _ = writeln!(text, "  {}", finding.cause);
        }
        if !finding.mend.is_empty() {
            let _ = writeln!(text, "  mend: {}", finding.mend);
        }
    }
    let count = |grade: &str| findings.iter().filter(|one| one.grade == grade).count();
    let many = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    let _ = write!(
        text,
        "\n{}: {} broken, {}, {} unknown, {} ok",
        many(findings.len(), "finding"),
        count("broken"),
        many(count("warning"), "warning"),
        count("unknown"),
        count("ok")
    );
    text
}
