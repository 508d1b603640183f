//! The planner's answers on planted pasts and futures, and the laws they keep.

mod class;
mod common;
mod group;
mod proof;
mod risk;
mod size;
mod what_if;
