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

impl Value {
    /// A list of these values.
    pub fn list(items: Vec<Value>, client: u32) -> Result<Value> {
        let count = items.len();
        if count == 0 {
            return Ok(Value { words: [0; 3], meta: kind::LIST as u64 });
        }
        let marks = items.iter().fold(0, |marks, item| marks | marks_of(item));
        let size = payload_size(count).ok_or_else(|| no_memory(usize::MAX))?;
        let block = block::alloc(size, client)?;
        let mut items = std::mem::ManuallyDrop::new(items);
        // SAFETY: the payload has room for the head and `count` items behind it; they move there, so the
        // vector must not drop them, only its memory.
        let first = unsafe {
            block.cast::<Head>().write(Head { count, next: None });
            let first = items_of(block.cast());
            ptr::copy_nonoverlapping(items.as_ptr(), first, count);
            drop(Vec::from_raw_parts(items.as_mut_ptr(), 0, items.capacity()));
            first
        };
        account(client, (count * size_of::<Value>()) as i64);
        let meta = kind::LIST as u64 | Form::BLOCK | marks;
        Ok(Value { words: [word(block.as_ptr()), count as u64, word(first)], meta })
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
            let Some(Copying { copied, client, .. }) = stack.pop() else {
                unreachable!("it was there just now")
            };
            let list = Value::list(copied, client)?;
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
    copied: Vec<Value>,
    client: u32,
}

impl<'a> Copying<'a> {
    fn of(list: &'a Value) -> Result<Self> {
        let items = list.items().unwrap_or(&[]);
        let mut copied = Vec::new();
        copied.try_reserve_exact(items.len()).map_err(|_| no_memory(size_of_val(items)))?;
        // SAFETY: `list` holds a reference to its block.
        let client = list.block().map_or(0, |block| unsafe { block::client(block) });
        Ok(Copying { rest: items.iter(), copied, client })
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
