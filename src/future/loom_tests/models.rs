//! Models of submit, cancel, release, returned futures, walks, callbacks and watches.

use super::*;

// ---- submit ----------------------------------------------------------------------------------------------------------

/// Node 1 needs node 0, which it counts a reference on: the handle's, handed over with `rask_take`.
fn one_input() -> Arc<World> {
    let world = World::new(vec![running(&[]), node(&[0], 1)]);
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world
}

#[test]
fn submit_against_completion() {
    model(|| {
        let world = one_input();
        together(&world, &[|world| world.end(0, State::Finished), |world| world.link_inputs(1)]);
        assert_eq!(world.node(1).runs.load(SeqCst), 1);
        world.release(1);
        world.all_over();
    });
}

#[test]
fn submit_against_failure() {
    model(|| {
        let world = one_input();
        together(&world, &[|world| world.end(0, State::Error), |world| world.link_inputs(1)]);
        assert_eq!(world.node(1).runs.load(SeqCst), 0);
        assert_eq!(world.node(1).dependents.closed().map(State::of), Some(State::Error));
        world.release(1);
        world.all_over();
    });
}

/// Node 2 needs nodes 0 and 1, as above.
fn two_inputs() -> Arc<World> {
    let world = World::new(vec![running(&[]), running(&[]), node(&[0, 1], 2)]);
    for input in 0..2 {
        assert_eq!(world.node(input).life.take(id(input)), Some(false));
    }
    world
}

#[test]
fn submit_against_two_completions() {
    model(|| {
        let world = two_inputs();
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| world.end(1, State::Finished),
                |world| world.link_inputs(2),
            ],
        );
        assert_eq!(world.node(2).runs.load(SeqCst), 1);
        world.release(2);
        world.all_over();
    });
}

// ---- come after ------------------------------------------------------------------------------------------------------

/// Node 1 comes after node 0, whatever becomes of it.
fn comes_after() -> Arc<World> {
    let world = World::new(vec![running(&[]), Node { lenient: 1, ..node(&[0], 1) }]);
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world
}

/// Node 2 needs node 0 and comes after node 1.
fn needs_and_comes_after() -> Arc<World> {
    let world = World::new(vec![running(&[]), running(&[]), Node { lenient: 2, ..node(&[0, 1], 2) }]);
    for input in 0..2 {
        assert_eq!(world.node(input).life.take(id(input)), Some(false));
    }
    world
}

#[test]
fn come_after_against_failure() {
    model(|| {
        let world = comes_after();
        together(&world, &[|world| world.end(0, State::Error), |world| world.link_inputs(1)]);
        assert_eq!(world.node(1).runs.load(SeqCst), 1);
        assert_eq!(world.state(1), Some(State::Finished));
        world.release(1);
        world.all_over();
    });
}

#[test]
fn come_after_against_failure_against_cancel() {
    model(|| {
        let world = comes_after();
        together(
            &world,
            &[|world| world.end(0, State::Error), |world| world.cancels(1), |world| world.link_inputs(1)],
        );
        world.release(1);
        world.all_over();
    });
}

#[test]
fn come_after_a_failure_against_completion() {
    model(|| {
        let world = needs_and_comes_after();
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| world.end(1, State::Error),
                |world| world.link_inputs(2),
            ],
        );
        assert_eq!(world.node(2).runs.load(SeqCst), 1);
        world.release(2);
        world.all_over();
    });
}

#[test]
fn two_failures_of_which_one_counts() {
    model(|| {
        let world = needs_and_comes_after();
        world.link_inputs(2);
        together(&world, &[|world| world.end(0, State::Error), |world| world.end(1, State::Cancelled)]);
        assert_eq!(world.node(2).runs.load(SeqCst), 0);
        assert_eq!(world.state(2), Some(State::Error));
        world.release(2);
        world.all_over();
    });
}

#[test]
fn failure_against_completion_against_release() {
    model_with(2, || {
        let world = two_inputs();
        world.link_inputs(2);
        together(
            &world,
            &[
                |world| world.end(0, State::Error),
                |world| world.end(1, State::Finished),
                |world| world.release(2),
            ],
        );
        assert_eq!(world.node(2).runs.load(SeqCst), 0);
        world.all_over();
    });
}

#[test]
fn two_failures() {
    model(|| {
        let world = two_inputs();
        world.link_inputs(2);
        together(&world, &[|world| world.end(0, State::Error), |world| world.end(1, State::Cancelled)]);
        assert_eq!(world.node(2).runs.load(SeqCst), 0);
        world.release(2);
        world.all_over();
    });
}

#[test]
fn cancel_while_linking() {
    model(|| {
        let world = one_input();
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.cancels(1), |world| world.link_inputs(1)],
        );
        world.release(1);
        world.all_over();
    });
}

// ---- handles ---------------------------------------------------------------------------------------------------------

#[test]
fn release_against_completion_against_pin() {
    model(|| {
        let world = World::new(vec![running(&[])]);
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| world.release(0),
                |world| {
                    if world.node(0).life.pin(id(0)) {
                        if world.uses(0).dependents.closed().map(State::of) == Some(State::Finished) {
                            assert_eq!(world.value(0), VALUE);
                        }
                        world.let_go(0);
                    }
                },
            ],
        );
        world.all_over();
    });
}

/// Node 0 is finished, its handle is the only reference.
fn finished() -> Arc<World> {
    let world = World::new(vec![running(&[])]);
    world.end(0, State::Finished);
    world
}

#[test]
fn taking_the_value_against_a_look() {
    model(|| {
        let world = finished();
        together(
            &world,
            &[
                |world| {
                    if !world.take_object(0) {
                        world.let_go(0);
                    }
                },
                |world| {
                    // As one who looks at all nodes, or finds it by its key.
                    if world.node(0).life.join(world.node(0).life.peek()) {
                        assert_eq!(world.value(0), VALUE);
                        world.let_go(0);
                    }
                },
            ],
        );
        world.all_over();
    });
}

#[test]
fn taking_the_value_against_a_reader_by_the_handle() {
    model(|| {
        let world = finished();
        together(
            &world,
            &[
                |world| {
                    if !world.take_object(0) {
                        world.let_go(0);
                    }
                },
                |world| {
                    if world.node(0).life.pin(id(0)) {
                        assert_eq!(world.value(0), VALUE);
                        world.let_go(0);
                    }
                },
            ],
        );
        world.all_over();
    });
}

/// The worker may not have let go of what it has just finished.
#[test]
fn taking_the_value_against_the_last_step_of_the_run() {
    model(|| {
        let world = World::new(vec![running(&[])]);
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| {
                    let is_finished = world.state(0) == Some(State::Finished);
                    if !is_finished {
                        world.release(0);
                    } else if !world.take_object(0) {
                        world.let_go(0);
                    }
                },
            ],
        );
        world.all_over();
    });
}

#[test]
fn last_references_go_at_once() {
    model(|| {
        let world = World::new(vec![running(&[])]);
        world.node(0).life.retain();
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.let_go(0), |world| world.release(0)],
        );
        world.all_over();
    });
}

// ---- cancel ----------------------------------------------------------------------------------------------------------

#[test]
fn cancel_against_last_arrival() {
    model_with(2, || {
        let world = one_input();
        world.link_inputs(1);
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.cancels(1), |world| world.release(1)],
        );
        world.all_over();
    });
}

#[test]
fn release_against_last_arrival() {
    model(|| {
        let world = one_input();
        world.link_inputs(1);
        together(&world, &[|world| world.end(0, State::Finished), |world| world.release(1)]);
        world.all_over();
    });
}

#[test]
fn cancel_against_run() {
    model(|| {
        let world = World::new(vec![node(&[], 0)]);
        together(
            &world,
            &[
                |world| world.run(0),
                |world| {
                    if world.cancel(0) == Some(false) {
                        assert_eq!(world.node(0).dependents.closed().map(State::of), Some(State::Finished));
                        assert_eq!(world.value(0), VALUE);
                    }
                },
            ],
        );
        let state = world.node(0).dependents.closed().map(State::of);
        if world.node(0).runs.load(SeqCst) == 0 {
            assert_eq!(state, Some(State::Cancelled));
        }
        world.release(0);
        world.all_over();
    });
}

#[test]
fn two_cancels_against_run() {
    model_with(2, || {
        let world = World::new(vec![node(&[], 0)]);
        together(
            &world,
            &[
                |world| world.run(0),
                |world| world.cancels(0),
                |world| {
                    world.cancels(0);
                    world.release(0);
                },
            ],
        );
        world.all_over();
    });
}

/// A waiter claims a task the moment its last input is there: it sees the input's value without having been told of it.
#[test]
fn claim_against_last_arrival() {
    model(|| {
        let world = one_input();
        world.link_inputs(1);
        together(&world, &[|world| world.end(0, State::Finished), |world| world.claim(1)]);
        assert_eq!(world.node(1).runs.load(SeqCst), 1);
        world.release(1);
        world.all_over();
    });
}

/// A waiter runs the very task it waits for while a worker takes it from its queue and somebody cancels it: `walk::claim` counts a
/// reference for the entry in the queue.
#[test]
fn claim_against_run_against_cancel() {
    model_with(2, || {
        let world = World::new(vec![node(&[], 0)]);
        world.node(0).life.retain();
        together(
            &world,
            &[
                |world| world.run(0),
                |world| world.cancels(0),
                |world| {
                    world.claim(0);
                    world.let_go(0);
                },
            ],
        );
        world.release(0);
        world.all_over();
    });
}

// ---- forwarding ------------------------------------------------------------------------------------------------------

/// Node 1 runs and is about to return node 0, of which it has taken the handle.
fn forwarding() -> Arc<World> {
    let world = World::new(vec![running(&[]), running(&[])]);
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world
}

#[test]
fn forward_against_completion() {
    model(|| {
        let world = forwarding();
        together(&world, &[|world| world.end(0, State::Finished), |world| world.forward_to(1, 0)]);
        assert_eq!(world.value(1), VALUE);
        world.release(1);
        world.all_over();
    });
}

#[test]
fn forward_against_failure() {
    model(|| {
        let world = forwarding();
        together(&world, &[|world| world.end(0, State::Error), |world| world.forward_to(1, 0)]);
        assert_eq!(world.node(1).dependents.closed().map(State::of), Some(State::Error));
        world.release(1);
        world.all_over();
    });
}

#[test]
fn forward_against_cancel() {
    model(|| {
        let world = forwarding();
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| world.cancels(1),
                |world| {
                    // A settled task never takes its input: `forward_to` lets go of it itself.
                    world.forward_to(1, 0);
                },
            ],
        );
        world.release(1);
        let node = world.node(1);
        assert_eq!((node.closings.load(SeqCst), node.frees.load(SeqCst)), (1, 1));
        assert_eq!(world.node(0).frees.load(SeqCst), 1);
    });
}

#[test]
fn forward_against_two_cancels() {
    model_with(2, || {
        let world = forwarding();
        world.end(0, State::Finished);
        together(
            &world,
            &[
                |world| world.cancels(1),
                |world| world.cancels(1),
                |world| {
                    world.forward_to(1, 0);
                },
            ],
        );
        world.release(1);
        assert_eq!(world.node(1).closings.load(SeqCst), 1);
        assert_eq!((world.node(0).frees.load(SeqCst), world.node(1).frees.load(SeqCst)), (1, 1));
    });
}

// ---- walks -----------------------------------------------------------------------------------------------------------

/// Node 1 waits for node 0, which is queued and which nobody else wants; node 0's line lives again when it is freed.
fn queued_input() -> Arc<World> {
    let mut input = node(&[], 0);
    input.reborn = true;
    let world = World::new(vec![input, node(&[0], 1)]);
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world.link_inputs(1);
    world
}

/// `walk::needs` on node 1: what it sees of node 0 must be its first life.
fn walk(world: &World) {
    if world.node(1).life.pin(id(1)) {
        world.open_inputs(1, |input| assert_eq!(world.node(input).frees.load(SeqCst), 0));
        world.let_go(1);
    }
}

/// Both have ended once and were freed once, and the next life of node 0's line is whole.
fn both_over(world: &World) {
    for node in &world.nodes {
        assert_eq!((node.closings.load(SeqCst), node.frees.load(SeqCst)), (1, 1));
    }
    let again = &world.node(0).life;
    assert!(
        matches!(again.end(Id::new(Kind::Small, 0, 3), false), Ended::Last { .. }),
        "the next life is whole"
    );
    assert!(again.leave());
}

#[test]
fn walk_against_cancel_and_reuse() {
    model(|| {
        let world = queued_input();
        together(
            &world,
            &[walk, |world| {
                world.cancels(1);
                world.release(1);
                world.run(0);
            }],
        );
        both_over(&world);
    });
}

#[test]
fn walk_against_cancel_against_run() {
    model_with(1, || {
        let world = queued_input();
        together(
            &world,
            &[
                |world| world.run(0),
                |world| {
                    world.cancels(1);
                    world.release(1);
                },
                walk,
            ],
        );
        both_over(&world);
    });
}

/// The two words alone that `walk::open_inputs` goes by: the gate of the task and the life of its input. The task is settled and lets go of the
/// input, whose line lives again: a walker joins the first life or none.
#[test]
fn walk_against_settle_and_reuse() {
    model(|| {
        let words = loom::sync::Arc::new((Gate::new(0), Life::new()));
        assert_eq!(words.1.begin(), 1);
        assert_eq!(words.1.take(id(0)), Some(false));
        let let_go = |life: &Life| {
            if life.leave_unless_last() == Left::Last && life.leave() {
                assert_eq!(life.begin(), 3);
            }
        };
        let other = words.clone();
        let walker = thread::spawn(move || {
            let (gate, life) = &*other;
            let seen = life.peek();
            if !gate.is_settled() && life.join(seen) {
                assert_eq!(life.count(), 1, "the walker joined what is no input of the task");
                let_go(life);
            }
        });
        let (gate, life) = &*words;
        assert_eq!(gate.settle(), Settled::Idle);
        let_go(life);
        walker.join().unwrap();
        assert_eq!(life.count(), 2);
    });
}

#[test]
fn walk_against_arrival() {
    model(|| {
        let world = one_input();
        world.link_inputs(1);
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| {
                    assert!(world.node(1).life.pin(id(1)));
                    world.open_inputs(1, |_| ());
                    world.let_go(1);
                },
            ],
        );
        assert_eq!(world.node(1).runs.load(SeqCst), 1);
        world.release(1);
        world.all_over();
    });
}

// ---- callbacks -------------------------------------------------------------------------------------------------------

/// A running node, of which `handles` references more than the handle's are counted, and watches for two registrations.
fn called_back(handles: usize) -> Arc<World> {
    let nodes = vec![running(&[])];
    let watches = vec![Watch::registered(0, &nodes), Watch::registered(0, &nodes)];
    (0..handles).for_each(|_| nodes[0].life.retain());
    Arc::new(World { nodes, watches, telling: None, run: None })
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

// ---- watches ---------------------------------------------------------------------------------------------------------

/// A running node with `linked` watches in its list, of `watches`.
fn watched(watches: usize, linked: usize) -> Arc<World> {
    let world = Arc::new(World {
        telling: None,
        run: None,
        nodes: vec![running(&[])],
        watches: std::iter::repeat_with(Watch::new).take(watches).collect(),
    });
    for watch in 0..linked {
        assert_eq!(world.node(0).dependents.link(watch_edge(watch), &world.watches[watch].link), Ok(()));
    }
    world
}

/// `Watching::end`.
fn end_watch(world: &World, watch: usize) {
    if world.node(0).dependents.unlink(watch_edge(watch), |edge| world.link_of(edge)) {
        world.watches[watch].tell();
    }
}

/// `Watch::begin`.
fn begin_watch(world: &World, watch: usize) {
    world.watches[watch].memory.with_mut(|_| ());
    if world.node(0).dependents.link(watch_edge(watch), &world.watches[watch].link).is_err() {
        assert_eq!(world.value(0), VALUE, "who is refused may read the result");
        world.watches[watch].tell();
    }
}

fn all_told(world: &World) {
    for watch in &world.watches {
        assert_eq!(watch.told.load(SeqCst), 1, "a watch is told, taken back or refused");
    }
}

// Two threads each: a third that spins on the lock bit would make the interleavings endless.

#[test]
fn unlink_against_close() {
    model(|| {
        let world = watched(2, 2);
        together(&world, &[|world| end_watch(world, 0), |world| world.end(0, State::Finished)]);
        all_told(&world);
    });
}

#[test]
fn unlink_against_link_and_close() {
    model(|| {
        let world = watched(2, 1);
        together(
            &world,
            &[
                |world| end_watch(world, 0),
                |world| {
                    begin_watch(world, 1);
                    world.end(0, State::Finished);
                },
            ],
        );
        all_told(&world);
    });
}

#[test]
fn unlink_against_unlink() {
    model(|| {
        let world = watched(3, 3);
        together(&world, &[|world| end_watch(world, 0), |world| end_watch(world, 1)]);
        world.end(0, State::Finished);
        all_told(&world);
    });
}

/// A future that is done and pending again: what was in its list then is not in it now, and who takes his watch back finds nothing.
#[test]
fn unlink_against_close_and_reopen() {
    model(|| {
        let world = watched(2, 1);
        together(
            &world,
            &[
                |world| end_watch(world, 0),
                |world| {
                    world.end(0, State::Error);
                    world.node(0).dependents.reopen(false);
                    let watch = &world.watches[1];
                    assert_eq!(world.node(0).dependents.link(watch_edge(1), &watch.link), Ok(()));
                },
            ],
        );
        end_watch(&world, 1);
        all_told(&world);
    });
}

#[test]
fn links_against_close() {
    model(|| {
        let world = watched(2, 0);
        together(
            &world,
            &[
                |world| begin_watch(world, 0),
                |world| begin_watch(world, 1),
                |world| {
                    world.end(0, State::Finished);
                },
            ],
        );
        all_told(&world);
    });
}
