//! A file that is written through memory: a write is a copy, without a system call, and is in the
//! operating system's hands when it returns, so it outlives this process. It does not sync.
//!
//! The one piece of unsafe code of the workspace is here, in [`MappedFile::open`].

use std::fs::File;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;

use memmap2::{MmapMut, MmapOptions};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{Errno, retry_on_intr};

/// How much is written at a time where blocks cannot be reserved.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The first bytes of a file, mapped for writing.
#[derive(Debug)]
pub struct MappedFile {
    map: MmapMut,
}

impl MappedFile {
    /// Maps the first `length` bytes of `file`, which grows to that length. Its blocks are reserved
    /// now: a full disk is an error here, and never one of a write.
    ///
    /// Nobody may shorten the file for as long as it is mapped: a write to what is gone would end
    /// the process with SIGBUS. (So does a disk that fails, which no program can go on from.)
    pub fn open(file: &File, length: NonZeroUsize) -> io::Result<Self> {
        reserve(file, length.get())?;
        #[expect(
            unsafe_code,
            reason = "the bytes are only written, never lent out, so nobody can see them change"
        )]
        // SAFETY: a mapping of a file is undefined behaviour when its bytes are borrowed and change
        // underneath. `map` stays private, `write` copies into it and lends out nothing, and what
        // was written is read back through the file only.
        let map = unsafe { MmapOptions::new().len(length.get()).map_mut(file)? };
        Ok(Self { map })
    }

    /// How many bytes are mapped.
    #[must_use]
    pub fn length(&self) -> usize {
        self.map.len()
    }

    /// Copies `bytes` to `offset`: all of them, or none where they do not fit.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), OutOfRoom> {
        let end = offset.checked_add(bytes.len()).ok_or(OutOfRoom)?;
        let place = self.map.get_mut(offset..end).ok_or(OutOfRoom)?;
        place.copy_from_slice(bytes);
        Ok(())
    }
}

/// A write that reaches beyond what is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRoom;

impl std::fmt::Display for OutOfRoom {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the mapped part of the file has no room for the write")
    }
}

impl std::error::Error for OutOfRoom {}

/// Gives the file its length and its blocks. What it holds already stays.
fn reserve(file: &File, length: usize) -> io::Result<()> {
    let wanted = length as u64;
    match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, wanted)) {
        Ok(()) => Ok(()),
        // Some file systems cannot reserve: there, blocks come with being written.
        Err(Errno::OPNOTSUPP) => fill(file, wanted),
        Err(errno) => Err(errno.into()),
    }
}

fn fill(mut file: &File, length: u64) -> io::Result<()> {
    use std::io::{Seek as _, SeekFrom};
    let mut at = file.seek(SeekFrom::End(0))?;
    while at < length {
        let rest = usize::try_from(length - at).unwrap_or(usize::MAX);
        let written = file.write(&ZEROS[..rest.min(ZEROS.len())])?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        at += written as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn length(bytes: usize) -> NonZeroUsize {
        NonZeroUsize::new(bytes).unwrap()
    }

    #[test]
    fn what_is_written_is_in_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"begun").unwrap();
        let mut mapped = MappedFile::open(&file, length(5000)).unwrap();
        mapped.write(5, b" and ").unwrap();
        mapped.write(4997, b"end").unwrap();
        let mut bytes = Vec::new();
        std::io::Seek::rewind(&mut file).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 5000);
        assert_eq!(bytes[..10], *b"begun and ");
        assert_eq!(bytes[4997..], *b"end");
    }

    #[test]
    fn what_does_not_fit_is_not_written() {
        let file = tempfile::tempfile().unwrap();
        let mut mapped = MappedFile::open(&file, length(8)).unwrap();
        assert_eq!(mapped.write(6, b"abc"), Err(OutOfRoom));
        assert_eq!(mapped.write(usize::MAX, b"abc"), Err(OutOfRoom));
        mapped.write(5, b"abc").unwrap();
        assert_eq!(mapped.length(), 8);
    }

    #[test]
    fn a_file_without_reserved_blocks_gets_its_length_all_the_same() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        fill(&file, 100_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100_000);
    }
}
