//! How batches of entries stand in a journal.
//!
//! A batch is a line with the length and the digest of what follows, then each entry behind a line with its length:
//! `batch 24 <digest>⏎ 5⏎hello 12⏎…`. One digest covers the batch, so that a crash while it was written loses all of
//! it or nothing: nobody has acted on a part of it.
//!
//! **Invariant:** only the last batch may be torn; damage before it is an error.

use mops_model::Digest;

/// What a journal holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frames {
    /// The entries of all whole batches.
    pub(crate) entries: Vec<Vec<u8>>,
    /// Where the last whole batch ends, in bytes.
    pub(crate) end: usize,
}

/// The first byte of a journal that makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DamagedAt(pub(crate) usize);

/// One batch as bytes.
pub(crate) fn encode(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        body.extend(format!("{}\n", entry.len()).into_bytes());
        body.extend(entry);
    }
    let mut batch = format!("batch {} {}\n", body.len(), Digest::of(&body)).into_bytes();
    batch.extend(body);
    batch
}

/// Every whole batch of `journal`.
pub(crate) fn decode(journal: &[u8]) -> Result<Frames, DamagedAt> {
    let mut frames = Frames { entries: Vec::new(), end: 0 };
    while frames.end < journal.len() {
        let rest = &journal[frames.end..];
        let Some((entries, length)) = batch(rest) else {
            return match is_torn(rest) {
                true => Ok(frames),
                false => Err(DamagedAt(frames.end)),
            };
        };
        frames.entries.extend(entries);
        frames.end += length;
    }
    Ok(frames)
}

/// The batch that `bytes` begin with, and its length.
fn batch(bytes: &[u8]) -> Option<(Vec<Vec<u8>>, usize)> {
    let (length, digest, start) = header(bytes)?;
    let mut body = bytes.get(start..start.checked_add(length)?)?;
    if Digest::of(body) != digest {
        return None;
    }
    let mut entries = Vec::new();
    while !body.is_empty() {
        let line = body.iter().position(|it| *it == b'\n')?;
        let size: usize = std::str::from_utf8(&body[..line]).ok()?.parse().ok()?;
        let end = (line + 1).checked_add(size)?;
        entries.push(body.get(line + 1..end)?.to_owned());
        body = &body[end..];
    }
    Some((entries, start + length))
}

/// The length and the digest of a batch, and where it starts.
fn header(bytes: &[u8]) -> Option<(usize, Digest, usize)> {
    let line = bytes.iter().position(|it| *it == b'\n')?;
    let text = std::str::from_utf8(&bytes[..line]).ok()?;
    let (length, digest) = text.strip_prefix("batch ")?.split_once(' ')?;
    Some((length.parse().ok()?, digest.parse().ok()?, line + 1))
}

/// Whether `rest`, which is no whole batch, is what a crash leaves of the last one: a part of it, or blocks that were
/// never written and read as zeros.
fn is_torn(rest: &[u8]) -> bool {
    match header(rest) {
        Some((length, _, start)) => rest.len() - start <= length,
        None => !rest.contains(&b'\n') || rest.iter().all(|it| *it == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Vec<u8> {
        let mut journal = encode(&[b"one".to_vec(), b"two\nlines".to_vec()]);
        journal.extend(encode(&[b"three".to_vec()]));
        journal
    }

    #[test]
    fn what_was_written_is_read() {
        let frames = decode(&journal()).unwrap();
        assert_eq!(frames.entries, [b"one".to_vec(), b"two\nlines".to_vec(), b"three".to_vec()]);
        assert_eq!(frames.end, journal().len());
    }

    #[test]
    fn wherever_the_last_batch_is_cut_the_first_is_whole() {
        let first = encode(&[b"one".to_vec(), b"two\nlines".to_vec()]).len();
        for cut in first..journal().len() {
            let frames = decode(&journal()[..cut]).unwrap();
            assert_eq!((frames.entries.len(), frames.end), (2, first), "cut at {cut}");
        }
    }

    #[test]
    fn a_flipped_bit_in_an_earlier_batch_is_damage_and_in_the_last_one_a_tear() {
        let first = encode(&[b"one".to_vec(), b"two\nlines".to_vec()]).len();
        let mut damaged = journal();
        damaged[first - 1] ^= 1;
        assert_eq!(decode(&damaged), Err(DamagedAt(0)));
        let mut torn = journal();
        *torn.last_mut().unwrap() = 0;
        assert_eq!(decode(&torn).unwrap().end, first);
    }
}
