//! Everything that is printed: replies on standard output, all else on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use clap::builder::styling::{AnsiColor, Style};
use clap::{ColorChoice, ValueEnum};
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::exit::Exit;
use crate::trouble::Trouble;
use crate::words::harmless;

/// The form of what is printed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: the controller's reply as it is.
    Json,
    /// A schedule as a file (`schedule show` only).
    Toml,
}

/// How to print.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// The form of replies.
    pub format: Format,
    /// Whether to say what is being done.
    pub verbose: bool,
    colour: ColorChoice,
}

/// The words that colour makes easier to find. They stand alone: no colour is needed to read.
const PAINTED: [(&str, AnsiColor); 9] = [
    ("critical", AnsiColor::Red),
    ("broken", AnsiColor::Red),
    ("error:", AnsiColor::Red),
    ("refused:", AnsiColor::Red),
    ("halted", AnsiColor::Red),
    ("warning", AnsiColor::Yellow),
    ("unknown", AnsiColor::Yellow),
    ("ok", AnsiColor::Green),
    ("done", AnsiColor::Green),
];

impl Screen {
    /// A screen as the global options ask for.
    pub fn new(format: Format, colour: ColorChoice, verbose: bool) -> Self {
        Self {
            format,
            verbose,
            colour,
        }
    }

    /// Prints a reply: as JSON, or as the text that `text` makes of it.
    ///
    /// # Errors
    /// Standard output that cannot be written to, except for a reader who has left.
    pub fn reply<T: Serialize>(
        &self,
        reply: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Trouble> {
        match self.format {
            Format::Json => {
                let json = serde_json::to_string_pretty(reply).map_err(|error| no_json(&error))?;
                self.write(&format!("{json}\n"))
            }
            Format::Table | Format::Toml => self.print(&text(reply)),
        }
    }

    /// Prints one of many replies as a line of JSON, whatever the format.
    ///
    /// # Errors
    /// As [`Screen::reply`].
    pub fn line<T: Serialize>(&self, reply: &T) -> Result<(), Trouble> {
        let json = serde_json::to_string(reply).map_err(|error| no_json(&error))?;
        self.write(&format!("{json}\n"))
    }

    /// Prints text from elsewhere on standard output, made harmless, ending in a newline.
    ///
    /// # Errors
    /// As [`Screen::reply`].
    pub fn print(&self, text: &str) -> Result<(), Trouble> {
        let paint = self.paints(io::stdout().is_terminal());
        let mut page = String::new();
        for line in harmless(text).lines() {
            page.push_str(&painted(line, paint));
            page.push('\n');
        }
        self.write(&page)
    }

    /// Writes bytes of our own making on standard output, as they are.
    ///
    /// # Errors
    /// As [`Screen::reply`].
    pub fn write(&self, text: &str) -> Result<(), Trouble> {
        let mut stdout = io::stdout().lock();
        match stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
        {
            // `keyroll … | head` is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Trouble::new(
                Exit::CannotWrite,
                "unwritable-output",
                format!("standard output cannot be written: {error}"),
            )),
            Ok(()) => Ok(()),
        }
    }

    /// Says something beside the reply, on standard error.
    pub fn say(&self, text: &str) {
        let paint = self.paints(io::stderr().is_terminal());
        let mut stderr = io::stderr().lock();
        for line in harmless(text).lines() {
            // Nobody is left to tell when standard error is gone.
            let _ = writeln!(stderr, "{}", painted(line, paint));
        }
    }

    /// Says what is being done, if `--verbose` was given.
    pub fn note(&self, text: &str) {
        if self.verbose {
            self.say(text);
        }
    }

    /// Prints trouble on standard error: a paragraph and the next command, or JSON.
    pub fn trouble(&self, trouble: &Trouble) {
        if self.format == Format::Json {
            let mut stderr = io::stderr().lock();
            let _ = writeln!(stderr, "{}", trouble.to_json());
        } else {
            self.say(&format!("error: {}", trouble.what));
            if !trouble.next.is_empty() {
                self.say(&format!("next: {}", trouble.next));
            }
        }
    }

    fn paints(&self, terminal: bool) -> bool {
        match self.colour {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            // https://no-color.org: any value but an empty one.
            ColorChoice::Auto => {
                terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

/// The line with its first word in colour, if it is one of those that matter.
fn painted(line: &str, paint: bool) -> String {
    let word = line.split(' ').next().unwrap_or_default();
    match PAINTED.iter().find(|(known, _)| *known == word) {
        Some((_, colour)) if paint => {
            let style: Style = colour.on_default().bold();
            format!("{style}{word}{style:#}{}", &line[word.len()..])
        }
        _ => line.to_owned(),
    }
}

/// A table without lines: columns apart by two blanks, made for reading and for `awk`.
#[must_use]
pub fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row.map(|cell| harmless(&cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn no_json(error: &serde_json::Error) -> Trouble {
    Trouble::new(
        Exit::Internal,
        "json",
        format!("the reply as JSON: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_plain_columns() {
        let text = table(
            ["NODE", "STATE"],
            [["n1".to_owned(), "in-service".to_owned()]],
        );
        assert_eq!(text, "NODE  STATE\nn1    in-service\n");
    }

    #[test]
    fn only_the_first_word_is_painted() {
        assert_eq!(painted("ok  web", false), "ok  web");
        let line = painted("ok  web", true);
        assert!(
            line.starts_with("\x1b[") && line.ends_with("  web"),
            "{line:?}"
        );
        assert_eq!(painted("okay web", true), "okay web");
    }
}
