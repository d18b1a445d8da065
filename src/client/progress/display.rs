//! How progress looks: bars on a terminal, whole lines elsewhere.

use super::Figures;
use crate::log::one_line;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;
use std::ffi::CStr;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Where progress is shown.
pub(super) enum Display {
    Bars(Bars),
    Lines(Lines),
}

impl Display {
    /// The figures are those of the names, before anything is known of their futures.
    pub(super) fn new(label: Option<&CStr>, figures: &[&Figures]) -> Self {
        let label = match (label, figures) {
            (Some(label), _) => one_line(&label.to_string_lossy()),
            (None, [only]) => only.name.clone(),
            (None, _) => "tasks".to_owned(),
        };
        if std::io::stderr().is_terminal() {
            Self::Bars(Bars::new(&label, figures))
        } else {
            Self::Lines(Lines { label, begun: Instant::now(), done_before: None, written: None })
        }
    }

    /// Shows where things are; lines are written only now and then.
    pub(super) fn show(&mut self, figures: &[&Figures]) {
        match self {
            Self::Bars(bars) => bars.show(figures),
            Self::Lines(lines) => lines.show(figures),
        }
    }

    /// The last sight: it stays on the screen.
    pub(super) fn end(&mut self, figures: &[&Figures]) {
        match self {
            Self::Bars(bars) => {
                bars.show(figures);
                bars.bars.iter().for_each(ProgressBar::abandon);
            }
            Self::Lines(lines) => write_line(&lines.line(figures)),
        }
    }
}

/// One bar for each name.
pub(super) struct Bars {
    bars: Vec<ProgressBar>,
    is_new: bool,
    /// Those that are drawn at the same time stand below each other.
    _screen: Arc<MultiProgress>,
}

impl Bars {
    fn new(label: &str, figures: &[&Figures]) -> Self {
        let screen = screen();
        let style = ProgressStyle::with_template(
            "{prefix} [{bar:32}] {human_pos}/{human_len}{msg}  {per_sec}  {elapsed} < {eta}",
        );
        let prefix = |figures: &Figures| {
            if figures.name == label { label.to_owned() } else { format!("{label} {}", figures.name) }
        };
        let width = figures.iter().map(|figures| prefix(figures).chars().count()).max().unwrap_or(0);
        let bars = figures.iter().map(|figures| {
            let bar = screen.add(ProgressBar::new(figures.total as u64));
            if let Ok(style) = &style {
                bar.set_style(style.clone().progress_chars("=> "));
            }
            bar.set_prefix(format!("{:width$}", prefix(figures)));
            bar
        });
        Self { bars: bars.collect(), is_new: true, _screen: screen }
    }

    fn show(&mut self, figures: &[&Figures]) {
        for (bar, figures) in self.bars.iter().zip(figures) {
            bar.set_message(more(figures));
            bar.set_position(figures.done as u64);
            if self.is_new {
                // What was done before tells nothing about the rate.
                bar.reset_eta();
            }
            bar.tick();
        }
        self.is_new = false;
    }
}

/// The terminal, as all share it who draw at the same time.
fn screen() -> Arc<MultiProgress> {
    static SCREEN: Mutex<Weak<MultiProgress>> = Mutex::new(Weak::new());
    let mut shared = SCREEN.lock();
    shared.upgrade().unwrap_or_else(|| {
        let screen = Arc::new(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        *shared = Arc::downgrade(&screen);
        screen
    })
}

/// One line for all names, now and then.
pub(super) struct Lines {
    label: String,
    begun: Instant,
    /// How many were done when first looked at: they tell nothing about the rate.
    done_before: Option<usize>,
    written: Option<Instant>,
}

impl Lines {
    fn show(&mut self, figures: &[&Figures]) {
        let all = total(figures);
        self.done_before.get_or_insert(all.done);
        if all.done < all.total && self.written.is_none_or(|at| at.elapsed() >= LINE_EVERY) {
            self.written = Some(Instant::now());
            write_line(&self.line(figures));
        }
    }

    fn line(&self, figures: &[&Figures]) -> String {
        line(&self.label, figures, self.done_before.unwrap_or(0), self.begun.elapsed())
    }
}

fn total(figures: &[&Figures]) -> Figures {
    figures.iter().fold(Figures::default(), |mut all, figures| {
        all.total += figures.total;
        all.done += figures.done;
        all.failed += figures.failed;
        all.running += figures.running;
        all
    })
}

/// What there is to say beside the numbers of a name: `, 2 running, 1 failed`.
fn more(figures: &Figures) -> String {
    let mut more = String::new();
    if figures.running > 0 {
        more += &format!(", {} running", figures.running);
    }
    if figures.failed > 0 {
        more += &format!(", {} failed", figures.failed);
    }
    more
}

/// One line: `both: 120/1000 done, 2 running, 3 failed, 52/s, 17 s left (inc 100/900, 2 running; add 20/100, 3 failed)`.
fn line(label: &str, figures: &[&Figures], done_before: usize, elapsed: Duration) -> String {
    let all = total(figures);
    let mut line = format!("{label}: {}/{} done{}", all.done, all.total, more(&all));
    let rate = (all.done - done_before) as f64 / elapsed.as_secs_f64().max(1e-9);
    if all.done == all.total {
        line += &format!(" in {:.1} s", elapsed.as_secs_f64());
    } else if rate > 0.0 {
        line += &format!(", {rate:.0}/s, {:.0} s left", (all.total - all.done) as f64 / rate);
    }
    if figures.len() > 1 {
        let of_name = |figures: &&Figures| {
            format!("{} {}/{}{}", figures.name, figures.done, figures.total, more(figures))
        };
        line += &format!(" ({})", figures.iter().map(of_name).collect::<Vec<_>>().join("; "));
    }
    line
}

/// Writes a line to stderr, at once; a stderr that is closed is nobody's failure.
fn write_line(line: &str) {
    let mut line = line.to_owned();
    line.push('\n');
    let _ = std::io::stderr().write_all(line.as_bytes());
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn of(name: &str, total: usize, done: usize, failed: usize, running: usize) -> Figures {
        Figures { name: name.into(), total, done, failed, running }
    }

    #[test]
    fn lines_say_what_there_is_to_say() {
        let line =
            |label, figures: &[&Figures], seconds| line(label, figures, 0, Duration::from_secs(seconds));
        assert_eq!(line("inc", &[&of("inc", 10, 0, 0, 0)], 0), "inc: 0/10 done");
        assert_eq!(line("inc", &[&of("inc", 10, 0, 0, 2)], 9), "inc: 0/10 done, 2 running");
        assert_eq!(line("inc", &[&of("inc", 10, 5, 1, 0)], 1), "inc: 5/10 done, 1 failed, 5/s, 1 s left");
        assert_eq!(line("inc", &[&of("inc", 10, 10, 0, 0)], 2), "inc: 10/10 done in 2.0 s");
        assert_eq!(line("none", &[], 0), "none: 0/0 done in 0.0 s");
        assert_eq!(
            line("both", &[&of("inc", 10, 5, 0, 1), &of("add", 2, 1, 1, 0)], 3),
            "both: 6/12 done, 1 running, 1 failed, 2/s, 3 s left (inc 5/10, 1 running; add 1/2, 1 failed)"
        );
    }

    #[test]
    fn what_was_done_before_is_no_speed() {
        let figures = of("inc", 10, 4, 0, 0);
        assert_eq!(super::line("inc", &[&figures], 4, Duration::from_secs(1)), "inc: 4/10 done");
        assert_eq!(
            super::line("inc", &[&figures], 2, Duration::from_secs(1)),
            "inc: 4/10 done, 2/s, 3 s left"
        );
    }
}
