//! Did you mean?

/// The one of `known` that `wanted` most likely meant, if any is near: at most a third of its letters differ.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bound = |it: &str| (it.len().max(wanted.len()) / 3).max(1);
    known
        .into_iter()
        .map(|it| (strsim::damerau_levenshtein(wanted, it), it))
        .filter(|(distance, it)| *distance <= bound(it))
        .min()
        .map(|(_, it)| it)
}
