//! What the agent logs, as lines in the event log.

use std::fmt::{Debug, Write as _};

use keyroll_windows::event_log::{Source, Weight};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::platform::events;

/// Puts every event into the log under its number.
#[derive(Debug)]
pub struct Lines(Source);

impl Lines {
    /// The log of the source that `install` registers; none if the log cannot be reached.
    pub fn open() -> Option<Self> {
        Source::open(super::service::NAME).ok().map(Self)
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let weight = match *event.metadata().level() {
            Level::ERROR => Weight::Error,
            Level::WARN => Weight::Warning,
            _ => Weight::Information,
        };
        let number = events::number(&line.sentence);
        let text = format!("{}{}", line.sentence, line.rest);
        // A log that is full or gone must not stop the agent.
        self.0.report(weight, number, &text).ok();
    }
}

/// An event as one line: the sentence, then each field.
#[derive(Default)]
struct Line {
    sentence: String,
    rest: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.sentence);
        } else {
            write!(self.rest, " {}={value}", field.name()).ok();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.sentence = format!("{value:?}");
        } else {
            write!(self.rest, " {}={value:?}", field.name()).ok();
        }
    }
}
