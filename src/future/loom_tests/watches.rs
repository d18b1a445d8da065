//! Models of watches, which are linked into the list of a node and taken back out of it.

use super::*;

/// A running node with `linked` watches in its list, of `watches`.
fn watched(watches: usize, linked: usize) -> Arc<World> {
    let watches = std::iter::repeat_with(Watch::new).take(watches).collect();
    let world = World::with_watches(vec![running(&[])], watches);
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
