//! What a store keeps, and what it says when it cannot.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs;

use mops_model::{Digest, Generation, Graph, Name, State};
use mops_store::{
    Directory, Lease, LeaseError, Memory, PublishError, Store, StoreError, contract, history, latest, publish,
};
use tempfile::TempDir;

fn directory() -> (TempDir, Directory) {
    let folder = TempDir::new().unwrap();
    let store = Directory::open(folder.path()).unwrap();
    (folder, store)
}

fn generation(number: u64, parent: Option<Digest>) -> Generation {
    Generation {
        number,
        parent,
        site: Name::literal("acme"),
        graph: Graph::default(),
        state: State::default(),
        closures: Vec::new(),
        outputs: [].into(),
        sources: [("shop.rhai".to_owned(), Digest::of(b"site(\"acme\");"))].into(),
    }
}

/// Changes the file of an object behind the store's back.
fn damage(store: &Directory, digest: &Digest, bytes: &[u8]) {
    let place = store.place(digest);
    fs::remove_file(&place).unwrap();
    fs::write(place, bytes).unwrap();
}

#[test]
fn a_folder_and_memory_keep_the_contract() {
    let folder = TempDir::new().unwrap();
    let count = std::cell::Cell::new(0);
    contract::check(|| {
        count.set(count.get() + 1);
        Directory::open(folder.path().join(count.get().to_string())).unwrap()
    });
    contract::check(Memory::default);
}

#[test]
fn what_one_opening_stored_the_next_one_finds() {
    let (folder, store) = directory();
    let digest = store.put(b"object").unwrap();
    store.advance(None, digest).unwrap();
    store.journal_append(&[b"entry".to_vec()]).unwrap();
    let store = Directory::open(folder.path()).unwrap();
    assert_eq!(store.get(&digest).unwrap(), b"object");
    assert_eq!(store.head().unwrap(), Some(digest));
    assert_eq!(store.journal_read().unwrap(), [b"entry"]);
}

#[test]
fn a_flipped_bit_in_an_object_is_named_with_its_place() {
    let (_folder, store) = directory();
    let digest = store.put(b"object").unwrap();
    damage(&store, &digest, b"obkect");
    let error = store.get(&digest).unwrap_err();
    let place = store.place(&digest);
    let expected =
        format!("object {} is damaged: {} holds 6 bytes of something else", digest.short(), place.display());
    assert_eq!(error.to_string(), expected);
    assert!(error.help().starts_with("remove that file"));
}

#[test]
fn a_truncated_object_is_named_and_putting_it_again_repairs_it() {
    let (_folder, store) = directory();
    let digest = store.put(b"object").unwrap();
    damage(&store, &digest, b"");
    assert!(matches!(store.get(&digest), Err(StoreError::Damaged { found: 0, .. })));
    store.put(b"object").unwrap();
    assert_eq!(store.get(&digest).unwrap(), b"object");
}

#[test]
fn a_torn_journal_tail_is_dropped_and_written_over() {
    let (folder, store) = directory();
    store.journal_append(&[b"one".to_vec()]).unwrap();
    store.journal_append(&[b"two".to_vec(), b"three".to_vec()]).unwrap();
    let path = folder.path().join("journal");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 2]).unwrap();

    let store = Directory::open(folder.path()).unwrap();
    assert_eq!(store.journal_read().unwrap(), [b"one"]);
    store.journal_append(&[b"four".to_vec()]).unwrap();
    assert_eq!(store.journal_read().unwrap(), [b"one".to_vec(), b"four".to_vec()]);
}

#[test]
fn damage_in_the_middle_of_a_journal_is_an_error_and_nothing_is_added() {
    let (folder, store) = directory();
    store.journal_append(&[b"one".to_vec()]).unwrap();
    store.journal_append(&[b"two".to_vec()]).unwrap();
    let path = folder.path().join("journal");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("one", "0ne")).unwrap();

    let store = Directory::open(folder.path()).unwrap();
    assert!(matches!(store.journal_read(), Err(StoreError::DamagedJournal { at: 0, .. })));
    assert!(matches!(store.journal_append(&[b"x".to_vec()]), Err(StoreError::DamagedJournal { .. })));
}

#[test]
fn a_damaged_head_is_named() {
    let (folder, store) = directory();
    fs::write(folder.path().join("head"), "").unwrap();
    assert!(store.head().unwrap_err().to_string().starts_with("the head of the history is damaged"));
}

#[test]
fn the_history_is_told_newest_first() {
    let store = Memory::default();
    assert_eq!(latest(&store).unwrap(), None);
    let (first, _) =
        publish(&store, &generation(1, None), 1_700_000_000, "ann@desk", "script shop.rhai").unwrap();
    let (second, record) =
        publish(&store, &generation(2, Some(first)), 1_700_000_060, "bob@desk", "rollback 1").unwrap();
    let told: Vec<_> =
        history(&store).unwrap().into_iter().map(|it| (it.generation.number, it.digest)).collect();
    assert_eq!(told, [(2, second), (1, first)]);
    assert_eq!(latest(&store).unwrap().unwrap().record, record);
}

#[test]
fn the_second_of_two_publishers_loses_and_is_told_who_won() {
    let (_folder, store) = directory();
    let (won, _) = publish(&store, &generation(1, None), 1, "ann@desk", "script shop.rhai").unwrap();
    let mut late = generation(1, None);
    late.site = Name::literal("other");
    let error = publish(&store, &late, 2, "bob@desk", "script shop.rhai").unwrap_err();
    assert!(matches!(error, PublishError::Moved { found } if found == Some(won)));
    assert_eq!(history(&store).unwrap().len(), 1);
}

#[test]
fn of_many_writers_at_once_exactly_one_wins() {
    let (folder, _store) = directory();
    let won = std::thread::scope(|scope| {
        let run = |n: u8| Directory::open(folder.path()).unwrap().advance(None, Digest::of(&[n])).is_ok();
        let runs: Vec<_> = (0..8).map(|n| scope.spawn(move || run(n))).collect();
        runs.into_iter().filter_map(|it| it.join().unwrap().then_some(())).count()
    });
    assert_eq!(won, 1);
}

#[test]
fn the_bytes_of_a_fixed_generation_never_change() {
    let digest = Digest::of_json(&generation(1, None));
    assert_eq!(digest.to_string(), "73fec83eb4e5fa0377815f128c9d399a6db11613be219ae99506f6c9a9936bed");
}

#[test]
fn a_lease_names_its_holder_and_is_free_when_dropped() {
    let folder = TempDir::new().unwrap();
    let lease = Lease::acquire(folder.path(), "process 4711, mops script shop.rhai").unwrap();
    let error = Lease::acquire(folder.path(), "process 4712, mops destroy").unwrap_err();
    assert!(matches!(&error, LeaseError::Held { by } if by == "process 4711, mops script shop.rhai"));
    drop(lease);
    assert!(Lease::acquire(folder.path(), "process 4712").is_ok());
}
