//! What was said, row by row, with what came.

use super::Lost;
use super::said::{Said, Stated};
use crate::line_up::{BASELINE, usual_seasons};
use crate::{Config, Result};
use fleetcast_core::{
    Action, Future, History, Model, Panel, Recommendation, Risk, RiskState, SCORED_QUANTILES, Server, Step,
};
use fleetcast_plan::proof::{Came, DaysThatCame, Decision, Hindsight, at_risk, first_crossing};
use fleetcast_plan::{Limits, PriceBook, RISK_HORIZONS};
use jiff::civil::Date;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Days of the season that a series is compared with itself by.
const WEEK: usize = 7;
/// Days after which a server that sends nothing counts as switched off.
const SILENT_DAYS: usize = 7;
/// Days that a series must have been judged on before it is called lost.
const FEWEST_DAYS: usize = 30;

/// A chance that was said, and whether it came.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Crossing {
    /// Number of the server, for resampling.
    pub(super) server: usize,
    pub(super) month: String,
    pub(super) threshold: f64,
    /// Days that the chance was about.
    pub(super) days: usize,
    pub(super) p: f64,
    pub(super) came: bool,
    /// Whether it came by the 10, 50 and 90 % dates, where they are no later than the days judged.
    pub(super) by: [Option<bool>; 3],
}

/// A forecast, and how far off it was.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit {
    pub(super) server: usize,
    pub(super) series: String,
    pub(super) metric: String,
    pub(super) month: String,
    /// Days that came and were observed.
    pub(super) days: f64,
    /// Days inside the 90 % interval, inside the 80 % interval, and above the 95 % quantile.
    pub(super) inside_90: f64,
    pub(super) inside_80: f64,
    pub(super) above_95: f64,
    /// Quantile loss, and that of seasonal naive, in weekly changes of the history; `None` where those are none.
    pub(super) losses: Option<(f64, f64)>,
}

/// An advice to change a machine, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Advised {
    pub(super) server: usize,
    pub(super) month: String,
    /// Last day that the run had seen.
    pub(super) cutoff: Date,
    pub(super) saving_usd_per_month: f64,
    /// Whether the server is now what was advised.
    pub(super) done: bool,
    /// Bad days on the advised size: promised for the days that came, and those that came. `None` where nobody
    /// can tell.
    pub(super) bad_days: Option<(f64, f64)>,
    /// P(a bad day) that was promised, and whether one came; `None` before the planned days are over.
    pub(super) violation: Option<(f64, bool)>,
}

/// Everything that was said, with what came.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    pub(super) crossings: Vec<Crossing>,
    pub(super) fits: Vec<Fit>,
    pub(super) advised: Vec<Advised>,
    /// How often a server had changed since.
    pub(super) n_changed: usize,
}

/// Days from one to another; 0 when the second is not later.
pub(super) fn days_between(first: Date, second: Date) -> usize {
    usize::try_from(second.duration_since(first).as_hours() / 24).unwrap_or(0)
}

impl Judged {
    /// Adds what one run said.
    ///
    /// # Errors
    /// When the calendar of the configuration makes no sense.
    pub(super) fn add(
        &mut self,
        said: &Said,
        panel: &Panel,
        book: &PriceBook,
        limits: &Limits,
        config: &Config,
    ) -> Result<()> {
        let settings =
            fleetcast_models::Settings { season_lengths: usual_seasons(Step::DAY), calendar: config.calendar()? };
        let naive = fleetcast_models::named(BASELINE, &settings)?;
        let sizes: BTreeMap<&str, &Recommendation> = said.sizes.iter().map(|r| (r.server_id.as_str(), r)).collect();
        let mut series: BTreeMap<&str, Vec<&History>> = BTreeMap::new();
        for history in panel.histories() {
            series.entry(&history.id().server_id).or_default().push(history);
        }
        let judge = |(number, server): (usize, &std::sync::Arc<Server>)| {
            let own = series.get(server.server_id()).map(Vec::as_slice).unwrap_or_default();
            let size = sizes.get(server.server_id()).copied();
            Of { said, number, server, series: own, size }.judged(naive.as_ref(), book, limits)
        };
        let of_servers: Vec<Self> = panel.servers().par_iter().enumerate().map(judge).collect();
        for one in of_servers {
            self.crossings.extend(one.crossings);
            self.fits.extend(one.fits);
            self.advised.extend(one.advised);
            self.n_changed += one.n_changed;
        }
        Ok(())
    }

    /// Series on which seasonal naive was nearer, over all runs, the worst first.
    pub(super) fn lost(&self) -> Vec<Lost> {
        let mut sums: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
        for fit in &self.fits {
            let Some((own, naive)) = fit.losses else { continue };
            let sum = sums.entry(&fit.series).or_default();
            *sum = (sum.0 + own, sum.1 + naive, sum.2 + fit.days);
        }
        let mut lost: Vec<Lost> = (sums.into_iter())
            .filter(|(_, (own, naive, days))| *naive > 0.0 && own > naive && *days >= FEWEST_DAYS as f64)
            .map(|(series, (own, naive, days))| Lost {
                series: series.to_owned(),
                loss_of_naive: own / naive,
                days: days as usize,
            })
            .collect();
        lost.sort_by(|a, b| b.loss_of_naive.total_cmp(&a.loss_of_naive));
        lost
    }
}

/// What one run said of one server.
struct Of<'a> {
    said: &'a Said,
    number: usize,
    server: &'a Server,
    series: &'a [&'a History],
    size: Option<&'a Recommendation>,
}

impl Of<'_> {
    fn judged(&self, naive: &dyn Model, book: &PriceBook, limits: &Limits) -> Judged {
        let mut judged = Judged { advised: self.advised(book, limits).into_iter().collect(), ..Judged::default() };
        if self.is_changed() {
            judged.n_changed = 1;
            return judged;
        }
        for risk in self.said.risks.get(self.server.server_id()).into_iter().flatten() {
            judged.crossings.extend(self.crossing(risk));
        }
        for history in self.series {
            if let Some(stated) = self.said.forecasts.get(history.id()) {
                judged.fits.extend(self.fit(history, stated, naive));
            }
        }
        judged
    }

    fn month(&self) -> String {
        self.said.cutoff.strftime("%Y-%m").to_string()
    }

    /// Whether the machine is another than the one that was spoken of.
    fn is_changed(&self) -> bool {
        let then = self.size.and_then(|size| size.from_type.as_ref());
        then.zip(self.server.shape.instance_type.as_ref()).is_some_and(|(then, now)| then != now)
    }

    /// The longest chance of a risk whose days are over; `None` when none is, or a crossing was no news.
    fn crossing(&self, risk: &Risk) -> Option<Crossing> {
        let history = self.series.iter().find(|history| history.metric().name() == risk.metric.name())?;
        let (known, came) = split(history, risk.cutoff)?;
        let limit = risk.threshold / 100.0 * self.server.capacity(history.metric())?;
        if risk.min_days != 1 || risk.state != RiskState::Ok || !at_risk(&known, limit) {
            return None;
        }
        // The days that are over are over for every server: one that sends nothing any more has gaps, not fewer days.
        let n_over = days_between(risk.cutoff, self.said.until);
        let over = RISK_HORIZONS.iter().zip(risk.p_crossed).rev().find(|(days, p)| **days <= n_over && p.is_some());
        let (days, p) = over.and_then(|(days, p)| Some((*days, p?)))?;
        let mut came = came.to_vec();
        came.resize(came.len().max(days), f64::NAN);
        let crossed = match first_crossing(&came[..days], limit) {
            Came::Crossed(day) => Some(day),
            Came::Nothing => None,
            Came::Unknown => return None,
        };
        let by = [risk.dates.q10, risk.dates.q50, risk.dates.q90].map(|date| {
            let last = days_between(risk.cutoff, date?).checked_sub(1).filter(|last| *last < days)?;
            Some(crossed.is_some_and(|day| day <= last))
        });
        let (server, month) = (self.number, self.month());
        Some(Crossing { server, month, threshold: risk.threshold, days, p, came: crossed.is_some(), by })
    }

    /// How far off a forecast was; `None` when no day of it came.
    fn fit(&self, history: &History, stated: &Stated, naive: &dyn Model) -> Option<Fit> {
        let (known, came) = split(history, stated.cutoff)?;
        let days: Vec<usize> = (0..came.len().min(stated.quantiles.len())).filter(|&day| !came[day].is_nan()).collect();
        if days.is_empty() {
            return None;
        }
        let share = |holds: &dyn Fn(f64, &[f64; 7]) -> bool| {
            days.iter().filter(|&&day| holds(came[day], &stated.quantiles[day])).count() as f64
        };
        let losses = naive_quantiles(&known, naive, stated.quantiles.len()).zip(weekly_change(&known)).map(
            |(simple, change)| {
                let loss = |said: &dyn Fn(usize) -> [f64; 7]| {
                    days.iter().map(|&day| quantile_loss(came[day], &said(day))).sum::<f64>() / change
                };
                (loss(&|day| stated.quantiles[day]), loss(&|day| simple[day]))
            },
        );
        Some(Fit {
            server: self.number,
            series: history.id().to_string(),
            metric: history.metric().name().to_owned(),
            month: self.month(),
            days: days.len() as f64,
            inside_90: share(&|value, q| (q[0]..=q[6]).contains(&value)),
            inside_80: share(&|value, q| (q[1]..=q[5]).contains(&value)),
            above_95: share(&|value, q| value > q[6]),
            losses,
        })
    }

    /// An advice to change the machine, and what became of it.
    fn advised(&self, book: &PriceBook, limits: &Limits) -> Option<Advised> {
        let size = self.size.filter(|size| matches!(size.action, Action::Down | Action::Up | Action::Retire))?;
        let done = match size.action {
            Action::Retire => self.is_silent(),
            _ => size.to_type.is_some() && size.to_type == self.server.shape.instance_type,
        };
        let came = if done || self.is_changed() { None } else { self.bad_days(size, book, limits) };
        let horizon = self.said.horizon as f64;
        let share = |days: f64| if horizon > 0.0 { (days / horizon).min(1.0) } else { 0.0 };
        Some(Advised {
            server: self.number,
            month: self.month(),
            cutoff: self.said.cutoff,
            saving_usd_per_month: size.saving_usd_per_month.unwrap_or(0.0),
            done,
            bad_days: came.and_then(|(days, bad)| Some((size.expected_bad_days? * share(days), bad))),
            violation: came
                .filter(|(days, _)| horizon > 0.0 && *days >= horizon)
                .and_then(|(_, bad)| Some((size.p_violation?, bad > 0.0))),
        })
    }

    /// Days that came, within those planned, and how many the advised size would not have held.
    fn bad_days(&self, size: &Recommendation, book: &PriceBook, limits: &Limits) -> Option<(f64, f64)> {
        size.to_type.as_ref()?;
        let metric = |name: &str| {
            let history = self.series.iter().find(|history| history.metric().name() == name)?;
            let (_, came) = split(history, self.said.cutoff)?;
            Some(&came[..came.len().min(self.said.horizon)])
        };
        let came = ["cpu", "memory", "network"].map(metric);
        // One metric may have come a day later than another.
        let n = came.into_iter().flatten().map(<[f64]>::len).min()?;
        let [cpu, memory, network] = came.map(|days| days.map(|days| &days[..n]));
        let came = DaysThatCame { cpu, memory, network };
        // By the threshold of the run, whatever it is now.
        let thresholds = self.said.lowest_threshold().map_or_else(|| limits.thresholds.clone(), |lowest| vec![lowest]);
        let limits = Limits { thresholds, ..limits.clone() };
        let hindsight = Hindsight::new(self.number, self.server, came, book, &limits)?;
        let decision = Decision { instance_type: size.to_type.clone(), ..Decision::default() };
        hindsight.outcome(&decision).map(|purchase| (purchase.days, purchase.bad_days))
    }

    /// Whether nothing has come from it in the last days of the fleet.
    fn is_silent(&self) -> bool {
        self.series.iter().all(|history| {
            let n_since = days_between(history.cutoff().date(), self.said.until);
            let last = history.values().iter().rev().take(SILENT_DAYS.saturating_sub(n_since));
            last.into_iter().all(|value| value.is_nan())
        })
    }
}

/// A history up to a day, and the values after it; `None` when it has no such day, or ends there.
fn split(history: &History, cutoff: Date) -> Option<(History, &[f64])> {
    let steps = history.timeline().index_of(cutoff.at(0, 0, 0, 0))? + 1;
    let came = history.values().get(steps..).filter(|came| !came.is_empty())?;
    Some((history.prefix(steps)?, came))
}

/// What seasonal naive would have said.
fn naive_quantiles(known: &History, naive: &dyn Model, days: usize) -> Option<Vec<[f64; 7]>> {
    let forecast = naive.fit(known).and_then(|f| f.predict(&Future { horizon: days }, &SCORED_QUANTILES)).ok()?;
    (0..days).map(|day| forecast.step(day).try_into().ok()).collect()
}

/// Mean of the scored quantiles' losses on one day, twice over, so that of a point it is the absolute error.
///
/// Koenker & Bassett (1978), "Regression quantiles", Econometrica 46(1), 33-50.
fn quantile_loss(value: f64, quantiles: &[f64; 7]) -> f64 {
    let loss = |(said, q): (&f64, f64)| if value >= *said { q * (value - said) } else { (1.0 - q) * (said - value) };
    2.0 * quantiles.iter().zip(SCORED_QUANTILES).map(loss).sum::<f64>() / SCORED_QUANTILES.len() as f64
}

/// Mean change of a history from one week to the next, by which errors of different series are made alike.
fn weekly_change(known: &History) -> Option<f64> {
    let values = known.values();
    let changes: Vec<f64> = values
        .iter()
        .skip(WEEK)
        .zip(values)
        .map(|(after, before)| (after - before).abs())
        .filter(|c| !c.is_nan())
        .collect();
    let mean = changes.iter().sum::<f64>() / changes.len().max(1) as f64;
    (mean > 0.0).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::{CrossingDates, Lead, Metric, RiskClass, SeriesId, Timeline};
    use jiff::civil::date;
    use std::sync::Arc;

    const CUTOFF: Date = date(2024, 4, 9);
    const KNOWN: usize = 100;
    const CAME: usize = 35;

    /// A server of the type `large` with a known past at 40 to 46 %, then `came`.
    fn panel(instance_type: &str, came: impl Fn(usize) -> f64) -> Panel {
        let mut server = Server::new("web-1").expect("a name");
        server.shape.instance_type = Some(instance_type.to_owned());
        let value = |day: usize| if day < KNOWN { 40.0 + (day % 3) as f64 * 3.0 } else { came(day - KNOWN) };
        let values = (0..KNOWN + CAME).map(value).collect();
        let (metric, line) = (Arc::new(Metric::named("cpu")), Timeline::daily(date(2024, 1, 1)));
        let history = History::new(SeriesId::new("web-1", "cpu"), metric, line, values).expect("finite values");
        Panel::new(vec![Arc::new(server)], vec![history]).expect("a server and its series")
    }

    fn said() -> Said {
        let risk = |days: u32, p_30: f64| Risk {
            server_id: "web-1".to_owned(),
            metric: Arc::new(Metric::named("cpu")),
            cutoff: CUTOFF,
            threshold: 80.0,
            min_days: days,
            p_crossed: [Some(p_30), Some(0.6), None, None],
            dates: CrossingDates { q10: Some(date(2024, 4, 12)), q50: Some(date(2024, 4, 15)), q90: None },
            lead: Lead::default(),
            class: RiskClass::None,
            evidence: Vec::new(),
            hours: None,
            state: RiskState::Ok,
            reason: String::new(),
        };
        let size = Recommendation {
            server_id: "web-1".to_owned(),
            action: Action::Down,
            from_type: Some("large".to_owned()),
            to_type: Some("small".to_owned()),
            saving_usd_per_month: Some(73.0),
            saving_effective_usd_per_month: None,
            saving_uncommitted_usd_per_month: None,
            p_violation: Some(0.2),
            expected_bad_days: Some(0.7),
            lambda_usd_per_day: 50.0,
            binding: None,
            reason: String::new(),
            price_book_date: None,
        };
        let stated = Stated { cutoff: CUTOFF, quantiles: vec![[35.0, 38.0, 40.0, 43.0, 46.0, 48.0, 51.0]; CAME] };
        Said {
            cutoff: CUTOFF,
            risks: BTreeMap::from([("web-1".to_owned(), vec![risk(1, 0.3), risk(3, 0.1)])]),
            sizes: vec![size],
            forecasts: BTreeMap::from([(SeriesId::new("web-1", "cpu"), stated)]),
            horizon: 70,
            until: CUTOFF.saturating_add(jiff::Span::new().days(CAME as i64)),
        }
    }

    fn judged(panel: &Panel) -> Judged {
        judged_of(&said(), panel)
    }

    fn judged_of(said: &Said, panel: &Panel) -> Judged {
        let book = "instance_type,vcpu,memory_gib,usd_per_hour\nlarge,4,16,0.2\nsmall,2,8,0.1\n";
        let book = PriceBook::from_csv(book.as_bytes(), "p.csv").expect("two types");
        let limits = Limits { fewest_vcpu: 1.0, ..Limits::default() };
        let mut judged = Judged::default();
        judged.add(said, panel, &book, &limits, &Config::default()).expect("a plain calendar");
        judged
    }

    #[test]
    fn a_chance_is_held_against_the_longest_days_that_are_over() {
        let found = judged(&panel("large", |day| if day == 4 { 85.0 } else { 43.0 }));
        let crossing = Crossing {
            server: 0,
            month: "2024-04".to_owned(),
            threshold: 80.0,
            days: 30,
            p: 0.3,
            came: true,
            // It came on 14 April: after the 10 % date, before the 50 % date, and no 90 % date was said.
            by: [Some(false), Some(true), None],
        };
        assert_eq!(found.crossings, [crossing]);
        let calm = judged(&panel("large", |_| 43.0));
        assert_eq!((calm.crossings[0].came, calm.crossings[0].by[1]), (false, Some(false)));
        // With a third of the days missing nobody knows.
        assert!(judged(&panel("large", |day| if day % 3 == 0 { f64::NAN } else { 43.0 })).crossings.is_empty());
    }

    #[test]
    fn a_server_that_sends_nothing_any_more_has_gaps_and_not_fewer_days() {
        // The fleet goes on for 30 days after its last one: nobody knows what it would have done in 60.
        let mut said = said();
        said.until = said.until.saturating_add(jiff::Span::new().days(30));
        assert!(judged_of(&said, &panel("large", |_| 43.0)).crossings.is_empty());
        assert_eq!(judged(&panel("large", |_| 43.0)).crossings[0].days, 30);
        // A week after its last day it counts as switched off.
        said.sizes[0].action = Action::Retire;
        let done = |days: i64, said: &mut Said| {
            said.until = CUTOFF.saturating_add(jiff::Span::new().days(CAME as i64 + days));
            judged_of(said, &panel("large", |_| 43.0)).advised[0].done
        };
        assert_eq!([6, 7, 60].map(|days| done(days, &mut said)), [false, true, true]);
    }

    #[test]
    fn days_inside_the_intervals_are_counted_and_losses_compared() {
        let found = judged(&panel("large", |day| [43.0, 36.0, 60.0, f64::NAN, 49.0][day % 5]));
        let fit = &found.fits[0];
        assert_eq!((fit.days, fit.inside_90, fit.inside_80, fit.above_95), (28.0, 21.0, 7.0, 7.0));
        // A forecast that was nearly right beats last week's values, one that was not loses to them.
        let (own, naive) = judged(&panel("large", |_| 43.0)).fits[0].losses.expect("weeks differ");
        assert!(own < naive, "{own} {naive}");
    }

    #[test]
    fn series_are_lost_by_all_their_forecasts_together_the_worst_first() {
        let fit = |series: &str, days: f64, losses: (f64, f64)| Fit {
            server: 0,
            series: series.to_owned(),
            metric: "cpu".to_owned(),
            month: "2024-04".to_owned(),
            days,
            inside_90: 0.0,
            inside_80: 0.0,
            above_95: 0.0,
            losses: Some(losses),
        };
        // b loses once and wins more often, c has been judged on too few days, d loses by more than a.
        let fits = vec![
            fit("a", 20.0, (3.0, 2.0)),
            fit("a", 20.0, (3.0, 3.0)),
            fit("b", 30.0, (2.0, 1.0)),
            fit("b", 30.0, (1.0, 3.0)),
            fit("c", 29.0, (9.0, 1.0)),
            fit("d", 30.0, (2.0, 1.0)),
        ];
        let lost = Judged { fits, ..Judged::default() }.lost();
        let found: Vec<_> = lost.iter().map(|lost| (lost.series.as_str(), lost.loss_of_naive, lost.days)).collect();
        assert_eq!(found, [("d", 2.0, 30), ("a", 1.2, 40)]);
    }

    #[test]
    fn quantile_loss_of_a_point_is_the_absolute_error() {
        assert!((quantile_loss(10.0, &[4.0; 7]) - 6.0).abs() < 1e-12);
        assert!((quantile_loss(4.0, &[10.0; 7]) - 6.0).abs() < 1e-12);
    }

    #[test]
    fn bad_days_are_counted_at_the_threshold_they_were_promised_for() {
        // 30 % of four processors are 60 % of two.
        let bad_days = |threshold: f64| {
            let mut said = said();
            said.risks.values_mut().flatten().for_each(|risk| risk.threshold = threshold);
            judged_of(&said, &panel("large", |_| 30.0)).advised[0].bad_days.map(|both| both.1)
        };
        assert_eq!((bad_days(80.0), bad_days(55.0)), (Some(0.0), Some(35.0)));
    }

    #[test]
    fn advice_that_was_followed_is_realised_and_the_rest_is_tried_on_the_days_that_came() {
        // 43 % of four processors are 86 % of two: every day is bad. Half of the planned days have come.
        let followed_not = judged(&panel("large", |_| 43.0));
        let advised = &followed_not.advised[0];
        assert_eq!((advised.done, advised.violation, advised.saving_usd_per_month), (false, None, 73.0));
        let (promised, came) = advised.bad_days.expect("the book knows both types");
        assert!((promised - 0.35).abs() < 1e-12 && came == 35.0, "{promised} {came}");
        assert_eq!(judged(&panel("large", |_| 30.0)).advised[0].bad_days.map(|both| both.1), Some(0.0));
        let followed = judged(&panel("small", |_| 43.0));
        assert_eq!((followed.advised[0].done, followed.advised[0].bad_days, followed.n_changed), (true, None, 1));
        assert!(followed.crossings.is_empty() && followed.fits.is_empty(), "another machine is not judged");
    }
}
