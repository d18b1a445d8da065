//! Tasks that can never run because suspended tasks hold the resources they need, and these wait for them.

use super::extra;
use super::node::NodePtr;
use super::waiting::Entry;
use super::walk::{Reached, Search};
use crate::scheduler::find_number;
use std::collections::HashMap;
use std::sync::Arc;

/// What there would be of the clients' resources if all had given theirs back but certain suspended tasks.
#[derive(Default)]
pub(crate) struct Left(HashMap<u32, Vec<u64>>);

impl Left {
    /// What there would be if only these tasks held anything.
    pub(super) fn when_held_by<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut left = Self::default();
        for entry in entries {
            let Some(need) = &entry.held else { continue };
            let amounts = left.0.entry(entry.client()).or_insert_with(|| {
                // One that is closed has none to wait for.
                find_number(entry.client()).map_or(Vec::new(), |core| core.resources().totals().to_vec())
            });
            for (index, amount) in need.amounts() {
                if let Some(left) = amounts.get_mut(index) {
                    *left -= amount;
                }
            }
        }
        left
    }

    /// The resources of which there would not be enough for a task, a bit each.
    pub(super) fn lacked_by(&self, node: NodePtr) -> u64 {
        let Some(left) = self.0.get(&node.client()) else { return 0 };
        // What has begun has what it needs.
        let Some(need) = extra::need(node).filter(|_| !node.gate.is_started()) else { return 0 };
        let lacks = |&(index, amount): &(usize, u64)| left.get(index).is_some_and(|&left| amount > left);
        need.amounts().filter(lacks).fold(0, |names, (index, _)| names | 1 << index)
    }
}

/// A suspended wait that is part of a circle closed by resources; called when nothing runs.
///
/// Any of the tasks that hold a resource may be the one to give it back, so following what each wait needs is not enough. Instead, all
/// waits that may yet end are taken away, and what these tasks hold counts as given back, until only those remain that need each other.
pub(super) fn find(suspended: &[Arc<Entry>]) -> Option<&Arc<Entry>> {
    let mut stuck: Vec<_> = suspended.iter().filter(|entry| !entry.wait.is_timed).collect();
    loop {
        let tasks: Vec<_> = stuck.iter().flat_map(|entry| entry.tasks.iter().copied()).collect();
        let left = Left::when_held_by(stuck.iter().map(|entry| &***entry));
        let needs = |entry: &Entry| entry.reach(&mut Search::new(&tasks, &left, usize::MAX), true);
        let n = stuck.len();
        let reached: Vec<_> = stuck.iter().map(|entry| needs(entry)).collect();
        let mut still = reached.iter();
        stuck.retain(|_| still.next().is_some_and(Option::is_some));
        if stuck.len() == n {
            // Each needs one of them: so many steps from anywhere lead into a circle.
            let next = |at: usize| {
                stuck.iter().position(|entry| reached[at].as_ref().is_some_and(|why| entry.is(why)))
            };
            return (0..n).try_fold(0, |at, _| next(at)).filter(|_| n > 0).map(|at| stuck[at]);
        }
    }
}

impl Entry {
    /// Whether it is what was reached.
    fn is(&self, reached: &Reached) -> bool {
        match *reached {
            Reached::Task(task) => self.tasks.contains(&task),
            Reached::Resources(client, names) => {
                self.client() == client && self.held.as_ref().is_some_and(|need| need.names() & names != 0)
            }
        }
    }
}
