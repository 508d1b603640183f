//! The whole of Fleetcast as one function per stage, in the order a person would say them.
