//! How an error leaves the program: what was found, why, what would do, and the exit code.

use std::fmt;
use std::process::ExitCode;

/// Exit code of a command that the user stopped, as shells count it.
pub const INTERRUPTED: u8 = 130;

/// Flags that do not go together; exit code 2, as for a misspelt flag.
#[derive(Debug)]
pub struct WrongUse(pub String);

impl fmt::Display for WrongUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUse {}

/// Prints the error on standard error, the outermost reason first, and gives the exit code.
pub fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let closed_pipe = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe);
    if closed_pipe {
        // `fleetcast ... | head` is no failure.
        return ExitCode::SUCCESS;
    }
    let hint =
        error.chain().find_map(|cause| cause.downcast_ref::<fleetcast::Error>()).and_then(fleetcast::Error::hint);
    let causes = reasons(error);
    if json {
        eprintln!("{}", serde_json::json!({ "error": causes[0], "causes": causes[1..], "hint": hint }));
    } else {
        eprintln!("error: {}", causes[0]);
        for cause in &causes[1..] {
            eprintln!("cause: {cause}");
        }
        if let Some(hint) = hint {
            eprintln!("hint: {hint}");
        }
    }
    tracing::error!(causes = ?causes, "failed");
    let stopped =
        |cause: &(dyn std::error::Error + 'static)| matches!(cause.downcast_ref(), Some(fleetcast::Error::Interrupted));
    if error.chain().any(stopped) {
        ExitCode::from(INTERRUPTED)
    } else if error.chain().any(|cause| cause.is::<WrongUse>()) {
        ExitCode::from(2)
    } else {
        ExitCode::from(1)
    }
}

/// The messages of an error and its causes, without those that only repeat what the one above says.
fn reasons(error: &anyhow::Error) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !reasons.last().is_some_and(|above| above.contains(&cause)) {
            reasons.push(cause);
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_cause_that_repeats_the_message_is_said_once() {
        let inner = anyhow::anyhow!("no such file").context("reading x.csv: no such file");
        assert_eq!(reasons(&inner), ["reading x.csv: no such file"]);
        let outer = Err::<(), _>(anyhow::anyhow!("row 3 is short")).context("reading x.csv").unwrap_err();
        assert_eq!(reasons(&outer), ["reading x.csv", "row 3 is short"]);
    }
}
