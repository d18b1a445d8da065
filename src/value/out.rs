//! Where an encoder writes.

use crate::status::{Failure, NOMEM, Result};

/// A buffer that grows (`rask_bytes_out`).
#[derive(Default)]
pub struct BytesOut {
    data: Vec<u8>,
}

impl BytesOut {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `data`, all of it or, without memory, nothing.
    pub fn write(&mut self, data: &[u8]) -> Result<()> {
        self.data
            .try_reserve(data.len())
            .map_err(|_| Failure::new(NOMEM, format!("no memory to encode {} bytes more", data.len())))?;
        self.data.extend_from_slice(data);
        Ok(())
    }

    /// What was written so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.data
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.data
    }
}
