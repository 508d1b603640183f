//! The command line of Fleetcast.

fn main() {}
