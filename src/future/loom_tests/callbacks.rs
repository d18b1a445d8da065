//! Models of callbacks: registered, called by whoever tells of the end, or by whoever frees the future.

use super::*;

impl World {
    /// `on_done::on_done` with the watch of that number, by one who has counted a reference for it.
    pub(super) fn on_done(&self, watch: usize) {
        let (node, _) = self.watches[watch].registration.expect("a registration's watch");
        let this = self.uses(node);
        this.on_done.lock().unwrap().push(watch);
        this.gate.mark_extra();
        if this.dependents.link(watch_edge(watch), &self.watches[watch].link).is_err() {
            self.due(watch);
        }
        self.let_go(node);
    }

    /// `Told::done`.
    pub(super) fn told(&self, watch: usize) {
        let Some((node, life)) = self.watches[watch].registration else { return };
        if self.node(node).life.join(life) {
            self.due(watch);
            self.let_go(node);
        }
    }

    /// `on_done::due`, by one who counts a reference.
    fn due(&self, watch: usize) {
        let (node, _) = self.watches[watch].registration.expect("a registration's watch");
        let due: Vec<_> = {
            let mut on_done = self.uses(node).on_done.lock().unwrap();
            let at = on_done.iter().rposition(|&other| other == watch);
            at.map(|at| on_done.drain(..=at).collect()).unwrap_or_default()
        };
        self.dispatch(node, due);
    }

    /// `on_done::take_extra`, and `Ref::revive`.
    pub(super) fn take_extra(&self, node: usize) -> bool {
        let this = self.node(node);
        let due = std::mem::take(&mut *this.on_done.lock().unwrap());
        if due.is_empty() {
            return true;
        }
        this.life.revive();
        self.dispatch(node, due);
        self.let_go(node);
        false
    }

    /// `on_done::dispatch` and `dispatcher::make`, which here are one: each callback is made with a reference of its own.
    fn dispatch(&self, node: usize, due: Vec<usize>) {
        for _ in due {
            self.uses(node).life.retain();
            self.uses(node).calls.fetch_add(1, SeqCst);
            assert!(
                self.uses(node).dependents.closed().is_some(),
                "a callback comes when the future is done"
            );
            self.let_go(node);
        }
    }
}

/// A running node, of which `handles` references more than the handle's are counted, and watches for two registrations.
fn called_back(handles: usize) -> Arc<World> {
    let nodes = vec![running(&[])];
    let watches = vec![Watch::registered(0, &nodes), Watch::registered(0, &nodes)];
    (0..handles).for_each(|_| nodes[0].life.retain());
    World::with_watches(nodes, watches)
}

/// Registered before all else, so that only its call is raced for.
fn registered() -> Arc<World> {
    let world = called_back(1);
    world.on_done(0);
    world
}

fn all_called(world: &World, calls: u32) {
    assert_eq!(world.node(0).calls.load(SeqCst), calls, "each registration is called once");
    assert!(world.node(0).on_done.lock().unwrap().is_empty());
    world.all_over();
}

#[test]
fn call_against_release() {
    model(|| {
        let world = registered();
        together(&world, &[|world| world.end(0, State::Finished), |world| world.release(0)]);
        all_called(&world, 1);
    });
}

#[test]
fn two_calls_against_release() {
    model(|| {
        let world = called_back(2);
        world.on_done(0);
        world.on_done(1);
        together(&world, &[|world| world.end(0, State::Error), |world| world.release(0)]);
        all_called(&world, 2);
    });
}

/// The last handle goes while another thread has the future's end in its hands but has not told the watch yet.
#[test]
fn call_against_cancel_against_release() {
    model_with(2, || {
        let world = registered();
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.cancels(0), |world| world.release(0)],
        );
        all_called(&world, 1);
    });
}

#[test]
fn registration_against_completion() {
    model(|| {
        let world = called_back(1);
        together(&world, &[|world| world.end(0, State::Finished), |world| world.on_done(0)]);
        world.release(0);
        all_called(&world, 1);
    });
}

#[test]
fn registration_against_completion_against_release() {
    model_with(2, || {
        let world = called_back(1);
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.on_done(0), |world| world.release(0)],
        );
        all_called(&world, 1);
    });
}

#[test]
fn two_registrations_against_completion() {
    model_with(2, || {
        let world = called_back(2);
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.on_done(0), |world| world.on_done(1)],
        );
        world.release(0);
        all_called(&world, 2);
    });
}
