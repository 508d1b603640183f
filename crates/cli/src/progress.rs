//! Progress on a terminal as bars, elsewhere as plain lines, both on standard error.

use crate::failure::INTERRUPTED;
use fleetcast::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Progress of a command.
pub struct Bars {
    quiet: bool,
    terminal: bool,
    stage: Mutex<Option<Stage>>,
    stop: Arc<AtomicBool>,
}

struct Stage {
    name: String,
    started: Instant,
    bar: ProgressBar,
}

impl Bars {
    /// Bars where standard error is a terminal, lines where it is not, nothing when `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), stage: Mutex::new(None), stop: Arc::default() }
    }

    /// From now on an interrupt is passed on to the stage, which clears up; a second one ends the program
    /// at once.
    pub fn listen(&self) -> std::io::Result<()> {
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down and puts it up, the second finds it up.
            flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&self.stop))?;
            flag::register(signal, Arc::clone(&self.stop))?;
        }
        Ok(())
    }

    fn finish(&self, stage: Stage) {
        let seconds = stage.started.elapsed().as_secs_f64();
        stage.bar.finish_and_clear();
        tracing::info!(stage = stage.name, seconds, "finished");
        if !self.quiet {
            eprintln!("{:<44} {seconds:>7.1} s", stage.name);
        }
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Option<Stage>> {
        // A panic elsewhere cannot leave a stage half-written.
        self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn begin(&self, name: &str, total: usize) {
        let mut current = self.stage();
        if let Some(before) = current.take() {
            self.finish(before);
        }
        let target =
            if self.terminal && !self.quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let style = if total > 0 { "{msg:44} {bar:30} {pos}/{len} {eta}" } else { "{msg:44} {spinner}" };
        // The templates are literals that indicatif's own tests would accept; a bad one only costs the style.
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        if total == 0 {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        *current = Some(Stage { name: name.to_owned(), started: Instant::now(), bar });
    }

    fn advance(&self, steps: usize) {
        if let Some(stage) = self.stage().as_ref() {
            stage.bar.inc(steps as u64);
        }
    }

    fn end(&self) {
        let finished = self.stage().take();
        if let Some(stage) = finished {
            self.finish(stage);
        }
    }

    fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn note(&self, text: &str) {
        tracing::info!(note = text);
        if !self.quiet {
            let print = || eprintln!("note: {text}");
            match self.stage().as_ref() {
                Some(stage) => stage.bar.suspend(print),
                None => print(),
            }
        }
    }
}
