//! Frames on a pipe: a length (u32, little endian), then so many bytes.

use std::io::{self, Read, Write};

/// The longest frame: 64 MiB. The site of a large shop takes less than one.
pub(crate) const LONGEST: usize = 64 << 20;

/// Writes one frame.
///
/// # Errors
/// When it is too long, or nobody reads.
pub(crate) fn write(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= LONGEST).ok_or_else(too_long)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(bytes)?;
    out.flush()
}

/// Reads one frame; none when the other side has ended instead of beginning one.
///
/// # Errors
/// When it is too long, or ends in the middle.
pub(crate) fn read(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut first = [0; 1];
    if input.read(&mut first)? == 0 {
        return Ok(None);
    }
    let mut rest = [0; 3];
    input.read_exact(&mut rest)?;
    let length = u32::from_le_bytes([first[0], rest[0], rest[1], rest[2]]) as usize;
    if length > LONGEST {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    // Memory is taken as bytes arrive: a length alone claims nothing.
    input.take(length as u64).read_to_end(&mut bytes)?;
    match bytes.len() == length {
        true => Ok(Some(bytes)),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "a message is longer than 64 MiB")
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::any, test_runner::TestRunner};

    use super::*;

    /// A pipe that gives a few bytes at a time.
    struct Slow<'a> {
        bytes: &'a [u8],
        at_once: usize,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.at_once);
            self.bytes.read(&mut buffer[..most])
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut pipe = Vec::new();
        write(&mut pipe, b"one").unwrap();
        write(&mut pipe, b"").unwrap();
        let mut input = pipe.as_slice();
        assert_eq!(read(&mut input).unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(read(&mut input).unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(read(&mut input).unwrap(), None);
    }

    #[test]
    fn a_length_that_lies_is_refused() {
        let err = read(&mut &b"\xff\xff\xff\xffabc"[..]).unwrap_err();
        assert_eq!(err.to_string(), "a message is longer than 64 MiB");
        let err = read(&mut &b"\x04\0\0\0abc"[..]).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn messages_of_any_length_arrive_however_slowly() {
        let inputs = (vec(vec(any::<u8>(), 0..300), 0..8), 1_usize..9);
        let arrive = |(messages, at_once): (Vec<Vec<u8>>, usize)| {
            let mut pipe = Vec::new();
            for message in &messages {
                write(&mut pipe, message).unwrap();
            }
            let mut slow = Slow { bytes: &pipe, at_once };
            let arrived: Vec<Vec<u8>> = std::iter::from_fn(|| read(&mut slow).unwrap()).collect();
            assert_eq!(arrived, messages);
            Ok(())
        };
        TestRunner::deterministic().run(&inputs, arrive).unwrap();
    }

    #[test]
    fn whatever_arrives_no_more_is_taken_than_came() {
        // Short lengths, so that many frames are whole.
        let inputs = vec((vec(any::<u8>(), 0..3), 0_u32..40, vec(any::<u8>(), 0..40)), 0..6);
        let take = |parts: Vec<(Vec<u8>, u32, Vec<u8>)>| {
            let pipe: Vec<u8> = parts
                .into_iter()
                .flat_map(|(noise, length, bytes)| [noise, length.to_le_bytes().to_vec(), bytes].concat())
                .collect();
            let mut input = pipe.as_slice();
            let taken: usize =
                std::iter::from_fn(|| read(&mut input).ok().flatten()).map(|it| it.len() + 4).sum();
            assert!(taken <= pipe.len());
            Ok(())
        };
        TestRunner::deterministic().run(&inputs, take).unwrap();
    }
}
