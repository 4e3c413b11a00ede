//! One question to a KDC and its answer, over TCP (RFC 4120 section 7.2.2).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::kerberos::message::{expected_length, frame};
use keyroll::name::DcName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::ports::PortError;

const KERBEROS: u16 = 88;

/// A KDC's answer, and when it can have been made.
pub(super) struct Answered {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) between: (DateTime<Utc>, DateTime<Utc>),
}

/// Asks `dc` and no other KDC, on a connection of its own: a KDC closes it after a while anyway,
/// and a dead line is then never mistaken for a silent KDC.
pub(super) async fn ask(
    dc: &DcName,
    message: &[u8],
    patience: Duration,
) -> Result<Answered, PortError> {
    let began = Utc::now();
    let asking = timeout(patience, exchange(dc, message)).await;
    let why = match asking {
        Ok(Ok(bytes)) => {
            return Ok(Answered {
                bytes,
                between: (began, Utc::now()),
            });
        }
        Ok(Err(why)) => why,
        Err(_) => format!("no answer within {} s", patience.as_secs()),
    };
    Err(PortError::Unreachable {
        object: format!("the KDC of {dc}"),
        why,
    })
}

async fn exchange(dc: &DcName, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let io = |error: std::io::Error| format!("port {KERBEROS}: {error}");
    let mut stream = TcpStream::connect((dc.as_str(), KERBEROS))
        .await
        .map_err(io)?;
    stream.write_all(&frame(message)).await.map_err(io)?;
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.map_err(io)?;
    let length = expected_length(header).map_err(|error| error.to_string())?;
    let mut answer = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut answer).await.map_err(io)?;
    Ok(answer)
}

impl Answered {
    /// How far the KDC's clock is ahead of ours, given the second that it put into its answer.
    ///
    /// The KDC's time lies within that whole second, ours between question and answer. Where the
    /// two spans meet the clocks agree as far as can be told; else this is the gap between them,
    /// so a slow answer never looks like a wrong clock.
    pub(super) fn clock_ahead(&self, second: DateTime<Utc>) -> TimeDelta {
        let (began, ended) = self.between;
        let last = second + TimeDelta::milliseconds(999);
        if second > ended {
            second - ended
        } else if last < began {
            last - began
        } else {
            TimeDelta::zero()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_gap_between_the_spans_counts_as_skew() {
        let at = |millis: i64| DateTime::from_timestamp_millis(1_800_000_000_000 + millis).unwrap();
        for (began, ended, second, ahead) in [
            (100, 200, 0, 0),
            (1_100, 1_200, 1_000, 0),
            (900, 1_100, 1_000, 0),
            (1_500, 6_500, 1_000, 0),
            (100, 200, 5_000, 4_800),
            (9_999, 10_100, 3_000, -6_000),
        ] {
            let answered = Answered {
                bytes: Zeroizing::default(),
                between: (at(began), at(ended)),
            };
            assert_eq!(
                answered.clock_ahead(at(second)),
                TimeDelta::milliseconds(ahead)
            );
        }
    }
}
