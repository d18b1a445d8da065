//! Models of those who walk from a task to its inputs, which may be freed and live again meanwhile.

use super::models::one_input;
use super::*;

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
