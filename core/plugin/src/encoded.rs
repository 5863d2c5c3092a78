//! What a message of the [`door`](crate::door) carries as bytes of its own: encoded once a run, however many plugins are
//! told it, and decoded once by a plugin that is told it again.
//!
//! **Invariant:** remembering changes nothing but the time that it takes: equal bytes are equal values.

use std::{borrow::Cow, cell::RefCell, fmt, marker::PhantomData, rc::Rc, thread::LocalKey};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, Visitor},
};

use crate::door;

/// A `T` as `MessagePack` with named fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded<'a, T> {
    bytes: Cow<'a, [u8]>,
    of: PhantomData<fn() -> T>,
}

/// The last `T` that a thread was told, and its bytes.
pub(crate) struct Last<T>(RefCell<Option<(Vec<u8>, Rc<T>)>>);

impl<T: Serialize> Encoded<'static, T> {
    /// Encodes `value`.
    ///
    /// # Panics
    /// Never: what plugins are told is plain data.
    pub fn of(value: &T) -> Self {
        let bytes = rmp_serde::to_vec_named(value).expect("plain data serializes");
        Self { bytes: Cow::Owned(bytes), of: PhantomData }
    }
}

impl<T> Encoded<'_, T> {
    /// The same bytes, lent.
    pub(crate) fn lent(&self) -> Encoded<'_, T> {
        Encoded { bytes: Cow::Borrowed(&self.bytes), of: PhantomData }
    }
}

impl<T: DeserializeOwned> Encoded<'_, T> {
    /// What it encodes, from `last` where it is the same.
    ///
    /// # Errors
    /// When it is no `T`.
    pub(crate) fn decoded(
        &self,
        last: &'static LocalKey<Last<T>>,
    ) -> Result<Rc<T>, rmp_serde::decode::Error> {
        last.with(|Last(last)| {
            let mut last = last.borrow_mut();
            if let Some((_, value)) = last.as_ref().filter(|(bytes, _)| *bytes == *self.bytes) {
                return Ok(Rc::clone(value));
            }
            let value = Rc::new(door::read(&self.bytes)?);
            *last = Some((self.bytes.to_vec(), Rc::clone(&value)));
            Ok(value)
        })
    }
}

impl<T> Last<T> {
    /// Of a thread that was told nothing yet.
    pub(crate) const fn none() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T> Serialize for Encoded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for Encoded<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Cow::Borrowed(deserializer.deserialize_bytes(Borrowed)?);
        Ok(Self { bytes, of: PhantomData })
    }
}

/// Bytes of the message itself.
struct Borrowed;

impl<'de> Visitor<'de> for Borrowed {
    type Value = &'de [u8];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes that encode a value")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    //! What is told again is not decoded again.

    use std::rc::Rc;

    use super::{Encoded, Last};

    thread_local! {
        static LAST: Last<String> = const { Last::none() };
    }

    #[test]
    fn what_is_told_again_is_decoded_once_and_what_is_new_is_new() {
        let told = |text: &str| Encoded::of(&text.to_owned()).decoded(&LAST).unwrap();
        let first = told("one");
        assert!(Rc::ptr_eq(&first, &told("one")));
        assert_eq!(*told("two"), "two");
        assert_eq!(*told("one"), "one");
    }

    #[test]
    fn what_cannot_be_read_is_an_error_each_time() {
        let number = Encoded::<u32>::of(&7);
        let text = || Encoded::<String> { bytes: number.bytes.clone(), of: std::marker::PhantomData };
        assert!(text().decoded(&LAST).is_err());
        assert!(text().decoded(&LAST).is_err());
    }
}
