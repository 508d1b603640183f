//! What the data could not answer, and why.

use crate::{facts::Facts, number, trace};
use askama::Template;

/// Reasons that are shown.
const CAP: usize = 30;
/// Servers named for one reason.
const CAP_NAMES: usize = 12;

/// Unknown answers by reason.
#[derive(Template)]
#[template(path = "unanswered.html")]
pub(crate) struct Unanswered {
    rows: Vec<Row>,
    n_more: String,
    trace: String,
}

struct Row {
    subject: String,
    reason: String,
    count: String,
    names: String,
    n_more: String,
}

impl Unanswered {
    pub(crate) fn new(facts: &Facts) -> Self {
        let n = facts.unknown.len();
        let row = |unknown: &crate::facts::Unknown| {
            let n_more = unknown.servers.len().saturating_sub(CAP_NAMES);
            Row {
                subject: unknown.subject(),
                reason: if unknown.reason.is_empty() {
                    "no reason given".to_owned()
                } else {
                    unknown.reason.to_owned()
                },
                count: number::counted(unknown.servers.len(), "server"),
                names: unknown.servers.iter().take(CAP_NAMES).copied().collect::<Vec<_>>().join(", "),
                n_more: if n_more > 0 { number::count(n_more) } else { String::new() },
            }
        };
        Self {
            rows: facts.unknown.iter().take(CAP).map(row).collect(),
            n_more: if n > CAP { number::count(n - CAP) } else { String::new() },
            trace: trace::command(facts.input.run, &query(facts)),
        }
    }
}

fn query(facts: &Facts) -> String {
    format!(
        "SELECT metric, reason, count(DISTINCT server_id) AS servers FROM risks WHERE run_id = {} AND state = 'unknown' \
         GROUP BY metric, reason ORDER BY servers DESC, metric",
        trace::literal(&facts.input.run.run_id)
    )
}
