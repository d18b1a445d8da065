//! Where an encoder writes.

use crate::status::{Failure, NOMEM, Result};

/// A buffer that grows (`rask_bytes_out`).
#[derive(Default)]
pub struct BytesOut {
    data: Vec<u8>,
    is_short: bool,
}

impl BytesOut {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `data`, all of it or, without memory, nothing.
    pub fn write(&mut self, data: &[u8]) -> Result<()> {
        self.data.try_reserve(data.len()).map_err(|_| {
            self.is_short = true;
            Failure::new(NOMEM, format!("no memory to encode {} bytes more", data.len()))
        })?;
        self.data.extend_from_slice(data);
        Ok(())
    }

    /// Whether something could not be written, whatever the encoder made of that.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.is_short
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
