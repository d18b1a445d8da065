//! The stand-in for `Cascade`.

use super::*;

/// What one event has caused and is still to be done: the stand-in for `Cascade`.
pub(super) struct Cascade<'a> {
    pub(super) world: &'a World,
    pub(super) lists: Vec<(EdgeWord, State)>,
    pub(super) unwanted: Vec<usize>,
    pub(super) ready: Vec<usize>,
    pub(super) telling: Option<RwLockReadGuard<'a, ()>>,
    pub(super) is_telling: bool,
}

impl<'a> Cascade<'a> {
    // ---- the lock ----------------------------------------------------------------------------------------------

    /// `Cascade::begin_telling`.
    pub(super) fn begin_telling(&mut self) {
        if self.is_telling {
            return;
        }
        self.is_telling = true;
        if let Some(lock) = &self.world.telling
            && TELLING.with(|telling| telling.replace(telling.get() + 1)) == 0
        {
            self.telling = Some(lock.read().unwrap());
        }
    }

    /// `Telling::end`.
    pub(super) fn end_telling(&mut self) {
        self.is_telling = false;
        if self.world.telling.is_some() {
            TELLING.with(|telling| telling.set(telling.get() - 1));
        }
        self.telling = None;
    }

    // ---- submit ------------------------------------------------------------------------------------------------

    /// `submit::link_inputs`.
    pub(super) fn link_inputs(&mut self, node: usize) {
        let this = self.world.uses(node);
        let inputs = self.world.inputs(node).into_iter().enumerate();
        let awaited = this.gate.awaited();
        self.link(node, inputs.map(|(index, input)| (input, index)).collect(), awaited);
    }

    /// The common part of `submit::link_inputs` and `Opened::link`: links by the numbers of inputs and links.
    pub(super) fn link(&mut self, node: usize, links: Vec<(usize, usize)>, mut awaited: u32) {
        let this = self.world.uses(node);
        let mut failed = None;
        for (input, index) in links {
            match self.world.uses(input).dependents.link(self.world.edge(node, index), &this.links[index]) {
                Ok(()) => awaited -= 1,
                Err(closed) => {
                    if State::of(closed) != State::Finished && !this.is_lenient(index) {
                        this.links[index].store(UNLINKED, Ordering::Relaxed);
                        failed = Some(State::of(closed));
                    }
                }
            }
        }
        if let Some(state) = failed {
            self.settle(node, state);
        }
        self.linked(node, awaited);
    }

    /// `Cascade::linked`.
    pub(super) fn linked(&mut self, node: usize, finished: u32) {
        let (arrived, is_settled) = self.world.uses(node).gate.linked(finished);
        self.arrived(node, arrived);
        if is_settled {
            self.begin_telling();
            self.forgo_if_final(node);
            self.let_go(node);
        }
    }

    // ---- task --------------------------------------------------------------------------------------------------

    /// `task::run`: what a worker does with a job.
    pub(super) fn run(&mut self, node: usize) {
        if !self.world.node(node).gate.start() {
            // `Cascade::let_go_entry`.
            self.world.uses(node).gate.unbind_place();
            return self.let_go(node);
        }
        self.execute(node);
    }

    /// `task::execute` of a function that returns a value.
    pub(super) fn execute(&mut self, node: usize) {
        let this = self.world.uses(node);
        let runs = this.runs.fetch_add(1, SeqCst);
        assert!(runs <= this.reopenings.load(SeqCst), "a task runs once more than it may");
        // Its inputs are its own until it has returned.
        this.claimed.with_mut(|_| ());
        if self.world.run.is_some() && !self.is_late(node) {
            return self.begin_run(node);
        }
        if !self.is_late(node) {
            for (index, input) in self.world.inputs(node).into_iter().enumerate() {
                if this.is_lenient(index) {
                    // Since then it may have been retried.
                    let has_ended = self.world.node(input).closings.load(SeqCst) > 0;
                    assert!(has_ended, "a task runs before what it comes after is done");
                } else {
                    assert_eq!(self.world.value(input), VALUE, "a task runs before its input is there");
                }
            }
        }
        self.end(node, State::Finished);
    }

    /// `task::forward_to` and `link_forward`.
    pub(super) fn forward_to(&mut self, node: usize, input: usize) {
        self.begin_telling();
        let this = self.world.uses(node);
        if !this.dependents.is_wanted() {
            self.let_go(input);
            return self.end_run(node);
        }
        self.release_inputs(node);
        this.inputs_released.store(0, SeqCst);
        // SAFETY: the task is claimed; loom checks that nobody else looks.
        this.inputs.with_mut(|inputs| unsafe { *inputs = vec![input] });
        this.links[0].store(UNLINKED, Ordering::Relaxed);
        if this.gate.forward() { self.link_inputs(node) } else { self.end_run(node) }
    }

    // ---- cascade -----------------------------------------------------------------------------------------------

    /// `Cascade::tell`.
    pub(super) fn tell(&mut self, edges: EdgeWord, state: State) {
        let mut edge = edges;
        while edge != 0 {
            let next = self.world.link_of(edge).load(Ordering::Relaxed);
            let at = (edge >> 8) as usize - 1;
            if edge & WATCH != 0 {
                self.world.watches[at].tell();
                self.world.told(at);
            } else {
                if state != State::Finished && edge & LENIENT == 0 {
                    self.world.link_of(edge).store(UNLINKED, Ordering::Relaxed);
                    self.settle(at, state);
                }
                self.arrived(at, self.world.uses(at).gate.arrive());
            }
            edge = next;
        }
    }

    /// `Cascade::arrived`.
    pub(super) fn arrived(&mut self, node: usize, arrived: Arrived) {
        match arrived {
            Arrived::NotLast => {}
            Arrived::Ready => self.ready.push(node),
            Arrived::Forward => self.forwarded(node),
            Arrived::Settled => {
                self.world.uses(node).gate.unbind_place();
                self.let_go(node);
            }
        }
    }

    /// `Cascade::forwarded`.
    pub(super) fn forwarded(&mut self, node: usize) {
        if !self.world.uses(node).gate.start_forwarded() {
            self.world.uses(node).gate.unbind_place();
            return self.let_go(node);
        }
        let input = self.world.inputs(node)[0];
        assert_eq!(self.world.value(input), VALUE);
        self.end(node, State::Finished);
    }

    /// `Cascade::finish` and `Cascade::fail`.
    pub(super) fn end(&mut self, node: usize, state: State) {
        if state == State::Finished { self.finish(node) } else { self.fail(node, state) }
    }

    pub(super) fn finish(&mut self, node: usize) {
        let this = self.world.uses(node);
        if !this.dependents.is_wanted() {
            // `Cascade::finish_unwanted`; a late value stays where it is.
            self.begin_telling();
            return self.end_run(node);
        }
        self.finish_wanted(node);
    }

    /// `Cascade::finish_wanted`.
    pub(super) fn finish_wanted(&mut self, node: usize) {
        let this = self.world.uses(node);
        self.release_inputs(node);
        // SAFETY: the task is claimed; loom checks that nobody else looks.
        this.value.with_mut(|value| unsafe { *value = VALUE });
        match this.dependents.close_run(State::Finished.closed()) {
            Some(edges) => self.closed(node, edges, State::Finished),
            None => {
                // `Cascade::finish_late`.
                self.begin_telling();
                this.claimed.with_mut(|_| ());
                // SAFETY: as above.
                unsafe {
                    this.is_late.with_mut(|is_late| *is_late = true);
                    this.inputs.with_mut(|inputs| (*inputs).clear());
                }
                this.gate.end_forward();
                self.end_run(node);
            }
        }
    }

    pub(super) fn fail(&mut self, node: usize, state: State) {
        self.begin_telling();
        match self.world.uses(node).dependents.close_run(state.closed()) {
            Some(edges) => self.closed(node, edges, state),
            None => self.end_run(node),
        }
    }

    pub(super) fn closed(&mut self, node: usize, edges: EdgeWord, state: State) {
        // Only a note: the node itself is not touched any more.
        self.world.node(node).closings.fetch_add(1, SeqCst);
        self.lists.push((edges, state));
    }

    /// `Cascade::end_run`.
    pub(super) fn end_run(&mut self, node: usize) {
        let this = self.world.uses(node);
        if this.dependents.take_abandoned() {
            if self.leave_unless_alone(node) {
                self.drop_unwanted(node);
            }
            self.arrived(node, this.gate.arrive());
        } else {
            this.gate.unbind();
            self.forgo_if_final(node);
            self.let_go(node);
        }
    }

    /// `Cascade::settle` and `end_settled`.
    pub(super) fn settle(&mut self, node: usize, state: State) -> bool {
        let this = self.world.uses(node);
        if this.dependents.closed().is_some() {
            return false;
        }
        self.begin_telling();
        this.life.retain();
        this.life.retain();
        let settled = this.gate.settle();
        if settled == Settled::Already {
            self.let_go(node);
            self.let_go(node);
            return false;
        }
        if state == State::Released && settled == Settled::Idle && !this.dependents.is_abandoned() {
            self.forgo(node);
        }
        let edges = this.dependents.close(state.closed());
        match edges {
            Some(edges) => self.closed(node, edges, state),
            None => {
                assert_eq!(settled, Settled::Running, "only a task that runs is closed by another");
                this.gate.unbind();
                self.let_go(node);
            }
        }
        if settled != Settled::Linking {
            self.let_go(node);
        }
        edges.is_some()
    }

    /// `Cascade::drop_unwanted`.
    pub(super) fn drop_unwanted(&mut self, node: usize) {
        self.begin_telling();
        let this = self.world.uses(node);
        // `settle::is_alone`.
        let is_bound = this.gate.is_bound();
        if this.life.references() != 1 + u64::from(is_bound) || this.gate.is_bound() != is_bound {
            return self.let_go(node);
        }
        if self.world.uses(node).dependents.closed().is_none() {
            self.settle(node, State::Released);
        }
        self.forgo_failed(node);
        if self.world.uses(node).gate.is_forgone() { self.leave(node) } else { self.let_go(node) }
    }

    /// `Cascade::forgo_failed`.
    pub(super) fn forgo_failed(&mut self, node: usize) {
        let this = self.world.uses(node);
        let has_failed = this.dependents.closed().is_some_and(|closed| State::of(closed) != State::Finished);
        if has_failed && !self.world.runs_unwanted(node) && !this.gate.is_linking() {
            self.forgo(node);
        }
    }

    /// `Cascade::forgo_if_final`.
    pub(super) fn forgo_if_final(&mut self, node: usize) {
        let closed = self.world.uses(node).dependents.closed();
        if closed.map(State::of) == Some(State::Released) && !self.world.runs_unwanted(node) {
            self.forgo(node);
        }
    }

    /// `retry::is_late`, by one who owns the body.
    pub(super) fn is_late(&self, node: usize) -> bool {
        // SAFETY: loom checks that nobody writes meanwhile.
        self.world.node(node).is_late.with(|is_late| unsafe { *is_late })
    }

    /// `Cascade::forgo`.
    pub(super) fn forgo(&mut self, node: usize) {
        if self.world.uses(node).gate.forgo() {
            self.release_inputs(node);
        }
    }

    /// `Cascade::release_inputs`.
    pub(super) fn release_inputs(&mut self, node: usize) {
        let this = self.world.uses(node);
        this.claimed.with_mut(|_| ());
        if self.is_late(node) {
            this.value.with_mut(|_| ());
            return;
        }
        assert_eq!(this.inputs_released.fetch_add(1, SeqCst), 0, "inputs are released twice");
        for input in self.world.inputs(node) {
            self.let_go(input);
        }
        if let Some(run) = &self.world.run {
            run.disown();
        }
    }

    /// `Cascade::let_go`.
    pub(super) fn let_go(&mut self, node: usize) {
        if self.leave_unless_alone(node) {
            self.let_go_last(node);
        }
    }

    /// `settle::leave_unless_alone`.
    pub(super) fn leave_unless_alone(&self, node: usize) -> bool {
        self.world.uses(node);
        let this = self.world.node(node);
        match this.life.leave_unless_last() {
            Left::Others => false,
            Left::One => this.gate.is_bound() && this.life.join(this.life.peek()),
            Left::Last => true,
        }
    }

    /// `Cascade::let_go_last`.
    pub(super) fn let_go_last(&mut self, node: usize) {
        match self.world.uses(node).dependents.closed() {
            Some(closed) if State::of(closed) == State::Finished => self.leave(node),
            _ => self.unwanted.push(node),
        }
    }

    /// `Cascade::leave`.
    pub(super) fn leave(&mut self, node: usize) {
        if self.world.uses(node).life.leave() {
            self.world.free(node);
        }
    }
}
