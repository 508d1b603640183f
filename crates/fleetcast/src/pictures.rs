//! Pictures of a profile: its shapes, and telemetry it makes.

use crate::{Error, Result};
use fleetcast_numeric::math;
use fleetcast_report::{Across, Chart, Figure, FigurePage, Series, figures_html, figures_png, figures_svg};
use fleetcast_sim::{Fleet, FleetSpec, METRICS, Profile, SampleStep, Scenario, ServerTelemetry};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use std::path::Path;

/// The year that is shown: a leap year that begins on a Monday.
const START: Date = date(2024, 1, 1);
const YEAR_DAYS: usize = 366;
/// First day of the week that is shown, a Monday without holidays.
const WEEK: Date = date(2024, 5, 13);
const WEEK_DAYS: usize = 7;
const SEED: u64 = 42;
/// Metrics in % of capacity; throughput is in MB/s.
const PERCENT: [usize; 3] = [0, 1, 3];
const DISK: usize = 2;

/// What a profile looks like: the factors of day, week, season and growth, its correlations asked and got,
/// and a server of it in the scenario `enterprise` over a day, a week and a year. A built-in profile is also
/// shown beside the others.
///
/// # Errors
/// Those of the generator; none for a profile that was read.
pub fn profile_pictures(profile: &Profile) -> Result<FigurePage> {
    let mut figures = shapes(profile)?;
    if Profile::NAMES.contains(&profile.name()) {
        figures.extend(side_by_side()?);
    }
    figures.extend(samples(profile)?);
    Ok(FigurePage { title: format!("Profile {}", profile.name()), subtitle: profile.description().to_owned(), figures })
}

/// Draws [`profile_pictures`] into a file whose ending says how, and gives the number of figures.
///
/// # Errors
/// [`Error::Setting`] for another ending than `.html`, `.svg` or `.png`; [`Error::Io`] when the file cannot be
/// written.
pub fn write_profile_pictures(profile: &Profile, file: &Path) -> Result<usize> {
    let draw: fn(&FigurePage) -> Vec<u8> = match file.extension().and_then(|ending| ending.to_str()) {
        Some("html") => |page| figures_html(page).into_bytes(),
        Some("svg") => |page| figures_svg(page).into_bytes(),
        Some("png") => |page| figures_png(page).expect("a profile has figures, and not too many for a sheet"),
        _ => {
            let allowed = "a file that ends in .html, .svg or .png".to_owned();
            return Err(Error::Setting { key: "plot".to_owned(), found: file.display().to_string(), allowed });
        }
    };
    let page = profile_pictures(profile)?;
    std::fs::write(file, draw(&page)).map_err(|source| Error::Io { file: file.display().to_string(), source })?;
    Ok(page.figures.len())
}

fn figure(title: &str, note: impl Into<String>, chart: Chart) -> Figure {
    Figure { title: title.to_owned(), note: note.into(), chart }
}

fn series(name: &str, values: Vec<f64>) -> Series {
    Series { name: name.to_owned(), values }
}

/// A fleet of servers that are exactly this profile, or vary as in a company.
fn fleet(scenario: &str, profile: &Profile, n_servers: usize, days: usize, step: SampleStep) -> Result<Fleet> {
    let scenario = Scenario::named(scenario)?.with_profile(profile.clone());
    Ok(Fleet::new(scenario, FleetSpec { n_servers, start: START, days, step, seed: SEED })?)
}

/// The factors that are formulas, and the correlations.
fn shapes(profile: &Profile) -> Result<Vec<Figure>> {
    const GROWTH_DAYS: usize = 1_096;
    const SERVERS: usize = 40;
    let fleet = fleet("walkthrough", profile, SERVERS, GROWTH_DAYS, SampleStep::Day)?;
    let servers: Vec<ServerTelemetry> = (0..SERVERS).map(|index| fleet.generate(index)).collect();
    let truth = &servers[0].truth;
    let days = Across::Days { first: START, per_day: 1.0 };
    let season = truth[0].season.iter().take(YEAR_DAYS).copied().collect();
    let growth =
        METRICS.iter().zip(truth).map(|(name, truth)| series(name, truth.growth.iter().copied().collect())).collect();
    let week = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(str::to_owned).to_vec();
    Ok(vec![
        figure(
            "Time of day",
            "Factor on the load by local hour.",
            Chart::Curves {
                across: Across::HoursOfDay { step_minutes: 5.0 },
                curves: vec![series(profile.name(), day_shape(profile)?)],
                reference: Some(1.0),
            },
        ),
        figure(
            "Week",
            "Factor on the daily P95; holidays count as Sundays.",
            Chart::Bars { names: week, values: profile.week().to_vec(), base: 1.0 },
        ),
        figure(
            "Season",
            "Factor over a year whose quarters are the calendar's.",
            Chart::Curves { across: days, curves: vec![series("season", season)], reference: Some(1.0) },
        ),
        figure(
            "Growth",
            "Factor over three years.",
            Chart::Curves { across: days, curves: growth, reference: Some(1.0) },
        ),
        figure(
            "Correlation of the noise",
            format!("Asked for, and got from {SERVERS} servers over three years of days."),
            Chart::Heat {
                names: METRICS.map(str::to_owned).to_vec(),
                matrices: vec![
                    ("asked".to_owned(), profile.correlation().map(|row| row.to_vec()).to_vec()),
                    ("got".to_owned(), correlations(&servers)),
                ],
            },
        ),
    ])
}

/// The factor of the time of day, every five minutes from 0 h to 24 h.
fn day_shape(profile: &Profile) -> Result<Vec<f64>> {
    let fleet = fleet("walkthrough", profile, 1, 1, SampleStep::Minutes5)?;
    let day = &fleet.generate(0).truth[0].day;
    // The next midnight is like this one.
    Ok(day.iter().chain(day.iter().take(1)).copied().collect())
}

/// Pearson's correlation of the noise of each two metrics.
fn correlations(servers: &[ServerTelemetry]) -> Vec<Vec<f64>> {
    let noise: [Vec<f64>; 4] =
        std::array::from_fn(|m| servers.iter().flat_map(|server| server.truth[m].noise.iter().copied()).collect());
    let means = noise.each_ref().map(|values| math::mean(values).unwrap_or(0.0));
    let covariance = |a: usize, b: usize| -> f64 {
        noise[a].iter().zip(&noise[b]).map(|(x, y)| (x - means[a]) * (y - means[b])).sum()
    };
    (0..4)
        .map(|a| {
            let cell = |b: usize| {
                let scale = math::sqrt(covariance(a, a) * covariance(b, b));
                if scale > 0.0 { covariance(a, b) / scale } else { f64::from(u8::from(a == b)) }
            };
            (0..4).map(cell).collect()
        })
        .collect()
}

/// The day of the four archetypes, and why batch is not another's day upside down.
fn side_by_side() -> Result<Vec<Figure>> {
    let shape = |name: &str| Ok(series(name, day_shape(&Profile::named(name)?)?));
    let all = Profile::NAMES.iter().map(|name| shape(name)).collect::<Result<_>>()?;
    let (web, batch) = (shape("web")?, shape("batch")?);
    let inverse = series("1 / web", web.values.iter().map(|factor| 1.0 / factor).collect());
    let across = Across::HoursOfDay { step_minutes: 5.0 };
    Ok(vec![
        figure(
            "The four archetypes",
            "Time of day of each.",
            Chart::Curves { across, curves: all, reference: Some(1.0) },
        ),
        figure(
            "Batch against online",
            "Batch has a night window of its own; web upside down has neither its top nor its hours.",
            Chart::Curves { across, curves: vec![web, batch, inverse], reference: Some(1.0) },
        ),
    ])
}

/// One server as it would be observed: a day, a week and a year.
fn samples(profile: &Profile) -> Result<Vec<Figure>> {
    let index = typical(profile)?;
    let generate = |days: usize, step| -> Result<ServerTelemetry> {
        Ok(fleet("enterprise", profile, index + 1, days, step)?.generate(index))
    };
    let year = generate(YEAR_DAYS, SampleStep::Day)?;
    let before = WEEK.duration_since(START).as_hours() as usize / 24;
    let hourly = generate(before + WEEK_DAYS, SampleStep::Hour)?;
    let fine = generate(before + 2, SampleStep::Minutes5)?;
    let tuesday = WEEK.saturating_add(jiff::ToSpan::days(1));
    let percent = |server: &ServerTelemetry, from: usize| -> Vec<Series> {
        PERCENT.map(|m| series(METRICS[m], server.observed[m][from..].to_vec())).to_vec()
    };
    let whole_year = Across::Days { first: START, per_day: 1.0 };
    let server = year.server.server_id().to_owned();
    let drawn = |across, curves| Chart::Curves { across, curves, reference: None };
    Ok(vec![
        figure(
            "A day",
            format!("{server} in % of capacity, every five minutes of a Tuesday."),
            drawn(Across::HoursOfDay { step_minutes: 5.0 }, percent(&fine, since(&fine, tuesday))),
        ),
        figure(
            "A week",
            "The same server, hour by hour.",
            drawn(Across::Days { first: WEEK, per_day: 24.0 }, percent(&hourly, since(&hourly, WEEK))),
        ),
        figure("A year", "The same server, daily P95.", drawn(whole_year, percent(&year, 0))),
        figure(
            "A year of disk_io",
            "The same server, daily P95 in MB/s.",
            drawn(whole_year, vec![series(METRICS[DISK], year.observed[DISK].clone())]),
        ),
    ])
}

/// Index of the first of some servers whose cpu is about the profile's: most of a company's servers are idle,
/// and show little of a shape.
fn typical(profile: &Profile) -> Result<usize> {
    const CANDIDATES: usize = 40;
    let fleet = fleet("enterprise", profile, CANDIDATES, 1, SampleStep::Day)?;
    let distance = |index: &usize| (fleet.generate(*index).truth[0].base / profile.base()[0] - 1.0).abs();
    let nearest = (0..CANDIDATES).min_by(|a, b| distance(a).total_cmp(&distance(b)));
    Ok(nearest.unwrap_or(0))
}

/// Position of the first sample on or after a local date.
fn since(server: &ServerTelemetry, day: Date) -> usize {
    let rules = server.server.zone.rules();
    let is_before =
        |ms: &i64| Timestamp::from_millisecond(*ms).is_ok_and(|instant| rules.to_datetime(instant).date() < day);
    server.ts_ms.partition_point(is_before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_can_be_pictured() {
        for name in Profile::NAMES {
            let page = profile_pictures(&Profile::named(name).unwrap()).unwrap();
            assert_eq!(page.figures.len(), 11, "{name}");
            let Chart::Heat { matrices, .. } = &page.figures[4].chart else { panic!("the fifth figure is a matrix") };
            for (asked, got) in matrices[0].1.iter().flatten().zip(matrices[1].1.iter().flatten()) {
                assert!((asked - got).abs() < 0.02, "{name}: {asked} asked, {got} got");
            }
            for figure in &page.figures {
                if let Chart::Curves { curves, across, .. } = &figure.chart {
                    let n = curves[0].values.len();
                    assert!(curves.iter().all(|curve| curve.values.len() == n && n >= 168), "{}", figure.title);
                    // A collector misses samples now and then.
                    let read = |curve: &Series| curve.values.iter().filter(|value| value.is_finite()).count();
                    assert!(curves.iter().all(|curve| read(curve) > n / 2), "{}", figure.title);
                    if let Across::HoursOfDay { step_minutes } = across {
                        assert!((288..=289).contains(&n) && *step_minutes == 5.0, "{}: {n}", figure.title);
                    }
                }
            }
        }
        let mine = Profile::from_toml("name = \"mine\"", "mine.toml").unwrap();
        assert_eq!(profile_pictures(&mine).unwrap().figures.len(), 9);
    }
}
