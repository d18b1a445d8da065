//! Models of a task that is out of its lane, and is cancelled meanwhile: see `docs/lanes.md`.

use super::*;
use crate::sync::full_fence;

/// A place, and the node of whichever task is out there; 0 for none.
struct Place {
    life: Life,
    node: AtomicU64,
    told: AtomicU64,
    /// The ids that the lane has heard of.
    heard: Mutex<Vec<u64>>,
}

/// What a node has of it: its list of dependents, and the word that says whether it was handed out.
struct Out {
    dependents: Dependents,
    place: AtomicU64,
}

fn place() -> Place {
    Place {
        life: Life::new(),
        node: AtomicU64::new(0),
        told: AtomicU64::new(0),
        heard: Mutex::new(Vec::new()),
    }
}

fn out() -> Out {
    Out { dependents: Dependents::new(), place: AtomicU64::new(0) }
}

fn id_of(generation: u64) -> Id {
    Id::new(Kind::Task, 1, generation)
}

/// `hand_out::begin` and `hand_out::handed_out`.
fn hand_out(place: &Place, nodes: &[Out], node: usize) -> Id {
    place.node.store(node as u64 + 1, Ordering::Relaxed);
    nodes[node].place.store(1, Ordering::Relaxed);
    let id = id_of(place.life.begin());
    full_fence();
    if !nodes[node].dependents.is_wanted() {
        tell_unwanted(place, node);
    }
    id
}

/// `Cascade::end_settled` and `lane::ended_while_out`.
fn cancel(place: &Place, nodes: &[Out], node: usize) {
    assert!(nodes[node].dependents.close(State::Cancelled.closed()).is_some());
    full_fence();
    if nodes[node].place.load(Ordering::Relaxed) != 0 {
        tell_unwanted(place, node);
    }
}

fn tell_unwanted(place: &Place, node: usize) {
    let id = id_of(place.life.current());
    if id.generation() % 2 == 0 || place.node.load(Ordering::Relaxed) != node as u64 + 1 {
        return;
    }
    if place.life.is_still(id) && place.told.swap(id.0, Ordering::Relaxed) != id.0 {
        place.heard.lock().unwrap().push(id.0);
    }
}

/// `hand_out::take_back`, and the next task in the same place.
fn hand_back(place: &Place, id: Id) {
    assert_eq!(place.life.end(id, true), Ended::Free { watched: false });
}

/// Whoever comes first, the lane hears of it, and once.
#[test]
fn hand_out_against_cancel() {
    model(|| {
        let world = Arc::new((place(), [out()]));
        let other = world.clone();
        let canceller = thread::spawn(move || cancel(&other.0, &other.1, 0));
        let id = hand_out(&world.0, &world.1, 0);
        canceller.join().unwrap();
        assert_eq!(*world.0.heard.lock().unwrap(), [id.0]);
    });
}

/// Nobody hears of the task that is out in the same place afterwards.
#[test]
fn cancel_against_hand_back_and_reuse() {
    model(|| {
        let world = Arc::new((place(), [out(), out()]));
        let id = hand_out(&world.0, &world.1, 0);
        let other = world.clone();
        let canceller = thread::spawn(move || cancel(&other.0, &other.1, 0));
        hand_back(&world.0, id);
        let next = hand_out(&world.0, &world.1, 1);
        canceller.join().unwrap();
        let heard = world.0.heard.lock().unwrap();
        assert!(heard.len() <= 1 && !heard.contains(&next.0));
    });
}
