//! Do warnings stand until what they warn of comes, and stay away where nothing comes?

/// One series and threshold at one origin, by one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The day of the origin, counted from any day.
    pub day: i64,
    /// Whether it was warned of a crossing within the horizon.
    pub warned: bool,
    /// Whether a crossing would have been news.
    pub at_risk: bool,
    /// Day of the crossing, 0 for the first after the origin; `None` when none came within the horizon.
    pub crossed: Option<usize>,
}

/// A crossing, and how long before it the warning stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Led {
    /// Number of its server, for resampling.
    pub server: usize,
    /// Days from the first origin that had this crossing ahead as the next: no lead can be longer.
    pub most: i64,
    /// Days from the first of the origins that were warned without a break up to the last before the crossing; `None`
    /// when that last one was not warned.
    pub held: Option<i64>,
}

/// Two origins in a row between which, and in the horizon after both, nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calm {
    /// Number of its server, for resampling.
    pub server: usize,
    /// What was said at the two.
    pub warned: [bool; 2],
}

/// Warnings of one method over the origins, series by series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Crossings that were news.
    pub led: Vec<Led>,
    /// Pairs of origins without an event.
    pub calm: Vec<Calm>,
}

impl Held {
    /// Adds one series and threshold, its origins in the order of time.
    pub fn add(&mut self, server: usize, origins: &[Standing]) {
        let when = |one: &Standing| one.crossed.filter(|_| one.at_risk).map(|day| one.day + 1 + day as i64);
        // Origins that have the same crossing ahead stand in a row.
        for same in origins.chunk_by(|a, b| when(a).is_some() && when(a) == when(b)) {
            let Some(came) = when(&same[0]) else { continue };
            let warned = same.iter().rev().take_while(|one| one.warned).last();
            self.led.push(Led { server, most: came - same[0].day, held: warned.map(|one| came - one.day) });
        }
        let calm = |one: &Standing| one.at_risk && one.crossed.is_none();
        let pairs = origins.windows(2).filter(|pair| pair.iter().all(calm));
        self.calm.extend(pairs.map(|pair| Calm { server, warned: [pair[0].warned, pair[1].warned] }));
    }

    /// Share of the crossings that were warned of without a break from at least `days` before; of those that an origin so
    /// long before had ahead as the next. `None` when there are none.
    pub fn recall(&self, times: &[u32], days: i64) -> Option<f64> {
        let could = self.led.iter().filter(|led| led.most >= days);
        share(could.map(|led| (led.server, led.held.is_some_and(|held| held >= days))), times)
    }

    /// Median lead in days of the crossings, 0 for one that was not warned of; `None` without crossings.
    pub fn median_lead(&self, times: &[u32]) -> Option<f64> {
        let mut leads: Vec<(i64, f64)> =
            self.led.iter().map(|led| (led.held.unwrap_or(0), f64::from(times[led.server]))).collect();
        leads.sort_unstable_by_key(|(lead, _)| *lead);
        let all: f64 = leads.iter().map(|(_, weight)| weight).sum();
        let mut below = 0.0;
        let middle = leads.iter().find(|(_, weight)| {
            below += weight;
            below >= 0.5 * all
        });
        middle.filter(|_| all > 0.0).map(|(lead, _)| *lead as f64)
    }

    /// Share of the pairs of origins without an event at which the warning came or went; `None` without pairs.
    pub fn flips(&self, times: &[u32]) -> Option<f64> {
        share(self.calm.iter().map(|calm| (calm.server, calm.warned[0] != calm.warned[1])), times)
    }

    /// The same of the pairs of which one at least was warned.
    pub fn flips_of_warned(&self, times: &[u32]) -> Option<f64> {
        let warned = self.calm.iter().filter(|calm| calm.warned != [false; 2]);
        share(warned.map(|calm| (calm.server, calm.warned[0] != calm.warned[1])), times)
    }
}

fn share(rows: impl Iterator<Item = (usize, bool)>, times: &[u32]) -> Option<f64> {
    let (mut part, mut all) = (0.0, 0.0);
    for (server, counts) in rows {
        let weight = f64::from(times[server]);
        part += if counts { weight } else { 0.0 };
        all += weight;
    }
    (all > 0.0).then(|| part / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Origins 30 days apart: warned, at risk, day of the crossing.
    fn held(rows: &[(bool, bool, Option<usize>)]) -> Held {
        let row = |(at, &(warned, at_risk, crossed)): (usize, &(bool, bool, Option<usize>))| Standing {
            day: 30 * at as i64,
            warned,
            at_risk,
            crossed,
        };
        let mut held = Held::default();
        held.add(0, &rows.iter().enumerate().map(row).collect::<Vec<_>>());
        held
    }

    #[test]
    fn a_lead_ends_where_the_warning_broke() {
        // One crossing on day 85, ahead of three origins; the first two warned.
        let broken = held(&[(true, true, Some(84)), (true, true, Some(54)), (false, true, Some(24))]);
        assert_eq!(broken.led, [Led { server: 0, most: 85, held: None }]);
        let stood = held(&[(true, true, Some(84)), (false, true, Some(54)), (true, true, Some(24))]);
        assert_eq!(stood.led, [Led { server: 0, most: 85, held: Some(25) }]);
        assert_eq!((stood.recall(&[1], 14), stood.recall(&[1], 30)), (Some(1.0), Some(0.0)));
        let whole = held(&[(true, true, Some(84)), (true, true, Some(54)), (true, true, Some(24))]);
        assert_eq!((whole.recall(&[1], 60), whole.median_lead(&[1])), (Some(1.0), Some(85.0)));
        assert_eq!((whole.recall(&[1], 90), whole.flips(&[1])), (None, None));
    }

    #[test]
    fn another_crossing_is_another_event_and_one_that_is_no_news_is_none() {
        // A crossing on day 10, none while that is recent, one on day 80.
        let two = held(&[(true, true, Some(9)), (true, false, Some(0)), (true, true, Some(19))]);
        let led = |most, held| Led { server: 0, most, held };
        assert_eq!(two.led, [led(10, Some(10)), led(20, Some(20))]);
        assert_eq!(two.recall(&[1], 14), Some(1.0));
        assert_eq!((two.recall(&[1], 30), two.median_lead(&[1])), (None, Some(10.0)));
    }

    #[test]
    fn flips_are_counted_where_nothing_came() {
        let calm = |warned| (warned, true, None);
        let found = held(&[calm(false), calm(true), calm(true), calm(false), (true, true, Some(3)), calm(false)]);
        assert_eq!(found.calm.len(), 3);
        assert_eq!((found.flips(&[1]), found.flips_of_warned(&[1])), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(held(&[calm(false), calm(false)]).flips_of_warned(&[1]), None);
        assert_eq!(found.flips(&[0]), None);
    }
}
