//! The crate's [MASK].
⟹ The crate's [MASK].

/// Returns the [MASK] of
⟹ Returns the [MASK] of a thing.
/// a thing.
fn first() {
    /* A block of
       two [MASK] lines. */
⟹ A block of two [MASK] lines.
    let text = "The city of [MASK]."; // and its [MASK] comment
⟹ The city of [MASK].
⟹ and its [MASK] comment
}
