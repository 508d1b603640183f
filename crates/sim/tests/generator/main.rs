//! The generator as its users meet it: formulas, laws, exactness across steps, realism, files.

mod change;
mod common;
mod enterprise;
mod events;
mod files;
mod fit;
mod golden;
mod laws;
mod oracle;
mod random;
mod schemas;
mod steps;
mod valid;
mod walkthrough;
mod walkthrough_faults;
