//! Models of the counts that workers sleep by. The semaphore is loom's lock and condition in place of parking_lot's.

use super::sleep::{Counts, Published};
use crate::sync::{AtomicU32, Ordering, model, model_with};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// Jobs in a queue without any ordering of its own, workers' counts and what they sleep on.
struct Client {
    counts: Counts,
    jobs: AtomicU32,
    permits: Mutex<u32>,
    given: Condvar,
    /// How many jobs have begun that wait for each other.
    started: Mutex<u32>,
    changed: Condvar,
    /// In the models that have it.
    ranked: Option<Ranked>,
}

/// Jobs that each need the one piece of a resource.
struct Ranked {
    state: Mutex<Stock>,
    /// 1: one of them can run.
    top: AtomicU32,
}

struct Stock {
    jobs: u32,
    is_free: bool,
}

impl Ranked {
    /// `Ranked::change`.
    fn change<T>(&self, change: impl FnOnce(&mut Stock) -> T) -> T {
        let mut state = self.state.lock().unwrap();
        let result = change(&mut state);
        self.top.store(u32::from(state.is_free && state.jobs > 0), Ordering::Relaxed);
        result
    }

    /// `Ranked::top`.
    fn can_run(&self) -> bool {
        self.top.load(Ordering::Relaxed) != 0
    }

    /// `Ranked::take`.
    fn take(&self) -> bool {
        self.can_run()
            && self.change(|state| {
                let takes = state.is_free && state.jobs > 0;
                if takes {
                    state.jobs -= 1;
                    state.is_free = false;
                }
                takes
            })
    }
}

impl Client {
    fn new() -> Arc<Self> {
        Self::with(None)
    }

    /// With so many jobs for which there is one piece of a resource.
    fn with_ranked(jobs: u32, is_free: bool) -> Arc<Self> {
        let top = AtomicU32::new(u32::from(is_free && jobs > 0));
        Self::with(Some(Ranked { state: Mutex::new(Stock { jobs, is_free }), top }))
    }

    fn with(ranked: Option<Ranked>) -> Arc<Self> {
        Arc::new(Self {
            ranked,
            counts: Counts::new(),
            jobs: AtomicU32::new(0),
            permits: Mutex::new(0),
            given: Condvar::new(),
            started: Mutex::new(0),
            changed: Condvar::new(),
        })
    }

    /// `Local::push_from_outside` and `Core::published`. `false`: the client is closed.
    fn submit(&self) -> bool {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        match self.counts.published() {
            Published::Seen => true,
            Published::Wake => {
                self.wake_one();
                true
            }
            Published::Closed => false,
        }
    }

    /// `Core::notify_ranked`, after a change that may let one of them run.
    fn notify_ranked(&self) {
        if let Some(ranked) = &self.ranked
            && self.counts.published() == Published::Wake
            && ranked.can_run()
        {
            self.wake_one();
        }
    }

    /// The end of `worker::run_holding`.
    fn give_back(&self) {
        self.ranked.as_ref().unwrap().change(|state| state.is_free = true);
        self.notify_ranked();
    }

    /// `Slot::take`.
    fn take(&self) -> bool {
        if self.ranked.as_ref().is_some_and(Ranked::take) {
            return true;
        }
        let mut jobs = self.jobs.load(Ordering::Relaxed);
        while jobs != 0 {
            match self.jobs.compare_exchange(jobs, jobs - 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => jobs = now,
            }
        }
        false
    }

    /// `Slot::sees_work`.
    fn sees_work(&self) -> bool {
        self.ranked.as_ref().is_some_and(Ranked::can_run) || self.jobs.load(Ordering::Relaxed) != 0
    }

    /// `worker::search`. `false`: the client is closed.
    fn search(&self) -> bool {
        self.counts.search();
        loop {
            if self.take() {
                self.finish_search();
                return true;
            }
            self.counts.lie_down();
            if self.sees_work() {
                if !self.counts.rise() {
                    self.block();
                }
                continue;
            }
            if self.counts.is_closed() {
                return false;
            }
            self.block();
        }
    }

    /// `worker::finish_search`.
    fn finish_search(&self) {
        if self.counts.found() && self.sees_work() {
            self.wake_one();
        }
    }

    /// `Sleep::block`.
    fn block(&self) {
        let mut permits = self.permits.lock().unwrap();
        while *permits == 0 {
            permits = self.given.wait(permits).unwrap();
        }
        *permits -= 1;
    }

    /// `Sleep::wake_one`.
    fn wake_one(&self) {
        if self.counts.claim_sleeper() {
            self.permit();
        }
    }

    /// `Sleep::wake_all`.
    fn wake_all(&self) {
        while self.counts.claim_any_sleeper() {
            self.permit();
        }
    }

    fn permit(&self) {
        *self.permits.lock().unwrap() += 1;
        self.given.notify_one();
    }

    /// Runs a job that ends only when `n` of them run at the same time: each needs a worker of its own.
    fn run_together(&self, n: u32) {
        let mut started = self.started.lock().unwrap();
        *started += 1;
        self.changed.notify_all();
        while *started < n {
            started = self.changed.wait(started).unwrap();
        }
    }
}

/// What is published is found: otherwise the worker sleeps for ever, and loom reports a deadlock.
#[test]
fn publish_against_sleep() {
    model(|| {
        let client = Client::new();
        let worker = client.clone();
        let worker = thread::spawn(move || assert!(worker.search()));
        assert!(client.submit());
        worker.join().unwrap();
    });
}

#[test]
fn two_publish_against_sleep() {
    model(|| {
        let client = Client::new();
        let (worker, other) = (client.clone(), client.clone());
        let worker = thread::spawn(move || {
            assert!(worker.search());
            assert!(worker.take() || worker.search());
        });
        let other = thread::spawn(move || assert!(other.submit()));
        assert!(client.submit());
        worker.join().unwrap();
        other.join().unwrap();
    });
}

/// Two jobs that need each other, two workers: the first to find one must see to it that the other is found too.
#[test]
fn last_searcher_hands_on() {
    model_with(2, || {
        let client = Client::new();
        let workers = [client.clone(), client.clone()].map(|client| {
            thread::spawn(move || {
                assert!(client.search());
                client.run_together(2);
            })
        });
        assert!(client.submit());
        assert!(client.submit());
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// As above, with both jobs published at once and one notice given: `Local::push_all`.
#[test]
fn woken_worker_wakes_the_next() {
    model(|| {
        let client = Client::new();
        let workers = [client.clone(), client.clone()].map(|client| {
            thread::spawn(move || {
                assert!(client.search());
                client.run_together(2);
            })
        });
        client.jobs.fetch_add(1, Ordering::Relaxed);
        assert!(client.submit());
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// What a job waits for is given back by somebody who takes no further jobs.
#[test]
fn give_back_against_sleep() {
    model(|| {
        let client = Client::with_ranked(1, false);
        let worker = client.clone();
        let worker = thread::spawn(move || assert!(worker.search()));
        client.give_back();
        worker.join().unwrap();
    });
}

/// A job is pushed while what it needs is being given back: either the one sees it free, or the other finds the job.
#[test]
fn push_against_give_back_against_sleep() {
    model(|| {
        let client = Client::with_ranked(0, false);
        let (worker, holder) = (client.clone(), client.clone());
        let worker = thread::spawn(move || assert!(worker.search()));
        let holder = thread::spawn(move || holder.give_back());
        client.ranked.as_ref().unwrap().change(|state| state.jobs += 1);
        client.notify_ranked();
        worker.join().unwrap();
        holder.join().unwrap();
    });
}

/// Two jobs, one after the other, by two workers of which each runs one.
#[test]
fn holders_take_turns() {
    model_with(2, || {
        let client = Client::with_ranked(2, true);
        let workers = [client.clone(), client.clone()].map(|client| {
            thread::spawn(move || {
                assert!(client.search());
                client.give_back();
            })
        });
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// A submit against close: either a worker (or the one who closes) finds the job, or the submitter learns that it is to take it back.
#[test]
fn publish_against_close() {
    model(|| {
        let client = Client::new();
        let (worker, submitter) = (client.clone(), client.clone());
        let worker = thread::spawn(move || while worker.search() {});
        let submitter = thread::spawn(move || {
            if !submitter.submit() {
                // `Local::take_back`.
                submitter.take();
            }
        });
        client.counts.close();
        client.wake_all();
        worker.join().unwrap();
        // `Core::discard_queued`, after the workers have gone.
        while client.take() {}
        submitter.join().unwrap();
        assert!(!client.sees_work());
    });
}
