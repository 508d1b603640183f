//! What happens to a server: the course of its events, as factors on its demand and as rows that tell of
//! them.
//!
//! This is the whole contract between events and the code that makes samples. That code asks a
//! [`Course`] three things and knows no kind of event:
//!
//! 1. [`Course::lasting`]: factors on a day's demand that hold for whole local days and until further
//!    notice (level shifts, resizes). They are part of the level of a day, from noon to noon.
//! 2. [`Course::passing`]: what incidents and outages make of single days: sparse, the factor on
//!    the day's P95, and those on the ratios of its mean and maximum to it. A day's demand is base x growth x week x season x noise x lasting x
//!    passing P95.
//! 3. [`Course::inside`]: the same incidents and outages, and those too short to move a day's P95,
//!    inside one day: logarithms of factors on samples, sparse; minus infinity where the server is down.
//!    At steps below a day the samples are shaped by these, then brought to the day's P95, which knows
//!    `passing`; the event factor of a sample is lasting x exp(inside).
//!
//! A scenario without events has a course that is empty: everything is 1 and no cost arises.
//!
//! Which events there are depends on the seed and the names of what they happen to, and on the days in
//! which they may begin: the n-th event of a kind is the same however long the run.

mod arrivals;
mod collector;
mod course;
mod grid;
mod incidents;
mod instants;
mod label;
mod lasting;
mod laws;
mod life;
mod losses;
mod pulse;
mod regions;
mod resizes;
pub(crate) mod settings;
mod shifts;

pub(crate) use collector::Collecting;
pub(crate) use course::{Course, Place};
pub(crate) use instants::Instants;
pub(crate) use label::Owner;
pub(crate) use laws::Laws;
pub(crate) use life::Life;
pub(crate) use losses::Pool;
pub(crate) use resizes::{Resize, resizes};

/// Seconds since the fleet's first local midnight on a clock whose days all have 24 hours. On a day on
/// which the clock changes, the seconds count from that day's midnight; a 25th hour belongs to its last
/// moment.
pub(crate) type Moment = i64;

/// Seconds of a day on that clock.
pub(crate) const DAY: Moment = 86_400;
