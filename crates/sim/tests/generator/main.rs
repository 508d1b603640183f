//! The generator as its users meet it: formulas, laws, exactness across steps, realism, files.

mod common;
mod enterprise;
mod events;
mod files;
mod laws;
mod oracle;
mod schemas;
mod steps;
mod walkthrough;
