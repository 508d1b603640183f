//! The trees that a panel taught: boosted ones or a forest.

use super::booster::{Ahead, Booster};
use super::fit::MIDDLE;
use super::forest::Forest;

/// How trees are grown and put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each tree corrects those before it.
    Boosted,
    /// Each tree is grown by itself, and all speak alike.
    Forest,
}

/// Grown trees.
#[derive(Debug)]
pub(super) enum Trees {
    Boosted(Booster),
    Forest(Forest),
}

impl Trees {
    /// The trees as they look once the first features of a row are `known`.
    pub(super) fn seen_from(&self, known: &[f32]) -> Seen<'_> {
        match self {
            Self::Boosted(booster) => Seen::Boosted(booster.seen_from(known)),
            Self::Forest(forest) => Seen::Forest(forest),
        }
    }
}

/// Trees as seen from an origin.
pub(super) enum Seen<'a> {
    Boosted(Ahead<'a>),
    Forest(&'a Forest),
}

impl Seen<'_> {
    /// The quantiles of one row of features, ascending.
    pub(super) fn say(&self, features: &[f32], quantiles: &mut [f64]) {
        match self {
            Self::Boosted(ahead) => ahead.say(features, quantiles),
            Self::Forest(forest) => forest.say(features, quantiles),
        }
    }

    /// The middle one of [`Self::say`].
    pub(super) fn say_middle(&self, features: &[f32]) -> f64 {
        match self {
            Self::Boosted(ahead) => ahead.say_middle(features),
            Self::Forest(forest) => forest.say_middle(features, MIDDLE),
        }
    }
}
