//! Models of submit, cancel, release and returned futures.

use super::*;

// ---- submit ----------------------------------------------------------------------------------------------------------

/// Node 1 needs node 0, which it counts a reference on: the handle's, handed over with `rask_take`.
pub(super) fn one_input() -> Arc<World> {
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
