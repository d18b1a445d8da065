//! Managed values of a real store: out to disk and back, from many threads.

use super::*;
use crate::status::LOST;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A store that ends with the test.
struct Limited {
    client: u32,
    store: Arc<Store>,
}

impl Limited {
    fn open(limit: u64) -> Self {
        // Numbers that no client of another test has.
        static LAST: AtomicU32 = AtomicU32::new(LIMITED - 1);
        let client = LAST.fetch_sub(1, Ordering::Relaxed) | LIMITED;
        let parent = std::env::temp_dir();
        let settings = StoreSettings { limit, parent, fails_when_full: false, bury: drop };
        Store::open(settings).unwrap().register(client);
        Self { client, store: Store::of(client).unwrap() }
    }

    fn bytes(&self, fill: u8) -> Value {
        Value::bytes(&[fill; SIZE], self.client).unwrap().manage()
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        Store::close(self.client);
    }
}

const SIZE: usize = 10_000;

fn first_and_last(value: &Value) -> (u8, u8) {
    let (data, size) = value.bytes_raw().unwrap().unwrap();
    // SAFETY: the callers hold the value in memory.
    unsafe { (*data, *data.add(size - 1)) }
}

#[test]
fn only_large_values_of_limited_clients_are_managed() {
    let limited = Limited::open(1);
    let is_managed = |value: Value| value.manage().form() == Form::MANAGED;
    assert!(!is_managed(Value::i64(1)));
    assert!(!is_managed(Value::bytes(&[1; 1000], limited.client).unwrap()));
    assert!(is_managed(Value::bytes(&[1; 1024], limited.client).unwrap()));
    assert!(!is_managed(Value::bytes(&[1; 1024], 0).unwrap()));
    let list = Value::list(vec![limited.bytes(1)], limited.client).unwrap();
    assert!(list.meta & HAS_MANAGED != 0);
    assert!(!is_managed(list));
    let data = [0u8; 2000];
    // SAFETY: nobody ends the data, which outlives the value.
    let lent = unsafe { Value::bytes_owned(data.as_ptr().cast_mut().cast(), 2000, None, limited.client) };
    assert!(!is_managed(lent.unwrap()));
}

#[test]
fn what_was_unused_longest_leaves_first() {
    let limited = Limited::open(2 * SIZE as u64);
    let values = [1, 2, 3].map(|fill| limited.bytes(fill));
    let in_memory = |value: &Value| value.managed().is_in_memory();
    {
        let mut pins = Pins::default();
        pins.add(&values[0]);
    }
    limited.store.make_room();
    assert_eq!(values.each_ref().map(in_memory), [true, false, true]);
    assert_eq!(values[1].kind_in_words(), "bytes");
    assert_eq!(values[1].nbytes(), SIZE);
    assert!(!in_memory(&values[1]));
    // It comes back for as long as it lives, and another one makes room for it.
    assert_eq!(first_and_last(&values[1]), (2, 2));
    assert_eq!(values.each_ref().map(in_memory), [true, true, false]);
    limited.store.spill(SIZE);
    assert_eq!(values.each_ref().map(in_memory), [false, true, false]);
    assert!(!limited.store.is_full());
    drop(values);
    assert_eq!(limited.store.held(), 0);
}

#[test]
fn lists_and_references_are_pinned_through() {
    let limited = Limited::open(1);
    let target = limited.bytes(7);
    // SAFETY: `target` outlives the list.
    let inner = Value::list(vec![unsafe { Value::reference(&raw const target) }], 0).unwrap();
    let outer = Value::list(vec![Value::NONE, inner, limited.bytes(8)], 0).unwrap();
    let mut pins = Pins::default();
    pins.add(&outer);
    limited.store.make_room();
    assert!(target.managed().is_in_memory());
    drop(pins);
    limited.store.make_room();
    assert!(!target.managed().is_in_memory());
    let own = outer.share().unwrap();
    assert!(own.meta & HAS_MANAGED != 0 && own.meta & HAS_REFS == 0);
    own.keep();
    assert_eq!(first_and_last(&own.items().unwrap()[1].items().unwrap()[0]), (7, 7));
    limited.store.make_room();
    assert!(target.managed().is_in_memory());
}

#[test]
fn a_damaged_file_is_a_failure_each_time() {
    let limited = Limited::open(1);
    let value = limited.bytes(5);
    limited.store.make_room();
    let file = std::fs::OpenOptions::new().write(true).open(limited.store.disk.path()).unwrap();
    file.set_len(10).unwrap();
    for _ in 0..2 {
        let failure = value.bytes_raw().unwrap_err();
        assert_eq!(failure.status, LOST);
        assert!(failure.message.contains("10000 bytes") && failure.message.contains("cut short"));
    }
}

#[test]
fn readers_and_spillers_from_many_threads() {
    let limited = Limited::open(SIZE as u64 * 3);
    let values: Vec<_> = (0..16).map(|fill| limited.bytes(fill)).collect();
    let rounds = if cfg!(debug_assertions) { 300 } else { 2000 };
    std::thread::scope(|scope| {
        for thread in 0..4usize {
            let (values, limited) = (&values, &limited);
            scope.spawn(move || {
                let mut random = thread as u32 + 1;
                for _ in 0..rounds {
                    random ^= random << 13;
                    random ^= random >> 17;
                    random ^= random << 5;
                    let at = random as usize % values.len();
                    let value = values[at].clone();
                    let mut pins = Pins::default();
                    pins.add(&value);
                    assert_eq!(first_and_last(&value), (at as u8, at as u8));
                    drop(limited.bytes(9));
                    assert_eq!(first_and_last(&value), (at as u8, at as u8));
                    drop(pins);
                    limited.store.make_room();
                }
            });
        }
    });
    limited.store.make_room();
    assert!(!limited.store.is_full());
    drop(values);
    assert_eq!(limited.store.held(), 0);
}
