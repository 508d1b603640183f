//! What the forecast of a step is made of.

/// A part of the explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// Level and growth.
    Trend,
    /// Day of the week, hour of the day and other short seasons; a holiday counts as a Sunday.
    Week,
    /// Season of the year, the turn of the year included.
    Year,
    /// Quarter ends, the middle of quarters and month ends.
    QuarterEnd,
    /// Holidays and events of the user's own.
    Events,
}

impl Component {
    /// Every component, in the order of [`Explanation::values`].
    pub const ALL: [Self; 5] = [Self::Trend, Self::Week, Self::Year, Self::QuarterEnd, Self::Events];

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trend => "trend",
            Self::Week => "week",
            Self::Year => "year",
            Self::QuarterEnd => "quarter-end",
            Self::Events => "events",
        }
    }
}

/// What each component adds to the expected value of a step, in the metric's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Contribution of each of [`Component::ALL`]; together they are the expected value before it is
    /// moved into the bounds.
    pub values: [f64; 5],
}

impl Explanation {
    /// The contribution of one component.
    pub fn of(&self, component: Component) -> f64 {
        self.values[component as usize]
    }

    /// The expected value, before it is moved into the bounds.
    pub fn total(&self) -> f64 {
        self.values.iter().sum()
    }
}
