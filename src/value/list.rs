//! Lists of values. They nest without limit, so nothing here recurses.

use super::block::{self, account, no_memory};
use super::{Form, HAS_MANAGED, HAS_REFS, Value, kind, pointer_of, word};
use crate::status::Result;
use std::ptr::{self, NonNull};

/// The beginning of a list's payload; the items follow.
#[repr(C, align(16))]
pub(super) struct Head {
    count: usize,
    /// The next list to end, once this one has no reference left: the lists that die together are a stack of
    /// their own memory, so that ending them needs no other.
    next: Option<NonNull<Head>>,
}

const _: () = assert!(size_of::<Head>() == 16 && align_of::<Head>() == align_of::<Value>());

/// The payload's size for `count` items; `None` beyond what memory can hold.
fn payload_size(count: usize) -> Option<usize> {
    count.checked_mul(size_of::<Value>())?.checked_add(size_of::<Head>())
}

/// A list in the making: its items are written where they stay.
pub(crate) struct ListBuilder {
    /// Its count is that of the items so far. `None`: it has room for none.
    head: Option<NonNull<Head>>,
    capacity: usize,
    client: u32,
    marks: u64,
}

impl ListBuilder {
    /// A list with room for so many items.
    pub(crate) fn new(capacity: usize, client: u32) -> Result<Self> {
        let mut head = None;
        if capacity != 0 {
            let size = payload_size(capacity).ok_or_else(|| no_memory(usize::MAX))?;
            let block = block::alloc(size, client)?.cast::<Head>();
            // SAFETY: the payload has room for the head.
            unsafe { block.write(Head { count: 0, next: None }) };
            head = Some(block);
        }
        Ok(Self { head, capacity, client, marks: 0 })
    }

    /// Adds an item, for which there must be room.
    #[inline]
    pub(crate) fn push(&mut self, item: Value) {
        let head = self.head.expect("it has room");
        self.marks |= marks_of(&item);
        // SAFETY: the builder owns the block, in which there is room for `capacity` items behind the head.
        unsafe {
            let count = (*head.as_ptr()).count;
            assert!(count < self.capacity, "it has room");
            items_of(head).add(count).write(item);
            (*head.as_ptr()).count = count + 1;
        }
    }

    /// The list, which must be full.
    pub(crate) fn finish(self) -> Value {
        let Self { head, capacity, client, marks } = *std::mem::ManuallyDrop::new(self);
        let Some(head) = head else {
            return Value { words: [0; 3], meta: kind::LIST as u64 };
        };
        // SAFETY: the builder owned the block, and gives it to the value.
        let (count, first) = unsafe { (head.as_ref().count, items_of(head)) };
        assert!(count == capacity, "as many items as there is memory for");
        account(client, (count * size_of::<Value>()) as i64);
        let meta = kind::LIST as u64 | Form::BLOCK | marks;
        Value { words: [word(head.as_ptr()), count as u64, word(first)], meta }
    }
}

impl Drop for ListBuilder {
    fn drop(&mut self) {
        let Some(head) = self.head else { return };
        // SAFETY: the builder owns the block, which was allocated for `capacity` items and holds `count`.
        unsafe {
            let items = ptr::slice_from_raw_parts_mut(items_of(head), head.as_ref().count);
            ptr::drop_in_place(items);
            block::free(head.cast(), self.capacity * size_of::<Value>() + size_of::<Head>());
        }
    }
}

impl Value {
    /// A list of these values.
    pub fn list(items: Vec<Value>, client: u32) -> Result<Value> {
        let mut list = ListBuilder::new(items.len(), client)?;
        items.into_iter().for_each(|item| list.push(item));
        Ok(list.finish())
    }

    /// The items, if the value is a list.
    #[inline]
    #[must_use]
    pub fn items(&self) -> Option<&[Value]> {
        let value = self.resolve();
        match (value.tag(), value.form()) {
            (kind::LIST, Form::INLINE) => Some(&[]),
            // SAFETY: a list's block holds that many values and lives as long as this one.
            (kind::LIST, _) => Some(unsafe {
                std::slice::from_raw_parts(pointer_of(value.words[2]), value.words[1] as usize)
            }),
            _ => None,
        }
    }

    /// A value of its own: the same, shared, with every reference in it followed. A list without references
    /// costs nothing; one with some becomes a new list of shared items.
    pub fn share(&self) -> Result<Value> {
        let root = self.resolve();
        if root.meta & HAS_REFS == 0 {
            return Ok(root.clone());
        }
        let mut stack = Vec::new();
        push(&mut stack, Copying::of(root)?)?;
        loop {
            let Some(top) = stack.last_mut() else { unreachable!("left when the first list is done") };
            if let Some(item) = top.rest.next() {
                let item = item.resolve();
                if item.meta & HAS_REFS == 0 {
                    top.copied.push(item.clone());
                } else {
                    push(&mut stack, Copying::of(item)?)?;
                }
                continue;
            }
            let Some(Copying { copied, .. }) = stack.pop() else { unreachable!("it was there just now") };
            let list = copied.finish();
            match stack.last_mut() {
                Some(parent) => parent.copied.push(list),
                None => return Ok(list),
            }
        }
    }
}

/// What a list remembers of one of its items.
fn marks_of(item: &Value) -> u64 {
    match (item.tag(), item.form()) {
        (kind::REF, _) => HAS_REFS,
        (kind::LIST, _) => item.meta & (HAS_REFS | HAS_MANAGED),
        (_, Form::MANAGED) => HAS_MANAGED,
        _ => 0,
    }
}

/// A list that is being copied.
struct Copying<'a> {
    rest: std::slice::Iter<'a, Value>,
    copied: ListBuilder,
}

impl<'a> Copying<'a> {
    fn of(list: &'a Value) -> Result<Self> {
        let items = list.items().unwrap_or(&[]);
        // SAFETY: `list` holds a reference to its block.
        let client = list.block().map_or(0, |block| unsafe { block::client(block) });
        Ok(Copying { rest: items.iter(), copied: ListBuilder::new(items.len(), client)? })
    }
}

/// `Vec::push` that may fail.
fn push<T>(stack: &mut Vec<T>, item: T) -> Result<()> {
    stack.try_reserve(1).map_err(|_| no_memory(size_of::<T>()))?;
    stack.push(item);
    Ok(())
}

/// The sum over the items and their array. Where memory is too short to walk a deep list, what was counted
/// until then.
pub(super) fn nbytes(list: &Value) -> usize {
    let mut sum = 0usize;
    let mut stack = Vec::new();
    let mut items = list.items().unwrap_or(&[]).iter();
    sum += size_of_val(items.as_slice());
    loop {
        match items.next() {
            Some(item) => match item.items() {
                Some(inner) => {
                    sum = sum.saturating_add(size_of_val(inner));
                    if push(&mut stack, std::mem::replace(&mut items, inner.iter())).is_err() {
                        return sum;
                    }
                }
                None => sum = sum.saturating_add(item.nbytes()),
            },
            None => match stack.pop() {
                Some(outer) => items = outer,
                None => return sum,
            },
        }
    }
}

/// Where the items of a list begin.
///
/// # Safety
/// `head` is the payload of a list.
unsafe fn items_of(head: NonNull<Head>) -> *mut Value {
    // SAFETY: the items follow the head in the same allocation.
    unsafe { head.add(1).cast().as_ptr() }
}

/// Ends a list, and all lists in it that end with it, one after the other.
///
/// # Safety
/// `block` is a list's, and the last reference to it is gone.
pub(super) unsafe fn end(block: NonNull<u8>) {
    let mut dying = Some(block.cast::<Head>());
    while let Some(head) = dying {
        // SAFETY: the lists on the stack have no reference left, so their memory is ours; each is taken off
        // it once.
        unsafe {
            dying = head.as_ref().next;
            let count = head.as_ref().count;
            let items = items_of(head);
            for index in 0..count {
                let item = items.add(index);
                match ((*item).tag(), (*item).block()) {
                    // Its reference is given up here instead of in its drop, which would recurse.
                    (kind::LIST, Some(inner)) => {
                        if block::release(inner) {
                            let mut inner = inner.cast::<Head>();
                            inner.as_mut().next = dying;
                            dying = Some(inner);
                        }
                    }
                    _ => ptr::drop_in_place(item),
                }
            }
            let client = block::client(head.cast());
            block::free(head.cast(), count * size_of::<Value>() + size_of::<Head>());
            account(client, -((count * size_of::<Value>()) as i64));
        }
    }
}
