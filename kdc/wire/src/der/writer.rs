//! Writes DER into one buffer, back to front: contents first, then the header whose length is then known. Nothing is
//! moved or copied, and a sealed (encrypted) value is encrypted where it stands.

/// A buffer that grows towards its front.
#[derive(Default)]
pub struct Writer {
    // filled by the wire crate's author
    _buffer: Vec<u8>,
}

impl Writer {
    /// An empty buffer with room for `capacity` octets.
    #[must_use]
    pub fn with_capacity(_capacity: usize) -> Writer {
        todo!()
    }

    /// Octets written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was written.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        todo!()
    }

    /// What was written, as a vector of its own.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        todo!()
    }

    /// Prepends octets as they are.
    pub fn bytes(&mut self, _bytes: &[u8]) {
        todo!()
    }

    /// Runs `contents`, then prepends the header of `tag` (the identifier octet, such as 0x30 or 0xa0 | n) with the
    /// length of what `contents` wrote.
    pub fn tagged(&mut self, _tag: u8, _contents: impl FnOnce(&mut Writer)) {
        todo!()
    }

    /// Prepends an EncryptedData whose cipher is made in place: reserves `trailer` octets, lets `plaintext` write,
    /// reserves `header` octets in front, hands the whole region (header, plaintext, trailer) to `seal`, then wraps it
    /// as EncryptedData { etype, kvno, cipher }. An error of `seal` is passed on (the buffer's content is then
    /// meaningless and must be dropped).
    ///
    /// # Errors
    /// Whatever `seal` returns.
    pub fn encrypted_data<E>(
        &mut self,
        _etype: i32,
        _kvno: Option<u32>,
        _header: usize,
        _trailer: usize,
        _plaintext: impl FnOnce(&mut Writer),
        _seal: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        todo!()
    }
}
