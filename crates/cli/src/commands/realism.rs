//! `fleetcast realism`.

use super::answer;
use crate::args::{Global, RealismArgs};
use crate::text::{Align, aligned};
use fleetcast::realism::{RealismOptions, realism as compare};
use fleetcast::{Context, Line, Outcome, Scorecard};
use serde_json::json;

pub fn realism(args: &RealismArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let options = RealismOptions {
        real: args.real.clone(),
        synthetic: args.synthetic.clone(),
        seed: args.seed,
        rank_forecasters: !args.no_ranking,
    };
    let card = compare(&options, context)?;
    answer(global, &text(&card), &value(&card))
}

fn text(card: &Scorecard) -> String {
    let right = Align::Right;
    let head = [
        ("score", Align::Left),
        ("metric", Align::Left),
        ("value", right),
        ("null", right),
        ("null 5 %", right),
        ("null 95 %", right),
        ("p", right),
        ("", Align::Left),
    ];
    let mut text = aligned(&head, card.lines.iter().map(row).collect());
    for (metric, real, synthetic) in &card.servers {
        text.push_str(&format!(
            "{metric}: {real} real and {synthetic} synthetic servers, {} steps of {} s\n",
            card.length, card.step_seconds
        ));
    }
    card.notes.iter().for_each(|note| text.push_str(&format!("{note}\n")));
    let shown = card.lines.iter().filter_map(Line::shown);
    let (mut as_real, mut all) = (0, 0);
    for line in shown {
        as_real += usize::from(line.verdict() == fleetcast::Verdict::AsReal);
        all += 1;
    }
    text.push_str(&format!("{as_real} of {all} scores are within what real servers differ from each other\n"));
    text
}

fn row(line: &Line) -> Vec<String> {
    let mut cells = vec![line.score.clone(), line.metric.clone()];
    match &line.outcome {
        Outcome::Shown(shown) => {
            cells.extend([shown.value, shown.null, shown.null_low, shown.null_high].map(|v| format!("{v:.3}")));
            cells.push(format!("{:.2}", shown.p_value));
            cells.push(shown.verdict().words().to_owned());
        }
        Outcome::NotShown(why) => {
            cells.extend(std::iter::repeat_n("-".to_owned(), 5));
            cells.push(format!("not shown: {why}"));
        }
    }
    cells
}

fn value(card: &Scorecard) -> serde_json::Value {
    let line = |line: &Line| {
        let mut value = json!({ "score": line.score, "metric": line.metric, "meaning": line.meaning });
        match &line.outcome {
            Outcome::Shown(shown) => {
                value["value"] = json!(shown.value);
                value["null"] = json!(shown.null);
                value["null_q05"] = json!(shown.null_low);
                value["null_q95"] = json!(shown.null_high);
                value["p_value"] = json!(shown.p_value);
                value["verdict"] = json!(shown.verdict().words());
            }
            Outcome::NotShown(why) => value["not_shown"] = json!(why),
        }
        value
    };
    json!({
        "step_seconds": card.step_seconds,
        "length": card.length,
        "servers": card.servers.iter().map(|(metric, real, synthetic)| json!({ "metric": metric, "real": real, "synthetic": synthetic })).collect::<Vec<_>>(),
        "scores": card.lines.iter().map(line).collect::<Vec<_>>(),
        "notes": card.notes,
    })
}
