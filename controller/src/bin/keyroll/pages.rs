//! `keyroll completions` and `keyroll man`: made from the command line's own definition.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::command_line::CommandLine;
use crate::exit::{EXITS, Exit};
use crate::files;
use crate::screen::Screen;
use crate::trouble::Trouble;

/// The verbs that need no controller.
#[derive(Debug, Clone, Subcommand)]
pub enum Pages {
    /// Print a shell's completions
    #[command(after_help = "Examples:
  keyroll completions bash > /etc/bash_completion.d/keyroll
  keyroll completions zsh > /usr/share/zsh/site-functions/_keyroll
  keyroll completions fish > ~/.config/fish/completions/keyroll.fish")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write the man pages, one for each verb
    #[command(after_help = "Examples:
  keyroll man /usr/local/share/man/man1")]
    Man {
        /// The folder to write them to
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Runs `keyroll completions` or `keyroll man`.
///
/// # Errors
/// Files that cannot be written.
pub fn run(pages: Pages, screen: &Screen) -> Result<Exit, Trouble> {
    match pages {
        Pages::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut CommandLine::command(), "keyroll", &mut script);
            screen.write(&String::from_utf8_lossy(&script))?;
        }
        Pages::Man { folder } => {
            let mut command = CommandLine::command();
            command.build();
            write_pages(&command, &folder)?;
        }
    }
    Ok(Exit::Done)
}

fn write_pages(command: &clap::Command, folder: &Path) -> Result<(), Trouble> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        write_pages(verb, folder)?;
    }
    let man = Man::new(command.clone())
        .source("keyroll")
        .manual("keyroll");
    let path = folder.join(man.get_filename());
    let mut page = Vec::new();
    render(&man, command, &mut page).map_err(|error| Trouble::unwritable(&path, &error))?;
    files::write_public(&path, &page)
}

/// The sections that clap has, and the ones a man page needs besides.
fn render(man: &Man, command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.get_subcommands().any(|verb| !verb.is_hide_set()) {
        man.render_subcommands_section(page)?;
    }
    if let Some(examples) = command.get_after_help() {
        writeln!(page, ".SH EXAMPLES\n.nf")?;
        for line in examples
            .to_string()
            .lines()
            .filter(|line| *line != "Examples:")
        {
            writeln!(page, "{}", escaped(line))?;
        }
        writeln!(page, ".fi")?;
    }
    writeln!(page, ".SH \"EXIT STATUS\"")?;
    for (exit, meaning) in EXITS {
        let meaning = meaning.replace('`', "");
        writeln!(
            page,
            ".TP\n\\fB{}\\fR\n{}",
            exit.number(),
            escaped(&meaning)
        )?;
    }
    Ok(())
}

/// A line of text for roff: backslashes, leading dots and hyphens stand for themselves.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) {
        format!("\\&{line}")
    } else {
        line
    }
}
