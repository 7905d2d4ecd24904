//! The content of an input, block by block, each of which is what was checked.

use std::{
    hash::{DefaultHasher, Hasher},
    io::{self, Read},
};

use hmac_sha256::Hash;

use super::{form::Form, input::Input, quotes::Quotes};

/// So much is read at once. Its digest takes 8 bytes of memory.
const BLOCK: usize = 1 << 16;

/// The content, its digests, and a bound on how much of it a row may take.
pub(super) struct Source {
    content: Box<dyn Read + Send>,
    input: Input,
    block: Vec<u8>,
    /// How much of the block was given.
    given: usize,
    /// How many blocks were read.
    count: usize,
    /// The digests of the blocks, and of all, where the input is checked for the first time.
    pub(super) blocks: Vec<u64>,
    pub(super) hash: Hash,
    /// Whether a block is no longer what was checked. Nothing of it is given.
    pub(super) is_changed: bool,
    has_cr_lines: bool,
    /// Those of a content that is checked for the first time.
    pub(super) quotes: Option<Quotes>,
    /// How many bytes were given, the last line end included.
    total: u64,
    ended: bool,
    /// Whether more was asked for than there is.
    pub(super) is_read: bool,
    pub(super) left: u64,
}

impl Source {
    pub(super) fn new(content: Box<dyn Read + Send>, input: Input, form: Form) -> Self {
        let quotes = input.blocks().is_none().then(|| Quotes::new(form.delimiter));
        Self {
            content,
            input,
            block: Vec::with_capacity(BLOCK),
            given: 0,
            count: 0,
            blocks: Vec::new(),
            hash: Hash::new(),
            is_changed: false,
            has_cr_lines: form.has_cr_lines,
            quotes,
            total: 0,
            ended: false,
            is_read: false,
            left: 0,
        }
    }

    /// Reads the next block, which is empty at the end.
    fn fill(&mut self) -> io::Result<()> {
        self.block.clear();
        self.given = 0;
        self.content.by_ref().take(BLOCK as u64).read_to_end(&mut self.block)?;
        let digest = (!self.block.is_empty()).then(|| digest(&self.block));
        match self.input.blocks() {
            Some(checked) => self.is_changed |= checked.get(self.count) != digest.as_ref(),
            None => {
                self.hash.update(&self.block);
                self.blocks.extend(digest);
            }
        }
        if self.is_changed {
            self.block.clear();
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.count += usize::from(digest.is_some());
        if self.has_cr_lines {
            self.block.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
        if let Some(quotes) = &mut self.quotes {
            quotes.take(&self.block);
        }
        Ok(())
    }

    /// Whether the row that ends before this byte is the last one and had no line end in the file.
    pub(super) fn is_cut_at(&self, byte: u64) -> bool {
        self.ended && byte == self.total
    }
}

/// Files change by mistake and not by an attack, so any good hash does.
fn digest(block: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(block);
    hasher.finish()
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if self.given == self.block.len() {
            self.fill()?;
        }
        let read = self.block.get(self.given..).unwrap_or_default().read(buffer)?;
        self.given += read;
        self.total += read as u64;
        self.left = self.left.saturating_sub(read as u64);
        match buffer.first_mut() {
            // So that the last row has a line end too.
            Some(first) if read == 0 && !self.ended => {
                self.ended = true;
                self.total += 1;
                *first = b'\n';
                Ok(1)
            }
            _ => {
                self.is_read |= read == 0;
                Ok(read)
            }
        }
    }
}
