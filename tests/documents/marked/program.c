#include <stdio.h>
/**
 * The function's [MASK], in a comment
⟹ The function's [MASK], in a comment with stars. count the [MASK] of things. nothing at all
 * with stars.
 *
 * @param count the [MASK] of things
⟹ The function's [MASK], in a comment with stars. count the [MASK] of things. nothing at all
 * @return nothing at all
 */
int first(int count) {
    // One line after
    // another [MASK] line.
⟹ One line after another [MASK] line.
    /* In one [MASK] line. */
⟹ In one [MASK] line.
    char *text = "The city of [MASK].";
⟹ The city of [MASK].
    return [MASK];
⟹ return [MASK];
}
