//! The stand-in for `retry`: what has failed is found, opened and linked again.

use super::*;

impl World {
    /// `future::retry` of a first handle, which may be stale. `None`: it was; `false`: it has not failed.
    pub(super) fn retry(&self, node: usize) -> Option<bool> {
        if !self.node(node).life.pin(id(node)) {
            return None;
        }
        let lock = self.telling.as_ref().expect("a world with retries");
        let mut references = Vec::new();
        let found = loop {
            let alone = lock.write().unwrap();
            match self.look(node, &mut references) {
                Some(found) => {
                    let opened: Vec<_> = found.into_iter().map(|node| self.open(node)).collect();
                    drop(alone);
                    break opened;
                }
                None => drop(alone),
            }
            references.drain(..).for_each(|node| self.let_go(node));
            thread::yield_now();
        };
        let is_retried = !found.is_empty();
        self.cascade(|cascade| {
            // Not one step with giving the lock up, as it is there: others may come in between, which the nodes linked stand.
            cascade.begin_telling();
            for (node, reopened, links) in found {
                if reopened == Reopened::Waiting {
                    cascade.let_go(node);
                }
                let n = links.len() as u32;
                cascade.link(node, links, n);
            }
        });
        references.into_iter().for_each(|node| self.let_go(node));
        self.let_go(node);
        Some(is_retried)
    }

    /// [`retry`](Self::retry), whatever comes of it.
    pub(super) fn retries(&self, node: usize) {
        let _ = self.retry(node);
    }

    /// `retry::look`; every node that has failed is a follower. `None`: somebody is linking one.
    fn look(&self, node: usize, references: &mut Vec<usize>) -> Option<Vec<usize>> {
        let has_failed = |node: usize| self.state(node).is_some_and(|state| state != State::Finished);
        let mut found = Vec::new();
        let mut open = if has_failed(node) { vec![node] } else { Vec::new() };
        while let Some(node) = open.pop() {
            let this = self.uses(node);
            if found.contains(&node) {
                continue;
            }
            if this.gate.is_linking() {
                return None;
            }
            assert!(!this.gate.is_forgone(), "somebody could retry it");
            found.push(node);
            if !self.runs_unwanted(node) {
                let inputs = self.inputs(node).into_iter().enumerate();
                let strict = inputs.filter(|&(index, _)| !this.is_lenient(index));
                open.extend(strict.map(|(_, input)| input).filter(|&input| has_failed(input)));
            }
        }
        if found.is_empty() {
            return Some(found);
        }
        for other in 0..self.nodes.len() {
            let this = self.node(other);
            if !this.life.join(this.life.peek()) {
                continue;
            }
            references.push(other);
            if !has_failed(other) || this.gate.is_forgone() || found.contains(&other) {
                continue;
            }
            if this.gate.is_linking() {
                return None;
            }
            found.push(other);
        }
        Some(found)
    }

    /// `Opened::new`.
    fn open(&self, node: usize) -> (usize, Reopened, Vec<(usize, usize)>) {
        let this = self.uses(node);
        let mut links = Vec::new();
        if !self.runs_unwanted(node) {
            for (index, input) in self.inputs(node).into_iter().enumerate() {
                let is_finished = self.state(input) == Some(State::Finished);
                let is_unlinked = this.links[index].load(Ordering::Relaxed) == UNLINKED;
                if is_unlinked && !is_finished && !this.is_lenient(index) {
                    links.push((input, index));
                }
            }
        }
        this.reopenings.fetch_add(1, SeqCst);
        let reopened = this.gate.reopen(links.len() as u32);
        this.dependents.reopen(reopened == Reopened::Running);
        (node, reopened, links)
    }

    /// `retry::runs_unwanted`.
    pub(super) fn runs_unwanted(&self, node: usize) -> bool {
        let this = self.uses(node);
        this.gate.runs_settled() || this.dependents.is_abandoned()
    }
}
