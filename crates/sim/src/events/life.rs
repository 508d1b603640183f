//! When a server comes and when it goes.

use super::label::{Label, Name};
use super::settings::Churn;
use super::{DAY, Moment};
use fleetcast_numeric::Stream;
use std::ops::Range;

/// The days on which a server is there. Without churn all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    /// Its first day.
    pub(crate) born: usize,
    /// The first day without it.
    pub(crate) retired: Option<usize>,
}

impl Life {
    pub(crate) fn of(churn: &Churn, seed: u64, server_id: &str) -> Self {
        let stream = Stream::new(seed, &["life", server_id]);
        let comes_later = churn.born_later_share > 0.0 && stream.uniform(0) < churn.born_later_share;
        let born = if comes_later { 1 + (stream.uniform(1) * (churn.born_within_days - 1.0)) as usize } else { 0 };
        let retired = (churn.retired_per_year > 0.0).then(|| {
            let days = stream.exponential(4) * 365.25 / churn.retired_per_year;
            born + 1 + days.min(1e9) as usize
        });
        Self { born, retired }
    }

    /// Those of the first `n_days` on which the server is there.
    pub(crate) fn days(self, n_days: usize) -> Range<usize> {
        let end = self.retired.unwrap_or(n_days).min(n_days);
        self.born.min(end)..end
    }

    /// Its birth and its retirement as events.
    pub(crate) fn labels(self, server_id: &str) -> Vec<Label> {
        let label = |event_type: &'static str, day: usize, size: f64| Label {
            event_type,
            scope: "server",
            name: Name::Given(server_id.to_owned(), format!("{server_id}-{event_type}")),
            start: day as Moment * DAY,
            peak: day as Moment * DAY,
            end: None,
            metric: None,
            size,
        };
        let birth = (self.born > 0).then(|| label("birth", self.born, 1.0));
        birth.into_iter().chain(self.retired.map(|day| label("retirement", day, 0.0))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_come_and_go_at_the_rates_asked() {
        let churn = Churn { born_later_share: 0.3, born_within_days: 400.0, retired_per_year: 0.5 };
        let lives: Vec<Life> = (0..20_000).map(|n| Life::of(&churn, 7, &format!("s-{n}"))).collect();
        let late = lives.iter().filter(|life| life.born > 0).count() as f64 / 20_000.0;
        assert!((late - 0.3).abs() < 0.01, "{late}");
        assert!(lives.iter().all(|life| life.born < 400));
        let first_year = lives.iter().filter(|life| life.retired.is_some_and(|day| day - life.born <= 365));
        let share = first_year.count() as f64 / 20_000.0;
        assert!((share - (1.0 - (-0.5_f64).exp())).abs() < 0.01, "{share}");
        for life in lives {
            assert!(life.days(365).len() <= 365 && life.days(100).end <= 100);
            assert!(life.retired.is_none_or(|day| day > life.born));
        }
    }

    #[test]
    fn without_churn_a_server_is_always_there() {
        let churn = Churn { born_later_share: 0.0, born_within_days: 365.0, retired_per_year: 0.0 };
        let life = Life::of(&churn, 7, "s");
        assert_eq!((life.days(90), life.labels("s").len()), (0..90, 0));
    }
}
