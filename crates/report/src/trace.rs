//! The commands that trace a number of the report back to the lake.

use crate::RunFacts;

/// A question about the lake as a command line to copy.
pub(crate) fn command(run: &RunFacts, query: &str) -> String {
    format!("fleetcast sql --lake {} {}", shell_word(&run.lake), shell_quoted(query))
}

/// A text as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A word of a shell command, quoted where it has to be.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// A text in double quotes, so that the single quotes of SQL can stand in it.
fn shell_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!((shell_word("demo/lake"), shell_word("my lake")), ("demo/lake".into(), "'my lake'".into()));
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_quoted("select \"a\", '$b'"), "\"select \\\"a\\\", '\\$b'\"");
        assert_eq!(literal("o'clock"), "'o''clock'");
    }
}
