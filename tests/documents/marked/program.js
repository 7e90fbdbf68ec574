/** Returns the [MASK] of it. */
⟹ Returns the [MASK] of it.
const text = `The city of ${name} is [MASK].`; // a [MASK] comment
⟹ The city of name is [MASK].
⟹ a [MASK] comment
const page = 'It\'s the [MASK] page';
⟹ It's the [MASK] page
