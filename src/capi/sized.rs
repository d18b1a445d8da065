//! Structs that callers allocate. They begin with their size, so that either side may be newer than the
//! other: fields that a caller does not know of are zero for us, and fields that we do not know of have to be
//! zero, or we would ignore what they ask for.

use crate::status::{Failure, Result};

/// A struct said to be larger than this was never initialised.
const ABSURD_SIZE: usize = 4096;

/// # Safety
/// The struct is `repr(C)`, begins with `struct_size: usize`, has no padding, and is valid when all zero.
pub(super) unsafe trait Versioned: Copy {
    /// Its name in the header.
    const NAME: &'static str;
    /// Its size when it was first published; it never changes.
    const FIRST_SIZE: usize;
}

/// The struct at `at` as this version knows it; `None` for NULL.
///
/// # Safety
/// `at` is NULL or points to a struct of the size it states.
pub(super) unsafe fn read<T: Versioned>(at: *const T) -> Result<Option<T>> {
    if at.is_null() {
        return Ok(None);
    }
    // SAFETY: by contract; `size` bytes are there, and `T` is valid with zero in the rest.
    unsafe {
        let size = check(at)?;
        let mut known = std::mem::zeroed::<T>();
        std::ptr::copy_nonoverlapping(at.cast::<u8>(), (&raw mut known).cast(), size.min(size_of::<T>()));
        Ok(Some(known))
    }
}

/// A struct to be written.
#[derive(Debug)]
pub(super) struct Out<T: Versioned> {
    at: *mut T,
    size: usize,
}

/// The struct to be written at `at`, set to zero but for its size, so that it is written on every path.
///
/// # Safety
/// `at` is NULL or points to a struct of the size it states, writable until the [`Out`] is gone.
pub(super) unsafe fn out<T: Versioned>(at: *mut T) -> Result<Out<T>> {
    if at.is_null() {
        return Err(Failure::invalid(format!("the {} to be written is NULL", T::NAME)));
    }
    // SAFETY: by contract.
    let size = unsafe { check(at) }?;
    let out = Out { at, size };
    // SAFETY: `T` is valid when all zero.
    out.set(unsafe { std::mem::zeroed() });
    Ok(out)
}

impl<T: Versioned> Out<T> {
    /// Writes as much of `value` as the caller knows of. The size stays the caller's.
    pub(super) fn set(&self, value: T) {
        let known = self.size.min(size_of::<T>());
        // SAFETY: `known` bytes are writable at `at` and readable in `value`; both begin with the size.
        unsafe {
            std::ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), self.at.cast(), known);
            self.at.cast::<usize>().write(self.size);
        }
    }
}

/// The stated size, if it is one that we accept.
///
/// # Safety
/// `at` points to a struct of the size it states.
unsafe fn check<T: Versioned>(at: *const T) -> Result<usize> {
    // SAFETY: the struct begins with its size.
    let size = unsafe { at.cast::<usize>().read() };
    // What was added since are whole words.
    let is_cut = size < size_of::<T>() && size % size_of::<usize>() != 0;
    if is_cut || !(T::FIRST_SIZE..=ABSURD_SIZE).contains(&size) {
        let message = format!("struct_size of {} is {size}: initialise it by its _INIT macro", T::NAME);
        return Err(Failure::invalid(message));
    }
    let extra = size.saturating_sub(size_of::<T>());
    // SAFETY: the struct is as large as it says.
    let tail = unsafe { std::slice::from_raw_parts(at.cast::<u8>().add(size - extra), extra) };
    if tail.iter().any(|&byte| byte != 0) {
        let message = format!("{} is of a later version and asks for what this one does not know", T::NAME);
        return Err(Failure::invalid(message));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Options {
        struct_size: usize,
        first: u64,
        later: u64,
    }

    // SAFETY: repr(C), its size first, no padding, integers only.
    unsafe impl Versioned for Options {
        const NAME: &'static str = "options";
        const FIRST_SIZE: usize = 16;
    }

    #[test]
    fn inputs() {
        let read = |words: &[usize]| {
            // SAFETY: each array is as long as its first word says, or refused for that.
            unsafe { read::<Options>(words.as_ptr().cast()) }
                .map(|options| options.map(|o| (o.first, o.later)))
        };
        assert_eq!(read(&[24, 1, 2]), Ok(Some((1, 2))));
        assert_eq!(read(&[16, 1]), Ok(Some((1, 0))));
        assert_eq!(read(&[32, 1, 2, 0]), Ok(Some((1, 2))));
        assert!(read(&[32, 1, 2, 1]).is_err());
        assert!(read(&[15, 1, 2]).is_err());
        assert!(read(&[17, 1, 2]).is_err());
        assert!(read(&[0, 1, 2]).is_err());
        assert!(read(&[usize::MAX, 1, 2]).is_err());
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { super::read::<Options>(ptr::null()) }, Ok(None));
    }

    #[test]
    fn outputs() {
        let write = |words: &mut [usize]| -> Result<()> {
            // SAFETY: as above.
            unsafe { out::<Options>(words.as_mut_ptr().cast()) }?.set(Options {
                struct_size: 0,
                first: 5,
                later: 6,
            });
            Ok(())
        };
        let mut words = [24, 9, 9, 9];
        assert_eq!((write(&mut words), words), (Ok(()), [24, 5, 6, 9]));
        let mut words = [16, 9, 9, 9];
        assert_eq!((write(&mut words), words), (Ok(()), [16, 5, 9, 9]));
        let mut words = [32, 9, 9, 0];
        assert_eq!((write(&mut words), words), (Ok(()), [32, 5, 6, 0]));
        assert!(write(&mut [32, 9, 9, 9]).is_err());
        assert!(write(&mut [8, 9, 9, 9]).is_err());
        // SAFETY: NULL is allowed.
        assert!(unsafe { out::<Options>(ptr::null_mut()) }.is_err());
    }
}
