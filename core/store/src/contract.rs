//! What every store must do, as a test that runs against any of them.

use mops_model::Digest;

use crate::{AdvanceError, Store, StoreError};

/// Runs the whole suite; `store` gives an empty store each time.
///
/// # Panics
/// When the store breaks a law; the message says which.
pub fn check<S: Store>(store: impl Fn() -> S) {
    what_was_put_is_got(&store());
    what_was_never_put_is_missing(&store());
    the_head_moves_only_from_where_it_is(&store());
    the_journal_keeps_its_order_until_it_is_cleared(&store());
}

fn what_was_put_is_got(store: &dyn Store) {
    for bytes in [b"".as_slice(), b"object", &[0, 159, 146, 150, b'\n']] {
        let digest = store.put(bytes).expect("an object is put");
        assert_eq!(digest, Digest::of(bytes), "an object's name is its digest");
        assert_eq!(
            store.put(bytes).expect("an object is put again"),
            digest,
            "putting again changes nothing"
        );
        assert_eq!(store.get(&digest).expect("what was put is there"), bytes);
        assert!(store.has(&digest).expect("one can ask"), "what was put is there");
    }
}

fn what_was_never_put_is_missing(store: &dyn Store) {
    let never = Digest::of(b"never put");
    assert!(!store.has(&never).expect("one can ask"));
    let error = store.get(&never).expect_err("what was never put is not there");
    assert!(matches!(error, StoreError::Missing { digest, .. } if digest == never), "it is named: {error}");
}

fn the_head_moves_only_from_where_it_is(store: &dyn Store) {
    let [first, second, third] = [b"1", b"2", b"3"].map(|it| Digest::of(it));
    assert_eq!(store.head().expect("a head can be read"), None, "a new store has no head");
    store.advance(None, first).expect("the first head");
    store.advance(Some(first), second).expect("the second head");
    for stale in [None, Some(first), Some(third)] {
        let error = store.advance(stale, third).expect_err("a second writer loses");
        assert!(
            matches!(error, AdvanceError::Moved { found } if found == Some(second)),
            "the loser is told where the head is: {error}"
        );
    }
    assert_eq!(store.head().expect("a head can be read"), Some(second), "the loser changed nothing");
}

fn the_journal_keeps_its_order_until_it_is_cleared(store: &dyn Store) {
    let entries = [b"intent".to_vec(), b"with\nlines".to_vec(), Vec::new(), b"outcome".to_vec()];
    let read = || store.journal_read().expect("a journal can be read");
    assert_eq!(read(), Vec::<Vec<u8>>::new(), "a new store has no journal");
    store.journal_append(&entries[..3]).expect("a batch is written");
    store.journal_append(&[]).expect("an empty batch is nothing");
    store.journal_append(&entries[3..]).expect("another batch is written");
    assert_eq!(read(), entries);
    store.journal_clear().expect("a journal is cleared");
    store.journal_clear().expect("a clear journal is cleared");
    assert_eq!(read(), Vec::<Vec<u8>>::new());
    store.journal_append(&entries[..1]).expect("a journal begins again");
    assert_eq!(read(), &entries[..1]);
}
