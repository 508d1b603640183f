//! What similar series have in common: the year, quarter and month ends, the turn of the year and events.
//!
//! Each series with a history long enough for a yearly shape says what the calendar does to it, relative to its level.
//! Their mean is what is expected of any series of the group; a regression then learns by how much its own series
//! differs, drawn towards no difference. So a series that has seen one quarter end has the year of its group.

use super::Component;
use super::clean::{Cleaned, Scale};
use super::features::Features;
use super::fit::Design;
use super::system::System;
use fleetcast_core::{Calendar, History, Timeline};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Steps ahead whose rows are kept, in chunks that are worked out when first asked for.
const CHUNK: usize = 96;
const CHUNKS: usize = 8;
/// Levels of groups: the fleet, and ever more similar series in it.
pub(super) const LEVELS: usize = 3;
/// Series of a group that tell of it; more would tell the same again.
const MOST_TELLERS: usize = 128;
/// Series below which a fleet has nothing in common.
const LEAST_TELLERS: usize = 3;
/// Most members whose mean is worth as much as that of the group around theirs.
const MOST_SHRINKAGE: f64 = 50.0;
/// Share of a mean yearly wave that comes back: what two or three years show is in part what else happened in them.
const YEAR_BELIEVED: f64 = 0.5;
/// Rounds of telling: each regression draws towards what was expected, so that the first mean is too small.
const ROUNDS: usize = 3;
/// The stiff trend, which leaves the year to the calendar.
const FLAVOUR: usize = 0;

/// Expected deviations of a series from its group, in shares of what would be expected of it alone.
pub(super) const DEVIATION: f64 = 0.3;
/// Factor on the variance of how strongly series follow: those whose own course is quiet tell it best and need it most.
const WIDER: f64 = 25.0;
/// Largest correlation of neighbouring residuals that is believed.
const MOST_MEMORY: f64 = 0.9;
/// Share of the steps at the upper bound above which nothing is said of how a series follows its group: peaks cannot be seen
/// there, and troughs hardly.
const MOST_CENSORED: f64 = 0.2;
/// Strongest following of a group.
const MOST_AMPLITUDE: f64 = 3.0;

/// Groups of a series, the fleet first; series with the same number at a level are of one group there.
pub(crate) type Place = [usize; LEVELS];

/// Columns and values of one step.
type SparseRow = Vec<(u32, f64)>;

/// Rows of the steps after a history.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    chunks: [OnceLock<Vec<SparseRow>>; CHUNKS],
}

impl Ahead {
    /// Calls `visit` with the season features of each of the `horizon` steps after the history.
    pub(super) fn visit(&self, features: &Features, horizon: usize, mut visit: impl FnMut(usize, &SparseRow)) {
        let chunk = |at: usize| (at * CHUNK..(at + 1) * CHUNK).map(|h| row(features, features.length + h)).collect();
        for h in 0..horizon {
            match self.chunks.get(h / CHUNK) {
                Some(cell) => visit(h, &cell.get_or_init(|| chunk(h / CHUNK))[h % CHUNK]),
                None => visit(h, &row(features, features.length + h)),
            }
        }
    }
}

fn row(features: &Features, t: usize) -> SparseRow {
    let mut row = SparseRow::new();
    features.visit_seasons(t, |column, value| row.push((column as u32, value)));
    row
}

fn dot(row: &SparseRow, coefficients: &[f64]) -> f64 {
    row.iter().map(|&(column, value)| value * coefficients[column as usize]).sum()
}

/// The columns that series share, at every step of one timeline.
#[derive(Debug)]
pub(super) struct SharedRows {
    features: Features,
    past: OnceLock<Vec<SparseRow>>,
    ahead: Ahead,
}

impl SharedRows {
    /// `None` without real dates.
    pub(super) fn new(timeline: Timeline, length: usize, calendar: &Arc<Calendar>) -> Option<Self> {
        let features = Features::shared(timeline, length, calendar)?;
        Some(Self { features, past: OnceLock::new(), ahead: Ahead::default() })
    }

    /// What `prior` expects of each step of the history, on `scale`.
    pub(super) fn past(&self, prior: &Prior, scale: Scale) -> Vec<f64> {
        self.past_rows().iter().map(|row| scale.effect(dot(row, &prior.effects))).collect()
    }

    /// How strongly `own` effects follow those of `mean`: their regression on it over the past.
    fn amplitude(&self, own: &Prior, mean: &Prior) -> f64 {
        let curve = |prior: &Prior| -> Vec<f64> {
            let all: Vec<f64> = self.past_rows().iter().map(|row| dot(row, &prior.effects)).collect();
            let middle = all.iter().sum::<f64>() / all.len() as f64;
            all.iter().map(|value| value - middle).collect()
        };
        let (own, mean) = (curve(own), curve(mean));
        let square: f64 = mean.iter().map(|m| m * m).sum();
        let product: f64 = own.iter().zip(&mean).map(|(own, mean)| own * mean).sum();
        if square > 0.0 { (product / square).clamp(0.0, MOST_AMPLITUDE) } else { 1.0 }
    }

    fn past_rows(&self) -> &[SparseRow] {
        self.past.get_or_init(|| (0..self.features.length).map(|t| row(&self.features, t)).collect())
    }

    /// What `prior` expects of each component at each of the `horizon` steps ahead, on `scale`, for a series that follows
    /// it by `amplitude`.
    pub(super) fn ahead(
        &self,
        prior: &Prior,
        scale: Scale,
        amplitude: f64,
        horizon: usize,
    ) -> Vec<[f64; Component::ALL.len()]> {
        let mut steps = vec![[0.0; Component::ALL.len()]; horizon];
        self.ahead.visit(&self.features, horizon, |h, row| {
            for &(column, value) in row {
                let column = column as usize;
                steps[h][self.features.columns[column].component as usize] += value * prior.effects[column];
            }
            // On a plain scale the parts share what they make together.
            let together: f64 = steps[h].iter().sum();
            let factor = if together == 0.0 { 0.0 } else { amplitude * scale.effect(together) / together };
            steps[h].iter_mut().for_each(|part| *part *= factor);
        });
        steps
    }
}

/// Effects of the shared columns, as logarithms of factors on the level.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Prior {
    effects: Vec<f64>,
    /// Variance of how strongly series of the fleet follow it, 1 being the mean.
    variance: f64,
}

impl Prior {
    /// How strongly a series follows, and what is then expected of each of its steps.
    pub(super) fn fitted_to(
        &self,
        history: &History,
        scale: Scale,
        design: &Design,
        system: &System,
        season_length: usize,
    ) -> (f64, Vec<f64>) {
        let Some(shared) = &design.shared else { return Default::default() };
        let mut expected = shared.past(self, scale);
        let n_censored = (0..history.len()).filter(|&t| history.is_censored(t)).count() as f64;
        if n_censored > MOST_CENSORED * history.len() as f64 {
            return Default::default();
        }
        let shown = Cleaned::new(history, scale, &expected, system, season_length).shown;
        let noise = noise(system, &shown);
        let variance = WIDER * self.variance;
        // The ridge regression with the curve as one more column, whose coefficient is 1 before anything is seen.
        let seen = system.left_over(FLAVOUR, &expected, &expected);
        let amplitude = if variance > 0.0 && seen + noise > 0.0 {
            1.0 + system.left_over(FLAVOUR, &expected, &shown) / (seen + noise / variance)
        } else {
            1.0
        };
        let amplitude = amplitude.clamp(0.0, MOST_AMPLITUDE);
        expected.iter_mut().for_each(|expected| *expected *= amplitude);
        (amplitude, expected)
    }
}

/// What is expected of each series before it is looked at; `None` where nothing is.
///
/// `known` has the usable histories with their designs, `places` the groups of all.
pub(super) fn priors(
    known: &[Option<(&History, &Design)>],
    places: &[Place],
    season_length: usize,
) -> Vec<Option<Arc<Prior>>> {
    let tellers = tellers(known, places);
    let mut priors: Vec<Option<Arc<Prior>>> = vec![None; known.len()];
    for round in 1..=ROUNDS {
        let told: Vec<(Place, Prior)> = tellers
            .par_iter()
            .filter_map(|&i| {
                let (history, design) = known[i]?;
                Some((places[i], told(history, design, season_length, priors[i].as_deref())?))
            })
            .collect();
        let mut means = means(&told);
        if round == ROUNDS {
            add_variances(&mut means, &told, shared_of(known, &tellers));
        }
        for (prior, place) in priors.iter_mut().zip(places) {
            // The most similar group that has a mean.
            *prior = (0..LEVELS).rev().find_map(|level| means.get(&group(place, level)).cloned());
        }
    }
    priors
}

/// Variance of a residual, as much larger as neighbours tell the same.
fn noise(system: &System, shown: &[f64]) -> f64 {
    let coefficients = system.solve_last(FLAVOUR, shown);
    let residuals: Vec<f64> = shown.iter().enumerate().map(|(t, z)| z - system.rows.dot(t, &coefficients)).collect();
    let squares: f64 = residuals.iter().map(|r| r * r).sum();
    let products: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let memory = if squares > 0.0 { (products / squares).clamp(0.0, MOST_MEMORY) } else { 0.0 };
    squares / residuals.len() as f64 * (1.0 + memory) / (1.0 - memory)
}

/// The group of a place at a level, told from all others.
fn group(place: &Place, level: usize) -> (usize, Place) {
    let mut group = [0; LEVELS];
    group[..=level].copy_from_slice(&place[..=level]);
    (level, group)
}

/// Series that tell: a yearly shape was seen, few gaps; of large groups, some from all over.
fn tellers(known: &[Option<(&History, &Design)>], places: &[Place]) -> Vec<usize> {
    let mut groups: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for (i, place) in places.iter().enumerate() {
        let tells = known[i].is_some_and(|(history, design)| {
            design.features.shared_columns().is_some() && 10 * history.n_observed() > 9 * history.len()
        });
        if tells {
            groups.entry(*place).or_default().push(i);
        }
    }
    let thinned = |group: &Vec<usize>| {
        let n = group.len().min(MOST_TELLERS);
        (0..n).map(|k| group[k * group.len() / n]).collect::<Vec<usize>>()
    };
    groups.values().flat_map(thinned).collect()
}

/// What the calendar does to one series, what was expected included; `None` without a logarithmic scale.
fn told(history: &History, design: &Design, season_length: usize, prior: Option<&Prior>) -> Option<Prior> {
    let (shared, columns) = (design.shared.as_ref()?, design.features.shared_columns()?);
    let scale = Scale::log(history.values())?;
    let expected = prior.map_or_else(Vec::new, |prior| shared.past(prior, scale));
    let cleaned = Cleaned::new(history, scale, &expected, &design.system, season_length);
    let solution = design.system.solve_last(FLAVOUR, &cleaned.shown);
    let mut effects: Vec<f64> = solution[columns].iter().map(|z| scale.log_of(*z)).collect();
    if let Some(prior) = prior {
        effects.iter_mut().zip(&prior.effects).for_each(|(own, expected)| *own += expected);
    }
    effects.iter().all(|effect| effect.is_finite()).then_some(Prior { effects, variance: 0.0 })
}

/// A group: its key, what its members told, their mean and that of the group around it.
struct Group<'a> {
    key: (usize, Place),
    members: Vec<&'a Prior>,
    mean: Vec<f64>,
    around: Option<Arc<Prior>>,
}

/// The mean of each group, drawn towards that of the group around it.
fn means(told: &[(Place, Prior)]) -> BTreeMap<(usize, Place), Arc<Prior>> {
    let mut means: BTreeMap<(usize, Place), Arc<Prior>> = BTreeMap::new();
    for level in 0..LEVELS {
        let mut members: BTreeMap<(usize, Place), Vec<&Prior>> = BTreeMap::new();
        for (place, prior) in told {
            members.entry(group(place, level)).or_default().push(prior);
        }
        let mut fleets: BTreeMap<usize, Vec<Group>> = BTreeMap::new();
        for (key, members) in members {
            let around = level.checked_sub(1).and_then(|level| means.get(&group(&key.1, level)).cloned());
            // A fleet of a few has nothing in common, and so have its groups.
            if around.is_some() || (level == 0 && members.len() >= LEAST_TELLERS) {
                let mean = middle(&members);
                fleets.entry(key.1[0]).or_default().push(Group { key, members, mean, around });
            }
        }
        for groups in fleets.into_values() {
            let shrinkage = shrinkage(&groups);
            means.extend(groups.into_iter().map(|group| (group.key, Arc::new(drawn(&group, shrinkage)))));
        }
    }
    means
}

/// The mean of what members told. Of each effect a tenth at either end is left out: some series are like no other.
fn middle(members: &[&Prior]) -> Vec<f64> {
    let cut = members.len() / 10;
    let effect = |at: usize| {
        let mut values: Vec<f64> = members.iter().map(|member| member.effects[at]).collect();
        values.sort_unstable_by(f64::total_cmp);
        let kept = &values[cut..values.len() - cut];
        kept.iter().sum::<f64>() / kept.len() as f64
    };
    (0..members[0].effects.len()).map(effect).collect()
}

/// Members whose mean is worth as much as that of the group around theirs: the variance within groups over that between
/// them.
///
/// Efron & Morris (1975), "Data analysis using Stein's estimator and its generalizations", JASA 70(350), 311-319.
fn shrinkage(groups: &[Group]) -> f64 {
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let nothing = vec![0.0; groups.first().map_or(0, |group| group.mean.len())];
    let (mut within, mut n_free) = (0.0, 0.0);
    let (mut between, mut noise) = (0.0, 0.0);
    for group in groups {
        let mut distances: Vec<f64> = group.members.iter().map(|m| distance(&m.effects, &group.mean)).collect();
        distances.sort_unstable_by(f64::total_cmp);
        let kept = &distances[..distances.len() - distances.len() / 10];
        within += kept.iter().sum::<f64>();
        n_free += kept.len() as f64 - 1.0;
        let around = group.around.as_ref().map_or(&nothing, |around| &around.effects);
        between += distance(&group.mean, around) / groups.len() as f64;
        noise += 1.0 / group.members.len() as f64 / groups.len() as f64;
    }
    if n_free <= 0.0 {
        return MOST_SHRINKAGE;
    }
    let within = within / n_free;
    let between = (between - noise * within).max(within / MOST_SHRINKAGE);
    if between > 0.0 { within / between } else { MOST_SHRINKAGE }
}

/// What is expected in a group: its mean, drawn towards what is around it, nothing around a fleet.
fn drawn(group: &Group, shrinkage: f64) -> Prior {
    let n = group.members.len() as f64;
    let share = n / (n + shrinkage);
    let effects = group.mean.iter().enumerate().map(|(at, mean)| {
        let around = group.around.as_ref().map_or(0.0, |around| around.effects[at]);
        let believed = if at < Features::N_YEAR_COLUMNS { YEAR_BELIEVED } else { 1.0 };
        around + share * (believed * mean - around)
    });
    Prior { effects: effects.collect(), variance: 0.0 }
}

/// The shared rows with the longest past.
fn shared_of<'a>(known: &[Option<(&History, &'a Design)>], tellers: &[usize]) -> Option<&'a SharedRows> {
    let all = tellers.iter().filter_map(|&i| known[i]?.1.shared.as_ref());
    all.max_by_key(|shared| shared.features.length)
}

/// Adds how differently series of a fleet follow the mean of their groups.
fn add_variances(
    means: &mut BTreeMap<(usize, Place), Arc<Prior>>,
    told: &[(Place, Prior)],
    shared: Option<&SharedRows>,
) {
    let Some(shared) = shared else { return };
    let mut amplitudes: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (place, own) in told {
        if let Some(mean) = means.get(&group(place, LEVELS - 1)) {
            amplitudes.entry(place[0]).or_default().push(shared.amplitude(own, mean));
        }
    }
    for ((_, place), mean) in means.iter_mut() {
        let amplitudes = amplitudes.get(&place[0]).map_or(&[][..], Vec::as_slice);
        let squares = amplitudes.iter().map(|amplitude| (amplitude - 1.0) * (amplitude - 1.0));
        let mut wider = (**mean).clone();
        wider.variance = squares.sum::<f64>() / amplitudes.len().max(1) as f64;
        *mean = Arc::new(wider);
    }
}
