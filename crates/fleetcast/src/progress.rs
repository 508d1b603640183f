//! How a long stage tells its caller where it is.

/// Listens to the progress of a command; every method may be called from any thread.
pub trait Progress: Sync {
    /// A stage begins (and the one before it ends); `total` is its number of steps, 0 when unknown.
    fn begin(&self, name: &str, total: usize);
    /// Some steps of the stage are done.
    fn advance(&self, steps: usize);
    /// The last stage ends.
    fn end(&self);
    /// Something the user should know, in a sentence without a full stop.
    fn note(&self, text: &str);
    /// Whether the user has asked to stop; a long stage asks now and then, and clears up before it ends.
    fn interrupted(&self) -> bool {
        false
    }
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: usize) {}
    fn advance(&self, _: usize) {}
    fn end(&self) {}
    fn note(&self, _: &str) {}
}
