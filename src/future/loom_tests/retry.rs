//! Models of retries: against the run they abandon, against releases, and against those who tell of a failure.

use super::*;

/// Lets what a retry made ready run: in the stand-in it has, so all are done. Then every handle that is left is released.
fn wind_up(world: &World, held: &[usize]) {
    for &node in held {
        assert!(world.state(node).is_some(), "nothing is forgotten");
        world.release(node);
    }
    world.all_over();
}

/// Retries until the node has finished: what failed in a race may be run once more.
fn finish(world: &World, node: usize) {
    while world.state(node) != Some(State::Finished) {
        assert_eq!(world.retry(node), Some(true));
    }
    assert_eq!(world.value(node), VALUE);
}

/// Retries what it has cancelled, if it came in time.
fn cancel_and_retry(world: &World, node: usize) {
    if world.cancel(node) == Some(true) {
        assert_eq!(world.retry(node), Some(true));
    }
}

// ---- the run that is abandoned ---------------------------------------------------------------------------------------

/// Node 1 runs and has node 0, which is finished, as its input.
fn runs_with_input() -> Arc<World> {
    let world = World::with_retries(vec![running(&[]), running(&[0])]);
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world.end(0, State::Finished);
    world
}

#[test]
fn retry_against_the_end_of_the_abandoned_run() {
    model(|| {
        let world = runs_with_input();
        assert_eq!(world.cancel(1), Some(true));
        together(&world, &[|world| world.end(1, State::Finished), |world| world.retries(1)]);
        assert_eq!(world.node(1).runs.load(SeqCst), 1, "the late result is not taken");
        assert_eq!(world.state(1), Some(State::Finished));
        wind_up(&world, &[1]);
    });
}

#[test]
fn retry_against_the_failure_of_the_abandoned_run() {
    model(|| {
        let world = runs_with_input();
        assert_eq!(world.cancel(1), Some(true));
        together(&world, &[|world| world.end(1, State::Error), |world| world.retries(1)]);
        assert_eq!(world.state(1), Some(State::Finished));
        wind_up(&world, &[1]);
    });
}

/// The run may have given its inputs back before it finds that it was cancelled: then its value is what it is run again with.
#[test]
fn cancel_and_retry_against_the_end() {
    model(|| {
        let world = runs_with_input();
        together(
            &world,
            &[
                |world| world.end(1, State::Finished),
                |world| {
                    cancel_and_retry(world, 1);
                },
            ],
        );
        assert_eq!(world.state(1), Some(State::Finished));
        assert_eq!(world.value(1), VALUE);
        wind_up(&world, &[1]);
    });
}

#[test]
fn cancel_and_retry_twice_against_the_end() {
    model_with(2, || {
        let world = runs_with_input();
        together(
            &world,
            &[
                |world| world.end(1, State::Finished),
                |world| {
                    for _ in 0..2 {
                        world.cancels(1);
                        world.retries(1);
                    }
                },
            ],
        );
        assert_eq!(world.state(1), Some(State::Finished));
        wind_up(&world, &[1]);
    });
}

/// Nobody is left to want the retried run: it does not come, and the inputs are there until the first has ended.
#[test]
fn retry_and_release_against_the_end() {
    model_with(2, || {
        let world = runs_with_input();
        together(
            &world,
            &[
                |world| world.end(1, State::Finished),
                |world| {
                    world.cancels(1);
                    world.retries(1);
                    world.release(1);
                },
            ],
        );
        world.all_over();
    });
}

/// Two cancels leave nobody but the two references of the engine.
#[test]
fn retry_cancel_and_release_against_the_end() {
    model_with(2, || {
        let world = runs_with_input();
        assert_eq!(world.cancel(1), Some(true));
        together(
            &world,
            &[
                |world| world.end(1, State::Finished),
                |world| {
                    world.retries(1);
                    world.cancels(1);
                    world.release(1);
                },
            ],
        );
        world.all_over();
    });
}

/// A walker looks at the inputs of what waits for its old run.
#[test]
fn walk_against_the_end_of_the_abandoned_run() {
    model_with(2, || {
        let world = runs_with_input();
        together(
            &world,
            &[
                |world| world.end(1, State::Finished),
                |world| {
                    world.cancels(1);
                    world.retries(1);
                    assert!(world.node(1).life.pin(id(1)));
                    world.open_inputs(1, |_| ());
                    world.let_go(1);
                },
            ],
        );
        assert_eq!(world.state(1), Some(State::Finished));
        wind_up(&world, &[1]);
    });
}

/// Node 1 comes after node 0: it is no part of what is run again, and runs once.
#[test]
fn retry_against_what_comes_after() {
    model_with(2, || {
        let world = World::with_retries(vec![running(&[]), Node { lenient: 1, ..node(&[0], 1) }]);
        world.node(0).life.retain();
        together(
            &world,
            &[|world| world.end(0, State::Error), |world| world.retries(0), |world| world.link_inputs(1)],
        );
        assert_eq!(world.node(1).runs.load(SeqCst), 1);
        assert_eq!(world.node(1).reopenings.load(SeqCst), 0);
        wind_up(&world, &[0, 1]);
    });
}

/// Node 1 has returned node 0.
#[test]
fn retry_against_a_returned_future() {
    model(|| {
        let world = World::with_retries(vec![running(&[]), running(&[])]);
        assert_eq!(world.node(0).life.take(id(0)), Some(false));
        together(
            &world,
            &[
                |world| {
                    world.forward_to(1, 0);
                    world.end(0, State::Finished);
                },
                |world| {
                    world.cancels(1);
                    world.retries(1);
                },
            ],
        );
        // Where the function was abandoned before it had returned the future, it was run again, and the future cancelled for good.
        assert_eq!(world.state(1), Some(State::Finished));
        world.release(1);
        for node in &world.nodes {
            assert_eq!(node.frees.load(SeqCst), 1);
        }
    });
}

// ---- releases --------------------------------------------------------------------------------------------------------

/// Nodes 1 and 2 need node 0, which has failed, and whose handle is gone.
fn two_dependents() -> Arc<World> {
    let world = World::with_retries(vec![running(&[]), node(&[0], 1), node(&[0], 1)]);
    world.node(0).life.retain();
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world.link_inputs(1);
    world.link_inputs(2);
    world.end(0, State::Error);
    world
}

#[test]
fn retry_against_release_of_another_dependent() {
    model(|| {
        let world = two_dependents();
        together(&world, &[|world| world.release(2), |world| world.retries(1)]);
        assert_eq!(world.state(1), Some(State::Finished));
        wind_up(&world, &[1]);
    });
}

#[test]
fn retry_against_release_of_the_last_handle() {
    model(|| {
        let world = two_dependents();
        world.release(2);
        together(
            &world,
            &[|world| world.release(1), |world| assert_ne!(world.retry(1), Some(false), "it has failed")],
        );
        world.all_over();
    });
}

#[test]
fn retry_against_retry() {
    model_with(2, || {
        let world = two_dependents();
        together(&world, &[|world| world.retries(1), |world| world.retries(2)]);
        assert_eq!(world.state(1), Some(State::Finished));
        assert_eq!(world.state(2), Some(State::Finished));
        assert_eq!(world.node(0).reopenings.load(SeqCst), 1);
        wind_up(&world, &[1, 2]);
    });
}

#[test]
fn retry_against_cancel() {
    model_with(2, || {
        let world = two_dependents();
        together(&world, &[|world| world.cancels(1), |world| world.retries(2)]);
        assert_eq!(world.state(2), Some(State::Finished));
        finish(&world, 1);
        wind_up(&world, &[1, 2]);
    });
}

// ---- those who tell --------------------------------------------------------------------------------------------------

/// Node 2 needs nodes 0 and 1, which run, and whose handles are gone.
fn needs_two() -> Arc<World> {
    let world = World::with_retries(vec![running(&[]), running(&[]), node(&[0, 1], 2)]);
    for input in 0..2 {
        assert_eq!(world.node(input).life.take(id(input)), Some(false));
    }
    world.link_inputs(2);
    world
}

#[test]
fn retry_against_a_failing_input() {
    model(|| {
        let world = needs_two();
        world.end(0, State::Error);
        together(&world, &[|world| world.end(1, State::Error), |world| world.retries(2)]);
        finish(&world, 2);
        wind_up(&world, &[2]);
    });
}

#[test]
fn retry_against_a_finishing_input() {
    model(|| {
        let world = needs_two();
        world.end(0, State::Error);
        together(&world, &[|world| world.end(1, State::Finished), |world| world.retries(2)]);
        assert_eq!(world.state(2), Some(State::Finished));
        assert_eq!(world.node(2).runs.load(SeqCst), 1);
        wind_up(&world, &[2]);
    });
}

/// Who is told of a failure while its last handle goes lets go of its other inputs at once, not when they have ended.
#[test]
fn failure_against_release_of_the_last_handle() {
    model(|| {
        let world = needs_two();
        together(&world, &[|world| world.end(0, State::Error), |world| world.release(2)]);
        assert_eq!(world.node(2).inputs_released.load(SeqCst), 1, "nobody can retry it");
        assert_eq!(world.state(1), Some(State::Released), "nobody wants its other input");
        world.end(1, State::Finished);
        world.all_over();
    });
}

/// The same while its inputs are linked again.
#[test]
fn relinking_against_cancel_and_release() {
    model_with(2, || {
        let world = needs_two();
        world.end(0, State::Error);
        together(
            &world,
            &[
                |world| world.retries(2),
                |world| {
                    world.cancels(2);
                    world.release(2);
                },
            ],
        );
        assert_eq!(world.node(2).inputs_released.load(SeqCst), 1, "nobody can retry it");
        world.end(1, State::Finished);
        world.all_over();
    });
}

// ---- places ----------------------------------------------------------------------------------------------------------

/// Node 1 waits for node 0, which runs, and whose handle is gone.
fn waits_for_input() -> Arc<World> {
    let world = World::with_retries(vec![running(&[]), node(&[0], 1)]);
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world.link_inputs(1);
    world
}

/// The engine's reference and its mark, against the last arrival and the last handle.
#[test]
fn cancel_and_release_against_the_last_arrival() {
    model(|| {
        let world = waits_for_input();
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| {
                    world.cancels(1);
                    world.release(1);
                },
            ],
        );
        world.all_over();
    });
}

#[test]
fn cancel_and_retry_against_the_last_arrival() {
    model(|| {
        let world = waits_for_input();
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| {
                    cancel_and_retry(world, 1);
                },
            ],
        );
        assert_eq!(world.state(1), Some(State::Finished));
        wind_up(&world, &[1]);
    });
}

/// The same with a queue: what lies in it is started, or found stale and its reference dropped.
#[test]
fn cancel_and_retry_against_the_start() {
    model(|| {
        let world = World::with_retries(vec![node(&[], 0)]);
        together(
            &world,
            &[
                |world| world.run(0),
                |world| {
                    cancel_and_retry(world, 0);
                },
            ],
        );
        assert_eq!(world.state(0), Some(State::Finished));
        wind_up(&world, &[0]);
    });
}
