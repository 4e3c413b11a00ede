//! Commands that people are given to type.

use std::fmt::Write as _;

/// A text that a POSIX shell takes as one word, whatever is in it.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text that bash takes as one word, in ASCII: as it is where it is plain, else quoted, and what
/// cannot be told from another on a screen by its numbers.
#[must_use]
pub fn word(text: &str) -> String {
    if is_bare(text) {
        return text.to_owned();
    }
    if is_plain(text) {
        return quoted(text);
    }
    let mut typed = String::from("$'");
    for byte in text.bytes() {
        match byte {
            b'\'' | b'\\' => {
                typed.push('\\');
                typed.push(char::from(byte));
            }
            0x20..0x7f => typed.push(char::from(byte)),
            other => {
                let _ = write!(typed, "\\x{other:02x}");
            }
        }
    }
    typed + "'"
}

/// The same of several.
#[must_use]
pub fn words(texts: &[String]) -> String {
    let each: Vec<String> = texts.iter().map(|text| word(text)).collect();
    each.join(" ")
}

/// One word for PowerShell.
#[must_use]
pub fn powershell_word(text: &str) -> String {
    match is_bare(text) {
        true => text.to_owned(),
        false => in_powershell(text),
    }
}

/// A text that PowerShell takes as it is, in ASCII: always quoted.
#[must_use]
pub fn in_powershell(text: &str) -> String {
    if is_plain(text) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut typed = String::from('"');
    let mut units = [0; 2];
    for c in text.chars() {
        match c {
            '"' | '`' | '$' => {
                typed.push('`');
                typed.push(c);
            }
            ' '..='~' => typed.push(c),
            // One for each unit of UTF-16.
            other => {
                for unit in other.encode_utf16(&mut units) {
                    let _ = write!(typed, "$([char]0x{unit:04x})");
                }
            }
        }
    }
    typed + "\""
}

fn is_bare(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    text.chars().all(safe) && !text.is_empty()
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_takes_as_it_is_stands_bare() {
        for (text, shell, powershell) in [
            ("HTTP/web:8443", "HTTP/web:8443", "HTTP/web:8443"),
            ("MSSQLSvc/db:a$b", "'MSSQLSvc/db:a$b'", "'MSSQLSvc/db:a$b'"),
            ("MSSQLSvc/db:#1", "'MSSQLSvc/db:#1'", "'MSSQLSvc/db:#1'"),
            ("", "''", "''"),
        ] {
            assert_eq!(word(text), shell);
            assert_eq!(powershell_word(text), powershell);
        }
    }

    #[test]
    fn several_words_stand_apart() {
        let texts = ["net stop", "web"].map(str::to_owned);
        assert_eq!(words(&texts), "'net stop' web");
    }
}
