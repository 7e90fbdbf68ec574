"""The paragraph of the notebook that this project started with, and the eleven subwords that it masked."""

PARAGRAPH = (
    "After Abraham Lincoln won the November 1860 presidential election on an anti-slavery platform, an initial seven "
    "slave states declared their secession from the country to form the Confederacy. War broke out in April 1861 when "
    "secessionist forces attacked Fort Sumter in South Carolina, just over a month after Lincoln's inauguration."
)

ANSWERS = ("election", "seven", "from", "War", "out", "April", "1861", "Sum", "South", ",", "over")
"""In the paragraph's order; ``Sum`` is the first subword of ``Sumter``, the comma is the one after ``Carolina``."""


def answer_spans() -> list[tuple[int, int]]:
    """Return the span of each answer in the paragraph."""
    spans = []
    end = 0
    for answer in ANSWERS:
        start = PARAGRAPH.index("Carolina, " if answer == "," else answer, end)
        start += len("Carolina") if answer == "," else 0
        end = start + len(answer)
        spans.append((start, end))
    return spans
